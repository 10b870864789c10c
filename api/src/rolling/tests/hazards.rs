//! What a run must not be led into: by a host that fails while it looks, that comes back broken, that somebody has taken, or that never empties.
use super::super::view::never_came;
use super::*;
use lifeboat_coordinator::Bearing;
use lifeboat_protocol::{Boot, ConfigurationNumber, Standing};

fn agreed(boot: u64) -> Standing {
    Standing::Member { boot: Boot(boot), joined: ConfigurationNumber(1) }
}

fn bearing(boot: u64, takes_vms: bool) -> Bearing {
    Bearing { boot: Some(boot), takes_vms, ..Bearing::default() }
}

#[test]
fn a_host_is_in_doubt_while_agreement_coordinator_and_document_differ() {
    let doubts = |standing, bearing, state| Seen::of(standing, bearing, Some(state)).doubt.is_some();
    assert!(!doubts(agreed(2), Some(bearing(2, true)), HostState::Live));
    assert!(
        doubts(agreed(2), Some(bearing(1, true)), HostState::Live),
        "the coordinator knows of no such boot yet"
    );
    assert!(
        doubts(agreed(2), Some(bearing(2, false)), HostState::Live),
        "it is counted on, and has not spoken"
    );
    assert!(!doubts(agreed(2), Some(bearing(2, false)), HostState::Disabled), "it is not counted on");
    let fencing = Standing::Fencing { boot: Boot(2), joined: ConfigurationNumber(1), led: None };
    assert!(doubts(fencing, None, HostState::Disabled), "its VMs run there still, for all that is known");
    assert!(doubts(Standing::Out, None, HostState::Live));
    assert!(!doubts(Standing::Out, None, HostState::Maintenance), "it was emptied before");
}

#[test]
fn a_host_that_joins_during_a_run_and_is_not_started_yet_has_not_failed() {
    assert!(never_came(Standing::Out, None) && never_came(Standing::Out, Some(HostState::Dead)));
    assert!(!never_came(Standing::Out, Some(HostState::Maintenance)), "it has left");
    assert!(!never_came(Standing::Out, Some(HostState::Live)), "it has just left");
    assert!(!never_came(agreed(2), None), "it is there, and has not said what it has");
}

#[test]
fn no_group_begins_while_another_host_is_being_fenced_and_its_failure_is_not_hidden() {
    let mut world = World::of(run(&[&["h2"], &["h3"]]));
    *world.seen("h3") = Seen { lost: true, doubt: Some("is being fenced".to_owned()), ..Seen::default() };
    world.looks(5);
    assert_eq!((world.phase("h2"), world.run.state), (Phase::Waiting, RunState::Running));
    // The document has it: now it was down before.
    world.seen("h3").doubt = None;
    world.looks(2);
    assert_eq!(world.run.groups[0].down_before, ["h3"]);
    *world.seen("h3") = member(7);
    world.look();
    *world.seen("h3") = Seen { lost: true, ..Seen::default() };
    world.looks(2);
    assert_eq!(world.run.state, RunState::Stopped, "it has failed again");
    assert_eq!(world.enabled, ["h2"]);
}

#[test]
fn a_run_that_stops_has_its_hosts_take_vms_again_until_that_is_acknowledged_across_terms() {
    let mut world = World::of(run(&[&["h2", "h3"], &["h4"]]));
    world.looks(3);
    world.seen("h4").member = None;
    world.silent = true;
    world.looks(20);
    assert_eq!((world.run.state, world.phase("h2")), (RunState::Stopping, Phase::TakingBack));
    world.next_term();
    world.looks(20);
    assert_eq!(world.run.state, RunState::Stopping);
    world.silent = false;
    world.looks(2);
    assert_eq!((world.run.state, world.phase("h3")), (RunState::Stopped, Phase::TakenBack));
    assert_eq!(world.enabled, ["h2", "h3"]);
    assert!(world.going.is_empty(), "nobody goes any more: {:?}", world.going);
}

#[test]
fn a_canceled_run_goes_on_until_its_hosts_take_vms_again() {
    let mut world = World::of(run(&[&["h2"]]));
    world.looks(3);
    world.run.cancel("ann");
    world.silent = true;
    world.looks(20);
    world.next_term();
    world.looks(20);
    assert_eq!(world.run.state, RunState::Canceling);
    world.silent = false;
    world.looks(3);
    assert_eq!((world.run.state, &*world.enabled), (RunState::Canceled, &["h2".to_owned()][..]));
}

