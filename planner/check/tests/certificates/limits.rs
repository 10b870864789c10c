//! Forged certificates cost no more than the limits say.
use crate::build::{ascending, at_once, full_tree, in_turn, pool, refuted, v};
use lifeboat_check::{Claim, Limits, Why, verify};
use lifeboat_model::certificate::{Placement, Refutation, Tree};
use lifeboat_model::spec::StorageLoss;

#[test]
fn a_search_without_end_is_given_up() {
    // 40 different sizes on four hosts that are a little too small in all: nobody can try everything.
    let sizes: Vec<u64> = (100..140).collect();
    let free = sizes.iter().sum::<u64>() / 4;
    let pool = pool(&[(0, &sizes), (free + 3, &[]), (free + 2, &[]), (free + 1, &[]), (free - 7, &[])]);
    let items = (0..40).map(v).collect();
    let endless = refuted(&[0], Refutation::Exhaustion { items, nodes: u64::MAX });
    let refusal = verify(&pool, &endless, &Limits { work: 10_000_000 }).unwrap_err();
    assert_eq!((refusal.claim, refusal.why), (Claim::SimultaneousRefuted(1), Why::OutOfWork));
}

#[test]
fn a_tree_larger_than_the_limit_is_given_up() {
    let pool = pool(&[(9, &[1]), (9, &[1]), (9, &[1]), (9, &[1]), (9, &[1]), (9, &[1])]);
    let large = in_turn(5, full_tree(&pool, ascending(&pool), 5, Placement::Incremental, true));
    let enough = verify(&pool, &large, &Limits::default()).unwrap();
    assert_eq!(verify(&pool, &large, &Limits { work: enough.work }), Ok(enough.clone()));
    let refusal = verify(&pool, &large, &Limits { work: enough.work - 1 }).unwrap_err();
    assert_eq!(refusal.why, Why::OutOfWork);
}

#[test]
fn cases_nested_without_end_are_given_up() {
    let pool = pool(&[(0, &[1; 300]), (300, &[])]);
    let mut nested = Refutation::NoSurvivor;
    for vm in (0..300).rev() {
        nested = Refutation::Cases { item: v(vm), cases: vec![(lifeboat_model::HostIndex::new(1), nested)] };
    }
    let refusal = verify(&pool, &refuted(&[0], nested), &Limits::default()).unwrap_err();
    assert_eq!(refusal.why, Why::TooDeep);
}

#[test]
fn liveness_caps_what_can_be_proven() {
    let mut spec = crate::build::spec(&[(9, &[1]), (9, &[1]), (9, &[1]), (9, &[1])]);
    spec.settings.storage_loss = Some(StorageLoss::Majority);
    let pool = crate::build::built(&spec);
    let tree = |failures| full_tree(&pool, ascending(&pool), failures, Placement::Incremental, false);
    let certificate = |failures, tree: Tree| verify(&pool, &at_once(failures, tree), &Limits::default());
    assert_eq!(certificate(1, tree(1)).unwrap().claims, [Claim::SimultaneousProven(1)]);
    assert_eq!(certificate(2, tree(2)).unwrap_err().why, Why::BeyondLiveness { failures: 2, most: 1 });
}
