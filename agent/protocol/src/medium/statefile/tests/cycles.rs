//! Cycles without rivals: what is written and read, what a snapshot tells.
use super::disk::{Disk, cycle, medium, snapshot};
use crate::configuration::{Disarm, Standing};
use crate::medium::samples::{configuration, status};
use crate::medium::statefile::layout::offset;
use crate::medium::{Medium, Request, Step};
use crate::wire::configuration::MAX_NUMBER;
use crate::{Boot, Epoch};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

pub(super) fn kinds(requests: &[Request]) -> Vec<&'static str> {
    let kind = |request: &Request| match request {
        Request::Read { .. } => "read",
        Request::Write { .. } => "write",
        Request::Transaction { .. } => "transaction",
    };
    requests.iter().map(kind).collect()
}

#[test]
fn the_first_cycle_reads_before_it_writes_and_later_ones_write_then_read() {
    let (mut disk, mut host) = (Disk::new(3), medium(1, 3));
    let own = status(1, 1, 1, 3);
    let (requests, _) = cycle(&mut host, &mut disk, &own, None);
    assert_eq!(kinds(&requests), ["read", "write", "read"]);
    assert_eq!(requests[0], Request::Read { offset: 0, length: 28 * 1024 });
    for round in 0..4 {
        let (requests, end) = cycle(&mut host, &mut disk, &own, None);
        assert_eq!(kinds(&requests), ["write", "read"]);
        let Request::Write { offset: at, bytes } = &requests[0] else { panic!("kinds says so") };
        assert_eq!((*at, bytes.len()), (offset(HostIndex(1), (round + 1) % 2) as u64, 4096));
        assert!(matches!(end, Step::Done(_)), "{end:?}");
    }
}

#[test]
fn a_snapshot_lists_who_published_anew_and_nobody_twice() {
    let mut disk = Disk::new(3);
    let (mut first, mut second) = (medium(0, 3), medium(2, 3));
    let (own, other) = (status(0, 1, 1, 3), status(2, 7, 3, 3));
    assert_eq!(snapshot(&mut first, &mut disk, &own, None).renewed, []);
    assert_eq!(snapshot(&mut second, &mut disk, &other, None).renewed, [(HostIndex(0), own.clone())]);
    assert_eq!(snapshot(&mut first, &mut disk, &own, None).renewed, [(HostIndex(2), other.clone())]);
    assert_eq!(snapshot(&mut first, &mut disk, &own, None).renewed, [], "nothing new");
    snapshot(&mut second, &mut disk, &other, None);
    snapshot(&mut second, &mut disk, &other, None);
    assert_eq!(
        snapshot(&mut first, &mut disk, &own, None).renewed,
        [(HostIndex(2), other)],
        "both copies are new"
    );
}

#[test]
fn a_lone_proposal_is_decided_in_its_first_cycle_and_published_in_the_next() {
    let mut disk = Disk::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
    let wanted = configuration(1, 0, 5, 2);
    let shown = snapshot(&mut first, &mut disk, &own, Some(&wanted));
    assert_eq!((shown.newest.as_ref(), shown.settled), (Some(&wanted), true));
    let shown = snapshot(&mut first, &mut disk, &own, None);
    assert_eq!((shown.newest, shown.settled), (None, false), "shown once");
    assert_eq!(snapshot(&mut second, &mut disk, &other, None).newest, Some(wanted));
}

#[test]
fn the_leader_decides_the_next_number_in_one_phase_but_not_after_a_restart() {
    let (mut disk, mut leader) = (Disk::new(2), medium(0, 2));
    let own = status(0, 1, 1, 2);
    snapshot(&mut leader, &mut disk, &own, Some(&configuration(1, 0, 0, 2)));
    let (requests, end) = cycle(&mut leader, &mut disk, &own, Some(&configuration(2, 0, 0, 2)));
    assert_eq!(kinds(&requests), ["write", "read"]);
    assert!(matches!(end, Step::Done(snapshot) if snapshot.settled));
    cycle(&mut leader, &mut disk, &own, None);
    let mut restarted = medium(0, 2);
    let own = status(0, 1, 2, 2);
    let (requests, end) = cycle(&mut restarted, &mut disk, &own, Some(&configuration(3, 0, 0, 2)));
    assert_eq!(kinds(&requests), ["read", "write", "read", "write", "read"]);
    assert!(matches!(end, Step::Done(snapshot) if snapshot.settled));
}

#[test]
fn a_late_proposal_is_settled_by_what_was_decided() {
    let mut disk = Disk::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
    let (wins, late) = (configuration(1, 0, 1, 2), configuration(1, 1, 2, 2));
    snapshot(&mut first, &mut disk, &own, Some(&wins));
    // The winner has not published it as decided: the late one waits, finds it accepted, and finishes it.
    let shown: Vec<_> = (0..4).map(|_| snapshot(&mut second, &mut disk, &other, Some(&late))).collect();
    assert!(shown.iter().any(|shown| shown.settled && shown.newest.as_ref() == Some(&wins)), "{shown:?}");
    let mut restarted = medium(1, 2);
    let shown = snapshot(&mut restarted, &mut disk, &status(1, 1, 2, 2), Some(&late));
    assert_eq!((shown.newest, shown.settled), (Some(wins), true));
}

