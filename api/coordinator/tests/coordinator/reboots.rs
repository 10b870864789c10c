//! Emptying hosts that are to boot anew: what is remembered, what is permitted for how long, and what cannot be taken back.
use crate::world::{World, host, secs, spec, vm};
use lifeboat_coordinator::Refusal;
use lifeboat_coordinator::alert::{AlertKind, Subject};
use lifeboat_coordinator::input::Call;

#[test]
fn whoever_asks_again_for_the_same_reboot_does_not_hide_that_a_vm_cannot_leave() {
    let mut world = World::new(&spec(2, 8192, &[(512, 0)]));
    world.hosts[1].fails.insert(vm(0));
    for _ in 0..20 {
        // Asked for again before it could fail twice in a row.
        assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
        world.run(core::time::Duration::from_millis(300));
    }
    assert_eq!(world.raised(AlertKind::EvacuationStalled, Subject::Host(host(0))), 1);
}

#[test]
fn the_permission_to_stop_a_vm_ends_with_the_reboot_that_it_was_given_for() {
    let mut world = World::new(&spec(2, 2048, &[(1536, 0), (1536, 1)]));
    assert_eq!(world.answer(Call::PlanMoves { moves: Vec::new(), stops: vec![vm(0)] }), Ok(()));
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!(world.where_runs(vm(0)), [host(0)], "an evacuation is no reboot");
    assert_eq!(world.answer(Call::EnableHost { host: host(0) }), Ok(()));
    assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!(world.where_runs(vm(0)), [host(0)], "nobody has allowed it for this one");
    assert!(world.raised(AlertKind::EvacuationStalled, Subject::Host(host(0))) >= 1);
}

#[test]
fn a_host_that_was_told_to_leave_takes_no_vms_until_it_has_stayed_for_long_enough() {
    let mut world = World::new(&spec(3, 16_384, &[(1024, 0), (1024, 1)]));
    assert_eq!(world.answer(Call::RebootHost { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!(world.reboots, [host(0)]);
    assert_eq!(world.answer(Call::EnableHost { host: host(0) }), Ok(()));
    let back = Call::MigrateVm { vm: vm(1), to: host(0) };
    assert_eq!(world.answer(back.clone()), Err(Refusal::HostNotLive), "it may be on its way out");
    world.run(secs(70));
    assert_eq!(world.answer(back), Ok(()), "it has stayed");
}

#[test]
fn a_stall_is_over_when_a_vm_of_the_host_leaves() {
    let mut world = World::new(&spec(2, 8192, &[(4096, 0), (512, 0), (512, 0), (512, 0), (512, 0)]));
    world.hosts[1].fails.insert(vm(0));
    let stalled = Subject::Host(host(0));
    world.hosts[1].fails.extend([vm(1), vm(2), vm(3), vm(4)]);
    assert_eq!(world.answer(Call::Evacuate { host: host(0) }), Ok(()));
    world.run(secs(10));
    assert_eq!(
        (
            world.raised(AlertKind::EvacuationStalled, stalled),
            world.cleared(AlertKind::EvacuationStalled, stalled)
        ),
        (1, 0)
    );
    for n in 1..5 {
        world.hosts[1].fails.remove(&vm(n));
    }
    world.run(secs(60));
    assert_eq!(world.where_runs(vm(0)), [host(0)], "not empty yet");
    assert!(world.cleared(AlertKind::EvacuationStalled, stalled) >= 1);
}
