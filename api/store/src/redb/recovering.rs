//! A database that is opened anew after a write has failed, as on a full disk. Opening verifies the whole file, and finds
//! the last commit that is whole; whether that is the one that failed, whoever reads then sees.
use super::fault::into_fault;
use super::tables;
use super::watched::{SyncFailed, Watched};
use crate::StoreError;
use ::redb::{Builder, Database, Error, StorageBackend};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Memory for pages of the file, read and not yet written. Pools are small: the largest has some ten MiB.
const CACHE_BYTES: usize = 32 << 20;

type Open = dyn Fn() -> Result<Database, StoreError> + Send + Sync;

/// The database.
pub(super) struct Recovering {
    place: String,
    open: Box<Open>,
    /// None while it cannot be opened.
    database: RwLock<Option<Database>>,
    /// Whether it must be opened anew before anything else.
    broken: AtomicBool,
    sync_failed: SyncFailed,
}

impl fmt::Debug for Recovering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovering")
            .field("place", &self.place)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Recovering {
    /// The database on the bytes that `bytes` opens: now, and again after a fault.
    pub(super) fn new<B: StorageBackend>(
        bytes: impl Fn() -> Result<B, StoreError> + Send + Sync + 'static,
        place: &str,
    ) -> Result<Self, StoreError> {
        let sync_failed = SyncFailed::default();
        let (failed, name) = (sync_failed.clone(), place.to_owned());
        let open = Box::new(move || {
            let opened = Builder::new()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(Watched::new(bytes()?, failed.clone()));
            let database = opened.map_err(|fault| into_fault(&name, fault))?;
            tables::make(&database).map_err(|fault| into_fault(&name, fault))?;
            Ok(database)
        });
        let database = RwLock::new(Some(open()?));
        Ok(Self { place: place.to_owned(), open, database, broken: AtomicBool::new(false), sync_failed })
    }

    /// Does this with the database.
    pub(super) fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.mend()?;
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let done = match &*database {
            Some(database) => act(database),
            None => Err(Fault::Store(self.unavailable("it is being opened again"))),
        };
        done.map_err(|fault| match fault {
            Fault::Store(fault) => fault,
            Fault::File(fault) => {
                let fault = into_fault(&self.place, fault);
                if matches!(fault, StoreError::Unavailable(_)) {
                    self.broken.store(true, Ordering::Relaxed);
                }
                fault
            }
        })
    }

    fn mend(&self) -> Result<(), StoreError> {
        if !self.broken.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.sync_failed.is_so() {
            // What the kernel holds in memory may not be what the disk has, and it does not say.
            return Err(self.unavailable("the disk failed to take a write: look after it, then start again"));
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if self.broken.load(Ordering::Relaxed) {
            // Closed first: it holds the lock.
            *database = None;
            *database = Some((self.open)()?);
            self.broken.store(false, Ordering::Relaxed);
            tracing::info!(place = self.place, "the store was opened anew after a failed write");
        }
        Ok(())
    }

    fn unavailable(&self, why: &str) -> StoreError {
        StoreError::Unavailable(format!("{}: {why}", self.place))
    }
}

/// What can go wrong with a database.
pub(super) enum Fault {
    /// The file.
    File(Error),
    /// Something that has nothing to do with it.
    Store(StoreError),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(fault: E) -> Self {
        Self::File(fault.into())
    }
}
