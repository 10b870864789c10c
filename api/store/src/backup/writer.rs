//! Writes a backup, record by record.
use super::line::{FORMAT, First, Kept, Last, hex};
use crate::{Record, StoreError, Term, own};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{BufWriter, Write};

/// A backup in the making.
pub(crate) struct Writer<'a> {
    out: BufWriter<GzEncoder<&'a mut dyn Write>>,
    digest: Sha256,
    records: u64,
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("records", &self.records).finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    /// Begins it, with the schema of what is kept, and a term that no term has been beyond.
    pub(crate) fn begin(out: &'a mut dyn Write, schema: u32, term: Term) -> Result<Self, StoreError> {
        let out = BufWriter::new(GzEncoder::new(out, Compression::fast()));
        let mut writer = Self { out, digest: Sha256::new(), records: 0 };
        writer.line(&First { format: FORMAT.to_owned(), schema, term: term.0 })?;
        Ok(writer)
    }

    /// Adds a record; the store's own are left out.
    pub(crate) fn record(&mut self, record: Record) -> Result<(), StoreError> {
        if record.key.is_under(&own::all()) {
            return Ok(());
        }
        self.records += 1;
        self.line(&Kept::of(record))
    }

    /// Ends it. A backup without its end is none.
    pub(crate) fn end(mut self) -> Result<(), StoreError> {
        let last = Last { records: self.records, sha256: hex(&self.digest.clone().finalize()) };
        self.line(&last)?;
        let gzip = self.out.into_inner().map_err(|fault| unwritable(&fault.into_error()))?;
        let out = gzip.finish().map_err(|fault| unwritable(&fault))?;
        out.flush().map_err(|fault| unwritable(&fault))
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(line).expect("texts and numbers have a JSON form");
        text.push(b'\n');
        self.digest.update(&text);
        self.out.write_all(&text).map_err(|fault| unwritable(&fault))
    }
}

fn unwritable(fault: &std::io::Error) -> StoreError {
    StoreError::BadBackup(format!("it cannot be written: {fault}"))
}
