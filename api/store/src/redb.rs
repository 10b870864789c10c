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
mod recovering;
mod tables;
mod watched;

use crate::backup::Writer;
use crate::{Batch, Candidate, Key, Leadership, Record, Store, StoreError, Term, own};
use ::redb::{ReadableDatabase, StorageBackend};
use recovering::{Fault, Recovering};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A store in one file.
#[derive(Debug)]
pub struct RedbStore {
    database: Recovering,
    leads: Mutex<Option<Leadership>>,
}

impl RedbStore {
    /// Opens the store in this file, and creates it where there is none: the file for its owner's eyes only, and
    /// likewise the directories that it needs.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Damaged`] or [`StoreError::CannotOpen`].
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let place = file.display().to_string();
        file::make_if_missing(file, &place)?;
        let (path, name) = (file.to_owned(), place.clone());
        Self::on(move || file::open(&path, &name), &place)
    }

    /// Opens the store on whatever holds its bytes, which `place` names; `bytes` opens it, again after a failed write. Where
    /// that is empty a store is made, and a crash before this has returned may leave something that is none.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn on<B: StorageBackend>(
        bytes: impl Fn() -> Result<B, StoreError> + Send + Sync + 'static,
        place: &str,
    ) -> Result<Self, StoreError> {
        Ok(Self { database: Recovering::new(bytes, place)?, leads: Mutex::new(None) })
    }

    /// Begins a term, beyond every one that is kept, and `least` at least.
    pub(crate) fn begin(&self, candidate: &Candidate, least: Term) -> Result<Term, StoreError> {
        let beyond = own::read_terms(self.get(&own::terms())?.as_deref())?;
        let mut leads = self.leads();
        let term = self.database.with(|database| {
            let writing = database.begin_write()?;
            let term = least.max(Term(tables::term(&writing)?.max(beyond).0 + 1));
            tables::set_term(&writing, term)?;
            writing.commit()?;
            Ok(term)
        })?;
        *leads = Some(Leadership { term, leader: candidate.clone() });
        Ok(term)
    }

    fn leads(&self) -> MutexGuard<'_, Option<Leadership>> {
        // What it protects is replaced in one step, so a panic elsewhere leaves it whole.
        self.leads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, term: Term) -> Result<(), StoreError> {
        let leads = self.leads().as_ref().is_some_and(|leadership| leadership.term == term);
        if leads { Ok(()) } else { Err(StoreError::Superseded) }
    }
}

impl Store for RedbStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.with(|database| Ok(tables::get(&database.begin_read()?, key)?))
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        self.database.with(|database| {
            let mut records = Vec::new();
            tables::each(&database.begin_read()?, prefix, after, most, &mut |record| {
                records.push(record);
                Ok(())
            })?;
            Ok(records)
        })
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        self.check(term)?;
        if batch.is_empty() {
            return Ok(());
        }
        self.database.with(|database| {
            // One writer at a time: this waits for the others, and for a campaign, whose term is then in the file.
            let writing = database.begin_write()?;
            if tables::term(&writing)? != term {
                return Err(Fault::Store(StoreError::Superseded));
            }
            tables::write(&writing, batch)?;
            Ok(writing.commit()?)
        })
    }

    fn campaign(&self, candidate: &Candidate, _wait: Duration) -> Result<Option<Term>, StoreError> {
        self.begin(candidate, Term(0)).map(Some)
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
        self.database.with(|database| {
            let snapshot = database.begin_read()?;
            let schema = own::read_schema(tables::get(&snapshot, &own::schema())?.as_deref());
            let beyond = own::read_terms(tables::get(&snapshot, &own::terms())?.as_deref());
            let last = tables::last_term(&snapshot)?.max(beyond.map_err(Fault::Store)?);
            let mut backup = Writer::begin(out, schema.map_err(Fault::Store)?, last).map_err(Fault::Store)?;
            tables::each(&snapshot, &Key::of(&[]), None, usize::MAX, &mut |record| backup.record(record))?;
            backup.end().map_err(Fault::Store)
        })
    }
}
