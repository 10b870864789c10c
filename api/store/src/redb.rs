//! The embedded store: one file, which one process has open.
//!
//! [redb](https://docs.rs/redb) keeps a copy-on-write tree: a commit writes new pages beside the old ones, waits for the
//! disk, and then points the file's head at them. A crash or a torn write leaves the old head, and checksums tell which
//! one is whole. The whole file is verified whenever it is opened.
//!
//! Only one process can have the file open (the kernel holds the lock, and drops it however the process ends), so a
//! term needs no lease. Its number is kept in the file and rises with each campaign.
mod fault;
mod file;
mod tables;

use crate::backup::Writer;
use crate::{Batch, Candidate, Key, Leadership, Record, Store, StoreError, Term, own};
use ::redb::{Builder, Database, ReadableDatabase, StorageBackend};
use fault::into_fault;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Memory for pages of the file, read and not yet written. Pools are small: the largest has some ten MiB.
const CACHE_BYTES: usize = 32 << 20;

/// A store in one file.
pub struct RedbStore {
    database: Database,
    place: String,
    leads: Mutex<Option<Leadership>>,
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl RedbStore {
    /// Opens the store in this file, and creates it where there is none: the file for its owner's eyes only, and
    /// likewise the directories that it needs.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Damaged`] or [`StoreError::CannotOpen`].
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let place = file.display().to_string();
        let backend = file::open(file, &place)?;
        Self::on(backend, &place)
    }

    /// Opens the store on whatever holds its bytes, which `place` names. Where that is empty a store is made, and a crash
    /// before this has returned may leave something that is none.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn on(backend: impl StorageBackend, place: &str) -> Result<Self, StoreError> {
        let opened = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create_with_backend(backend);
        let database = opened.map_err(|fault| into_fault(place, fault))?;
        tables::make(&database).map_err(|fault| into_fault(place, fault))?;
        Ok(Self { database, place: place.to_owned(), leads: Mutex::new(None) })
    }

    fn leads(&self) -> std::sync::MutexGuard<'_, Option<Leadership>> {
        // What it protects is replaced in one step, so a panic elsewhere leaves it whole.
        self.leads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, fault: impl Into<::redb::Error>) -> StoreError {
        into_fault(&self.place, fault)
    }

    fn check(&self, term: Term) -> Result<(), StoreError> {
        let leads = self.leads().as_ref().is_some_and(|leadership| leadership.term == term);
        if leads { Ok(()) } else { Err(StoreError::Superseded) }
    }
}

impl Store for RedbStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let snapshot = self.database.begin_read().map_err(|fault| self.fault(fault))?;
        tables::get(&snapshot, key).map_err(|fault| self.fault(fault))
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        let snapshot = self.database.begin_read().map_err(|fault| self.fault(fault))?;
        let mut records = Vec::new();
        tables::each(&snapshot, prefix, after, most, &mut |record| {
            records.push(record);
            Ok(())
        })
        .map_err(|fault| fault.or(|fault| self.fault(fault)))?;
        Ok(records)
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        self.check(term)?;
        if batch.is_empty() {
            return Ok(());
        }
        // One writer at a time: this waits for the others, and for a campaign, whose term is then in the file.
        let writing = self.database.begin_write().map_err(|fault| self.fault(fault))?;
        if tables::term(&writing).map_err(|fault| self.fault(fault))? != term {
            return Err(StoreError::Superseded);
        }
        tables::write(&writing, batch).map_err(|fault| self.fault(fault))?;
        writing.commit().map_err(|fault| self.fault(fault))
    }

    fn campaign(&self, candidate: &Candidate, _wait: Duration) -> Result<Option<Term>, StoreError> {
        let beyond = own::read_terms(self.get(&own::terms())?.as_deref())?;
        let mut leads = self.leads();
        let writing = self.database.begin_write().map_err(|fault| self.fault(fault))?;
        let last = tables::term(&writing).map_err(|fault| self.fault(fault))?;
        let term = Term(last.max(beyond).0 + 1);
        tables::set_term(&writing, term).map_err(|fault| self.fault(fault))?;
        writing.commit().map_err(|fault| self.fault(fault))?;
        *leads = Some(Leadership { term, leader: candidate.clone() });
        Ok(Some(term))
    }

    fn renew(&self, term: Term) -> Result<(), StoreError> {
        self.check(term)
    }

    fn resign(&self, term: Term) -> Result<(), StoreError> {
        let mut leads = self.leads();
        if leads.as_ref().is_some_and(|leadership| leadership.term == term) {
            *leads = None;
        }
        Ok(())
    }

    fn leader(&self) -> Result<Option<Leadership>, StoreError> {
        Ok(self.leads().clone())
    }

    fn lease(&self) -> Option<Duration> {
        None
    }

    fn backup(&self, out: &mut dyn std::io::Write) -> Result<(), StoreError> {
        let snapshot = self.database.begin_read().map_err(|fault| self.fault(fault))?;
        let read = |key| tables::get(&snapshot, &key).map_err(|fault| self.fault(fault));
        let schema = own::read_schema(read(own::schema())?.as_deref())?;
        let beyond = own::read_terms(read(own::terms())?.as_deref())?;
        let term = tables::last_term(&snapshot).map_err(|fault| self.fault(fault))?;
        let mut backup = Writer::begin(out, schema, term.max(beyond))?;
        tables::each(&snapshot, &Key::of(&[]), None, usize::MAX, &mut |record| backup.record(record))
            .map_err(|fault| fault.or(|fault| self.fault(fault)))?;
        backup.end()
    }
}
