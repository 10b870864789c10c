//! What a batch comes to: each key at most once, and in parts that one transaction of etcd can take.
//!
//! etcd refuses a transaction that writes a key twice, or that puts a key and deletes a range around it. So the writes of a
//! batch are first played through, and only what they come to is left: ranges to clear, and single keys to put or
//! delete. Where all of it fits into one transaction, ranges are cut in pieces around the keys that are put. Where it does
//! not, parts that clear come first and parts that put come after; they must be applied in this order, each once.
use super::wire::{Bytes, DeleteRange, Operation, Put};
use crate::{Batch, Key, Write};
use std::collections::BTreeMap;

/// The most operations of a part. etcd takes 128 by default, and our own come on top.
const MOST_OPERATIONS: usize = 100;
/// The most bytes of a part of several operations. etcd takes requests of 1.5 MiB by default, and a record has at most 1 MiB.
const MOST_BYTES: usize = 1 << 20;

/// What one transaction does.
pub(super) type Part = Vec<Operation>;

/// The parts of a batch, for records whose keys begin with `prefix` in etcd.
pub(super) fn parts(prefix: &[u8], batch: &Batch) -> Vec<Part> {
    let effects = Effects::of(batch);
    if effects.singles.len() <= MOST_OPERATIONS {
        let cut = effects.cut();
        let bytes: usize = cut.iter().map(Effect::bytes).sum();
        if cut.len() == 1 || cut.len() <= MOST_OPERATIONS && bytes <= MOST_BYTES {
            return vec![operations(prefix, &cut)];
        }
    }
    let cleared = effects.ranges.iter().map(|range| Effect::Clear(range.clone(), range.end())).collect();
    let single = effects.singles.into_iter().map(Effect::from).collect();
    [cleared, single].into_iter().flat_map(split).map(|part| operations(prefix, &part)).collect()
}

fn split(effects: Vec<Effect>) -> Vec<Vec<Effect>> {
    let mut parts: Vec<Vec<Effect>> = Vec::new();
    let mut bytes = 0;
    for effect in effects {
        let full = |part: &Vec<Effect>| part.len() >= MOST_OPERATIONS || bytes + effect.bytes() > MOST_BYTES;
        if parts.last().is_none_or(full) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += effect.bytes();
        parts.last_mut().expect("one was pushed").push(effect);
    }
    parts
}

fn operations(prefix: &[u8], effects: &[Effect]) -> Part {
    let named = |key: &[u8]| Bytes([prefix, key].concat());
    let one = |effect: &Effect| match effect {
        Effect::Put(key, value) => {
            Operation::Put(Put { key: named(key.as_bytes()), value: Bytes(value.clone()), lease: None })
        }
        Effect::Delete(key) => Operation::Delete(DeleteRange { key: named(key.as_bytes()), end: None }),
        Effect::Clear(from, to) => {
            let end = match to {
                Some(to) => named(to.as_bytes()),
                None => Bytes(beyond(prefix)),
            };
            Operation::Delete(DeleteRange { key: named(from.as_bytes()), end: Some(end) })
        }
    };
    effects.iter().map(one).collect()
}

/// What is beyond everything with this prefix.
pub(super) fn beyond(prefix: &[u8]) -> Vec<u8> {
    let end =
        Key::from_bytes(prefix).end().expect("a prefix is text, so none of its bytes is the last there is");
    end.as_bytes().to_vec()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    Put(Key, Vec<u8>),
    Delete(Key),
    /// From the first key to before the second.
    Clear(Key, Option<Key>),
}

impl Effect {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(key, value) => key.as_bytes().len() + value.len(),
            Self::Delete(key) => key.as_bytes().len(),
            Self::Clear(from, to) => from.as_bytes().len() + to.as_ref().map_or(0, |to| to.as_bytes().len()),
        }
    }
}

impl From<(Key, Option<Vec<u8>>)> for Effect {
    fn from((key, value): (Key, Option<Vec<u8>>)) -> Self {
        match value {
            Some(value) => Self::Put(key, value),
            None => Self::Delete(key),
        }
    }
}

