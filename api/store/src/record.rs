//! What is kept: records, and batches of writes to them.
use crate::Key;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it is kept.
    pub key: Key,
    /// What it says: bytes, of which the store knows nothing.
    pub value: Vec<u8>,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Keep this record, instead of what was kept under its key.
    Put(Record),
    /// Keep nothing under this key.
    Delete(Key),
    /// Keep nothing under this key, nor below it.
    DeleteUnder(Key),
}

/// Writes that take effect in their order, altogether or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The writes.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Keeps a record.
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.writes.push(Write::Put(Record { key, value }));
    }

    /// Forgets a record.
    pub fn delete(&mut self, key: Key) {
        self.writes.push(Write::Delete(key));
    }

    /// Forgets a record and all below it.
    pub fn delete_under(&mut self, key: Key) {
        self.writes.push(Write::DeleteUnder(key));
    }

    /// How many bytes are written, keys counted.
    pub fn bytes(&self) -> usize {
        self.writes
            .iter()
            .map(|write| match write {
                Write::Put(record) => record.key.as_bytes().len() + record.value.len(),
                Write::Delete(key) | Write::DeleteUnder(key) => key.as_bytes().len(),
            })
            .sum()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Adds the writes of another batch behind these.
    pub fn append(&mut self, mut other: Self) {
        self.writes.append(&mut other.writes);
    }
}
