//! Alerts: each once per episode, its end once, with reason and cause.
use crate::world::{World, host, secs, spec, vm};
use lifeboat_coordinator::alert::{AlertKind, Subject};
use lifeboat_coordinator::input::Notice;
use lifeboat_model::spec::{RuleMode, SettingsSpec, StorageSpec};
use std::time::Duration;

#[test]
fn a_failed_host_is_told_once_with_what_it_caused_and_its_return_once() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    for _ in 0..2 {
        world.lose(host(0));
        world.agree();
        world.run(secs(30));
        world.rejoin(host(0));
        world.run(secs(30));
    }
    let subject = Subject::Host(host(0));
    for kind in [AlertKind::HostFailed, AlertKind::HostFenced, AlertKind::HostRejoined] {
        assert_eq!(world.raised(kind, subject), 2, "{kind:?}");
    }
    let id = |kind| world.alerts.iter().find(|alert| alert.kind == kind).expect("raised").id;
    let cause = |kind| world.alerts.iter().find(|alert| alert.kind == kind).expect("raised").cause;
    assert_eq!(cause(AlertKind::HostFenced), Some(id(AlertKind::HostFailed)));
    assert_eq!(cause(AlertKind::HostRejoined), Some(id(AlertKind::HostFailed)));
}

#[test]
fn a_lost_medium_is_told_per_host_and_for_all() {
    let mut world = World::new(&spec(2, 16_384, &[(1024, 0)]));
    for n in [0, 0, 1] {
        world.notice(Notice::MediumLost { host: host(n) });
    }
    for n in [1, 0, 0] {
        world.notice(Notice::MediumBack { host: host(n) });
    }
    world.run(secs(1));
    for subject in [Subject::Host(host(0)), Subject::Host(host(1)), Subject::Pool] {
        assert_eq!(world.raised(AlertKind::StatefileLost, subject), 1, "{subject:?}");
        assert_eq!(world.raised(AlertKind::StatefileBack, subject), 1, "{subject:?}");
    }
}

#[test]
fn a_timeout_that_approaches_is_told_and_cleared() {
    let mut world = World::new(&spec(2, 16_384, &[(1024, 0)]));
    for millis in [8_000, 9_000] {
        let silent_for = Duration::from_millis(millis);
        world.notice(Notice::HostApproachingTimeout { host: host(1), silent_for });
    }
    let subject = Subject::Host(host(1));
    world.notice(Notice::TimeoutAverted { host: host(1) });
    world.run(secs(1));
    assert_eq!(world.raised(AlertKind::TimeoutApproaching, subject), 1);
    assert_eq!(world.cleared(AlertKind::TimeoutApproaching, subject), 1);
    let silent_for = secs(8);
    world.notice(Notice::HostApproachingTimeout { host: host(1), silent_for });
    world.run(secs(13));
    assert_eq!(world.cleared(AlertKind::TimeoutApproaching, subject), 1);
    world.run(secs(3));
    assert_eq!(world.raised(AlertKind::TimeoutApproaching, subject), 2);
    assert_eq!(world.cleared(AlertKind::TimeoutApproaching, subject), 2, "T is over and it lives");
}

#[test]
fn overcommitment_and_drops_of_tolerance_are_told_after_the_restarts_and_made_good() {
    let mut pool = spec(3, 4096, &[(2048, 0), (2048, 1), (2048, 2)]);
    pool.settings = SettingsSpec { host_failures_to_tolerate: Some(1), ..SettingsSpec::default() };
    let mut world = World::new(&pool);
    assert_eq!(world.raised(AlertKind::Overcommitted, Subject::Pool), 0);
    world.lose(host(0));
    world.run(secs(30));
    let position = |kind| world.alerts.iter().position(|alert| alert.kind == kind).expect("raised");
    assert!(position(AlertKind::HostFailed) < position(AlertKind::Overcommitted));
    assert_eq!(world.raised(AlertKind::Overcommitted, Subject::Pool), 1);
    assert_eq!(world.raised(AlertKind::ToleranceDropped, Subject::Pool), 1);
    world.rejoin(host(0));
    world.run(secs(30));
    assert_eq!(world.raised(AlertKind::OvercommittedCleared, Subject::Pool), 1);
    assert_eq!(world.raised(AlertKind::ToleranceRecovered, Subject::Pool), 1);
}

#[test]
fn a_drop_is_told_once_though_the_coordinator_moves_meanwhile() {
    let mut pool = spec(3, 4096, &[(2048, 0), (2048, 1), (2048, 2)]);
    pool.settings = SettingsSpec { host_failures_to_tolerate: Some(1), ..SettingsSpec::default() };
    let mut world = World::new(&pool);
    world.lose(host(0));
    world.run(secs(30));
    world.take_over(host(1));
    world.run(secs(30));
    assert_eq!(world.raised(AlertKind::Overcommitted, Subject::Pool), 1);
    assert_eq!(world.raised(AlertKind::ToleranceDropped, Subject::Pool), 1);
    world.rejoin(host(0));
    world.run(secs(30));
    assert_eq!(world.raised(AlertKind::ToleranceRecovered, Subject::Pool), 1);
}

