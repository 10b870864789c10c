//! What a metadata volume promises beyond every store: of late writes, crashes of a takeover, damage, and what it is made on.
mod crash;
mod disk;
mod late;
mod made;
mod speed;
mod terms;

use disk::Disk;
use lifeboat_store::volume::{Tenure, format_on};
use lifeboat_store::{Batch, Candidate, Key, Store, StoreError, Term, VolumeStore};
use std::sync::Arc;
use std::time::Duration;

const POOL: [u8; 16] = [7; 16];

/// A disk with an empty volume.
fn formatted() -> Disk {
    let disk = Disk::new();
    format_on(&Arc::new(disk.clone()), POOL, false, "test").expect("it is empty");
    disk
}

fn open(disk: &Disk, epoch: u64) -> Result<VolumeStore, StoreError> {
    VolumeStore::on(Arc::new(disk.clone()), Tenure { pool: POOL, epoch }, "test")
}

fn lead(store: &VolumeStore) -> Term {
    let us = Candidate { name: "h1".to_owned(), address: String::new() };
    store.campaign(&us, Duration::ZERO).expect("a campaign").expect("nobody else leads")
}

fn key(name: &str) -> Key {
    Key::of(&["test", name])
}

fn put(store: &VolumeStore, term: Term, name: &str, value: &str) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(key(name), value.as_bytes().to_vec());
    store.commit(term, &batch)
}

fn kept(store: &VolumeStore, name: &str) -> Option<String> {
    store.get(&key(name)).expect("a read").map(|value| String::from_utf8(value).expect("text"))
}
