//! Stories of disarmed time.
use super::Pool;
use crate::configuration::Standing;
use crate::input::{Input, Operator};
use core::time::Duration;

#[test]
fn a_disarmed_pool_fences_nobody_and_is_armed_again_by_itself() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::Disarm { lasts: Duration::from_mins(2) }));
    pool.run(3);
    pool.isolate(0);
    pool.isolate(1);
    pool.works.borrow_mut().fill(false);
    pool.run(110);
    assert!(!pool.log.iter().any(|(.., said)| said.contains("StopAllVms")));
    pool.cut.clear();
    pool.works.borrow_mut().fill(true);
    pool.run(30);
    assert_eq!(pool.members(), [0, 1, 2]);
    assert_eq!(pool.agreed().disarm, None);
    assert!((0..3).all(|host| pool.said(host, "Notify(Armed)").is_some()));
}

#[test]
fn the_end_of_a_disarmed_time_gives_a_silent_host_t() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::Disarm { lasts: Duration::from_mins(1) }));
    pool.run(3);
    (0..3).for_each(|host| pool.isolate(host));
    pool.works.borrow_mut().fill(false);
    pool.run(65);
    assert!(!pool.log.iter().any(|(.., said)| said.contains("StopAllVms")), "armed again, and T to go");
    pool.run(15);
    assert!((0..3).all(|host| pool.said(host, "StopAllVms").is_some()), "then the lease is over");
}

#[test]
fn a_disarmed_time_is_ended_early_when_everybody_has_said_so() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::Disarm { lasts: Duration::from_hours(1) }));
    pool.run(10);
    pool.give(0, Input::Operator(Operator::Arm));
    pool.run(10);
    assert_eq!(pool.agreed().disarm, None);
    assert!((0..3).all(|host| pool.said(host, "Notify(Armed)").is_some()));
    pool.agents[2] = None;
    pool.run(40);
    assert!(matches!(pool.standing(2), Standing::Fenced { .. }));
}

#[test]
fn a_disarmed_time_that_a_silent_host_was_granted_is_not_ended_behind_its_back() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::Disarm { lasts: Duration::from_mins(5) }));
    pool.run(10);
    pool.isolate(2);
    pool.works.borrow_mut()[2] = false;
    pool.give(0, Input::Operator(Operator::Arm));
    pool.run(120);
    assert!(pool.agreed().disarm.is_some(), "host 2 was not told and is disarmed still");
    assert_eq!(pool.members(), [0, 1, 2]);
    pool.run(240);
    assert_eq!(pool.agreed().disarm, None);
    assert!(pool.said(2, "StopAllVms").is_some());
}
