//! Records of an older version are brought to the newest when somebody leads; those of a newer are left alone.
use crate::disk::{Disk, Loss};
use lifeboat_store::redb::RedbStore;
use lifeboat_store::{Batch, Candidate, Key, Migration, Store, StoreError, Term, Versioned};
use std::time::Duration;

/// A made-up history: names were once spelt small, and had no colour.
const HISTORY: &[Migration] = &[
    Migration {
        what: "names in capitals",
        step: |records| {
            for value in records.values_mut() {
                let name = str::from_utf8(value).map_err(|_| "a name is no text".to_owned())?;
                *value = name.to_uppercase().into_bytes();
            }
            Ok(())
        },
    },
    Migration {
        what: "a record of the colour; short names are forgotten",
        step: |records| {
            records.retain(|_, value| value.len() > 1);
            records.insert(Key::of(&["colour"]), b"red".to_vec());
            Ok(())
        },
    },
];

fn bare(disk: &Disk) -> RedbStore {
    RedbStore::on(disk.source(), "the disk").expect("it opens")
}

fn lead(store: &dyn Store) -> Result<Term, StoreError> {
    let us = Candidate { name: "migration".to_owned(), address: String::new() };
    Ok(store.campaign(&us, Duration::ZERO)?.expect("nobody else leads"))
}

/// A store as version 0 left it: records, and no schema.
fn of_version_0(names: &[&[u8]]) -> Disk {
    let disk = Disk::of(Vec::new(), u64::MAX);
    let store = bare(&disk);
    let term = lead(&store).expect("a term");
    let mut batch = Batch::default();
    for (number, name) in names.iter().enumerate() {
        batch.put(Key::numbered(&["names"], number as u64), name.to_vec());
    }
    store.commit(term, &batch).expect("a commit");
    drop(store);
    disk
}

fn everything(store: &dyn Store) -> Vec<String> {
    let records = store.scan(&Key::of(&[]), None, usize::MAX).expect("a scan");
    let shown = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
    records.into_iter().map(|record| format!("{:?} {}", record.key, shown(record.value))).collect()
}

const NEW: [&str; 2] = ["colour red", "names/00000000000000000000 BERT"];

#[test]
fn an_older_store_is_migrated_when_somebody_leads() {
    let disk = of_version_0(&[b"bert", b"x"]);
    let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
    assert_eq!(everything(&store).len(), 2, "whoever does not lead changes nothing");
    lead(&store).expect("a term");
    assert_eq!(everything(&store), NEW);
    drop(store);
    // Each step is made once: a second time the name of the colour would be in capitals.
    let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
    lead(&store).expect("a term");
    assert_eq!(everything(&store), NEW);
}

#[test]
fn a_store_of_the_version_between_takes_the_steps_that_are_left() {
    let disk = of_version_0(&[b"bert", b"x"]);
    lead(&Versioned::with_migrations(Box::new(bare(&disk)), &HISTORY[..1]).expect("it opens"))
        .expect("a term");
    let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
    assert_eq!(everything(&store)[0], "names/00000000000000000000 BERT");
    lead(&store).expect("a term");
    assert_eq!(everything(&store), NEW);
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let disk = of_version_0(&[b"bert", b"x"]);
    lead(&Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens")).expect("a term");
    for older in 0..2 {
        let opened = Versioned::with_migrations(Box::new(bare(&disk)), &HISTORY[..older]);
        assert!(
            matches!(opened, Err(StoreError::TooNew { found: 2, known }) if known as usize == older),
            "{opened:?}"
        );
    }
    let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
    assert_eq!(everything(&store), NEW);
}

#[test]
fn a_migration_that_cannot_be_made_changes_nothing_and_leads_nobody() {
    let disk = of_version_0(&[b"bert", b"\xFF"]);
    let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
    let refused = lead(&store);
    assert!(matches!(&refused, Err(StoreError::Damaged(why)) if why == "a name is no text"), "{refused:?}");
    assert_eq!(store.leader().expect("an answer"), None);
    assert_eq!(everything(&store)[0], "names/00000000000000000000 bert");
}

#[test]
fn a_migration_that_is_torn_is_made_again() {
    let names: Vec<Vec<u8>> = (0..200).map(|number| format!("name {number}").into_bytes()).collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let before = of_version_0(&names).after(Loss::Everything);
    let migrate = |power_until| {
        let disk = Disk::of(before.clone(), power_until);
        let store = RedbStore::on(disk.source(), "the disk");
        let store = store.and_then(|store| Versioned::with_migrations(Box::new(store), HISTORY));
        (disk, store.and_then(|store| lead(&store)).is_ok())
    };
    let (whole, done) = migrate(u64::MAX);
    assert!(done);
    let mut torn = 0;
    for power_until in 0..whole.operations() {
        let (disk, _) = migrate(power_until);
        let disk = Disk::of(disk.after(Loss::Some(power_until)), u64::MAX);
        let kept = everything(&bare(&disk)).len();
        // 200 records before; after it, those, the colour and the schema.
        assert!(kept == 200 || kept == 202, "power for {power_until} operations: {kept} records");
        torn += usize::from(kept == 200);
        let store = Versioned::with_migrations(Box::new(bare(&disk)), HISTORY).expect("it opens");
        lead(&store).expect("a term");
        let now = everything(&store);
        assert_eq!((now.len(), now[1].as_str()), (201, "names/00000000000000000000 NAME 0"));
    }
    assert!(torn > 5, "{torn} were torn");
}
