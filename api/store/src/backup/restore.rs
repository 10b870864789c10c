//! Brings a backup back into an empty store.
//!
//! Records are written as they are read, so that a backup may be larger than memory. What is written first is a note
//! that a restore is under way, and the very last write takes it away: a store that has it is refused by everybody but
//! another restore, which begins anew.
use super::Reader;
use crate::{
    Batch, Candidate, Key, Options, Store, StoreAddress, StoreError, Term,
    address::open_bare,
    limits::{MOST_RECORD_BYTES, check},
    migrate::MIGRATIONS,
    own,
};
use std::io::Read;
use std::time::Duration;

/// How many records are written at once.
const BATCH: usize = 1_000;

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many records.
    pub records: u64,
    /// Their schema.
    pub schema: u32,
}

/// Restores a backup into the empty store at this address, of whatever kind.
///
/// # Errors
/// [`StoreError::NotEmpty`]; [`StoreError::BadBackup`] if the backup is damaged, and then the store is left empty;
/// [`StoreError::TooNew`] if a newer version wrote it; or what opening the store says.
pub fn restore(into: &StoreAddress, options: &Options, from: &mut dyn Read) -> Result<Restored, StoreError> {
    restore_into(&*open_bare(into, options)?, &into.to_string(), from)
}

/// The same into a store that is open, and bare: not inside a [`crate::Versioned`]. `name` is what it is called.
///
/// # Errors
/// As [`restore`].
pub fn restore_into(store: &dyn Store, name: &str, from: &mut dyn Read) -> Result<Restored, StoreError> {
    let mut reader = Reader::begin(from)?;
    let known = MIGRATIONS.len() as u32;
    if reader.schema() > known {
        return Err(StoreError::TooNew { found: reader.schema(), known });
    }
    let us = Candidate { name: "restore".to_owned(), address: String::new() };
    let wait = store.lease().unwrap_or_default() + Duration::from_secs(1);
    let term = store.campaign(&us, wait)?.ok_or_else(|| StoreError::InUse(name.to_owned()))?;
    let restored = in_term(store, term, name, &mut reader);
    let resigned = store.resign(term);
    let restored = restored?;
    resigned?;
    Ok(restored)
}

fn in_term(
    store: &dyn Store,
    term: Term,
    name: &str,
    reader: &mut Reader<'_>,
) -> Result<Restored, StoreError> {
    begin(store, term, name)?;
    let written = write_all(store, term, reader);
    if let Err(StoreError::BadBackup(why)) = written {
        let mut batch = Batch::default();
        batch.delete_under(Key::of(&[]));
        store.commit(term, &batch)?;
        return Err(StoreError::BadBackup(why));
    }
    written?;
    let mut end = Batch::default();
    end.put(own::schema(), own::number(reader.schema().into()));
    end.put(own::terms(), own::number(reader.term().0));
    end.delete(own::restoring());
    store.commit(term, &end)?;
    Ok(Restored { records: reader.records(), schema: reader.schema() })
}

fn begin(store: &dyn Store, term: Term, name: &str) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    if store.get(&own::restoring())?.is_some() {
        batch.delete_under(Key::of(&[]));
    } else {
        let some = store.scan(&Key::of(&[]), None, own::MOST + 1)?;
        if some.iter().any(|record| !record.key.is_under(&own::all())) {
            return Err(StoreError::NotEmpty(name.to_owned()));
        }
    }
    batch.put(own::restoring(), Vec::new());
    store.commit(term, &batch)
}

fn write_all(store: &dyn Store, term: Term, reader: &mut Reader<'_>) -> Result<(), StoreError> {
    let (mut batch, mut bytes) = (Batch::default(), 0);
    while let Some(record) = reader.record()? {
        bytes += record.value.len();
        batch.put(record.key, record.value);
        if batch.writes.len() == BATCH || bytes > MOST_RECORD_BYTES {
            write(store, term, &batch)?;
            (batch, bytes) = (Batch::default(), 0);
        }
    }
    write(store, term, &batch)
}

fn write(store: &dyn Store, term: Term, batch: &Batch) -> Result<(), StoreError> {
    check(batch).map_err(|fault| StoreError::BadBackup(fault.to_string()))?;
    store.commit(term, batch)?;
    store.renew(term)
}
