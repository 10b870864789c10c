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
    /// It cannot be opened at all.
    #[error("{what} cannot be opened: {source}")]
    CannotOpen {
        /// What: a file, or an endpoint.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It answers, and wants other credentials, or lets these do too little.
    #[error(
        "the store refuses us: {0}; check the user, password and certificates that are configured for it"
    )]
    Refused(String),
    /// A record that is the store's own.
    #[error("the record {0} is the store's own: choose another name")]
    Reserved(String),
    /// Something is kept already where a backup should be restored to.
    #[error(
        "{0} is not empty, and a backup is restored into an empty store only: give another, or move it away"
    )]
    NotEmpty(String),
    /// A backup is damaged, or is none.
    #[error("the backup cannot be used: {0}; nothing of it was restored: take another")]
    BadBackup(String),
    /// Its address makes no sense.
    #[error("{0:?} is no store: give a file, volume:/dev/x, or etcd://host:port[,host:port...]")]
    BadAddress(String),
}
