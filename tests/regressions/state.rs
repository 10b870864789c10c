//! Where hosts are not all live, or run more than they have.
use super::{assessed, restarts, tolerates};
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, ResourceIndex};
use lifeboat_planner::{OverFull, TargetStatus};
use lifeboat_tests::by_hand::{pool, protected};

#[test]
fn what_is_free_is_never_clamped_at_nothing() {
    // A host of 32 runs three VMs of 16: 16 too many. When one of them has left, nothing is free yet.
    let mut spec = pool(&[0, 0, 0], &[&[16, 16, 16], &[16], &[]]);
    spec.hosts[0].memory_mib = 32;
    spec.hosts[2].memory_mib = 48;
    let (_, answer) = tolerates(&spec, 1, 1);
    let over = OverFull { host: HostIndex::new(0), resource: ResourceIndex::MEMORY, by: 16 };
    assert_eq!(answer.over_full, [over]);
    spec.vms[0].host = Some("h2".into());
    spec.hosts[2].memory_mib = 16;
    let (pool, answer) = tolerates(&spec, 0, 0);
    assert_eq!(answer.over_full, []);
    assert_eq!(pool.free()[0], 0);
}

#[test]
fn dead_hosts_are_in_no_failure_set_and_have_no_room() {
    let mut spec = pool(&[9, 9, 9], &[&[1], &[1]]);
    spec.hosts[2].state = HostState::Dead;
    let (pool, _) = tolerates(&spec, 1, 1);
    assert_eq!(pool.failable_hosts().len(), 2);
}

#[test]
fn a_disabled_host_can_fail_and_receives_nothing() {
    let mut spec = pool(&[2, 9, 9], &[&[1], &[1], &[1]]);
    spec.hosts[1].state = HostState::Disabled;
    let (pool, answer) = tolerates(&spec, 1, 1);
    assert_eq!(restarts(&pool, &answer, &[0, 1]), [(0, 2), (1, 2)]);
    assert_eq!(restarts(&pool, &answer, &[2]), [(2, 0)]);
}

#[test]
fn a_host_in_maintenance_counts_against_the_target_once() {
    let mut spec = pool(&[2, 2, 2], &[&[1], &[1]]);
    spec.settings.host_failures_to_tolerate = Some(2);
    spec.hosts[2].state = HostState::Maintenance;
    let (_, answer) = tolerates(&spec, 1, 1);
    assert_eq!((answer.target, answer.effective_target), (2, 1));
    assert_eq!(answer.target_status, TargetStatus::Proven);
}

#[test]
fn a_target_beyond_the_pool_is_refuted_and_the_pool_overcommitted() {
    let mut spec = pool(&[9, 9, 9], &[&[1]]);
    spec.settings.host_failures_to_tolerate = Some(60);
    let (_, answer) = tolerates(&spec, 2, 2);
    assert_eq!(answer.target_status, TargetStatus::Refuted);
    assert!(answer.overcommitted);
}

#[test]
fn the_vms_of_a_dead_host_are_placed_first_and_never_on_a_dead_host() {
    let mut spec = pool(&[3, 3, 9], &[&[1], &[1], &[2]]);
    spec.hosts[2].state = HostState::Dead;
    spec.vms[2].should_run = true;
    let (_, answer) = tolerates(&spec, 1, 1);
    assert_eq!(answer.pending_placement.len(), 1);
    assert_ne!(answer.pending_placement[0].1, HostIndex::new(2));
}

#[test]
fn pending_vms_without_room_break_the_state_and_none_is_not_zero() {
    let mut spec = pool(&[1, 1], &[&[1]]);
    spec.vms.push(protected(1, 2, None));
    let (_, answer) = assessed(&spec);
    assert_eq!(answer.tolerance.simultaneous.proven, None);
    assert_eq!(answer.tolerance.sequential.refuted, Some(0));
    assert!(answer.overcommitted, "even with a target of 0");
    lifeboat_tests::judge::judge(&spec).expect("all promises kept");
}

#[test]
fn a_pool_without_protected_vms_refutes_nothing_and_leaves_nothing_open() {
    let (_, answer) = tolerates(&pool(&[1, 1, 1], &[]), 3, 3);
    assert_eq!(answer.witness, None);
    assert_eq!(answer.tolerance.sequential.stopped_by, None);
}

#[test]
fn large_units_that_are_all_given_away_overflow_nothing() {
    // 512 VMs on each of two hosts use up 2^40 of a resource that is counted in bytes.
    let sizes = vec![1; 512];
    let mut spec = pool(&[512, 512], &[&sizes, &sizes]);
    for host in &mut spec.hosts {
        host.resources = vec![("bytes".into(), 1 << 40)];
    }
    for vm in &mut spec.vms {
        vm.resources = vec![("bytes".into(), 1 << 31)];
    }
    let (_, answer) = assessed(&spec);
    assert_eq!(answer.tolerance.simultaneous.proven, Some(0));
    assert_eq!(answer.tolerance.simultaneous.refuted, Some(1));
}
