//! One term after another: what the new one knows, and what it waits for before it commands anything.
use crate::world::{World, host, secs, spec, vm};
use lifeboat_coordinator::alert::{AlertKind, Subject};
use lifeboat_coordinator::input::{Call, Report, StopCause};
use lifeboat_coordinator::record::{Key, Place, Record};
use lifeboat_model::spec::RestartPriority;
use std::time::Duration;

#[test]
fn a_new_term_restarts_what_was_lost_with_the_old_coordinators_host() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0), (1024, 1)]));
    world.power_off(host(0));
    world.evict(host(0));
    world.run(secs(1));
    world.take_over(host(1));
    world.run(secs(1));
    assert_eq!(world.starts, []);
    let since = world.now;
    world.prove(host(0));
    world.run(secs(5));
    assert!(world.started_after(since, vm(0)).expect("started") < 10);
    assert_eq!(world.raised(AlertKind::CoordinatorMoved, Subject::Pool), 1);
    assert_eq!(world.raised(AlertKind::HostFailed, Subject::Host(host(0))), 1, "told once, not once a term");
}

#[test]
fn nothing_is_commanded_about_a_vm_before_the_host_where_it_was_sent_has_spoken() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.lose(host(0));
    world.run(Duration::from_millis(100));
    let sent_to = world.starts[0].2;
    // The term ends while the start is under way, and the host that has the order is silent.
    world.hosts[sent_to.get()].mute = true;
    world.take_over(host(3 - sent_to.get()));
    world.run(secs(60));
    assert_eq!(world.starts.len(), 1, "the store says where it was sent");
    assert_eq!(world.raised(AlertKind::HostStateUnknown, Subject::Host(sent_to)), 1);
    world.evict(sent_to);
    world.prove(sent_to);
    world.run(secs(5));
    assert_eq!(world.starts.len(), 2);
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn a_vm_that_nothing_durable_places_waits_for_every_live_host() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].host = None;
    pool.vms[0].should_run = true;
    let mut world = World::new(&pool);
    world.run(secs(5));
    assert_eq!(world.starts.len(), 1, "all have spoken");
    world.store.clear();
    for n in 0..3 {
        world.hosts[n].running.clear();
    }
    world.hosts[2].running.insert(vm(0));
    world.hosts[2].mute = true;
    world.take_over(host(0));
    world.run(secs(20));
    assert_eq!(world.starts.len(), 1, "it may run where nobody has spoken");
    world.hosts[2].mute = false;
    world.begin_session(host(2));
    world.run(secs(5));
    assert_eq!(world.starts.len(), 1, "and it does");
    assert_eq!(world.doubled, Vec::<String>::new());
}

#[test]
fn a_vm_that_its_host_denies_to_have_is_started_when_all_have_spoken() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.hosts[0].running.clear();
    world.hosts[1].mute = true;
    world.take_over(host(0));
    world.run(secs(20));
    assert_eq!(world.starts, [], "somebody may have moved it to the host that is silent");
    world.hosts[1].mute = false;
    world.begin_session(host(1));
    world.run(secs(5));
    assert_eq!(world.starts.len(), 1);
}

#[test]
fn a_host_that_does_not_speak_holds_up_no_other_vm_for_long() {
    let mut world = World::new(&spec(4, 16_384, &[(1024, 0), (1024, 1)]));
    world.power_off(host(0));
    world.evict(host(0));
    world.hosts[3].mute = true;
    world.take_over(host(1));
    let since = world.now;
    world.prove(host(0));
    world.run(secs(5));
    assert!(world.started_after(since, vm(0)).expect("started") <= 1_100);
}

