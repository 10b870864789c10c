//! The libvirt driver: what it does, what it sees, and what it says when nobody answers.
use crate::host::{Guest, Host, SOON, wait_until};
use lifeboat_agent::clock;
use lifeboat_agent::hypervisor::libvirt::Libvirt;
use lifeboat_agent::hypervisor::{Ending, Event, Fault, GuestState, Hypervisor, Permit};
use lifeboat_protocol::order::StopCause;
use rustix::process::Signal;
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(crate) fn permit() -> Permit {
    let permit = Permit::default();
    permit.set_leased(true);
    permit
}

pub(crate) fn state(libvirt: &Libvirt, vm: &str) -> Option<GuestState> {
    let guests = libvirt.guests().expect("libvirt answers");
    guests.into_iter().find(|guest| guest.vm == vm).map(|guest| guest.state)
}

fn events(libvirt: &Arc<Libvirt>) -> Receiver<Event> {
    let (sender, events) = channel();
    Arc::clone(libvirt).watch(Box::new(move |event| sender.send(event).is_ok()));
    until(&events, &Event::Connected);
    events
}

fn until(events: &Receiver<Event>, wanted: &Event) {
    let mut seen = Vec::new();
    while seen.last() != Some(wanted) {
        let next = events.recv_timeout(SOON);
        seen.push(next.unwrap_or_else(|_| panic!("no {wanted:?} in {seen:?}")));
    }
}

fn ended(vm: &str, cause: StopCause) -> Event {
    Event::Ended(vm.into(), Ending::Here(cause))
}

#[test]
fn a_vm_is_started_from_its_definition_and_stopped_and_how_it_ended_is_seen() {
    let host = Host::up();
    let libvirt = host.libvirt();
    let events = events(&libvirt);
    assert_eq!(libvirt.guests(), Ok(vec![]));
    libvirt.start("vm 1", &host.definition("vm 1", Guest::Beats), &permit()).expect("it starts");
    host.hears("vm 1", "HB", 1);
    assert_eq!(state(&libvirt, "vm 1"), Some(GuestState::Running));
    libvirt.start("vm 1", &host.definition("vm 1", Guest::Beats), &permit()).expect("it runs already");
    assert_eq!(host.guests().len(), 1);
    let no_agent = libvirt.guest_answers("vm 1");
    assert!(matches!(&no_agent, Err(Fault::Refused(why)) if why.contains("guest_agent")), "{no_agent:?}");
    libvirt.stop("vm 1").expect("it stops");
    assert_eq!(host.guests().len(), 0, "when it says so it is so");
    until(&events, &ended("vm 1", StopCause::Stopped));
    libvirt.stop("vm 1").expect("it is stopped already");
    libvirt.stop("never heard of").expect("what does not exist does not run");

    libvirt.start("vm 1", &host.definition("vm 1", Guest::Beats), &permit()).expect("it starts");
    host.guests()[0].kill();
    until(&events, &ended("vm 1", StopCause::Crashed));
    let crashed = GuestState::Stopped(Some(Ending::Here(StopCause::Crashed)));
    assert_eq!(state(&libvirt, "vm 1"), Some(crashed), "libvirt remembers it too");

    libvirt.start("off", &host.definition("off", Guest::PowersOff), &permit()).expect("it starts");
    until(&events, &ended("off", StopCause::ShutDownInside));
    let inside = GuestState::Stopped(Some(Ending::Here(StopCause::ShutDownInside)));
    assert_eq!(state(&libvirt, "off"), Some(inside));
}

#[test]
fn what_strangers_do_is_seen_and_what_starts_by_itself_is_switched_off() {
    let host = Host::up();
    let libvirt = host.libvirt();
    let events = events(&libvirt);
    let xml = host.path().join("x.xml");
    fs::write(&xml, host.definition("x", Guest::Beats)).expect("it can be written");
    host.virsh(&["create", &xml.to_string_lossy()]).expect("a stranger starts it");
    // Of a VM that is not known yet an event only says that something is new.
    wait_until("it is seen", SOON, || (state(&libvirt, "x") == Some(GuestState::Running)).then_some(()));
    host.virsh(&["suspend", "x"]).expect("it runs");
    until(&events, &Event::Changed("x".into()));
    wait_until("it is paused", SOON, || (state(&libvirt, "x") == Some(GuestState::Paused)).then_some(()));
    host.virsh(&["destroy", "x"]).expect("it runs");
    until(&events, &ended("x", StopCause::Stopped));
    assert_eq!(state(&libvirt, "x"), None, "it was never defined");

    host.virsh(&["define", &xml.to_string_lossy()]).expect("it is one");
    until(&events, &Event::Defined("x".into()));
    host.virsh(&["autostart", "x"]).expect("it can be set");
    let tamed = libvirt.tame().expect("libvirt answers");
    assert!(matches!(&tamed[..], [(vm, _)] if vm == "x"), "{tamed:?}");
    assert_eq!(libvirt.tame(), Ok(vec![]));
    let facts = libvirt.facts("x").expect("it is known");
    assert_eq!((facts.memory_mib, facts.resources["vcpus"]), (2, 1));
    assert!(facts.bound_by[0].contains("floppy"), "{:?}", facts.bound_by);
    assert!(facts.definition.contains("<name>x</name>"));
    let host_facts = libvirt.describe().expect("libvirt answers");
    assert!(host_facts.hypervisor.contains("QEMU") && host_facts.memory_mib > 0, "{host_facts:?}");
}

