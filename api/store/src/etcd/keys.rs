//! Our keys in etcd. All begin with the prefix that is configured, `/lifeboat/` by default.
//!
//! | key | says |
//! | --- | --- |
//! | `r/...` | a record |
//! | `leader` | who leads, bound to its lease; its create revision makes the term |
//! | `began` | put when a term begins; its mod revision is the create revision of the last leader |
//! | `commit` | the lease of the leader, and the number of the last commit made under it |
//! | `journal/decided` | a batch that is decided and not yet applied in full: where its parts are, and which is next |
//! | `journal/part/...` | a part of it |
use super::wire::{DeleteRange, Operation, Range};
use super::{effects::beyond, wire::Bytes};
use crate::Key;

/// Names of our keys.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
    records: Vec<u8>,
}

impl Keys {
    /// Below this prefix, which ends with `/`.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), records: format!("{prefix}r/").into_bytes() }
    }

    fn named(&self, name: &str) -> Bytes {
        Bytes(format!("{}{name}", self.prefix).into_bytes())
    }

    pub(super) fn leader(&self) -> Bytes {
        self.named("leader")
    }

    pub(super) fn began(&self) -> Bytes {
        self.named("began")
    }

    pub(super) fn commit(&self) -> Bytes {
        self.named("commit")
    }

    pub(super) fn decided(&self) -> Bytes {
        self.named("journal/decided")
    }

    /// What the parts of a batch lie under.
    pub(super) fn parts(&self, batch: &str) -> Bytes {
        self.named(&format!("journal/part/{batch}/"))
    }

    pub(super) fn part(&self, batch: &str, number: usize) -> Bytes {
        self.named(&format!("journal/part/{batch}/{number:06}"))
    }

    /// What all parts of all batches lie under.
    pub(super) fn all_parts(&self) -> Bytes {
        self.named("journal/part/")
    }

    /// What all records lie under.
    pub(super) fn records(&self) -> &[u8] {
        &self.records
    }

    pub(super) fn record(&self, key: &Key) -> Bytes {
        Bytes([&self.records, key.as_bytes()].concat())
    }

    /// The key of a record, of its name in etcd.
    pub(super) fn key(&self, name: &Bytes) -> Option<Key> {
        name.0.strip_prefix(self.records.as_slice()).map(Key::from_bytes)
    }
}

/// Reads one key.
pub(super) fn read(key: Bytes) -> Operation {
    Operation::Range(Range { key, ..Range::default() })
}

/// Deletes one key.
pub(super) fn delete(key: Bytes) -> Operation {
    Operation::Delete(DeleteRange { key, end: None })
}

/// Deletes everything with this prefix.
pub(super) fn delete_all(prefix: Bytes) -> Operation {
    let end = Bytes(beyond(&prefix.0));
    Operation::Delete(DeleteRange { key: prefix, end: Some(end) })
}
