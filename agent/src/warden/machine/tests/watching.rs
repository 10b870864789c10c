//! Hung guests, lost storages and networks, and what VMs are made of.
use super::*;
use crate::config::hypervisor::OnLoss;
use crate::hypervisor::site::Loss;

const MONITOR: Monitor = Monitor { silent_for_s: 8, grace_s: 4, resets: 1, window_s: 600 };

fn beat(bench: &mut Bench, heartbeat: u64) {
    bench.now += 2;
    bench.tell(Told::Elapsed);
    if bench.machine.feeling {
        let ticket = bench.job(|job| matches!(job, Job::Pulses { .. }));
        let pulse = Pulse { activity: 0, heartbeat: Some(heartbeat) };
        bench.tell(Told::Done(ticket, Done::Pulses(Some([("a".to_owned(), pulse)].into()))));
    }
}

fn facts(vm: &str) -> VmFacts {
    VmFacts {
        vm: vm.into(),
        storages: vec!["san1".into()],
        networks: vec!["lan".into()],
        ..VmFacts::default()
    }
}

fn loss(network: bool, reaction: OnLoss) -> Loss {
    let id = if network { "lan" } else { "san1" };
    Loss { id: id.into(), network, since: Some(at(0)), how: "gone".into(), reaction, after_s: 30 }
}

fn knows(bench: &mut Bench, vm: &str) {
    bench.know(vm, None);
    bench.machine.wanted_facts.insert(vm.to_owned());
    bench.machine.facts_busy = false;
    bench.tell(Told::Elapsed);
    let ticket = bench.job(|job| matches!(job, Job::Facts { .. }));
    bench.tell(Told::Done(ticket, Done::Facts(Ok(facts(vm)))));
}

fn told_kinds(all: &[Do]) -> Vec<&str> {
    let mut kinds = Vec::new();
    for next in all {
        if let Do::Note(ReportNote::Alert { kind, .. }) = next {
            kinds.push(kind.as_str());
        }
    }
    kinds
}

#[test]
fn a_guest_that_hangs_is_reset_and_then_stopped_for_the_pool_to_start_it_elsewhere() {
    let mut bench = Bench::with(&["a"]);
    bench.know("a", Some(MONITOR));
    for heartbeat in 0..10 {
        beat(&mut bench, heartbeat);
    }
    let until = |bench: &mut Bench, like: fn(&Job) -> bool| {
        for _ in 0..30 {
            let mut found = None;
            for next in bench.all() {
                match next {
                    Do::Job(ticket, job) if like(&job) => found = Some(ticket),
                    Do::Job(ticket, Job::Pulses { .. }) => {
                        let pulse = Pulse { activity: 0, heartbeat: Some(9) };
                        bench.tell(Told::Done(ticket, Done::Pulses(Some([("a".to_owned(), pulse)].into()))));
                    }
                    Do::Job(ticket, Job::Look) => {
                        let a = Guest { vm: "a".into(), state: GuestState::Running };
                        bench.tell(Told::Done(ticket, Done::Look(Ok(vec![a]))));
                    }
                    _ => {}
                }
            }
            if let Some(ticket) = found {
                return ticket;
            }
            bench.now += 2;
            bench.tell(Told::Elapsed);
        }
        panic!("nothing is done about it");
    };
    let reset = until(&mut bench, |job| matches!(job, Job::Reset { .. }));
    bench.tell(Told::Done(reset, Done::Reset(Ok(()))));
    let stop = until(&mut bench, |job| matches!(job, Job::StopIll { .. }));
    bench.tell(Told::Done(stop, Done::Stop));
    let all = bench.all();
    assert!(all.contains(&Do::Note(ReportNote::Unresponsive { vm: "a".into() })), "{all:?}");
    bench.look(Ok(&[]));
    assert_eq!(bench.reports(), [], "that it ended is told once");
}

#[test]
fn vms_paused_by_a_lost_storage_are_stopped_after_its_time_and_only_those() {
    let mut bench = Bench::with(&["a", "b"]);
    knows(&mut bench, "a");
    knows(&mut bench, "b");
    let guest = |vm: &str, state| Guest { vm: vm.into(), state };
    bench.look_as(Ok(vec![guest("a", GuestState::DiskFailed), guest("b", GuestState::Running)]));
    bench.all();
    bench.now = 29;
    bench.machine.react(at(29), vec![loss(false, OnLoss::Restart)]);
    assert_eq!(bench.all(), [], "it may come back");
    bench.machine.react(at(31), vec![loss(false, OnLoss::Restart)]);
    let all = bench.all();
    assert_eq!(told_kinds(&all), ["storage-lost", "vm-lost-its-means"]);
    let stop = all
        .iter()
        .find_map(|n| if let Do::Job(t, Job::Stop { vm }) = n { Some((*t, vm.clone())) } else { None });
    let (ticket, vm) = stop.expect("it is stopped");
    assert_eq!(vm, "a");
    bench.tell(Told::Done(ticket, Done::Stop));
    assert_eq!(bench.reports(), [stopped("a", StopCause::Crashed)]);
    bench.machine.react(at(40), vec![loss(false, OnLoss::Restart)]);
    assert_eq!(told_kinds(&bench.all()), Vec::<&str>::new(), "people are told once");
}