#[derive(Debug, Default)]
struct Effects {
    /// What is cleared; none lies under another.
    ranges: Vec<Key>,
    /// What is put after that, or deleted.
    singles: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Effects {
    fn of(batch: &Batch) -> Self {
        let mut effects = Self::default();
        for write in &batch.writes {
            match write {
                Write::Put(record) => {
                    drop(effects.singles.insert(record.key.clone(), Some(record.value.clone())));
                }
                Write::Delete(key) if effects.clears(key) => drop(effects.singles.remove(key)),
                Write::Delete(key) => drop(effects.singles.insert(key.clone(), None)),
                Write::DeleteUnder(key) => effects.clear(key),
            }
        }
        effects
    }

    fn clears(&self, key: &Key) -> bool {
        self.ranges.iter().any(|range| key.is_under(range))
    }

    fn clear(&mut self, key: &Key) {
        let below: Vec<Key> = self.under(key).map(|(key, _)| key.clone()).collect();
        for key in below {
            self.singles.remove(&key);
        }
        if !self.clears(key) {
            self.ranges.retain(|range| !range.is_under(key));
            self.ranges.push(key.clone());
        }
    }

    fn under(&self, key: &Key) -> impl Iterator<Item = (&Key, &Option<Vec<u8>>)> {
        self.singles.range(key..).take_while(move |(single, _)| single.is_under(key))
    }

    /// Everything, with the ranges cut in pieces around the keys that are put, so that the order does not matter.
    fn cut(&self) -> Vec<Effect> {
        let mut effects: Vec<Effect> = self.singles.clone().into_iter().map(Effect::from).collect();
        for range in &self.ranges {
            let mut from = range.clone();
            for (key, _) in self.under(range) {
                if from < *key {
                    effects.push(Effect::Clear(from, Some(key.clone())));
                }
                from = successor(key);
            }
            let end = range.end();
            if end.as_ref().is_none_or(|end| from < *end) {
                effects.push(Effect::Clear(from, end));
            }
        }
        effects
    }
}

/// The key right after this one.
fn successor(key: &Key) -> Key {
    Key::from_bytes([key.as_bytes(), &[0]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::from_bytes(text)
    }

    fn cut(batch: &Batch) -> Vec<Effect> {
        Effects::of(batch).cut()
    }

    #[test]
    fn the_last_write_of_a_key_is_what_counts() {
        let mut batch = Batch::default();
        batch.put(key("a"), vec![1]);
        batch.put(key("b"), vec![1]);
        batch.put(key("a"), vec![2]);
        batch.delete(key("b"));
        assert_eq!(cut(&batch), [Effect::Put(key("a"), vec![2]), Effect::Delete(key("b"))]);
    }

    #[test]
    fn a_range_is_cleared_around_what_is_put_into_it_later() {
        let mut batch = Batch::default();
        batch.put(key("p/gone"), vec![1]);
        batch.delete_under(key("p/"));
        batch.put(key("p/b"), vec![2]);
        batch.delete(key("p/c"));
        batch.delete_under(key("p/d"));
        let expected = [
            Effect::Put(key("p/b"), vec![2]),
            Effect::Clear(key("p/"), Some(key("p/b"))),
            Effect::Clear(key("p/b\0"), Some(key("p0"))),
        ];
        assert_eq!(cut(&batch), expected);
    }

    #[test]
    fn a_wider_range_takes_the_narrower_in() {
        let mut batch = Batch::default();
        batch.delete_under(key("p/d"));
        batch.delete_under(key("p/"));
        assert_eq!(cut(&batch), [Effect::Clear(key("p/"), Some(key("p0")))]);
    }

    #[test]
    fn what_is_too_much_for_one_transaction_is_split_with_the_clearing_first() {
        let mut batch = Batch::default();
        batch.delete_under(key("p/"));
        for number in 0..250 {
            batch.put(Key::numbered(&["p/"], number), vec![0; 10]);
        }
        let parts = parts(b"/x/", &batch);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 100, 100, 50]);
        assert!(matches!(&parts[0][0], Operation::Delete(range) if range.key.0 == b"/x/p/"));
        assert!(parts[1..].iter().flatten().all(|operation| matches!(operation, Operation::Put(_))));
    }

    #[test]
    fn large_records_are_split_by_their_bytes() {
        let mut batch = Batch::default();
        for number in 0..4 {
            batch.put(Key::numbered(&["p"], number), vec![0; 600_000]);
        }
        assert_eq!(parts(b"/x/", &batch).iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1]);
    }

    #[test]
    fn clearing_everything_stays_below_the_prefix() {
        let mut batch = Batch::default();
        batch.delete_under(Key::of(&[]));
        let parts = parts(b"/x/r/", &batch);
        let [Operation::Delete(range)] = &parts[0][..] else { panic!("{parts:?}") };
        assert_eq!(
            (range.key.0.as_slice(), range.end.as_ref().map(|end| end.0.as_slice())),
            (&b"/x/r/"[..], Some(&b"/x/r0"[..]))
        );
    }
}
