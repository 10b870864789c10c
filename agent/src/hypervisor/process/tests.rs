//! VMs that are commands: started, stopped, crashed, left alone by an agent that ends and found by the next.
use super::*;
use crate::config::hypervisor as section;
use std::sync::mpsc::{Receiver, channel};

struct Bench {
    folder: tempfile::TempDir,
    permit: Permit,
}

fn bench() -> Bench {
    let permit = Permit::default();
    permit.set_leased(true);
    Bench { folder: tempfile::tempdir().expect("a folder"), permit }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let left =
            processes::such(|pid| processes::environment(pid).iter().any(|entry| entry.starts_with(&mark)));
        processes::end_all(&left, GONE_WITHIN);
    }
}

impl Bench {
    fn agent(&self) -> (Processes, Receiver<Event>) {
        let site = Arc::new(Site::new(&section::Hypervisor::default()));
        let processes = Processes::new(&self.folder.path().join("vms"), site).expect("a directory");
        let (sender, events) = channel();
        let listener: Listener = Box::new(move |event| sender.send(event).is_ok());
        Arc::new(processes.clone()).watch(listener);
        assert_eq!(events.recv(), Ok(Event::Connected));
        (processes, events)
    }
}

fn definition(script: &str) -> String {
    serde_json::json!({ "command": ["sh", "-c", script] }).to_string()
}

fn state(processes: &Processes, vm: &str) -> Option<GuestState> {
    let guests = processes.guests().expect("it answers");
    guests.into_iter().find(|guest| guest.vm == vm).map(|guest| guest.state)
}

fn next(events: &Receiver<Event>) -> Event {
    events.recv_timeout(Duration::from_secs(20)).expect("an event in time")
}

#[test]
fn a_vm_runs_until_it_is_stopped_with_all_that_it_started() {
    let bench = bench();
    let (processes, events) = bench.agent();
    let pids = bench.folder.path().join("pids");
    // One child stays in the group, one makes a group of its own.
    let script =
        format!("sleep 611 & echo $! > {0}; setsid sleep 612 & echo $! >> {0}; wait", pids.display());
    processes.start("a vm/1", &definition(&script), &bench.permit).expect("it starts");
    let end = clock::now() + Duration::from_secs(10);
    let children = loop {
        let text = fs::read_to_string(&pids).unwrap_or_default();
        let children: Vec<Pid> =
            text.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect();
        if children.len() == 2 {
            break children;
        }
        assert!(clock::now() < end, "it does not start its children");
        clock::wait(Duration::from_millis(2));
    };
    assert_eq!(state(&processes, "a vm/1"), Some(GuestState::Running));
    processes.stop("a vm/1").expect("it stops");
    assert_eq!(
        state(&processes, "a vm/1"),
        Some(GuestState::Stopped(Some(Ending::Here(StopCause::Stopped))))
    );
    assert!(children.iter().all(|child| !processes::alive(*child)), "nothing of it is left");
    assert_eq!(next(&events), Event::Ended("a vm/1".into(), Ending::Here(StopCause::Stopped)));
}

#[test]
fn how_it_ended_is_told() {
    let bench = bench();
    let (processes, events) = bench.agent();
    processes.start("well", &definition("exit 0"), &bench.permit).expect("it starts");
    assert_eq!(next(&events), Event::Ended("well".into(), Ending::Here(StopCause::ShutDownInside)));
    processes.start("ill", &definition("kill -9 $$"), &bench.permit).expect("it starts");
    assert_eq!(next(&events), Event::Ended("ill".into(), Ending::Here(StopCause::Crashed)));
}