#[test]
fn a_host_that_is_back_and_takes_no_vms_holds_the_run_up_and_then_stops_it() {
    let mut world = World::of(run(&[&["h2"], &["h3"]]));
    world.looks(3);
    world.leaves("h2");
    world.look();
    world.returns("h2");
    world.seen("h2").takes_vms = false;
    world.looks(500);
    assert_eq!((world.phase("h2"), world.phase("h3")), (Phase::Back, Phase::Waiting));
    assert_eq!(world.brought_back, 0, "nothing is placed there");
    world.looks(200);
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("h2 is back, but"), "{}", world.run.reason);
    assert_eq!(world.phase("h3"), Phase::Waiting);
}

#[test]
fn a_host_in_somebodys_hands_is_not_rebooted() {
    let mut world = World::of(run(&[&["h2"]]));
    (world.seen("h2").duty, world.seen("h2").takes_vms) = (Duty::Maintenance, false);
    world.looks(500);
    assert_eq!(world.phase("h2"), Phase::Waiting);
    world.looks(200);
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("somebody's hands"), "{}", world.run.reason);
    assert!(world.going.is_empty() && world.enabled.is_empty());
}

#[test]
fn a_host_that_somebody_takes_while_it_is_emptied_stays_as_he_wants_it() {
    for duty in [Duty::Maintenance, Duty::Disabled, Duty::Enabled] {
        let mut world = World::of(run(&[&["h2", "h3"]]));
        world.looks(3);
        world.seen("h2").duty = duty;
        world.looks(3);
        assert_eq!((world.run.state, world.phase("h2")), (RunState::Stopped, Phase::TakenBack), "{duty:?}");
        assert_eq!(world.enabled, ["h3"], "{duty:?}");
    }
}

#[test]
fn emptying_that_comes_no_further_ends_though_nobody_complains() {
    let mut world = World::of(run(&[&["h2"]]));
    world.seen("h2").vms = 2;
    world.looks(3);
    world.looks(1_700);
    world.seen("h2").vms = 1;
    world.looks(1_700);
    assert_eq!(world.run.state, RunState::Running, "one has left");
    world.looks(150);
    assert_eq!((world.run.state, &*world.enabled), (RunState::Stopped, &["h2".to_owned()][..]));
    let mut world = World::of(run(&[&["h2"]]));
    world.looks(320);
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("does not leave"), "{}", world.run.reason);
}

#[test]
fn after_a_cancel_nothing_goes_back_to_a_host_that_may_be_leaving() {
    let mut world = World::of(run(&[&["h2"]]));
    world.looks(3);
    let step = PlannedMove { vm: "db".to_owned(), from: "h2".to_owned(), to: "h3".to_owned() };
    world.run.groups[0].moves.push(step);
    world.run.cancel("ann");
    world.look();
    // It was told that it may leave: it is enabled, and takes no VMs all the same.
    world.seen("h2").takes_vms = false;
    world.looks(20);
    assert_eq!((world.phase("h2"), world.brought_back), (Phase::TakingBack, 0));
    world.seen("h2").member = None;
    world.looks(2);
    assert_eq!(world.phase("h2"), Phase::Rebooting, "it has left after all, and is waited for");
    *world.seen("h2") = member(9);
    world.looks(4);
    assert_eq!((world.run.state, world.brought_back), (RunState::Canceled, 1));
}

#[test]
fn time_spent_waiting_for_calm_is_not_time_without_an_answer() {
    let mut world = World::of(run(&[&["h2"]]));
    world.view.unrest = Some("VM db is down".to_owned());
    world.looks(180);
    world.view.unrest = None;
    for _ in 0..2 {
        world.view.now += Duration::from_secs(1);
        let [Do::Judge { group, .. }] = *world.run.advance(&world.view).as_slice() else { panic!("it asks") };
        world.run.judged(group, Err("VM web is being migrated".to_owned()), &world.view);
    }
    assert_eq!(world.run.state, RunState::Running, "{}", world.run.reason);
}
