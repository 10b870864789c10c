//! Why a store could not do what it was asked.

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A later term has begun: this process leads no more. Nothing of the batch took effect, nor ever will.
    #[error("another coordinator leads now: ask it instead")]
    Superseded,
    /// The store did not answer, or not in time. The batch took effect or did not; it must be read again to know.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The store holds what this version does not understand.
    #[error("the store has schema {found}, and this version knows up to {known}: run a newer lifeboat")]
    TooNew {
        /// The schema version found.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The store is damaged, or is none.
    #[error("the store cannot be used: {0}; restore a backup with `lifeboat store restore`")]
    Damaged(String),
    /// Another process has the store open.
    #[error("another process has {0} open: only one may")]
    InUse(String),
    /// A batch that no store takes.
    #[error("a batch of {0} is more than a store takes at once")]
    TooLarge(String),
    /// Its address makes no sense.
    #[error("{0:?} is no store: give a file, or etcd://host:port[,host:port...]")]
    BadAddress(String),
}