#[test]
fn a_vm_stopped_on_purpose_never_starts_by_itself() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    let mut world = World::new(&pool);
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Ok(()));
    world.run(secs(2));
    assert_eq!(world.where_runs(vm(0)), []);
    let protect = Call::SetPriority { vm: vm(0), priority: RestartPriority::Restart };
    assert_eq!(world.answer(protect), Ok(()));
    world.take_over(host(1));
    world.run(secs(5));
    world.lose(host(0));
    world.rejoin(host(0));
    world.run(secs(100));
    assert_eq!(world.starts, []);
    assert_eq!(world.answer(Call::StartVm { vm: vm(0), host: None }), Ok(()));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)).len(), 1);
}

#[test]
fn a_stop_that_was_acknowledged_is_completed_by_the_next_term() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::Unprotected;
    let mut world = World::new(&pool);
    let call = world.ask(Call::StopVm { vm: vm(0) });
    world.run(Duration::from_millis(2));
    assert_eq!(world.replies, [(call, Ok(()))]);
    world.take_over(host(1));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), []);
}

#[test]
fn orders_that_an_agent_lost_or_got_after_it_came_back_are_given_again_and_no_vm_runs_twice() {
    for crossing in [false, true] {
        let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
        world.crossing = crossing;
        world.lose(host(0));
        world.run(Duration::from_micros(2_500));
        assert_eq!(world.starts.len(), 1, "it is on its way");
        let to = world.starts[0].2;
        world.begin_session(to);
        world.run(secs(5));
        assert_eq!(world.starts.len(), 2);
        assert_eq!(world.where_runs(vm(0)).len(), 1);
        assert_eq!(world.raised(AlertKind::VmRestartFailed, Subject::Vm(vm(0))), 0);
        assert_eq!(world.doubled, Vec::<String>::new());
    }
}

#[test]
fn a_vm_found_on_two_hosts_is_told_and_not_touched() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.hosts[1].running.insert(vm(0));
    world.begin_session(host(1));
    world.run(secs(100));
    assert_eq!(world.raised(AlertKind::VmRunsTwice, Subject::Vm(vm(0))), 1);
    assert_eq!(world.starts, []);
    world.lose(host(1));
    world.run(secs(100));
    assert_eq!(world.cleared(AlertKind::VmRunsTwice, Subject::Vm(vm(0))), 1);
    assert_eq!(world.starts, [], "the other still runs");
    world.lose(host(0));
    world.run(secs(3));
    assert_eq!(world.where_runs(vm(0)), [host(2)]);
}

#[test]
fn a_vm_started_by_somebody_else_is_told_and_left_alone() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].host = None;
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    let mut world = World::new(&pool);
    world.hosts[1].running.insert(vm(0));
    world.begin_session(host(1));
    world.run(secs(100));
    assert_eq!(world.raised(AlertKind::VmRunsUnasked, Subject::Vm(vm(0))), 1);
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
    world.stops(vm(0), StopCause::Stopped);
    world.run(secs(5));
    assert_eq!(world.cleared(AlertKind::VmRunsUnasked, Subject::Vm(vm(0))), 1);
    assert_eq!(world.starts, []);
}

#[test]
fn evidence_that_comes_before_the_first_agreement_is_not_lost() {
    use lifeboat_coordinator::Input;
    use lifeboat_coordinator::input::Evidence;
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.power_off(host(0));
    world.evict(host(0));
    world.silently(|world| world.take_over(host(1)));
    world.tell(Input::HostSafe { host: host(0), boot: 1, evidence: Evidence::PowerOff });
    world.agree();
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)).len(), 1);
}

#[test]
fn a_later_boot_of_a_host_is_evidence_that_the_earlier_is_over() {
    use lifeboat_coordinator::input::Standing;
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.power_off(host(0));
    let fake = &mut world.hosts[0];
    (fake.powered, fake.boot, fake.standing) = (true, 2, Standing::Live { boot: 2, quarantined: false });
    world.agree();
    world.begin_session(host(0));
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)).len(), 1);
    assert_eq!(world.raised(AlertKind::HostFailed, Subject::Host(host(0))), 1);
    assert_eq!(world.raised(AlertKind::HostRejoined, Subject::Host(host(0))), 1);
}

