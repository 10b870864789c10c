//! A disk that is full, and one that fails to sync: what is refused, and how it goes on.
use crate::disk::{Disk, Loss};
use lifeboat_store::redb::RedbStore;
use lifeboat_store::{Batch, Candidate, Key, Store, StoreError, Term, Versioned};
use std::time::Duration;

fn opened(disk: &Disk) -> (Versioned, Term) {
    let store = RedbStore::on(disk.source(), "the disk").expect("it opens");
    let store = Versioned::new(Box::new(store)).expect("it opens");
    let us = Candidate { name: "full".to_owned(), address: String::new() };
    let term = store.campaign(&us, Duration::ZERO).expect("a campaign").expect("nobody else leads");
    (store, term)
}

fn batch(number: u64) -> Batch {
    let mut batch = Batch::default();
    batch.put(Key::numbered(&["log"], number), vec![number as u8; 5_000]);
    batch
}

fn kept(store: &dyn Store) -> Vec<u8> {
    let records = store.scan(&Key::of(&["log"]), None, usize::MAX).expect("a scan");
    records.iter().map(|record| record.value[0]).collect()
}

#[test]
fn a_full_disk_refuses_changes_and_takes_them_again_when_there_is_room() {
    let disk = Disk::of(Vec::new(), u64::MAX);
    let (store, term) = opened(&disk);
    store.commit(term, &batch(1)).expect("a commit");
    disk.fill(true);
    for _ in 0..3 {
        let refused = store.commit(term, &batch(2));
        assert!(
            matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("the disk")),
            "{refused:?}"
        );
    }
    disk.fill(false);
    assert_eq!(kept(&store), [1], "what was refused before anything was written is not there");
    store.commit(term, &batch(3)).expect("the term goes on");
    assert_eq!(kept(&store), [1, 3]);
    drop(store);
    let again = Disk::of(disk.after(Loss::Everything), u64::MAX);
    assert_eq!(kept(&opened(&again).0), [1, 3]);
}

#[test]
fn after_a_failed_sync_nothing_is_believed() {
    let disk = Disk::of(Vec::new(), u64::MAX);
    let (store, term) = opened(&disk);
    store.commit(term, &batch(1)).expect("a commit");
    disk.fail_one_sync();
    for attempt in 0..3 {
        let refused = store.commit(term, &batch(2));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "attempt {attempt}: {refused:?}");
    }
    let refused = store.get(&Key::of(&["log"]));
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("start again")),
        "{refused:?}"
    );
    drop(store);
    assert!(
        [vec![1], vec![1, 2]].contains(&kept(&opened(&disk).0)),
        "it is verified when it is opened again"
    );
}