#[test]
fn what_cannot_be_started_is_refused_with_the_reason() {
    let bench = bench();
    let (processes, _) = bench.agent();
    let nowhere = r#"{"command": ["/nowhere/qemu"]}"#;
    for (definition, says) in
        [(nowhere, "/nowhere/qemu"), ("<domain/>", "\"command\""), (r#"{"command":[]}"#, "empty")]
    {
        let refused = processes.start("a", definition, &bench.permit).expect_err("it is refused");
        assert!(matches!(&refused, Fault::Refused(why) if why.contains(says)), "{refused:?}");
    }
    bench.permit.close();
    let refused = processes.start("a", &definition("sleep 600"), &bench.permit);
    assert!(matches!(refused, Err(Fault::Refused(_))));
    assert_eq!(state(&processes, "a"), None);
}

#[test]
fn the_next_agent_takes_back_what_runs_and_sees_its_end() {
    let bench = bench();
    let (first, _) = bench.agent();
    first.start("a", &definition("sleep 600"), &bench.permit).expect("it starts");
    let before = first.inner.vms().known["a"].record.leader().expect("it runs");
    drop(first);
    let (second, events) = bench.agent();
    assert_eq!(state(&second, "a"), Some(GuestState::Running));
    assert_eq!(second.inner.vms().known["a"].record.leader(), Some(before));
    second.start("a", &definition("sleep 600"), &bench.permit).expect("it runs already");
    assert_eq!(second.inner.vms().known["a"].record.leader(), Some(before), "no second one was started");
    rustix::process::kill_process(before, rustix::process::Signal::KILL).expect("it lives");
    assert_eq!(next(&events), Event::Ended("a".into(), Ending::Here(StopCause::Crashed)));
}

#[test]
fn one_without_a_record_is_found_by_its_mark() {
    let bench = bench();
    let (first, _) = bench.agent();
    first.start("a", &definition("sleep 600"), &bench.permit).expect("it starts");
    let end = clock::now() + Duration::from_secs(10);
    while first.inner.all_of("a", None).is_empty() {
        assert!(clock::now() < end, "it shows no mark");
        clock::wait(Duration::from_millis(2));
    }
    for entry in fs::read_dir(bench.folder.path().join("vms")).expect("a directory") {
        fs::remove_file(entry.expect("an entry").path()).expect("it can be removed");
    }
    let (second, _) = bench.agent();
    assert_eq!(state(&second, "a"), Some(GuestState::Running));
    second.kill_all().expect("it can be stopped");
}

#[test]
fn a_vm_that_is_reset_runs_on_as_another_process() {
    let bench = bench();
    let (processes, events) = bench.agent();
    processes.start("a", &definition("sleep 600"), &bench.permit).expect("it starts");
    let before = processes.inner.vms().known["a"].record.leader();
    processes.reset("a").expect("it is reset");
    assert_eq!(next(&events), Event::Rebooted("a".into()));
    let after = processes.inner.vms().known["a"].record.leader();
    assert!(after.is_some() && after != before);
    processes.stop("a").expect("it stops");
}

#[test]
fn when_all_are_stopped_none_runs_and_none_is_started_any_more() {
    let bench = bench();
    let (processes, _) = bench.agent();
    for vm in ["a", "b", "c"] {
        processes.start(vm, &definition("sleep 600 & sleep 600"), &bench.permit).expect("it starts");
    }
    processes.kill_all().expect("they can be killed");
    let prefix = format!("{MARK}={}:", processes.inner.directory.display());
    let left =
        processes::such(|pid| processes::environment(pid).iter().any(|entry| entry.starts_with(&prefix)));
    assert!(left.is_empty(), "{left:?}");
    let refused = processes.start("a", &definition("sleep 600"), &bench.permit);
    assert!(matches!(refused, Err(Fault::Refused(_))));
}

#[test]
fn the_end_of_its_console_is_kept_as_evidence_and_its_growth_is_a_heartbeat() {
    let bench = bench();
    let (processes, _) = bench.agent();
    let console = bench.folder.path().join("console");
    let script = "echo here I am; while :; do echo tick; sleep 0.05; done";
    let definition =
        serde_json::json!({ "command": ["sh", "-c", script], "console": console, "memory_mib": 7 })
            .to_string();
    processes.start("a", &definition, &bench.permit).expect("it starts");
    let beat = || processes.pulses(&["a".into()]).expect("it answers")["a"].heartbeat;
    let end = clock::now() + Duration::from_secs(10);
    let first = beat();
    while beat() <= first {
        assert!(clock::now() < end, "its console does not grow");
        clock::wait(Duration::from_millis(5));
    }
    processes.evidence("a", bench.folder.path()).expect("there is some");
    let kept = fs::read_to_string(bench.folder.path().join("console.txt")).expect("it was kept");
    assert!(kept.contains("here I am"), "{kept}");
    assert_eq!(processes.facts("a").expect("it is known").memory_mib, 7);
    processes.stop("a").expect("it stops");
}
