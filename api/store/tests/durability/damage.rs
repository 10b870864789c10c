//! A file that somebody else has written into: it is refused, or reads as it was; never a panic, never something else.
use lifeboat_store::{Batch, Candidate, Key, Options, Record, Store, StoreAddress, StoreError, open};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn open_file(file: &Path) -> Result<Box<dyn Store>, StoreError> {
    open(&StoreAddress::File(file.to_owned()), &Options::default())
}

fn everything(store: &dyn Store) -> Result<Vec<Record>, StoreError> {
    store.scan(&Key::of(&[]), None, usize::MAX)
}

fn filled(file: &Path) -> Vec<Record> {
    let store = open_file(file).expect("it opens");
    let us = Candidate { name: "damage".to_owned(), address: String::new() };
    let term = store.campaign(&us, Duration::ZERO).expect("a campaign").expect("a term");
    for number in 0..50 {
        let mut batch = Batch::default();
        batch.put(Key::numbered(&["some"], number), vec![number as u8; 300]);
        store.commit(term, &batch).expect("a commit");
    }
    everything(&*store).expect("a scan")
}

#[test]
fn a_changed_byte_is_found_or_does_not_matter() {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, copy) = (directory.path().join("store.redb"), directory.path().join("copy.redb"));
    let records = filled(&file);
    let bytes = fs::read(&file).expect("it is there");
    let mut refused = 0;
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    for at in used.iter().step_by(used.len() / 150) {
        let mut damaged = bytes.clone();
        damaged[*at] ^= 0x41;
        fs::write(&copy, &damaged).expect("it is ours");
        match open_file(&copy).and_then(|store| everything(&*store)) {
            Ok(kept) => assert!(kept == records, "byte {at}: something else is read"),
            Err(StoreError::Damaged(why)) => {
                assert!(why.contains("copy.redb"), "{why}");
                refused += 1;
            }
            Err(fault) => panic!("byte {at}: {fault:?}"),
        }
    }
    assert!(refused > 20, "{refused} were found");
}

#[test]
fn a_file_that_was_cut_short_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, copy) = (directory.path().join("store.redb"), directory.path().join("copy.redb"));
    let records = filled(&file);
    let bytes = fs::read(&file).expect("it is there");
    for part in 1..20 {
        fs::write(&copy, &bytes[..bytes.len() * part / 20]).expect("it is ours");
        match open_file(&copy).and_then(|store| everything(&*store)) {
            Ok(kept) => assert!(kept == records, "{part} of 20: something else is read"),
            Err(StoreError::Damaged(_)) => {}
            Err(fault) => panic!("{part} of 20: {fault:?}"),
        }
    }
}
