//! Writes that land late: past the end of their host, past one takeover, past two.
use super::{formatted, kept, key, lead, open, put};
use lifeboat_store::{Store, StoreError};

/// Every write that a commit makes, held back, lands after so many takeovers. What the newest term has must be untouched by it, and
/// so must what the term after that one finds.
fn a_commit_lands_after(takeovers: u64) {
    let mut landed_something = false;
    for held_from in 0..12 {
        let disk = formatted();
        let old = open(&disk, 1).expect("it opens");
        let term = lead(&old);
        put(&old, term, "acknowledged", "1").expect("a commit");
        disk.hold_from(held_from);
        let unanswered = put(&old, term, "late", "1");
        disk.release_others();
        let mut newest = None;
        for epoch in 2..2 + takeovers {
            drop(newest.take());
            let store = open(&disk, epoch).expect("a takeover");
            let term = lead(&store);
            put(&store, term, "of", &epoch.to_string()).expect("a commit");
            newest = Some((store, term));
        }
        landed_something |= disk.land() > 0;
        let (store, term) = newest.expect("there was a takeover");
        let late = kept(&store, "late");
        assert!(unanswered.is_err() || late.is_some(), "what was acknowledged is kept");
        put(&store, term, "after", "1").expect("a commit beside the late writes");
        drop(store);
        let next = open(&disk, 2 + takeovers).expect("a takeover after the late writes");
        assert_eq!(kept(&next, "acknowledged").as_deref(), Some("1"));
        assert_eq!(kept(&next, "of"), Some((1 + takeovers).to_string()));
        assert_eq!(kept(&next, "after").as_deref(), Some("1"));
        assert_eq!(kept(&next, "late"), late, "held back from operation {held_from}");
        // The one that hung finds itself superseded, whenever it wakes up.
        assert!(put(&old, lead_term_of(&old), "zombie", "1").is_err());
    }
    assert!(landed_something, "the test holds something back");
}

fn lead_term_of(store: &lifeboat_store::VolumeStore) -> lifeboat_store::Term {
    store.leader().expect("an answer").expect("it led").term
}

#[test]
fn a_commit_that_lands_after_one_takeover_changes_nothing() {
    a_commit_lands_after(1);
}

#[test]
fn a_commit_that_lands_after_two_takeovers_changes_nothing() {
    a_commit_lands_after(2);
}

#[test]
fn a_commit_that_lands_after_three_takeovers_changes_nothing() {
    a_commit_lands_after(3);
}

/// A takeover hangs at each of its operations in turn; two others follow, with broken-off ones between, and then its writes land.
#[test]
fn a_takeover_that_hangs_and_lands_late_changes_nothing() {
    let whole = {
        let disk = formatted();
        drop(open(&disk, 1).expect("it opens"));
        let before = disk.operations();
        drop(open(&disk, 2).expect("it opens"));
        disk.operations() - before
    };
    assert!(whole > 8, "a takeover has many operations: {whole}");
    for held_from in 0..whole {
        for broken_off in [false, true] {
            let disk = formatted();
            let first = open(&disk, 1).expect("it opens");
            put(&first, lead(&first), "acknowledged", "1").expect("a commit");
            drop(first);
            disk.hold_from(held_from);
            let hung = open(&disk, 2);
            disk.release_others();
            drop(hung);
            if broken_off {
                disk.hold_from(held_from / 2);
                assert!(open(&disk, 3).is_err(), "it is broken off");
                disk.release_others();
            }
            let next = open(&disk, 4).expect("a takeover");
            let term = lead(&next);
            put(&next, term, "of", "4").expect("a commit");
            disk.land();
            put(&next, term, "after", "4").expect("a commit");
            drop(next);
            let last = open(&disk, 5).expect("a takeover");
            for (name, value) in [("acknowledged", "1"), ("of", "4"), ("after", "4")] {
                assert_eq!(kept(&last, name).as_deref(), Some(value), "held back from {held_from}");
            }
        }
    }
}

#[test]
fn one_whose_write_failed_does_not_open_what_later_terms_have_made_of_its_slot() {
    let disk = formatted();
    let old = open(&disk, 1).expect("it opens");
    let term = lead(&old);
    disk.fail_writes(true);
    assert!(put(&old, term, "a", "1").is_err());
    disk.fail_writes(false);
    for epoch in 2..8 {
        let store = open(&disk, epoch).expect("a takeover");
        put(&store, lead(&store), "of", &epoch.to_string()).expect("a commit");
        let before = disk.operations();
        assert!(matches!(old.get(&key("of")), Err(StoreError::Superseded)), "epoch {epoch}");
        assert_eq!(disk.operations(), before, "and it writes nothing");
    }
}
