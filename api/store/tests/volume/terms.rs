//! Who may open, who may write, and what damage is said.
use super::{POOL, formatted, kept, lead, open, put};
use lifeboat_store::volume::{SMALLEST_LENGTH, Tenure};
use lifeboat_store::{Batch, Store, StoreError, Term, VolumeStore};
use std::sync::Arc;

#[test]
fn the_term_is_the_epoch() {
    let disk = formatted();
    let store = open(&disk, 41).expect("it opens");
    assert_eq!((store.epoch(), lead(&store)), (41, Term(41)));
    for other in [Term(40), Term(42)] {
        assert!(matches!(put(&store, other, "a", "1"), Err(StoreError::Superseded)));
    }
    drop(store);
    assert_eq!(lead(&open(&disk, 57).expect("it opens")), Term(57));
}

#[test]
fn an_epoch_opens_once_and_never_after_a_later_one() {
    let disk = formatted();
    drop(open(&disk, 5).expect("it opens"));
    for late in [0, 1, 4, 5] {
        assert!(matches!(open(&disk, late), Err(StoreError::Superseded)), "epoch {late}");
    }
    open(&disk, 6).expect("a later one opens");
}

#[test]
fn before_the_first_term_it_can_be_filled_in_several_sittings() {
    let disk = formatted();
    for round in ["1", "2"] {
        let store = open(&disk, 0).expect("it opens");
        put(&store, lead(&store), "founded", round).expect("a commit");
    }
    assert_eq!(kept(&open(&disk, 1).expect("it opens"), "founded").as_deref(), Some("2"));
    assert!(matches!(open(&disk, 0), Err(StoreError::Superseded)));
}

#[test]
fn a_leader_that_should_be_dead_acknowledges_nothing_more() {
    let disk = formatted();
    let old = open(&disk, 1).expect("it opens");
    let old_term = lead(&old);
    put(&old, old_term, "a", "1").expect("a commit");
    let new = open(&disk, 2).expect("a takeover");
    let late = put(&old, old_term, "a", "late");
    assert!(matches!(late, Err(StoreError::Superseded)), "{late:?}");
    assert!(matches!(old.renew(old_term), Err(StoreError::Superseded)));
    assert!(matches!(old.commit(old_term, &Batch::default()), Err(StoreError::Superseded)));
    assert_eq!(kept(&new, "a").as_deref(), Some("1"));
    put(&new, lead(&new), "a", "2").expect("the new one writes");
    drop(new);
    assert_eq!(kept(&open(&disk, 3).expect("it opens"), "a").as_deref(), Some("2"));
}

#[test]
fn another_pools_volume_is_not_opened() {
    let disk = formatted();
    let other = Tenure { pool: [8; 16], epoch: 9 };
    let opened = VolumeStore::on(Arc::new(disk.clone()), other, "test");
    let Err(StoreError::CannotOpen { source, .. }) = opened else { panic!("{opened:?}") };
    assert!(source.to_string().contains("another pool"), "{source}");
    let empty = VolumeStore::on(Arc::new(super::Disk::new()), Tenure { pool: POOL, epoch: 1 }, "test");
    let Err(StoreError::CannotOpen { source, .. }) = empty else { panic!("{empty:?}") };
    assert!(source.to_string().contains("no metadata volume"), "{source}");
}

#[test]
fn one_damaged_copy_of_every_header_is_no_loss_and_two_of_one_are_said() {
    let disk = formatted();
    let store = open(&disk, 1).expect("it opens");
    put(&store, lead(&store), "a", "1").expect("a commit");
    drop(store);
    for slot in 0..4_u64 {
        disk.damage(slot * 4096 + 40 + (slot % 2) * (512 << 10));
    }
    let store = open(&disk, 2).expect("one copy of each is whole");
    assert_eq!(kept(&store, "a").as_deref(), Some("1"));
    drop(store);
    disk.damage(40);
    disk.damage((512 << 10) + 40);
    let opened = open(&disk, 3);
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
}

#[test]
fn damage_inside_the_database_is_said() {
    let disk = formatted();
    let store = open(&disk, 1).expect("it opens");
    put(&store, lead(&store), "a", &"x".repeat(100_000)).expect("a commit");
    drop(store);
    // The first takeover filled slot 1.
    let slot = (SMALLEST_LENGTH - (1 << 20)) / 4;
    for block in 1..256 {
        disk.damage((1 << 20) + slot + block * 4096 + 1000);
    }
    let opened = open(&disk, 2);
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
}

#[test]
fn a_full_volume_says_so_and_goes_on_with_what_fits() {
    let disk = formatted();
    let store = open(&disk, 1).expect("it opens");
    let term = lead(&store);
    let value = "x".repeat(200_000);
    let mut fitted = 0;
    let full = loop {
        match put(&store, term, &format!("record {fitted}"), &value) {
            Ok(()) => fitted += 1,
            Err(fault) => break fault,
        }
        assert!(fitted < 100, "a slot of 4 MiB has no room for so much");
    };
    assert!(full.to_string().contains("the metadata volume is full"), "{full}");
    assert!(fitted >= 10, "most of a slot can be used: {fitted} records of 200 kB");
    assert_eq!(kept(&store, "record 0").as_deref(), Some(value.as_str()));
    let mut smaller = Batch::default();
    smaller.delete(super::key("record 0"));
    store.commit(term, &smaller).expect("there is room to remove");
    put(&store, term, "small", "1").expect("and for what is small");
    drop(store);
    let next = open(&disk, 2).expect("a takeover");
    assert_eq!(kept(&next, "small").as_deref(), Some("1"));
    assert_eq!(kept(&next, "record 1").as_deref(), Some(value.as_str()));
}

#[test]
fn a_disk_that_takes_no_write_is_out_of_reach_and_comes_back() {
    let disk = formatted();
    let store = open(&disk, 1).expect("it opens");
    let term = lead(&store);
    put(&store, term, "a", "1").expect("a commit");
    disk.fail_writes(true);
    let failed = put(&store, term, "a", "2");
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    disk.fail_writes(false);
    put(&store, term, "a", "3").expect("it is opened anew");
    assert_eq!(kept(&store, "a").as_deref(), Some("3"));
}