#[test]
fn a_vm_that_no_other_host_could_run_is_told_with_the_reason() {
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 1)]);
    pool.storages = vec![StorageSpec { id: "h1-disk".into(), shared: false }];
    pool.hosts[0].storages = Some(vec!["h1-disk".into()]);
    pool.vms[0].storages = vec!["h1-disk".into()];
    let world = World::new(&pool);
    assert_eq!(world.raised(AlertKind::VmNotAgile, Subject::Vm(vm(0))), 1);
    assert_eq!(world.raised(AlertKind::VmNotAgile, Subject::Vm(vm(1))), 0);
    let alert = world.alerts.iter().find(|alert| alert.kind == AlertKind::VmNotAgile).expect("raised");
    assert!(alert.reason.contains("storage h1-disk is not attached"), "{}", alert.reason);
}

#[test]
fn running_vms_that_break_a_rule_are_told_until_they_keep_it() {
    use lifeboat_coordinator::input::Call;
    use lifeboat_model::GroupIndex;
    use lifeboat_model::spec::{GroupSpec, Rule};
    let mut pool = spec(3, 16_384, &[(1024, 0), (1024, 0)]);
    pool.groups = vec![GroupSpec {
        id: "apart".into(),
        rule: Rule::AntiAffinity,
        mode: RuleMode::Preferred,
        vms: vec!["vm1".into(), "vm2".into()],
    }];
    let mut world = World::new(&pool);
    let subject = Subject::Group(GroupIndex::new(0));
    assert_eq!(world.raised(AlertKind::RuleBroken, subject), 1);
    assert_eq!(world.answer(Call::MigrateVm { vm: vm(0), to: host(2) }), Ok(()));
    world.run(secs(5));
    assert_eq!(world.cleared(AlertKind::RuleBroken, subject), 1);
}

#[test]
fn a_host_that_leaves_unknown_what_it_runs_is_told_and_fenced_only_if_the_pool_says_so() {
    use lifeboat_coordinator::Settings;
    use lifeboat_coordinator::input::{Report, StopCause};
    for fence_unknown_after in [None, Some(secs(60))] {
        let settings = Settings { fence_unknown_after, ..Settings::default() };
        let mut world = World::with(&spec(3, 16_384, &[(1024, 0)]), settings);
        let silent_for = Some(secs(1));
        world.say(host(0), Report::Hypervisor { silent_for });
        world.run(secs(100));
        assert_eq!(world.raised(AlertKind::HostStateUnknown, Subject::Host(host(0))), 1);
        assert_eq!(world.fences.len(), usize::from(fence_unknown_after.is_some()));
        assert_eq!(world.starts, [], "nobody knows whether it runs");
        world.say(host(0), Report::Hypervisor { silent_for: None });
        world.run(secs(1));
        assert_eq!(world.cleared(AlertKind::HostStateUnknown, Subject::Host(host(0))), 1);
        world.stops(vm(0), StopCause::Crashed);
        world.run(secs(3));
        assert_eq!(world.where_runs(vm(0)).len(), 1);
    }
}

#[test]
fn a_vm_that_appears_on_a_second_host_runs_twice_until_it_stops_there_and_is_placed_where_it_was() {
    use lifeboat_coordinator::input::{Report, StopCause};
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    let subject = Subject::Vm(vm(0));
    world.say(host(2), Report::Appeared { vm: vm(0) });
    world.run(secs(1));
    assert_eq!(world.raised(AlertKind::VmRunsTwice, subject), 1);
    world.say(host(2), Report::Stopped { vm: vm(0), cause: StopCause::Stopped });
    world.run(secs(1));
    assert_eq!(world.cleared(AlertKind::VmRunsTwice, subject), 1);
    assert_eq!(world.coordinator.picture().runs_on(vm(0)), Some(host(0)));
    assert_eq!(world.starts, []);
}

#[test]
fn a_vm_that_somebody_started_on_its_host_is_restarted_when_that_host_fails() {
    use lifeboat_coordinator::input::Report;
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    (pool.vms[0].host, pool.vms[0].power_state) = (None, Some(lifeboat_model::spec::PowerState::Halted));
    let mut world = World::new(&pool);
    world.say(host(2), Report::Appeared { vm: vm(0) });
    world.run(secs(1));
    assert_eq!(world.raised(AlertKind::VmRunsUnasked, Subject::Vm(vm(0))), 1);
    world.lose(host(2));
    world.run(secs(30));
    assert_eq!(world.starts.len(), 1, "it is wanted, whoever started it");
}

#[test]
fn a_time_to_fence_that_is_set_while_something_is_unknown_counts_from_then() {
    use lifeboat_coordinator::Settings;
    use lifeboat_coordinator::input::Report;
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.say(host(0), Report::Hypervisor { silent_for: Some(secs(1)) });
    world.run(secs(300));
    world.coordinator.set(Settings { fence_unknown_after: Some(secs(60)), ..Settings::default() });
    world.run(secs(50));
    assert!(world.fences.is_empty(), "it was set a moment ago");
    world.run(secs(20));
    assert_eq!(world.fences.len(), 1);
}
