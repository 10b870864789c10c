//! Rules between VMs in proofs: who keeps whom from where.
use crate::build::{
    accepted, ascending, at_once, built, full_tree, group, in_turn, judge, refusal, spec, tree, v,
};
use lifeboat_check::{Claim, Why};
use lifeboat_model::PoolSpec;
use lifeboat_model::certificate::{Closure, Placement};
use lifeboat_model::spec::{RestartPriority, Rule, RuleMode};

const ONE: [Claim; 1] = [Claim::SimultaneousProven(1)];

/// Three hosts with a VM of 1 on each and room for two more.
fn three() -> PoolSpec {
    spec(&[(2, &[1]), (2, &[1]), (2, &[1])])
}

#[track_caller]
fn one_failure(spec: &PoolSpec, closure: Closure) -> Result<(), Why> {
    let pool = built(spec);
    let tree = match closure {
        Closure::Branch => full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false),
        _ => tree(&pool, ascending(&pool), closure),
    };
    judge(&pool, &at_once(1, tree)).map(|_| ()).map_err(|refusal| refusal.why)
}

#[test]
fn members_kept_apart_need_a_host_without_another() {
    let mut spec = three();
    group(&mut spec, Rule::AntiAffinity, &[0, 1]);
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
    assert_eq!(one_failure(&spec, Closure::AnyFit), Ok(()));
    group(&mut spec, Rule::AntiAffinity, &[0, 2]);
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    assert!(matches!(one_failure(&spec, Closure::AnyFit), Err(Why::TestFails { .. })));
    assert!(matches!(one_failure(&spec, Closure::FixedOrder), Err(Why::ClosureNeeds { .. })));
    spec.groups[1].mode = RuleMode::Preferred;
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
}

#[test]
fn members_that_are_not_protected_are_in_the_way_until_their_host_fails() {
    let mut spec = three();
    group(&mut spec, Rule::AntiAffinity, &[0, 1, 2]);
    for vm in [1, 2] {
        spec.vms[vm].restart_priority = RestartPriority::Unprotected;
    }
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    assert!(matches!(one_failure(&spec, Closure::AnyFit), Err(Why::TestFails { .. })));
}

#[test]
fn the_end_of_a_migration_is_in_the_way_but_not_of_the_vm_itself() {
    let mut spec = three();
    spec.vms[1].migrating_to = Some("h2".into());
    group(&mut spec, Rule::AntiAffinity, &[0, 1]);
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    assert!(matches!(one_failure(&spec, Closure::AnyFit), Err(Why::TestFails { .. })));
    spec.vms[0].restart_priority = RestartPriority::Unprotected;
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
}

#[test]
fn members_that_share_a_host_already_may_share_again() {
    let mut spec = spec(&[(0, &[1, 1]), (2, &[]), (0, &[])]);
    group(&mut spec, Rule::AntiAffinity, &[0, 1]);
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
    assert_eq!(one_failure(&spec, Closure::AnyFit), Ok(()));
}

#[test]
fn a_spread_group_is_kept_apart_by_fault_domain() {
    let mut spec = three();
    group(&mut spec, Rule::Spread, &[0, 1]);
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
    for host in [1, 2] {
        spec.hosts[host].fault_domain = Some("rack".into());
    }
    // v0 finds v1 in the only other rack.
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    assert!(matches!(one_failure(&spec, Closure::AnyFit), Err(Why::TestFails { .. })));
}

#[test]
fn what_is_bound_together_moves_together() {
    let mut spec = spec(&[(0, &[1, 1]), (1, &[]), (1, &[])]);
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
    group(&mut spec, Rule::Affinity, &[0, 1]);
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    spec.hosts[2].memory_mib = 2;
    assert_eq!(one_failure(&spec, Closure::Branch), Ok(()));
    // Where no host may run both, nothing can be proven.
    spec.vms[0].allowed_hosts = Some(vec!["h1".into()]);
    spec.vms[1].allowed_hosts = Some(vec!["h2".into()]);
    assert_eq!(one_failure(&spec, Closure::Branch), Err(Why::Stuck { node: 1, vm: v(0) }));
    assert!(matches!(one_failure(&spec, Closure::AnyFit), Err(Why::TestFails { .. })));
}

#[test]
fn a_rule_follows_a_vm_that_was_restarted() {
    // v0 and v1 apart: two failures leave one host for both.
    let mut spec = spec(&[(9, &[1]), (9, &[1]), (9, &[])]);
    let pool = built(&spec);
    let two = |pool| in_turn(2, full_tree(pool, ascending(pool), 2, Placement::Incremental, true));
    assert_eq!(accepted(&pool, &two(&pool)), [Claim::SequentialProven(2)]);
    group(&mut spec, Rule::AntiAffinity, &[0, 1]);
    let pool = built(&spec);
    assert!(matches!(refusal(&pool, &two(&pool)), Why::Stuck { .. }));
    let one = at_once(1, full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false));
    assert_eq!(accepted(&pool, &one), ONE);
}
