//! What operators ask for: done when durable, refused with the reason.
use crate::world::{World, host, secs, spec, vm};
use lifeboat_coordinator::Refusal;
use lifeboat_coordinator::alert::{Alert, AlertKind, Subject};
use lifeboat_coordinator::input::{Call, Standing};
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{Pool, PoolSpec};
use std::time::Duration;

fn pool() -> PoolSpec {
    spec(3, 16_384, &[(1024, 0), (1024, 1)])
}

#[test]
fn a_protected_vm_is_not_stopped_until_its_protection_is_lifted() {
    let mut world = World::new(&pool());
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Err(Refusal::Protected));
    let lift = Call::SetPriority { vm: vm(0), priority: RestartPriority::Unprotected };
    assert_eq!(world.answer(lift), Ok(()));
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Ok(()));
    world.run(secs(2));
    assert_eq!(world.where_runs(vm(0)), []);
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Err(Refusal::NotRunning));
}

#[test]
fn with_the_store_out_of_reach_changes_are_refused_and_nothing_of_them_stays() {
    let mut world = World::new(&pool());
    world.store_works = false;
    let lift = Call::SetPriority { vm: vm(0), priority: RestartPriority::Unprotected };
    let calls = [lift, Call::DisableHost { host: host(1) }, Call::MigrateVm { vm: vm(0), to: host(2) }];
    for what in calls {
        assert_eq!(world.answer(what), Err(Refusal::StoreOutOfReach));
    }
    world.store_works = true;
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Err(Refusal::Protected));
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(0), to: host(1) }), Ok(()));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
}

#[test]
fn starts_are_refused_with_the_reason() {
    let mut pool = spec(3, 2048, &[(1024, 0), (4096, 0), (512, 0)]);
    pool.vms[1].host = None;
    pool.vms[2].host = None;
    let mut world = World::new(&pool);
    let start = |n: usize, on: Option<usize>| Call::StartVm { vm: vm(n), host: on.map(host) };
    assert_eq!(world.answer(start(0, None)), Err(Refusal::AlreadyRuns));
    assert_eq!(world.answer(start(1, None)), Err(Refusal::NoRoom));
    assert_eq!(world.answer(start(9, None)), Err(Refusal::UnknownVm));
    assert_eq!(world.answer(start(2, Some(9))), Err(Refusal::UnknownHost));
    assert_eq!(world.answer(Call::DisableHost { host: host(1) }), Ok(()));
    assert_eq!(world.answer(start(2, Some(1))), Err(Refusal::HostNotLive));
    assert_eq!(world.answer(start(2, Some(2))), Ok(()));
    assert_eq!(world.answer(start(2, Some(2))), Err(Refusal::Busy));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(2)), [host(2)]);
}

#[test]
fn an_evacuated_host_is_emptied_and_one_that_shuts_down_may_leave_when_it_is_empty() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0), (2048, 0), (512, 0), (1024, 1)]));
    assert_eq!(world.answer(Call::ShutDownHost { host: host(0) }), Ok(()));
    assert_eq!(world.may_leave, []);
    world.run(secs(10));
    assert!(world.hosts[0].running.is_empty());
    assert_eq!(world.may_leave, [host(0)]);
    // It leaves, and nothing is restarted or alarmed.
    world.power_off(host(0));
    world.hosts[0].standing = Standing::Out;
    world.agree();
    world.run(secs(20));
    assert_eq!(world.starts, []);
    assert_eq!(world.raised(AlertKind::HostFailed, Subject::Host(host(0))), 0);
    // It comes back, and takes VMs again.
    world.rejoin(host(0));
    world.run(secs(1));
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(3), to: host(0) }), Ok(()));
    assert_eq!(world.may_leave, [host(0)]);
}

#[test]
fn what_finds_no_place_stays_and_is_told_and_moves_when_there_is_room() {
    let mut world = World::new(&spec(2, 2048, &[(1536, 0), (1536, 1)]));
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(secs(30));
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
    assert_eq!(world.raised(AlertKind::EvacuationStalled, Subject::Host(host(0))), 1);
    let lift = Call::SetPriority { vm: vm(1), priority: RestartPriority::Unprotected };
    assert_eq!(world.answer(lift), Ok(()));
    assert_eq!(world.answer(Call::StopVm { vm: vm(1) }), Ok(()));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    assert_eq!(world.cleared(AlertKind::EvacuationStalled, Subject::Host(host(0))), 1);
    assert_eq!(world.may_leave, [], "maintenance is not leaving");
}

#[test]
fn a_migration_that_fails_again_stalls_the_evacuation_which_is_told_and_goes_on() {
    let mut world = World::new(&spec(2, 8192, &[(512, 0)]));
    world.hosts[1].fails.insert(vm(0));
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(Duration::from_millis(500));
    let stalled = Subject::Host(host(0));
    assert_eq!(world.raised(AlertKind::EvacuationStalled, stalled), 0, "once is no news");
    world.run(secs(10));
    assert_eq!(world.raised(AlertKind::EvacuationStalled, stalled), 1);
    let why = |alert: &Alert| alert.reason.contains("cannot be migrated");
    assert!(world.alerts.iter().any(why), "with the reason");
    world.hosts[1].fails.clear();
    world.run(secs(20));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    assert_eq!(world.cleared(AlertKind::EvacuationStalled, stalled), 1);
}

#[test]
fn a_host_that_has_refused_a_migration_is_not_asked_again_while_another_takes_the_vm() {
    let mut world = World::new(&spec(3, 8192, &[(512, 0), (1024, 1), (512, 2)]));
    // The roomier one of the other two comes first.
    world.hosts[2].fails.insert(vm(0));
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    assert_eq!(world.raised(AlertKind::EvacuationStalled, Subject::Host(host(0))), 0);
}

