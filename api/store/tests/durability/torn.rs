//! The power goes at every operation in turn, and takes what was not synced, all of it, nothing, or some sectors. What was
//! acknowledged is there when it comes back, and of the batch that was on its way everything or nothing.
use crate::disk::{Disk, Loss};
use lifeboat_store::redb::RedbStore;
use lifeboat_store::{Batch, Candidate, Key, Record, Store, StoreError, Term, Versioned};
use std::time::Duration;

/// Batches that a run tries to write.
const BATCHES: u64 = 24;

fn open(disk: &Disk) -> Result<Versioned, StoreError> {
    Versioned::new(Box::new(RedbStore::on(disk.source(), "the disk")?))
}

fn lead(store: &dyn Store) -> Result<Term, StoreError> {
    let us = Candidate { name: "torn".to_owned(), address: String::new() };
    Ok(store.campaign(&us, Duration::ZERO)?.expect("nobody else can lead"))
}

/// Some that only add, some that change what is there, some that clear it, some with records of several pages.
fn batch(number: u64) -> Batch {
    let mut batch = Batch::default();
    if number.is_multiple_of(7) {
        batch.delete_under(Key::of(&["some"]));
    }
    for at in 0..number % 5 {
        batch.put(Key::numbered(&["some"], at), vec![number as u8; 40 + 900 * (number % 4) as usize]);
    }
    if number.is_multiple_of(6) {
        batch.put(Key::of(&["large"]), vec![number as u8; 20_000]);
    }
    batch.put(Key::of(&["last"]), number.to_string().into_bytes());
    batch
}

/// Everything that is kept after so many batches.
fn expected(batches: u64) -> Vec<Record> {
    let store = open(&Disk::of(Vec::new(), u64::MAX)).expect("it opens");
    let term = lead(&store).expect("a term");
    for number in 1..=batches {
        store.commit(term, &batch(number)).expect("a commit");
    }
    everything(&store)
}

fn everything(store: &dyn Store) -> Vec<Record> {
    store.scan(&Key::of(&[]), None, usize::MAX).expect("a scan")
}

/// Writes until the power goes; how many batches were acknowledged.
fn run(disk: &Disk) -> u64 {
    let Ok(store) = open(disk) else { return 0 };
    let Ok(term) = lead(&store) else { return 0 };
    (1..=BATCHES).take_while(|number| store.commit(term, &batch(*number)).is_ok()).count() as u64
}

#[test]
fn whatever_is_torn_what_was_acknowledged_is_there() {
    let outcomes: Vec<Vec<Record>> = (0..=BATCHES).map(expected).collect();
    let empty = Disk::of(Vec::new(), u64::MAX);
    drop(open(&empty).expect("it opens"));
    // As on a real disk, where a new store gets its name when it is whole.
    let made = empty.after(Loss::Everything);
    let whole = Disk::of(made.clone(), u64::MAX);
    assert_eq!(run(&whole), BATCHES);
    let operations = whole.operations();
    assert!(operations > 100, "{operations} are too few to try");
    for power_until in 0..operations {
        let disk = Disk::of(made.clone(), power_until);
        let acknowledged = run(&disk);
        for loss in [Loss::Everything, Loss::Nothing, Loss::Some(power_until), Loss::Some(!power_until)] {
            let what =
                format!("power for {power_until} operations, loss {loss:?}, {acknowledged} acknowledged");
            let store =
                open(&Disk::of(disk.after(loss), u64::MAX)).unwrap_or_else(|fault| panic!("{what}: {fault}"));
            let kept = everything(&store);
            let at = |number: u64| outcomes.get(number as usize) == Some(&kept);
            assert!(at(acknowledged) || at(acknowledged + 1), "{what}");
            // And it is as good as any other.
            let term = lead(&store).expect("a term");
            store.commit(term, &batch(BATCHES)).expect("a commit");
        }
    }
}
