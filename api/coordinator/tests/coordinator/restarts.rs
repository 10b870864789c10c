//! Restarts: what is started where, when, and what waits for what.
use crate::world::{World, host, secs, spec, vm};
use lifeboat_coordinator::alert::{AlertKind, Subject};
use lifeboat_coordinator::input::StopCause;
use lifeboat_coordinator::{Gate, Settings};
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::RestartPriority;
use std::time::Duration;

fn three_hosts() -> PoolSpec {
    spec(3, 16_384, &[(1024, 0), (1024, 1), (1024, 2), (1024, 0)])
}

#[test]
fn the_vms_of_a_host_that_is_safe_to_replace_start_elsewhere_after_one_write() {
    let mut world = World::new(&three_hosts());
    world.power_off(host(0));
    world.evict(host(0));
    world.run(secs(1));
    let (writes, since) = (world.writes, world.now);
    world.prove(host(0));
    world.run(Duration::from_millis(2));
    assert_eq!(world.writes, writes + 1);
    assert_eq!(world.starts.len(), 2, "{:?}", world.starts);
    assert!(
        world.starts.iter().all(|&(at, _, to)| at.since(since) <= Duration::from_millis(2) && to != host(0))
    );
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)).len(), 1);
    assert_eq!(world.where_runs(vm(3)).len(), 1);
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn nothing_starts_while_a_host_is_only_being_fenced() {
    let mut world = World::new(&three_hosts());
    world.evict(host(0));
    world.run(secs(60));
    assert_eq!(world.starts, []);
    world.prove(host(0));
    world.run(secs(5));
    assert_eq!(world.starts.len(), 2);
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn a_second_failure_is_taken_in_at_once() {
    let mut world = World::new(&spec(4, 16_384, &[(1024, 0), (1024, 1), (1024, 0), (1024, 1)]));
    world.lose(host(0));
    world.run(Duration::from_millis(500));
    let since = world.now;
    world.lose(host(1));
    world.run(Duration::from_millis(2));
    assert!(world.started_after(since, vm(1)).is_some(), "it waits for nobody: {:?}", world.starts);
    world.run(secs(10));
    for n in 0..4 {
        assert_eq!(world.where_runs(vm(n)).len(), 1, "vm{}", n + 1);
    }
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn a_vm_on_its_way_to_a_host_that_dies_too_is_started_on_a_third() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.lose(host(0));
    world.run(Duration::from_millis(500));
    let second = world.starts[0].2;
    world.lose(second);
    world.run(secs(5));
    assert_eq!(world.starts.len(), 2);
    assert_eq!(world.where_runs(vm(0)), [world.starts[1].2]);
    assert!(world.starts[1].2 != second);
}

#[test]
fn later_orders_wait_for_the_gates_and_delays_of_earlier_ones() {
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 0), (1024, 0)]);
    pool.vms[1].order = 1;
    pool.vms[2].order = 2;
    pool.vms[1].start_delay_s = 7;
    let settings = Settings { gates: [(vm(0), Gate::GuestAgent)].into(), ..Settings::default() };
    let mut world = World::with(&pool, settings);
    world.gates.insert(vm(0), secs(3));
    let since = world.now;
    world.lose(host(0));
    world.run(secs(30));
    let at = |n: usize| world.started_after(since, vm(n)).expect("it was started");
    assert!(at(0) < 10);
    assert!((5_000..5_100).contains(&at(1)), "2 s to boot and 3 s to its guest agent: {}", at(1));
    assert!((14_000..14_100).contains(&at(2)), "2 s to boot and a delay of 7 s after that: {}", at(2));
}

/// Two VMs, in two orders; the first one's gate ends after 20 s only.
fn with_a_gate_that_nobody_passes() -> World {
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 0)]);
    pool.vms[1].order = 1;
    let settings = Settings {
        gates: [(vm(0), Gate::Tcp { port: 5432 })].into(),
        gate_timeout: secs(20),
        ..Settings::default()
    };
    let mut world = World::with(&pool, settings);
    world.gates.insert(vm(0), secs(10_000));
    world
}

#[test]
fn a_vm_that_never_passes_its_gate_holds_later_orders_until_the_gate_timeout_only() {
    let mut world = with_a_gate_that_nobody_passes();
    let since = world.now;
    world.lose(host(0));
    world.run(secs(60));
    assert!((20_000..20_100).contains(&world.started_after(since, vm(1)).expect("started")));
}

#[test]
fn what_became_due_while_something_was_planned_is_not_forgotten() {
    let mut world = with_a_gate_that_nobody_passes();
    world.lose(host(0));
    world.run(secs(19));
    let due = world.coordinator.deadline().expect("the gate has an end");
    assert!(world.coordinator.next_command().is_none(), "nothing is due yet");
    world.coordinator.assess(due + secs(1));
    assert!(world.coordinator.next_command().is_some(), "the second order's start goes on its way");
}

