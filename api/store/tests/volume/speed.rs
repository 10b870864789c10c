//! How long a takeover of a large database takes. Run with `--nocapture` to see the figure.
use super::{POOL, lead};
use lifeboat_store::volume::{DEFAULT_LENGTH, Tenure, format};
use lifeboat_store::{Batch, Key, Store, VolumeStore};
use std::time::Duration;

#[test]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn a_database_of_40_mib_is_taken_over_within_the_time_that_a_failover_has() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    std::fs::write(&path, b"").expect("it is ours");
    format(&path, 0, DEFAULT_LENGTH, POOL, false).expect("it is empty");
    let open = |epoch| {
        let began = std::time::Instant::now();
        let store = VolumeStore::open(&path, 0, DEFAULT_LENGTH, Tenure { pool: POOL, epoch });
        (store.expect("it opens"), began.elapsed())
    };
    let (store, empty) = open(1);
    let term = lead(&store);
    for round in 0..21 {
        let mut batch = Batch::default();
        for number in 0..1_750 {
            batch.put(Key::numbered(&["vm"], round * 1_750 + number), vec![number as u8; 600]);
        }
        store
            .commit(term, &batch)
            .expect("redb splits pages in halves: 21 MiB of records are some 40 MiB, which fit");
    }
    drop(store);
    let (store, full) = open(2);
    let records = store.scan(&Key::of(&["vm"]), None, usize::MAX).expect("a scan");
    assert_eq!(records.len(), 21 * 1_750);
    println!("takeover: empty {empty:?}, with 40 MiB of database (21 MiB of records) {full:?}");
    assert!(full < Duration::from_secs(20), "{full:?}");
}
