//! The one trait that all stores have in common. Everything in it blocks: callers give it threads of its own.
use crate::{Batch, Key, Record, StoreError};
use std::fmt::Debug;
use std::io::Write;
use std::time::Duration;

/// A process that would lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name, for people.
    pub name: String,
    /// Where clients reach it, as a URL.
    pub address: String,
}

/// One leadership. Terms are numbered by the store; numbers only rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// Its term.
    pub term: Term,
    /// Who.
    pub leader: Candidate,
}

/// A place for records. See the crate for what it promises.
pub trait Store: Debug + Send + Sync {
    /// The record under this key.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first `most` records under `prefix` beyond `after`, in key order.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError>;

    /// Makes a batch durable, altogether or not at all, if `term` has not been superseded.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if it has; [`StoreError::Unavailable`] where it is not known whether the batch took effect.
    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError>;

    /// Tries to begin a term, and waits for it no longer than `wait`. With an embedded store the first attempt succeeds; with
    /// etcd it does when nobody else leads. None: somebody else leads still.
    ///
    /// # Errors
    /// If the store does not answer.
    fn campaign(&self, candidate: &Candidate, wait: Duration) -> Result<Option<Term>, StoreError>;

    /// Says that the leader of `term` still lives; to be called several times within [`Store::lease`]. Until it fails, nobody
    /// else begins a term for at least that long.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if the term is over.
    fn renew(&self, term: Term) -> Result<(), StoreError>;

    /// Ends a term at once, so that another may begin.
    ///
    /// # Errors
    /// If the store does not answer; the term then ends when its lease has run out.
    fn resign(&self, term: Term) -> Result<(), StoreError>;

    /// Who leads now, as far as the store knows.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn leader(&self) -> Result<Option<Leadership>, StoreError>;

    /// How long a leader lives without renewing; none: as long as its process.
    fn lease(&self) -> Option<Duration>;

    /// Writes everything that is kept, as of one moment, while others go on writing.
    ///
    /// # Errors
    /// If the store cannot be read or `out` cannot be written.
    fn backup(&self, out: &mut dyn Write) -> Result<(), StoreError>;
}