#[test]
fn a_start_that_fails_goes_to_the_next_best_host_at_once() {
    let mut world = World::new(&spec(4, 16_384, &[(1024, 0)]));
    for n in 1..4 {
        world.hosts[n].fails.insert(vm(0));
    }
    world.hosts[3].fails.clear();
    let since = world.now;
    world.lose(host(0));
    world.run(secs(5));
    let tried: Vec<_> = world.starts.iter().map(|&(_, _, to)| to).collect();
    assert_eq!(tried.last(), Some(&host(3)));
    assert!(tried.len() <= 3, "no host twice: {tried:?}");
    assert!(world.started_after(since, vm(0)).expect("started") < 1_000);
    assert_eq!(world.raised(AlertKind::VmRestartFailed, Subject::Vm(vm(0))), 0);
}

#[test]
fn a_vm_that_starts_nowhere_backs_off_ever_longer_and_is_tried_for_ever() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.hosts[1].fails.insert(vm(0));
    world.hosts[2].fails.insert(vm(0));
    world.lose(host(0));
    world.run(secs(600));
    let subject = Subject::Vm(vm(0));
    assert_eq!(world.raised(AlertKind::VmRestartFailed, subject), 1, "once per episode");
    let alert = world.alerts.iter().find(|alert| alert.kind == AlertKind::VmRestartFailed).expect("raised");
    assert!(alert.reason.contains("no disk"), "{}", alert.reason);
    let failed = world.alerts.iter().find(|alert| alert.kind == AlertKind::HostFailed).expect("raised");
    assert_eq!(alert.cause, Some(failed.id));
    let pauses: Vec<u128> =
        world.starts.windows(2).map(|pair| pair[1].0.since(pair[0].0).as_millis()).collect();
    assert!(pauses.iter().all(|&pause| pause < 61_000), "capped at a minute: {pauses:?}");
    assert!(*pauses.last().expect("several") > 300, "{pauses:?}");
    assert!(world.starts.len() > 20 && world.starts.len() < 60, "{}", world.starts.len());
    world.hosts[1].fails.clear();
    world.run(secs(65));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    assert_eq!(world.cleared(AlertKind::VmRestartFailed, subject), 1);
}

#[test]
fn a_waiting_vm_is_tried_at_once_when_a_host_joins() {
    let mut world = World::new(&spec(2, 2048, &[(1536, 0), (1536, 1)]));
    world.lose(host(0));
    world.run(secs(7));
    assert_eq!(world.starts, []);
    assert_eq!(world.raised(AlertKind::VmRestartFailed, Subject::Vm(vm(0))), 1);
    let since = world.now;
    world.rejoin(host(0));
    world.run(secs(5));
    assert!(world.started_after(since, vm(0)).expect("started") < 20);
    assert_eq!(world.cleared(AlertKind::VmRestartFailed, Subject::Vm(vm(0))), 1);
}

#[test]
fn a_waiting_vm_is_tried_at_once_when_another_stops() {
    let mut pool = spec(2, 2048, &[(1536, 0), (1536, 1)]);
    pool.vms[1].restart_priority = RestartPriority::Unprotected;
    let mut world = World::new(&pool);
    world.lose(host(0));
    world.run(secs(7));
    assert_eq!(world.starts, []);
    let since = world.now;
    world.stops(vm(1), StopCause::ShutDownInside);
    world.run(secs(3));
    assert!(world.started_after(since, vm(0)).expect("started") < 20);
}

#[test]
fn best_effort_vms_come_after_every_placeable_protected_vm_is_up() {
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    pool.vms[1].order = 5;
    let mut world = World::new(&pool);
    let since = world.now;
    world.lose(host(0));
    world.run(secs(10));
    assert!(world.started_after(since, vm(1)).expect("started") < 10);
    assert!(world.started_after(since, vm(0)).expect("started") >= 2_000);
}

#[test]
fn a_best_effort_vm_has_one_attempt_and_an_unprotected_one_none() {
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    pool.vms[1].restart_priority = RestartPriority::Unprotected;
    let mut world = World::new(&pool);
    for n in 1..3 {
        world.hosts[n].fails.insert(vm(0));
    }
    world.lose(host(0));
    world.run(secs(300));
    assert_eq!(world.starts.len(), 1);
    assert_eq!(world.raised(AlertKind::VmRestartFailed, Subject::Vm(vm(0))), 1);
}