#[test]
fn evidence_about_an_earlier_boot_says_nothing_about_a_later_one() {
    use lifeboat_coordinator::Input;
    use lifeboat_coordinator::input::Evidence;
    let mut world = World::new(&spec(2, 16_384, &[(1024, 1)]));
    world.lose(host(0));
    world.rejoin(host(0));
    world.run(secs(1));
    world.lose(host(1));
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)), [host(0)], "on its second boot");
    world.rejoin(host(1));
    world.run(secs(1));
    world.tell(Input::HostSafe { host: host(0), boot: 1, evidence: Evidence::PowerOff });
    world.run(secs(5));
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
    assert_eq!(world.starts.len(), 1);
}

#[test]
fn what_a_host_said_before_it_was_over_and_is_heard_after_counts_for_nothing() {
    use lifeboat_coordinator::input::{Report, Seen};
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.store_works = false;
    world.lose(host(0));
    world.run(secs(1));
    world.say(host(0), Report::Inventory { vms: vec![(vm(0), Seen::Running)] });
    world.store_works = true;
    world.run(secs(10));
    assert_eq!(world.where_runs(vm(0)).len(), 1, "nobody waits for a host that is over");
}

#[test]
fn a_vm_that_was_stopped_and_that_somebody_started_again_is_not_stopped_by_the_next_term() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    let mut world = World::new(&pool);
    assert_eq!(world.answer(Call::StopVm { vm: vm(0) }), Ok(()));
    world.run(secs(2));
    assert_eq!(world.where_runs(vm(0)), []);
    // Only an inventory tells of it.
    world.hosts[1].running.insert(vm(0));
    world.begin_session(host(1));
    world.run(secs(1));
    world.take_over(host(1));
    world.run(secs(100));
    assert_eq!(world.where_runs(vm(0)), [host(1)]);
}

#[test]
fn a_new_term_stops_no_protected_vm_and_restarts_it_when_its_host_fails() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
    world.run(secs(1));
    let stopped = Record::ShouldRun { vm: vm(0), should_run: false };
    world.store.insert(stopped.key(), stopped);
    world.take_over(host(1));
    world.run(secs(100));
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
    world.lose(host(0));
    world.run(secs(30));
    assert_eq!(world.starts.len(), 1, "it runs, so it is wanted");
}

#[test]
fn a_document_that_says_that_a_vm_is_off_stops_none() {
    let mut pool = spec(3, 16_384, &[(1024, 0)]);
    pool.vms[0].restart_priority = RestartPriority::BestEffort;
    let mut world = World::new(&pool);
    world.run(secs(1));
    (pool.vms[0].host, pool.vms[0].power_state) = (None, Some(lifeboat_model::spec::PowerState::Halted));
    world.pool = lifeboat_model::Pool::new(&pool).expect("a pool");
    world.take_over(host(1));
    world.run(secs(100));
    assert_eq!(world.where_runs(vm(0)), [host(0)]);
}

#[test]
fn the_next_term_knows_the_place_that_is_left_of_two() {
    let place = |world: &World| world.store.get(&Key::Place(vm(0))).copied();
    let on = |host| Some(Record::Place { vm: vm(0), place: Place::On(host) });
    let arrived = || {
        let mut world = World::new(&spec(3, 16_384, &[(1024, 0)]));
        world.hosts[2].running.insert(vm(0));
        world.say(host(2), Report::Appeared { vm: vm(0) });
        world.run(secs(1));
        assert_eq!(place(&world), on(host(0)));
        world
    };
    let mut world = arrived();
    world.say(host(0), Report::Stopped { vm: vm(0), cause: StopCause::Stopped });
    world.run(secs(1));
    assert_eq!(place(&world), on(host(2)), "its first host says that it has stopped there");
    let mut world = arrived();
    world.lose(host(0));
    world.run(secs(1));
    assert_eq!(place(&world), on(host(2)), "its first host is over");
}
