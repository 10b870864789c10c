//! Hosts that leave on purpose.
use super::Pool;
use crate::configuration::Standing;
use crate::input::{Input, Operator};
use alloc::vec;

#[test]
fn a_host_leaves_on_purpose_and_is_no_failure() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::Leave));
    pool.run(5);
    assert!(pool.said(0, "MayPowerOff").is_some());
    assert_eq!((pool.members(), pool.leader()), (vec![1, 2], 1));
    assert_eq!(pool.standing(0), Standing::Out);
    assert_eq!(pool.agreed().hosts[0].failures, 0);
}

#[test]
fn a_leader_that_leaves_does_not_hand_over_to_one_that_leaves_as_well() {
    let mut pool = Pool::new(3);
    pool.give(1, Input::Operator(Operator::Leave));
    pool.give(0, Input::Operator(Operator::Leave));
    pool.run(10);
    assert_eq!((pool.members(), pool.leader()), (vec![2], 2));
    assert_eq!(pool.said(1, "StartCoordinator"), None, "it would have been for a moment");
    assert!(pool.said(2, "StartCoordinator").is_some());
}

#[test]
fn the_last_host_leaves_too_and_whoever_comes_back_first_forms_the_pool() {
    let mut pool = Pool::new(2);
    pool.give(1, Input::Operator(Operator::Leave));
    pool.run(5);
    pool.give(0, Input::Operator(Operator::Leave));
    pool.run(5);
    assert_eq!(pool.members(), [] as [usize; 0]);
    assert!((0..2).all(|host| pool.said(host, "MayPowerOff").is_some()));
    pool.power_on(1);
    pool.run(90);
    assert_eq!((pool.members(), pool.leader()), (vec![1], 1));
}
