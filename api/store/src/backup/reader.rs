//! Reads a backup, and believes nothing of it before its last line.
use super::line::{FORMAT, First, Kept, Last, hex};
use crate::{Key, Record, StoreError, Term, limits::MOST_RECORD_BYTES, own};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{BufRead, BufReader, Read};

/// The most bytes of a line: every byte of the largest record as `\u0000`, and room for the rest.
const MOST_LINE_BYTES: u64 = 6 * MOST_RECORD_BYTES as u64 + 1_000;

/// A backup being read.
pub struct Reader<'a> {
    lines: BufReader<MultiGzDecoder<&'a mut dyn Read>>,
    digest: Sha256,
    records: u64,
    last_key: Option<Key>,
    schema: u32,
    term: Term,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, term, records, .. } = self;
        f.debug_struct("Reader")
            .field("schema", schema)
            .field("term", term)
            .field("records", records)
            .finish()
    }
}

impl<'a> Reader<'a> {
    /// Reads its first line.
    ///
    /// # Errors
    /// [`StoreError::BadBackup`] if it is none.
    pub fn begin(from: &'a mut dyn Read) -> Result<Self, StoreError> {
        let lines = BufReader::new(MultiGzDecoder::new(from));
        let (digest, term) = (Sha256::new(), Term(0));
        let mut reader = Self { lines, digest, records: 0, last_key: None, schema: 0, term };
        let line = reader.line()?;
        let first: First = serde_json::from_slice(&line).map_err(|_| bad("it does not begin like one"))?;
        if first.format != FORMAT {
            return Err(bad(&format!("its format is {:?}, and this version reads {FORMAT:?}", first.format)));
        }
        reader.digest.update(&line);
        (reader.schema, reader.term) = (first.schema, Term(first.term));
        Ok(reader)
    }

    /// The schema of its records.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// A term that none was beyond when it was made.
    pub fn term(&self) -> Term {
        self.term
    }

    /// How many records were read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The next record; none at its end. Only then is it known that all records before were right.
    ///
    /// # Errors
    /// [`StoreError::BadBackup`] if it is damaged.
    pub fn record(&mut self) -> Result<Option<Record>, StoreError> {
        let line = self.line()?;
        if let Ok(kept) = serde_json::from_slice::<Kept>(&line) {
            self.digest.update(&line);
            self.records += 1;
            let record = kept.into_record().filter(|record| self.may_follow(&record.key));
            let record = record.ok_or_else(|| bad(&format!("its record {} is none", self.records)))?;
            self.last_key = Some(record.key.clone());
            return Ok(Some(record));
        }
        let last: Last = serde_json::from_slice(&line)
            .map_err(|_| bad(&format!("what follows its record {} is none", self.records)))?;
        self.end(&last)?;
        Ok(None)
    }

    fn may_follow(&self, key: &Key) -> bool {
        self.last_key.as_ref().is_none_or(|last| last < key) && !key.is_under(&own::all())
    }

    fn end(&mut self, last: &Last) -> Result<(), StoreError> {
        if last.records != self.records {
            return Err(bad(&format!("it has {} of {} records", self.records, last.records)));
        }
        if last.sha256 != hex(&self.digest.clone().finalize()) {
            return Err(bad("its checksum is wrong"));
        }
        let beyond = self.lines.fill_buf().map_err(|fault| unreadable(&fault))?;
        if beyond.is_empty() { Ok(()) } else { Err(bad("something follows its end")) }
    }

    fn line(&mut self) -> Result<Vec<u8>, StoreError> {
        let mut line = Vec::new();
        let mut most = (&mut self.lines).take(MOST_LINE_BYTES);
        most.read_until(b'\n', &mut line).map_err(|fault| unreadable(&fault))?;
        if line.last() == Some(&b'\n') { Ok(line) } else { Err(bad("it was cut short")) }
    }
}

fn unreadable(fault: &std::io::Error) -> StoreError {
    bad(&format!("it cannot be read: {fault}"))
}

fn bad(why: &str) -> StoreError {
    StoreError::BadBackup(why.to_owned())
}