#[test]
fn a_migration_whose_source_dies_is_settled_before_the_vm_is_started() {
    for silent_ends in [false, true] {
        let mut world = World::new(&pool());
        world.silent_ends = silent_ends;
        assert_eq!(world.answer(Call::MigrateVm { vm: vm(0), to: host(2) }), Ok(()));
        world.run(Duration::from_millis(300));
        world.lose(host(0));
        world.run(Duration::from_millis(500));
        assert_eq!(world.starts, [], "it may run at the far end");
        world.run(secs(5));
        assert_eq!(world.starts.is_empty(), silent_ends, "until the far end says, or is told to stop it");
        world.run(secs(15));
        assert_eq!(world.where_runs(vm(0)).len(), 1);
        assert_eq!(world.doubled, Vec::<String>::new());
    }
}

#[test]
fn a_migration_whose_target_dies_leaves_the_vm_where_it_was() {
    let mut world = World::new(&pool());
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(0), to: host(2) }), Ok(()));
    world.run(Duration::from_millis(300));
    world.lose(host(2));
    world.run(secs(20));
    assert_eq!(world.starts, []);
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
}

#[test]
fn a_vm_that_arrived_on_a_host_that_died_is_restarted() {
    let mut world = World::new(&pool());
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(0), to: host(2) }), Ok(()));
    world.run(Duration::from_millis(898));
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
    world.run(Duration::from_micros(5_500));
    assert_eq!(world.where_runs(vm(0)), [host(2)]);
    world.lose(host(2));
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)).len(), 1);
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn a_changed_pool_counts_at_once_and_one_that_shrank_is_refused() {
    let mut described = spec(2, 2048, &[(1536, 0), (1536, 1)]);
    let mut world = World::new(&described);
    world.lose(host(0));
    world.run(secs(7));
    assert_eq!(world.starts, []);
    described.hosts[1].memory_mib = 8192;
    let larger = Pool::new(&described).expect("without defects");
    assert_eq!(world.answer(Call::PoolChanged { pool: Box::new(larger) }), Ok(()));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    described.vms.pop();
    let smaller = Pool::new(&described).expect("without defects");
    assert_eq!(world.answer(Call::PoolChanged { pool: Box::new(smaller) }), Err(Refusal::PoolShrank));
}

#[test]
fn a_migration_that_meets_a_later_boot_of_its_target_leaves_one_vm_running() {
    for source_dies in [false, true] {
        let mut world = World::new(&pool());
        world.ask(Call::MigrateVm { vm: vm(0), to: host(2) });
        world.run(Duration::from_micros(2_500));
        world.reboot(host(2));
        world.run(Duration::from_millis(1_001));
        assert_eq!(world.where_runs(vm(0)), [host(2)], "the order reached its source after the reboot");
        if source_dies {
            world.lose(host(0));
        }
        world.run(secs(30));
        assert_eq!(world.where_runs(vm(0)).len(), 1);
        assert_eq!(world.doubled, Vec::<String>::new());
    }
}

#[test]
fn a_host_that_reboots_is_emptied_leaves_once_and_takes_vms_again_also_when_the_term_changes_meanwhile() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0), (1024, 1)]));
    assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!((&*world.may_leave, &*world.reboots), (&[host(0)][..], &[host(0)][..]));
    world.power_off(host(0));
    world.hosts[0].standing = Standing::Out;
    world.agree();
    world.run(secs(5));
    assert_eq!(world.raised(AlertKind::HostFailed, Subject::Host(host(0))), 0);
    // It is back before anybody leads again.
    world.silently(|world| world.rejoin(host(0)));
    world.take_over(host(1));
    world.run(secs(20));
    assert_eq!(world.reboots, [host(0)], "once is enough");
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(1), to: host(0) }), Ok(()));
}

#[test]
fn a_term_that_begins_before_a_host_has_left_lets_it_leave() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
    world.take_over(host(1));
    world.run(secs(10));
    assert_eq!(world.reboots, [host(0)]);
}

#[test]
fn vms_go_where_they_were_planned_to_go() {
    let mut world = World::new(&spec(4, 8192, &[(512, 0), (1024, 0), (2048, 1), (1024, 2)]));
    let moves = vec![(vm(0), host(1)), (vm(1), host(2))];
    assert_eq!(world.answer(Call::PlanMoves { moves, stops: Vec::new() }), Ok(()));
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!(
        (world.where_runs(vm(0)), world.where_runs(vm(1))),
        (vec![host(1)], vec![host(2)]),
        "not the roomiest"
    );
}

#[test]
fn what_may_be_stopped_and_finds_no_place_is_stopped_and_starts_when_its_host_is_back() {
    for priority in [RestartPriority::Restart, RestartPriority::Unprotected] {
        let mut pool = spec(2, 2048, &[(1536, 0), (1536, 1)]);
        pool.vms[0].restart_priority = priority;
        let mut world = World::new(&pool);
        assert_eq!(world.answer(Call::PlanMoves { moves: Vec::new(), stops: vec![vm(0)] }), Ok(()));
        assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
        world.run(secs(10));
        assert_eq!(world.where_runs(vm(0)), []);
        assert_eq!(world.reboots, [host(0)]);
        world.power_off(host(0));
        world.hosts[0].standing = Standing::Out;
        world.agree();
        world.run(secs(5));
        world.rejoin(host(0));
        world.run(secs(20));
        assert_eq!(world.where_runs(vm(0)), [host(0)], "{priority:?}");
    }
}