#[test]
fn a_crashed_vm_is_restarted_at_once_and_one_that_crashes_in_a_loop_ever_later() {
    let mut world = World::new(&three_hosts());
    let since = world.now;
    world.stops(vm(1), StopCause::Crashed);
    world.run(secs(3));
    assert!(world.started_after(since, vm(1)).expect("started") < 20);
    for round in 0..8 {
        let since = world.now;
        world.stops(vm(1), StopCause::Crashed);
        world.run(secs(64));
        let waited = world.started_after(since, vm(1)).expect("started");
        let expected = (1_000u128 << round).min(60_000);
        assert!((expected..expected + 20).contains(&waited), "round {round}: {waited} ms");
    }
    world.run(secs(400));
    let since = world.now;
    world.stops(vm(1), StopCause::Crashed);
    world.run(secs(3));
    assert!(world.started_after(since, vm(1)).expect("it ran long enough") < 20);
}

#[test]
fn a_protected_vm_shut_down_from_inside_is_restarted_unless_the_pool_says_otherwise() {
    for restarted in [true, false] {
        let settings = Settings { restart_after_shutdown_inside: restarted, ..Settings::default() };
        let mut world = World::with(&three_hosts(), settings);
        world.stops(vm(1), StopCause::ShutDownInside);
        world.run(secs(10));
        assert_eq!(world.where_runs(vm(1)).len(), usize::from(restarted));
        // What was let stop stays down when its host fails later.
        world.lose(host(1));
        world.run(secs(10));
        assert_eq!(world.where_runs(vm(1)).len(), usize::from(restarted));
    }
}

#[test]
fn a_braked_or_disarmed_pool_restarts_nothing_until_it_is_released() {
    for disarmed in [true, false] {
        let mut world = World::new(&three_hosts());
        (world.disarmed, world.braked) = (disarmed, !disarmed);
        world.agree();
        world.lose(host(0));
        world.run(secs(100));
        assert_eq!(world.starts, []);
        (world.disarmed, world.braked) = (false, false);
        let since = world.now;
        world.agree();
        world.run(secs(3));
        assert!(world.started_after(since, vm(0)).expect("started") < 20);
    }
}

#[test]
fn starts_under_way_are_limited_by_host_and_by_pool() {
    let vms: Vec<(u64, usize)> = (0..12).map(|_| (128, 0)).collect();
    for (settings, most) in [
        (Settings { starts_per_host: 2, ..Settings::default() }, 2),
        (Settings { starts_in_pool: 3, ..Settings::default() }, 3),
    ] {
        let mut world = World::with(&spec(3, 16_384, &vms), settings);
        world.lose(host(0));
        world.run(secs(1));
        let on_one = |to| world.starts.iter().filter(|&&(_, _, host)| host == to).count();
        assert_eq!([host(1), host(2)].map(on_one).into_iter().max(), Some(most));
        world.run(secs(30));
        assert_eq!(world.starts.len(), 12);
        assert_eq!((0..12).filter(|&n| world.where_runs(vm(n)).len() == 1).count(), 12);
    }
}

#[test]
fn disabled_and_quarantined_hosts_take_no_vms() {
    use lifeboat_coordinator::input::{Call, Standing};
    let mut world = World::new(&spec(4, 16_384, &[(1024, 0), (1024, 0), (1024, 0)]));
    assert_eq!(world.answer(Call::DisableHost { host: host(1) }), Ok(()));
    world.hosts[2].standing = Standing::Live { boot: 1, quarantined: true };
    world.agree();
    world.lose(host(0));
    world.run(secs(10));
    assert_eq!(world.starts.len(), 3);
    assert!(world.starts.iter().all(|&(_, _, to)| to == host(3)));
    assert_eq!(world.raised(AlertKind::HostQuarantined, Subject::Host(host(2))), 1);
}

#[test]
fn a_plan_that_the_checker_refuses_is_told_and_replaced_by_a_plain_one() {
    let mut world = World::lying(&three_hosts());
    world.lose(host(0));
    world.run(secs(10));
    assert_eq!(world.raised(AlertKind::PlanRefused, Subject::Pool), 1);
    assert_eq!(world.where_runs(vm(0)).len() + world.where_runs(vm(3)).len(), 2);
}

#[test]
fn with_the_store_out_of_reach_nothing_starts_and_when_it_is_back_everything_does() {
    let mut world = World::new(&three_hosts());
    world.store_works = false;
    world.lose(host(0));
    world.run(secs(30));
    assert_eq!(world.starts, []);
    world.store_works = true;
    let since = world.now;
    world.run(secs(5));
    assert!(world.started_after(since, vm(0)).expect("started") < 1_100);
    assert_eq!(world.doubled, Vec::<String>::new());
}
