//! The medium: what carries the pool's shared records. Two kinds, one trait. A cycle publishes the host's own
//! record and then reads everybody's; a proposal, if there is one, is worked on in the same cycles until it is
//! decided. What a medium guarantees, and what the safety argument builds on:
//!
//! * *Publish, then read.* The read of a cycle begins after the host's own record is durable. So of two hosts
//!   that each publish and then read, at least one sees the other's record.
//! * *One configuration a number.* If two hosts learn a decided configuration of the same number, it is the same.
//! * *Decided is visible.* Once [`Snapshot::newest`] of a host has shown a configuration, and that host has
//!   completed one more cycle, every cycle that any host begins later shows that one or a newer one.
//! * *Nothing is forgotten by starting anew.* The first cycle of a process reads what earlier processes of the host
//!   published, before it publishes anything.
pub mod either;
pub mod etcd;
#[cfg(test)]
mod explore;
#[cfg(test)]
mod samples;
pub mod statefile;

pub use etcd::EtcdMedium;
pub use statefile::StatefileMedium;

use crate::configuration::Configuration;
use crate::status::Status;
use alloc::{boxed::Box, string::String, vec::Vec};
use lifeboat_model::HostIndex;

/// One enablement of a pool on a medium: drawn at random each time that records are laid out anew, so that what is
/// left of another pool, or of an earlier life of this one, is never taken for this one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(pub [u8; 16]);

/// One request to the medium; at most one is under way at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Write these bytes at this offset of the statefile, durably.
    Write {
        /// Offset in bytes, a multiple of 4,096.
        offset: u64,
        /// What to write, whole blocks of 4,096 bytes.
        bytes: Box<[u8]>,
    },
    /// Read this range of the statefile.
    Read {
        /// Offset in bytes, a multiple of 4,096.
        offset: u64,
        /// Length in bytes, a multiple of 4,096.
        length: u64,
    },
    /// One transaction on etcd: if the guard holds, put all; then, guard or not, get the prefix.
    Transaction {
        /// The key whose modification revision must be this (0: the key does not exist).
        guard: Option<(String, i64)>,
        /// Keys and values to put if the guard holds.
        put_if: Vec<(String, Vec<u8>)>,
        /// Keys and values to put in any case.
        put: Vec<(String, Vec<u8>)>,
        /// Prefix of the keys to read after that.
        get_prefix: String,
    },
}

/// A key of etcd as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    /// The revision at which it was last modified.
    pub mod_revision: i64,
}

/// The answer to the request under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The write is durable.
    Written,
    /// What was read.
    Read(Box<[u8]>),
    /// The transaction is committed.
    Transaction {
        /// Whether the guard held.
        guard_held: bool,
        /// What stands under the prefix.
        values: Vec<KeyValue>,
    },
    /// The request failed; it may or may not have taken effect.
    Failed,
}

/// What a cycle does after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on with this request.
    Next(Request),
    /// The cycle is complete.
    Done(Snapshot),
    /// The cycle failed; nothing was learned, and the host's lease is not renewed by it.
    Failed(Fault),
}

/// Why a cycle failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The medium answered with an error.
    #[error("the medium answered with an error")]
    Input,
    /// What was just written is not what was read: a write was lost, or the read was stale.
    #[error("the medium does not show what was just written")]
    Stale,
    /// The medium belongs to another pool, or is of another version.
    #[error("the medium is not this pool's, or of another version")]
    Foreign,
    /// A host's record is damaged, again and again, so that what it has agreed to is unknown.
    #[error("a host's record on the medium is damaged")]
    Unreadable,
    /// A later process or boot, or a second machine, publishes as this host. This process publishes no more.
    #[error("a later process publishes as this host")]
    Superseded,
}

/// What a complete cycle learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Other hosts whose record has been published anew since the last snapshot, with what it says. In the first
    /// snapshot of a process that is every other host that has a record: when it was published nobody can tell,
    /// and to date it from its first reading errs on the safe side.
    pub renewed: Vec<(HostIndex, Status)>,
    /// The newest decided configuration, if it is newer than the last one shown.
    pub newest: Option<Configuration>,
    /// Whether the proposal handed to the cycle has been settled: by its own decision or by another's of the same
    /// number. Either way [`Self::newest`] shows what was decided.
    pub settled: bool,
}

/// A medium, driven by the protocol and by the answers that the shell brings.
pub trait Medium {
    /// Whether no request is under way.
    fn idle(&self) -> bool;

    /// Begins a cycle: publishes `own`, then reads. `proposal` is what the host wants decided next; it is worked on as
    /// long as it is handed in, and given up safely when it is not.
    ///
    /// To be called only when [`Self::idle`]. All calls are to be of one boot and process: a new process makes a new
    /// medium. A proposal must be numbered one above the newest configuration that the medium knows; any other is not worked
    /// on, and an older one is settled.
    fn begin(&mut self, own: &Status, proposal: Option<&Configuration>) -> Request;

    /// Takes the answer to the request under way.
    fn answered(&mut self, answer: Answer) -> Step;

    /// Takes a configuration that is known to be decided from elsewhere: from a host that heard of it by this
    /// pool's medium. It is published with the next cycle, and what it follows can be proposed at once.
    fn learned(&mut self, decided: &Configuration);

    /// The pool has room for so many hosts: their records are read from now on. Fewer than before: no effect.
    fn grown(&mut self, hosts: usize);
}
