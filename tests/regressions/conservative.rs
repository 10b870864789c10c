//! Where a crude bound, or one VM, makes the answer far too low.
use super::{assessed, restarts, tolerates};
use lifeboat_model::spec::{PoolSpec, StorageSpec};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_planner::TargetStatus;
use lifeboat_tests::by_hand::{add_running, pool, protected, uniform};

const GIB: u64 = 1024;

fn gib(hosts: usize, free: u64, vms_each: usize, size: u64) -> PoolSpec {
    uniform(hosts, free * GIB, vms_each, size * GIB)
}

#[test]
fn one_large_vm_among_thirty_three_hosts_costs_one_failure_and_not_twenty_five() {
    let mut spec = gib(33, 100, 10, 2);
    tolerates(&spec, 27, 27);
    add_running(&mut spec, 0, 64 * GIB);
    tolerates(&spec, 26, 26);
}

#[test]
fn one_large_vm_among_sixty_four_hosts_leaves_thirty_nine_failures() {
    let mut spec = gib(64, 256, 20, 8);
    add_running(&mut spec, 0, 128 * GIB);
    tolerates(&spec, 39, 39);
}

#[test]
fn one_large_vm_among_twenty_hosts_leaves_sixteen_failures() {
    let mut spec = gib(20, 100, 10, 2);
    add_running(&mut spec, 0, 64 * GIB);
    tolerates(&spec, 16, 16);
}

/// Three hosts, each with a VM and room for two more; the first runs a VM with a disk that no other host has.
fn with_a_local_disk() -> PoolSpec {
    let mut spec = pool(&[2, 2, 2], &[&[1, 1], &[1], &[1]]);
    spec.storages = vec![
        StorageSpec { id: "san".into(), shared: true },
        StorageSpec { id: "h0-local".into(), shared: false },
    ];
    spec.hosts[0].storages = Some(vec!["san".into(), "h0-local".into()]);
    spec.vms[0].storages = vec!["h0-local".into()];
    spec.settings.host_failures_to_tolerate = Some(2);
    spec
}

#[test]
fn one_protected_vm_on_a_local_disk_poisons_nothing_and_leaves_the_guards_on() {
    let (_, answer) = tolerates(&with_a_local_disk(), 2, 2);
    assert_eq!(answer.unprotectable, [VmIndex::new(0)]);
    assert_eq!(answer.target_status, TargetStatus::Proven);
    assert!(!answer.overcommitted);
}

#[test]
fn a_vm_that_is_off_and_has_no_host_to_go_to_does_not_drop_the_plan_of_the_others() {
    let mut spec = with_a_local_disk();
    spec.vms.push(protected(4, 1, None));
    spec.vms[4].allowed_hosts = Some(Vec::new());
    let (pool, answer) = tolerates(&spec, 2, 2);
    assert_eq!(answer.pending_unplaced, []);
    assert_eq!(answer.unprotectable, [VmIndex::new(0), VmIndex::new(4)]);
    let failed = lifeboat_model::HostSet::of(3, [HostIndex::new(1), HostIndex::new(2)]);
    let limits = lifeboat_planner::Limits { work: Some(1_000_000), ..lifeboat_planner::Limits::default() };
    let plan = lifeboat_planner::restart_plan(&pool, &failed, &answer, &limits);
    assert_eq!(plan.restarts.len(), 2, "{plan:?}");
}

#[test]
fn a_vm_partly_agile_or_too_big_for_what_is_free_stays_in_the_proof() {
    let mut partly = pool(&[1, 1, 1], &[&[1]]);
    partly.vms[0].allowed_hosts = Some(vec!["h0".into(), "h1".into()]);
    tolerates(&partly, 1, 1);
    let (_, answer) = tolerates(&pool(&[1, 1, 1], &[&[2]]), 0, 0);
    assert_eq!(answer.unprotectable, []);
}

#[test]
fn a_migration_that_has_ended_is_counted_once() {
    // A runs 40 and 5 and is full, B is empty with 45: the 40 moves to B.
    let before = pool(&[0, 45], &[&[40, 5]]);
    tolerates(&before, 1, 1);
    let mut under_way = before.clone();
    under_way.vms[0].migrating_to = Some("h1".into());
    let (_, answer) = assessed(&under_way);
    assert_eq!(answer.tolerance.simultaneous.proven, Some(0), "counted at both ends until it has ended");
    let mut after = before;
    after.vms[0].host = Some("h1".into());
    let (pool, answer) = tolerates(&after, 1, 1);
    assert_eq!(restarts(&pool, &answer, &[1]), [(0, 0)]);
}