#[test]
fn a_lost_network_is_told_or_acted_upon_or_ignored() {
    for (reaction, kinds) in [
        (OnLoss::Ignore, vec![]),
        (OnLoss::Alert, vec!["network-lost"]),
        (OnLoss::Restart, vec!["network-lost", "vm-lost-its-means"]),
    ] {
        let mut bench = Bench::with(&["a"]);
        knows(&mut bench, "a");
        bench.all();
        bench.machine.react(at(31), vec![loss(true, reaction)]);
        assert_eq!(told_kinds(&bench.all()), kinds);
    }
}

#[test]
fn what_vms_are_made_of_is_told_when_it_changes_and_to_each_new_coordinator() {
    let mut bench = Bench::with(&["a"]);
    knows(&mut bench, "a");
    let note = Do::Note(ReportNote::Vm(facts("a")));
    assert!(bench.all().contains(&note));
    knows(&mut bench, "a");
    assert!(!bench.all().contains(&note), "nothing has changed");
    bench.term();
    bench.look(Ok(&["a"]));
    assert!(bench.all().contains(&note));
}

#[test]
fn what_a_vm_is_made_of_is_asked_again_when_it_has_ended() {
    let mut bench = Bench::with(&["a"]);
    knows(&mut bench, "a");
    bench.all();
    bench.tell(Told::Event(Event::Ended("a".into(), Ending::Here(StopCause::Stopped))));
    bench.look(Ok(&[]));
    bench.job(|job| matches!(job, Job::Facts { .. }));
}

#[test]
fn what_a_vm_is_made_of_is_told_again_when_somebody_starts_it_here_by_hand() {
    let mut bench = Bench::with(&["a"]);
    knows(&mut bench, "a");
    bench.look(Ok(&[]));
    knows(&mut bench, "a");
    assert!(!bench.all().contains(&Do::Note(ReportNote::Vm(facts("a")))), "nothing has changed");
    bench.look(Ok(&["a"]));
    knows(&mut bench, "a");
    assert!(
        bench.all().contains(&Do::Note(ReportNote::Vm(facts("a")))),
        "another host may have told it since"
    );
}

#[test]
fn notes_wait_for_the_inventory_before_which_nobody_listens() {
    let mut bench = Bench::new();
    bench.tell(Told::Event(Event::Watchdog("a".into())));
    assert_eq!(told_kinds(&bench.all()), Vec::<&str>::new());
    bench.term();
    // The first one began before the term.
    bench.look(Ok(&[]));
    bench.look(Ok(&[]));
    let all = bench.all();
    let inventory = all.iter().position(|next| matches!(next, Do::Report(Report::Inventory { .. })));
    let note = all.iter().position(|next| matches!(next, Do::Note(ReportNote::Alert { .. })));
    assert!(inventory.is_some() && inventory < note, "{all:?}");
}

#[test]
fn what_a_silent_hypervisor_did_not_say_of_a_vm_is_asked_again() {
    let mut bench = Bench::with(&["a"]);
    bench.machine.wanted_facts.insert("a".into());
    bench.machine.facts_busy = false;
    bench.tell(Told::Elapsed);
    let ticket = bench.job(|job| matches!(job, Job::Facts { .. }));
    bench.tell(Told::Done(ticket, Done::Facts(Err(crate::hypervisor::Fault::Silent("it hangs".into())))));
    assert!(!bench.all().iter().any(|next| matches!(next, Do::Job(_, Job::Facts { .. }))), "not in a hurry");
    bench.look(Ok(&["a"]));
    bench.job(|job| matches!(job, Job::Facts { .. }));
}

#[test]
fn guests_are_minded_after_a_restart_of_the_agent_too() {
    let kept = [("a".to_owned(), vm_note("a", Some(MONITOR)))].into();
    let machine = Machine::new(LIMITS, kept, at(0));
    assert!(machine.monitors.minds("a"));
}