#[test]
fn what_libvirt_refuses_is_told_in_its_words() {
    let host = Host::up();
    let libvirt = host.libvirt();
    let lost = host.definition("a", Guest::Beats).replace(".img", ".gone");
    let refused = libvirt.start("a", &lost, &permit()).expect_err("its disk is not there");
    assert!(matches!(&refused, Fault::Refused(why) if why.contains("guest0.gone")), "{refused:?}");
    let closed = Permit::default();
    let refused = libvirt.start("a", &host.definition("a", Guest::Beats), &closed);
    assert!(matches!(refused, Err(Fault::Refused(_))));
    assert_eq!(host.guests().len(), 0);
    assert!(matches!(libvirt.reset("nobody"), Err(Fault::Refused(_))));
}

#[test]
fn a_daemon_that_is_gone_or_hangs_has_said_nothing_and_its_vms_run_on() {
    let host = Host::up();
    let libvirt = host.hasty_libvirt();
    let events = events(&libvirt);
    libvirt.start("a", &host.definition("a", Guest::Beats), &permit()).expect("it starts");
    host.signal_daemon(Signal::STOP);
    let began = clock::now();
    assert!(matches!(libvirt.guests(), Err(Fault::Silent(_))));
    assert!(clock::now().since(began) < Duration::from_secs(15));
    assert_eq!(libvirt.traces(), ["a"], "what libvirt wrote down can be read without it");
    host.signal_daemon(Signal::CONT);
    wait_until("it answers again", SOON, || libvirt.guests().ok());

    host.signal_daemon(Signal::KILL);
    until(&events, &Event::Broken);
    assert!(matches!(libvirt.guests(), Err(Fault::Silent(_))));
    assert_eq!(host.guests().len(), 1, "the VM runs on");
    host.start_daemon();
    until(&events, &Event::Connected);
    assert_eq!(state(&libvirt, "a"), Some(GuestState::Running), "it is taken back");
    host.guests()[0].kill();
    until(&events, &ended("a", StopCause::Crashed));
}

#[test]
fn all_vms_are_killed_whether_libvirt_answers_or_not() {
    let host = Host::up();
    let libvirt = host.hasty_libvirt();
    for vm in ["a", "b", "c"] {
        libvirt.start(vm, &host.definition(vm, Guest::Beats), &permit()).expect("it starts");
    }
    libvirt.kill_all().expect("it is certain");
    assert_eq!(host.guests().len(), 0);
    for vm in ["a", "b", "c"] {
        libvirt.start(vm, &host.definition(vm, Guest::Beats), &permit()).expect("it starts");
    }
    host.signal_daemon(Signal::STOP);
    let daemon = host.daemon();
    let began = clock::now();
    libvirt.kill_all().expect("it is certain");
    let took = clock::now().since(began);
    assert_eq!(host.guests().len(), 0, "none is left, not even unreaped");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(daemon.ends_within(Duration::ZERO), "what waits in its socket is never carried out");
    println!("with a hung daemon all were killed in {took:?}");
}

#[test]
fn evidence_is_a_picture_and_the_end_of_the_console_and_a_reset_boots_anew() {
    let host = Host::up();
    let libvirt = host.libvirt();
    libvirt.start("a", &host.definition("a", Guest::Hangs), &permit()).expect("it starts");
    host.hears("a", "HB", 4);
    let kept = tempfile::tempdir().expect("a folder");
    libvirt.evidence("a", kept.path()).expect("there is some");
    let console = fs::read_to_string(kept.path().join("console.txt")).expect("it was kept");
    assert!(console.contains("GUEST UP"), "{console}");
    assert!(fs::metadata(kept.path().join("screen")).expect("it was kept").len() > 1000);
    let beat = |libvirt: &Libvirt| libvirt.pulses(&["a".into()]).expect("libvirt answers")["a"].heartbeat;
    let before = beat(&libvirt);
    assert!(before.is_some());
    libvirt.reset("a").expect("it can be");
    host.hears("a", "GUEST UP", 2);
    assert!(beat(&libvirt) > before, "its console grows again");
}
