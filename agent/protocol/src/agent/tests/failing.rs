//! Coordinators that fail: where the next term begins.
use super::Pool;
use crate::input::{Input, Operator};
use alloc::vec::Vec;
use core::time::Duration;

impl Pool {
    /// The coordinator's process on a host ends by itself; and the pool has some time to make of it what it will.
    fn coordinator_falls(&mut self, host: usize) {
        let leads = self.agents[host].as_ref().is_some_and(|agent| agent.coordinator_term().is_some());
        assert!(leads, "no coordinator runs on host {host}");
        self.give(host, Input::CoordinatorEnded);
        self.run(10);
    }

    /// The first host's agent stands still for so many seconds.
    fn stands_still(&mut self, seconds: u64) {
        let paused = self.agents[0].take();
        let held = core::mem::take(&mut self.answers);
        self.run(seconds);
        self.agents[0] = paused;
        self.answers.extend(held);
    }

    /// Where terms began, in their order.
    fn terms(&self) -> Vec<usize> {
        let begun = self.log.iter().filter(|(.., what)| what.contains("StartCoordinator"));
        begun.map(|(_, host, _)| *host).collect()
    }
}

#[test]
fn a_coordinator_that_ends_by_itself_begins_again_and_the_third_time_on_another_host() {
    let mut pool = Pool::new(3);
    pool.coordinator_falls(0);
    assert_eq!(pool.terms(), [0, 0], "once is no reason to go elsewhere");
    pool.coordinator_falls(0);
    pool.coordinator_falls(0);
    assert_eq!((pool.leader(), pool.terms()), (1, [0, 0, 0, 1].to_vec()));
    assert_eq!(pool.members(), [0, 1, 2], "it is no reason to lose a host");
}

#[test]
fn where_several_hosts_cannot_serve_the_one_that_can_has_its_turn() {
    let mut pool = Pool::new(3);
    (0..3).for_each(|_| pool.coordinator_falls(0));
    (0..3).for_each(|_| pool.coordinator_falls(1));
    assert_eq!(pool.leader(), 2);
    pool.coordinator_falls(2);
    assert_eq!(pool.leader(), 2, "its own failures are counted, not those of others");
}

#[test]
fn a_coordinator_that_fails_where_nobody_else_can_lead_begins_again_at_once() {
    let mut pool = Pool::new(3);
    pool.works.borrow_mut()[1..].fill(false);
    pool.run(20);
    for falls in 1..6 {
        pool.coordinator_falls(0);
        assert_eq!(pool.terms().len(), 1 + falls, "a new term within seconds");
    }
    // It leads on in full: hosts are proposed out as ever.
    pool.works.borrow_mut().fill(true);
    pool.run(1);
    pool.agents[2] = None;
    pool.run(30);
    assert_eq!((pool.members(), pool.leader()), ([0, 1].to_vec(), 0));
}

#[test]
fn a_coordinator_is_handed_over_only_where_another_host_can_lead() {
    let mut pool = Pool::new(3);
    for working in [0..1, 0..0] {
        pool.works.borrow_mut().fill(false);
        pool.works.borrow_mut()[working].fill(true);
        pool.run(20);
        pool.give(0, Input::Operator(Operator::HandOver));
        pool.run(20);
        assert_eq!(pool.terms(), [0], "it goes on");
        assert!(pool.agents[0].as_ref().is_some_and(|agent| agent.coordinator_term().is_some()));
    }
    pool.works.borrow_mut().fill(true);
    pool.run(20);
    pool.give(0, Input::Operator(Operator::HandOver));
    pool.run(5);
    assert_eq!(pool.terms(), [0, 1]);
}

#[test]
fn a_failure_long_ago_does_not_count_with_the_next() {
    let mut failures = super::super::leadership::Failures::default();
    let mut now = crate::Instant::from_micros(0);
    for _ in 0..10 {
        now = now + Duration::from_hours(1);
        assert!(!failures.note(now), "one an hour is no loop");
    }
    assert!(!failures.note(now + Duration::from_secs(1)));
    assert!(failures.note(now + Duration::from_secs(2)));
}

#[test]
fn a_leader_that_stood_still_for_less_than_t_does_not_blame_its_coordinator() {
    let mut pool = Pool::new(3);
    let term = pool.agreed().epoch;
    pool.stands_still(7);
    pool.run(20);
    assert_eq!(pool.said(0, "CoordinatorHangs"), None);
    assert_eq!((pool.leader(), pool.agreed().epoch), (0, term));
}

#[test]
fn an_agent_that_stands_still_again_and_again_notices_a_coordinator_that_hangs() {
    let mut pool = Pool::new(3);
    pool.hangs = true;
    for _ in 0..8 {
        pool.stands_still(2);
        pool.run(1);
    }
    assert!(pool.said(0, "CoordinatorHangs").is_some());
    assert_eq!(pool.members(), [0, 1, 2]);
}
