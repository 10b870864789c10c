//! Random batches, with the store closed and opened in between, against a map in memory.
use lifeboat_store::{Batch, Candidate, Key, Options, Record, Store, StoreAddress, Term, Write, open};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Act {
    Write(Batch),
    Reopen,
    Campaign,
    /// Scans pages of this size below this key.
    Scan(Key, usize),
}

/// Few names, so that keys meet; some begin like others, and some bytes are no text.
fn a_key() -> impl Strategy<Value = Key> {
    let name = prop::sample::select(vec!["a", "b", "ab", "a-b", "ü", "\u{10FFFF}"]);
    let named = prop::collection::vec(name, 1..4).prop_map(|names| Key::of(&names));
    let bytes = prop::collection::vec(prop::sample::select(vec![0, 1, 0x61, 0xFE, 0xFF]), 0..4);
    prop_oneof![4 => named, 1 => bytes.prop_map(Key::from_bytes)]
}

fn a_write() -> impl Strategy<Value = Write> {
    let value = prop::collection::vec(any::<u8>(), 0..50);
    let under = a_key().prop_filter("all of it is not ours to delete", |key| !key.as_bytes().is_empty());
    prop_oneof![
        5 => (a_key(), value).prop_map(|(key, value)| Write::Put(Record { key, value })),
        2 => a_key().prop_map(Write::Delete),
        1 => under.prop_map(Write::DeleteUnder),
    ]
}

fn an_act() -> impl Strategy<Value = Act> {
    let batch = prop::collection::vec(a_write(), 0..12).prop_map(|writes| Act::Write(Batch { writes }));
    prop_oneof![
        6 => batch,
        1 => Just(Act::Reopen),
        1 => Just(Act::Campaign),
        3 => (a_key(), 1..5_usize).prop_map(|(key, most)| Act::Scan(key, most)),
    ]
}

#[derive(Debug, Default)]
struct Oracle(BTreeMap<Vec<u8>, Vec<u8>>);

impl Oracle {
    fn write(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match write {
                Write::Put(record) => {
                    drop(self.0.insert(record.key.as_bytes().to_vec(), record.value.clone()));
                }
                Write::Delete(key) => drop(self.0.remove(key.as_bytes())),
                Write::DeleteUnder(key) => self.0.retain(|kept, _| !kept.starts_with(key.as_bytes())),
            }
        }
    }

    fn below(&self, prefix: &Key) -> Vec<(Vec<u8>, Vec<u8>)> {
        let below = self.0.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes()));
        below.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn by_pages(store: &dyn Store, prefix: &Key, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let after = all.last().map(|record| record.key.clone());
        let page = store.scan(prefix, after.as_ref(), most).expect("a scan");
        assert!(page.len() <= most);
        if page.is_empty() {
            return all.into_iter().map(|record| (record.key.as_bytes().to_vec(), record.value)).collect();
        }
        all.extend(page);
    }
}

fn lead(store: &dyn Store) -> Term {
    let us = Candidate { name: "oracle".to_owned(), address: String::new() };
    store.campaign(&us, Duration::ZERO).expect("a campaign").expect("nobody else leads")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_keeps_what_a_map_would(acts in prop::collection::vec(an_act(), 1..25)) {
        let directory = tempfile::tempdir().expect("a directory");
        let address = StoreAddress::File(directory.path().join("store.redb"));
        let again = || open(&address, &Options::default()).expect("it opens");
        let mut store = again();
        let mut term = lead(&*store);
        let mut oracle = Oracle::default();
        for act in acts {
            match act {
                Act::Write(batch) => {
                    store.commit(term, &batch).expect("a commit");
                    oracle.write(&batch);
                }
                Act::Reopen => {
                    drop(store);
                    store = again();
                    let next = lead(&*store);
                    prop_assert!(next > term);
                    term = next;
                }
                Act::Campaign => term = lead(&*store),
                Act::Scan(prefix, most) => prop_assert_eq!(by_pages(&*store, &prefix, most), oracle.below(&prefix)),
            }
            for key in oracle.0.keys().take(3) {
                let kept = store.get(&Key::from_bytes(key.clone())).expect("a read");
                prop_assert_eq!(kept.as_ref(), oracle.0.get(key));
            }
        }
        prop_assert_eq!(by_pages(&*store, &Key::of(&[]), 1_000), oracle.below(&Key::of(&[])));
    }
}