#[test]
fn a_configuration_learned_elsewhere_is_published_and_followed() {
    let mut disk = Disk::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 1, 1, 2));
    let known = configuration(4, 1, 0, 2);
    first.learned(&known);
    assert_eq!(snapshot(&mut first, &mut disk, &own, None).newest, Some(known.clone()));
    assert_eq!(snapshot(&mut second, &mut disk, &other, None).newest, Some(known));
    let follows = configuration(5, 1, 0, 2);
    let shown = snapshot(&mut first, &mut disk, &own, Some(&follows));
    assert_eq!(shown.newest, Some(follows));
}

#[test]
fn a_host_that_joins_the_pool_later_is_read_by_all_and_proposes_once_it_is_known() {
    let mut disk = Disk::new(3);
    // The disk is larger than the pool, which begins with two hosts.
    let region = crate::medium::statefile::format(super::disk::POOL, 2).expect("room");
    disk.blocks[0] = region[..4096].into();
    let (mut old, mut new) = (medium(0, 2), medium(2, 3));
    let (own, other) = (status(0, 1, 1, 2), status(2, 1, 1, 3));
    let shown = snapshot(&mut new, &mut disk, &other, Some(&configuration(1, 2, 0, 3)));
    assert!(!shown.settled && shown.newest.is_none(), "{shown:?}");
    let shown = snapshot(&mut old, &mut disk, &own, Some(&configuration(1, 0, 0, 3)));
    assert!(shown.settled && shown.renewed.is_empty(), "{shown:?}");
    let shown = snapshot(&mut old, &mut disk, &own, None);
    assert_eq!(shown.renewed, [(HostIndex(2), other.clone())]);
    snapshot(&mut new, &mut disk, &other, None);
    assert!(snapshot(&mut new, &mut disk, &other, Some(&configuration(2, 2, 0, 3))).settled);
}

#[test]
fn hosts_that_the_shell_comes_to_know_are_read_from_the_next_cycle_on() {
    let mut disk = Disk::new(3);
    let (mut old, mut new) = (medium(0, 2), medium(2, 3));
    let region = crate::medium::statefile::format(super::disk::POOL, 2).expect("room");
    disk.blocks[0] = region[..4096].into();
    let (own, other) = (status(0, 1, 1, 2), status(2, 1, 1, 3));
    snapshot(&mut old, &mut disk, &own, Some(&configuration(1, 0, 0, 2)));
    snapshot(&mut new, &mut disk, &other, None);
    assert_eq!(snapshot(&mut old, &mut disk, &own, None).renewed, [], "nobody has told it of a third host");
    // In the middle of a cycle: what is read is what was asked for.
    let request = old.begin(&own, None);
    old.grown(3);
    let Step::Next(request) = old.answered(disk.serve(&request)) else {
        panic!("it reads after it has written")
    };
    assert!(matches!(old.answered(disk.serve(&request)), Step::Done(done) if done.renewed.is_empty()));
    assert_eq!(snapshot(&mut old, &mut disk, &own, None).renewed, [(HostIndex(2), other)]);
}

#[test]
fn the_longest_record_of_64_hosts_fits_its_block() {
    let mut longest = configuration(MAX_NUMBER - 2, 63, u32::MAX, 64);
    longest.epoch = Epoch(MAX_NUMBER);
    longest.disarm = Some(Disarm { lasts: Duration::from_hours(24) });
    for host in &mut longest.hosts {
        let (boot, joined, led) = (Boot(u64::MAX), longest.number, Some(longest.epoch));
        host.standing = Standing::Fencing { boot, joined, led };
    }
    let mut disk = Disk::new(64);
    let (mut first, mut second) = (medium(0, 64), medium(63, 64));
    first.learned(&longest);
    let mut next = longest.clone();
    next.number = longest.number.next();
    let mut own = status(0, 1, 1, 64);
    own.heard = own.silence.clone();
    let (requests, end) = cycle(&mut first, &mut disk, &own, Some(&next));
    assert!(matches!(end, Step::Done(snapshot) if snapshot.settled));
    let Some(Request::Write { bytes, .. }) = requests.get(3) else { panic!("the acceptance is written") };
    assert_eq!((bytes.len(), u16::from_le_bytes([bytes[10], bytes[11]])), (4096, 3830));
    let shown = snapshot(&mut second, &mut disk, &status(63, 1, 1, 64), None);
    assert_eq!((shown.renewed.len(), shown.newest), (1, Some(longest)));
}
