//! A takeover, or a commit, that loses power at each of its operations in turn.
use super::{Disk, formatted, kept, lead, open, put};

/// A disk on which epoch 1 has written.
fn led() -> Disk {
    let disk = formatted();
    let store = open(&disk, 1).expect("it opens");
    let term = lead(&store);
    put(&store, term, "a", "1").expect("a commit");
    put(&store, term, "b", "1").expect("a commit");
    drop(store);
    disk
}

#[test]
fn a_takeover_that_breaks_off_anywhere_leaves_the_old_state() {
    let disk = led();
    let whole = {
        let disk = disk.with_power_for(u64::MAX);
        drop(open(&disk, 2).expect("it opens"));
        disk.operations()
    };
    for power in 0..whole {
        for seed in 0..4 {
            let broken = disk.with_power_for(power);
            drop(open(&broken, 2));
            let after = broken.after_power_loss(seed * 1_000 + power);
            let next = open(&after, 3).unwrap_or_else(|fault| panic!("power for {power}: {fault}"));
            assert_eq!(kept(&next, "a").as_deref(), Some("1"), "power for {power}");
            assert_eq!(kept(&next, "b").as_deref(), Some("1"), "power for {power}");
            put(&next, lead(&next), "a", "3").expect("the next term writes");
        }
    }
}

#[test]
fn a_commit_that_breaks_off_anywhere_leaves_the_old_state_or_the_new_one() {
    let disk = led();
    let store = open(&disk, 2).expect("it opens");
    drop(store);
    let mut seen = [false; 2];
    for power in 0.. {
        let broken = disk.with_power_for(power);
        let store = open(&broken, 3);
        let done = store.is_ok_and(|store| {
            let us = lifeboat_store::Candidate { name: String::new(), address: String::new() };
            let Ok(Some(term)) = lifeboat_store::Store::campaign(&store, &us, std::time::Duration::ZERO)
            else {
                return false;
            };
            let mut both = lifeboat_store::Batch::default();
            both.put(super::key("a"), b"3".to_vec());
            both.put(super::key("b"), b"3".to_vec());
            lifeboat_store::Store::commit(&store, term, &both).is_ok()
        });
        for seed in 0..4 {
            let after = broken.after_power_loss(seed * 1_000 + power);
            let next = open(&after, 4).unwrap_or_else(|fault| panic!("power for {power}: {fault}"));
            let (a, b) = (kept(&next, "a"), kept(&next, "b"));
            assert_eq!(a, b, "a batch is whole, with power for {power}");
            let new = a.as_deref() == Some("3");
            assert!(new || (a.as_deref() == Some("1") && !done), "what was acknowledged is kept");
            seen[usize::from(new)] = true;
        }
        if done {
            break;
        }
    }
    assert_eq!(seen, [true, true], "both were seen");
}

#[test]
fn the_first_takeover_of_an_empty_volume_can_break_off_anywhere() {
    let disk = formatted();
    for power in 0.. {
        let broken = disk.with_power_for(power);
        let done = open(&broken, 1).is_ok();
        let next = open(&broken.after_power_loss(power), 2)
            .unwrap_or_else(|fault| panic!("power for {power}: {fault}"));
        put(&next, lead(&next), "a", "1").expect("it can be written");
        if done {
            break;
        }
    }
}
