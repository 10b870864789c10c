//! Placing back the VMs of a group: it ends, is canceled, and is gone on with by whoever leads next.
use super::*;

/// Two groups, and the VMs of the first are slow to go back.
fn placing() -> World {
    let mut world = World::of(run(&[&["h2"], &["h3"]]));
    world.slow = true;
    world.looks(3);
    world.leaves("h2");
    world.look();
    world.returns("h2");
    world.looks(3);
    assert_eq!((world.phase("h2"), world.run.groups[0].placing_back), (Phase::Back, true));
    world
}

#[test]
fn what_has_not_returned_within_an_hour_stays_where_it_is_and_the_next_group_begins() {
    let mut world = placing();
    world.looks(3_500);
    assert_eq!((world.phase("h2"), world.phase("h3")), (Phase::Back, Phase::Waiting));
    world.looks(150);
    assert_eq!((world.phase("h2"), world.phase("h3")), (Phase::Done, Phase::Emptying));
    assert!(!world.run.groups[0].placing_back);
}

#[test]
fn after_a_cancel_none_sets_out_any_more() {
    let mut world = placing();
    world.run.cancel("ann");
    let before = world.brought_back;
    world.next_term();
    world.looks(3);
    assert_eq!((world.run.state, world.phase("h2")), (RunState::Canceled, Phase::Done));
    assert_eq!(world.brought_back, before);
    assert_eq!(world.phase("h3"), Phase::Waiting);
}

#[test]
fn a_run_that_was_canceled_before_places_back_until_it_is_canceled_again() {
    let mut world = World::of(run(&[&["h2"]]));
    world.slow = true;
    world.looks(3);
    world.run.cancel("ann");
    world.looks(60);
    assert_eq!((world.run.state, world.phase("h2")), (RunState::Canceling, Phase::TakenBack));
    assert!(world.run.groups[0].placing_back);
    world.run.cancel("ann");
    world.looks(2);
    assert_eq!((world.run.state, world.run.groups[0].placing_back), (RunState::Canceled, false));
}

#[test]
fn whoever_leads_next_goes_on_placing_back() {
    let mut world = placing();
    world.looks(100);
    world.next_term();
    let before = world.brought_back;
    world.looks(100);
    assert_eq!((world.phase("h2"), world.brought_back), (Phase::Back, before + 100));
    world.slow = false;
    world.looks(3);
    assert_eq!((world.phase("h2"), world.phase("h3")), (Phase::Done, Phase::Emptying));
}

#[test]
fn a_host_that_somebody_takes_meanwhile_stops_the_run() {
    let mut world = placing();
    (world.seen("h2").duty, world.seen("h2").takes_vms) = (Duty::Disabled, false);
    world.looks(2);
    assert_eq!(world.run.state, RunState::Stopped, "{}", world.run.reason);
    assert!(!world.run.groups[0].placing_back, "nothing is being done any more");
    assert!(world.enabled.is_empty(), "it stays as he wants it");
}

#[test]
fn nothing_goes_back_to_a_host_that_somebody_has_taken() {
    let mut world = World::of(run(&[&["h2", "h3"]]));
    world.looks(3);
    for host in ["h2", "h3"] {
        let step = PlannedMove { vm: format!("of-{host}"), from: host.to_owned(), to: "h4".to_owned() };
        world.run.groups[0].moves.push(step);
    }
    world.run.cancel("ann");
    world.silent = true;
    world.look();
    world.seen("h2").duty = Duty::Maintenance;
    (world.seen("h3").duty, world.seen("h3").takes_vms) = (Duty::Enabled, true);
    world.run.heard("h3");
    let acts = world.run.advance(&world.view);
    let moves = acts.iter().find_map(|act| match act {
        Do::PlaceBack { moves, .. } => Some(moves.iter().map(|step| step.vm.as_str()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(moves.expect("both are taken back"), ["of-h3"]);
}
