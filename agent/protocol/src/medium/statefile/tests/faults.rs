//! What is noticed of a bad disk, and how the records are made good.
use super::cycles::kinds;
use super::disk::{Disk, cycle, medium, snapshot};
use crate::medium::samples::{configuration, status};
use crate::medium::statefile::layout::offset;
use crate::medium::{Answer, Fault, Medium, PoolId, Request, StatefileMedium, Step};
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

#[test]
fn another_pools_region_a_blank_one_and_one_gone_blank_are_foreign() {
    let own = status(0, 1, 1, 2);
    let mut disk = Disk::new(2);
    let mut stranger = StatefileMedium::new(PoolId([9; 16]), HostIndex(0), 2);
    assert_eq!(cycle(&mut stranger, &mut disk, &own, None).1, Step::Failed(Fault::Foreign));
    let mut host = medium(0, 2);
    snapshot(&mut host, &mut disk, &own, None);
    for block in &mut disk.blocks {
        *block = [0; 4096][..].into();
    }
    assert_eq!(cycle(&mut host, &mut disk, &own, None).1, Step::Failed(Fault::Foreign));
    assert_eq!(cycle(&mut medium(0, 2), &mut disk, &own, None).1, Step::Failed(Fault::Foreign));
}

#[test]
fn a_lost_write_is_noticed_and_made_good() {
    let (mut disk, mut host) = (Disk::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    snapshot(&mut host, &mut disk, &own, None);
    for _ in 0..3 {
        let Request::Write { offset: first, .. } = host.begin(&own, None) else { panic!("it writes first") };
        let Step::Next(read) = host.answered(Answer::Written) else { panic!("it reads then") };
        let answer = disk.serve(&read);
        assert_eq!(host.answered(answer), Step::Failed(Fault::Stale));
        let (requests, end) = cycle(&mut host, &mut disk, &own, None);
        let Request::Write { offset: second, .. } = requests[0] else { panic!("it writes first") };
        assert_eq!(first, second, "the copy that is known to be durable is not touched");
        assert!(matches!(end, Step::Done(_)), "{end:?}");
    }
}

#[test]
fn a_late_write_over_either_own_copy_is_noticed_and_made_good() {
    for position in 0..2 {
        let (mut disk, mut host) = (Disk::new(1), medium(0, 1));
        let own = status(0, 1, 1, 1);
        let late = [(); 4].map(|()| cycle(&mut host, &mut disk, &own, None).0);
        // The first cycle begins with a reading. The newest record stands in copy 1 now.
        disk.serve(if position == 0 { &late[0][1] } else { &late[1][0] });
        let ends = [(); 3].map(|()| cycle(&mut host, &mut disk, &own, None).1);
        let stale = ends.iter().filter(|end| **end == Step::Failed(Fault::Stale)).count();
        // A copy that is about to be written anyway is healed before anybody looks.
        assert_eq!(stale, position, "{ends:?}");
        assert!(matches!(ends[2], Step::Done(_)), "{ends:?}");
    }
}

#[test]
fn a_process_that_finds_a_later_one_publishes_no_more() {
    let (mut disk, mut host) = (Disk::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    snapshot(&mut host, &mut disk, &own, None);
    let mut later = medium(0, 1);
    let later_status = status(0, 1, 2, 1);
    snapshot(&mut later, &mut disk, &later_status, None);
    snapshot(&mut later, &mut disk, &later_status, None);
    assert_eq!(cycle(&mut host, &mut disk, &own, None).1, Step::Failed(Fault::Superseded));
    let (requests, end) = cycle(&mut host, &mut disk, &own, None);
    assert_eq!((kinds(&requests), end), (["read"].into(), Step::Failed(Fault::Superseded)));
    let mut same = medium(0, 1);
    assert_eq!(cycle(&mut same, &mut disk, &later_status, None).1, Step::Failed(Fault::Superseded));
}

#[test]
fn a_torn_write_of_a_dead_host_leaves_its_older_record() {
    for sectors in 0..=8 {
        let mut disk = Disk::new(2);
        let (mut first, mut second) = (medium(0, 2), medium(1, 2));
        let (own, mut other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
        for memory in 0..2 {
            other.protected_memory_mib = memory;
            snapshot(&mut second, &mut disk, &other, None);
        }
        other.protected_memory_mib = 2;
        // Long enough that there is something to tear.
        second.learned(&configuration(1, 0, 0, 64));
        disk.tear(&second.begin(&other, None), sectors);
        let shown = snapshot(&mut first, &mut disk, &own, None);
        let whole = shown.newest.is_some();
        assert_eq!(whole, sectors >= 3, "{sectors} sectors hold it");
        assert_eq!(shown.renewed[0].1.protected_memory_mib, if whole { 2 } else { 1 }, "{sectors} sectors");
        let (requests, end) = cycle(&mut first, &mut disk, &own, None);
        assert_eq!(kinds(&requests), ["write", "read"], "what is torn for good is asked about once");
        assert!(matches!(end, Step::Done(_)), "{end:?}");
        let mut restarted = medium(1, 2);
        let end = cycle(&mut restarted, &mut disk, &status(1, 2, 1, 2), None).1;
        assert!(matches!(end, Step::Done(_)), "{end:?}");
    }
}

#[test]
fn a_reading_that_is_overtaken_twice_by_a_host_is_done_again() {
    let mut disk = Disk::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
    snapshot(&mut first, &mut disk, &own, None);
    for _ in 0..3 {
        snapshot(&mut second, &mut disk, &other, None);
    }
    let write = first.begin(&own, None);
    let Answer::Written = disk.serve(&write) else { panic!("a write is written") };
    let Step::Next(read) = first.answered(Answer::Written) else { panic!("it reads then") };
    // The newest durable record stands in copy 0. Copy 1 is read; then the host writes copy 1 and begins with copy 0.
    let Answer::Read(mut bytes) = disk.serve(&read) else { panic!("a reading is read") };
    let known = configuration(1, 1, 0, 2);
    second.learned(&known);
    let write = second.begin(&other, None);
    assert!(matches!(&write, Request::Write { offset: at, .. } if *at == offset(HostIndex(1), 1) as u64));
    disk.serve(&write);
    bytes[offset(HostIndex(1), 0) + 100] ^= 1;
    bytes[offset(HostIndex(1), 0)] ^= 1;
    let Step::Next(again) = first.answered(Answer::Read(bytes)) else { panic!("it cannot be sure") };
    assert_eq!(again, read);
    let answer = disk.serve(&again);
    let Step::Done(shown) = first.answered(answer) else { panic!("now it is sure") };
    assert_eq!(shown.newest, Some(known));
}

#[test]
fn two_damaged_copies_of_another_host_fail_the_cycle_and_the_owner_heals_them() {
    let mut disk = Disk::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
    snapshot(&mut second, &mut disk, &other, None);
    snapshot(&mut second, &mut disk, &other, None);
    snapshot(&mut first, &mut disk, &own, None);
    for copy in 0..2 {
        let at = offset(HostIndex(1), copy) / 4096;
        let mut bytes = disk.blocks[at].to_vec();
        bytes[0] ^= 1;
        disk.blocks[at] = bytes.into();
    }
    let (requests, end) = cycle(&mut first, &mut disk, &own, Some(&configuration(1, 0, 0, 2)));
    assert_eq!(end, Step::Failed(Fault::Unreadable));
    assert_eq!(kinds(&requests), ["write", "read", "read", "read"]);
    let mut restarted = medium(1, 2);
    let end = cycle(&mut restarted, &mut disk, &status(1, 2, 1, 2), None).1;
    assert_eq!(end, Step::Failed(Fault::Unreadable), "it has forgotten what it agreed to");
    for _ in 0..2 {
        cycle(&mut second, &mut disk, &other, None);
    }
    assert!(matches!(cycle(&mut first, &mut disk, &own, None).1, Step::Done(_)));
}

#[test]
fn a_record_written_astray_is_not_taken_for_the_hosts_own() {
    let mut disk = Disk::new(3);
    let (mut first, mut second) = (medium(0, 3), medium(1, 3));
    let (own, other) = (status(0, 1, 1, 3), status(1, 1, 1, 3));
    snapshot(&mut second, &mut disk, &other, None);
    for copy in 0..2 {
        disk.blocks[offset(HostIndex(2), copy) / 4096] = disk.blocks[offset(HostIndex(1), 0) / 4096].clone();
    }
    assert_eq!(cycle(&mut first, &mut disk, &own, None).1, Step::Failed(Fault::Unreadable));
}

#[test]
fn a_failed_request_fails_the_cycle_and_the_next_one_goes_on() {
    let (mut disk, mut host) = (Disk::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    let mut ends = Vec::new();
    for failing in 0..12 {
        let number = host.newest().next().0;
        let mut request = host.begin(&own, Some(&configuration(number, 0, 0, 1)));
        let mut step = 0;
        ends.push(loop {
            let answer = if step == failing % 4 { Answer::Failed } else { disk.serve(&request) };
            step += 1;
            match host.answered(answer) {
                Step::Next(next) => request = next,
                end => break matches!(end, Step::Done(_)),
            }
        });
        assert!(host.idle());
        let shown = snapshot(&mut host, &mut disk, &own, Some(&configuration(number, 0, 1, 1)));
        assert!(shown.settled, "{shown:?}");
    }
    assert!(ends.contains(&true) && ends.contains(&false), "{ends:?}");
}

#[test]
fn a_torn_write_that_failed_is_followed_by_one_to_the_same_copy() {
    let (mut disk, mut host) = (Disk::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    snapshot(&mut host, &mut disk, &own, Some(&configuration(1, 0, 0, 1)));
    snapshot(&mut host, &mut disk, &own, None);
    for _ in 0..3 {
        let write = host.begin(&own, None);
        // The new checksum, and the old sequence.
        disk.tear_after(&write, 40);
        assert_eq!(host.answered(Answer::Failed), Step::Failed(Fault::Input));
    }
    // What was durable stands: a new process knows what is decided.
    let shown = snapshot(&mut medium(0, 1), &mut disk, &status(0, 1, 2, 1), None);
    assert_eq!(shown.newest, Some(configuration(1, 0, 0, 1)));
}
