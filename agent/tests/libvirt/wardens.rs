//! The warden over a real hypervisor: told by the protocol, heard by the coordinator.
use crate::host::{Guest, Host, SOON, wait_until};
use lifeboat_agent::config::hypervisor::{Hypervisor as Section, OnLoss, Storage};
use lifeboat_agent::context::Board;
use lifeboat_agent::hypervisor::libvirt::Libvirt;
use lifeboat_agent::hypervisor::site::Site;
use lifeboat_agent::warden::machine::Limits;
use lifeboat_agent::warden::{Doors, start};
use lifeboat_agent::wiring::{self, InboxReader, News, ToWarden};
use lifeboat_link::note::{self, Monitor, OrderNote, ReportNote, VmNote};
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::order::{Gate, Order, OrderId, Outcome, Report, StopCause, VmState};
use lifeboat_protocol::{Epoch, Input};
use rustix::process::Signal;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// An agent's warden, and everything that it has told.
struct Agent {
    told: Sender<ToWarden>,
    inbox: InboxReader,
    heard: Vec<Input>,
    term: u64,
    number: u64,
}

impl Agent {
    fn on(host: &Host) -> Self {
        Self::with(host, &host.section())
    }

    fn with(host: &Host, section: &Section) -> Self {
        let (told, queue) = channel();
        let (inbox, reader) = wiring::inbox().expect("an inbox");
        let doors = Doors {
            inbox,
            told: queue,
            name_of: Box::new(|host| format!("h{}", host.0)),
            other_notes: Box::new(|_| {}),
            board: Board::default(),
            state_directory: host.path().join("state"),
            run_directory: host.path().join("run"),
        };
        let site = Arc::new(Site::new(section));
        let libvirt = Arc::new(Libvirt::new(section, Arc::clone(&site)));
        start(doors, libvirt, site, Limits { starts: 4, stops: 4, migrations: 1 }).expect("it starts");
        let mut agent = Self { told, inbox: reader, heard: Vec::new(), term: 0, number: 0 };
        agent.tell(ToWarden::Leased(true));
        agent
    }

    fn tell(&mut self, what: ToWarden) {
        self.told.send(what).expect("the warden lives");
    }

    fn id(&mut self) -> OrderId {
        self.number += 1;
        OrderId { epoch: Epoch(self.term), number: self.number }
    }

    /// Begins a term; gives its inventory.
    fn term(&mut self) -> Vec<(String, VmState)> {
        self.term += 1;
        self.heard.clear();
        self.tell(ToWarden::NewTerm(Epoch(self.term)));
        let found =
            self.hears("an inventory", |input| matches!(input, Input::Report(Report::Inventory { .. })));
        let before = self.heard.iter().position(|input| matches!(input, Input::Report(_)));
        assert!(matches!(&self.heard[before.expect("it is there")], Input::Report(Report::Inventory { .. })));
        match found {
            Input::Report(Report::Inventory { vms }) => vms,
            _ => Vec::new(),
        }
    }

    fn know(&mut self, host: &Host, vm: &str, guest: Guest, monitor: Option<Monitor>) {
        self.know_as(vm, host.definition(vm, guest), monitor);
    }

    fn know_as(&mut self, vm: &str, definition: String, monitor: Option<Monitor>) {
        let note = VmNote { vm: vm.into(), definition, memory_mib: 2, protected: true, monitor };
        let bytes = note::pack(&OrderNote::Vm(note)).expect("it fits");
        let id = self.id();
        self.tell(ToWarden::Order(Order::Note { id, bytes }));
    }

    fn order(&mut self, make: impl FnOnce(OrderId) -> Order) -> Outcome {
        let id = self.id();
        self.tell(ToWarden::Order(make(id)));
        let of = move |input: &Input| matches!(input, Input::Report(Report::Finished { id: done, .. }) if *done == id);
        match self.hears("an order is finished", of) {
            Input::Report(Report::Finished { outcome, .. }) => outcome,
            _ => Outcome::Done,
        }
    }

    fn start(&mut self, vm: &str) {
        let outcome = self.order(|id| Order::Start { id, vm: vm.into(), gate: Gate::Started });
        assert_eq!(outcome, Outcome::Done);
    }

    /// Waits until something like this is heard.
    fn hears(&mut self, what: &str, like: impl Fn(&Input) -> bool) -> Input {
        let (inbox, heard) = (&self.inbox, &mut self.heard);
        wait_until(what, SOON * 2, || {
            while let Some(next) = inbox.next() {
                if let News::Input(input) = next {
                    heard.push(input);
                }
            }
            heard.iter().find(|input| like(input)).cloned()
        })
    }

    fn hears_report(&mut self, report: &Report) {
        self.hears(&format!("{report:?}"), |input| matches!(input, Input::Report(told) if told == report));
    }

    fn hears_note(&mut self, what: &str, like: impl Fn(&ReportNote) -> bool) {
        self.hears(what, |input| match input {
            Input::Report(Report::Note { bytes }) => {
                like(&note::unpack::<ReportNote>(bytes).expect("a note"))
            }
            _ => false,
        });
    }
}

fn running(vm: &str) -> (String, VmState) {
    (vm.to_owned(), VmState::Running)
}

#[test]
fn a_vm_is_started_lost_and_told_and_the_next_agent_takes_back_what_runs() {
    let host = Host::up();
    let mut agent = Agent::on(&host);
    assert_eq!(agent.term(), []);
    agent.hears_note("the host is described", |note| matches!(note, ReportNote::Host(_)));
    for vm in ["a", "b"] {
        agent.know(&host, vm, Guest::Beats, None);
        agent.start(vm);
    }
    agent.hears_report(&Report::Ready { vm: "a".into() });
    agent.hears_note("a is described", |note| matches!(note, ReportNote::Vm(facts) if facts.vm == "a"));
    agent.hears("its memory", |input| matches!(input, Input::ProtectedMemory { mib: 4 }));
    host.virsh(&["destroy", "b"]).expect("a stranger stops it");
    agent.hears_report(&Report::Stopped { vm: "b".into(), cause: StopCause::Stopped });
    drop(agent);

    let mut next = Agent::on(&host);
    assert_eq!(next.term(), [running("a")]);
    assert_eq!(host.guests().len(), 1, "nothing was stopped");
    next.start("b");
    assert_eq!(host.guests().len(), 2, "it kept what it was told of it");
    host.guests()[0].kill();
    let crashed =
        |input: &Input| matches!(input, Input::Report(Report::Stopped { cause: StopCause::Crashed, .. }));
    next.hears("one crashed", crashed);
}

#[test]
fn a_vm_that_the_pool_has_elsewhere_is_destroyed_with_an_alert() {
    let host = Host::up();
    let mut agent = Agent::on(&host);
    agent.term();
    let xml = host.path().join("x.xml");
    std::fs::write(&xml, host.definition("x", Guest::Beats)).expect("it can be written");
    host.virsh(&["create", &xml.to_string_lossy()]).expect("a stranger starts it");
    agent.hears_note("x appeared", |note| *note == ReportNote::Appeared { vm: "x".into() });
    assert_eq!(agent.order(|id| Order::Stop { id, vm: "x".into() }), Outcome::Done);
    assert_eq!(host.guests().len(), 0);
    agent.hears_note(
        "an alert",
        |note| matches!(note, ReportNote::Alert { kind, .. } if kind == "vm-runs-unasked"),
    );
}

#[test]
fn a_hung_daemon_leaves_all_unknown_and_when_it_is_well_again_what_stopped_is_told() {
    let host = Host::up();
    let mut agent = Agent::with(&host, &host.hasty_section());
    agent.term();
    for vm in ["a", "b"] {
        agent.know(&host, vm, Guest::Beats, None);
        agent.start(vm);
    }
    host.signal_daemon(Signal::STOP);
    let unknown = agent.term();
    assert_eq!(unknown, [("a".to_owned(), VmState::Unknown), ("b".to_owned(), VmState::Unknown)]);
    agent.hears("it is silent", |input| {
        matches!(input, Input::Report(Report::Hypervisor { silent_for: Some(_) }))
    });
    host.guests()[0].kill();
    host.signal_daemon(Signal::CONT);
    agent.hears_report(&Report::Hypervisor { silent_for: None });
    agent.hears("one crashed", |input| matches!(input, Input::Report(Report::Stopped { .. })));
}

#[test]
fn when_the_host_is_fenced_no_vm_runs_although_the_daemon_hangs_and_none_is_started_any_more() {
    let host = Host::up();
    let mut agent = Agent::with(&host, &host.hasty_section());
    agent.term();
    for vm in ["a", "b"] {
        agent.know(&host, vm, Guest::Beats, None);
        agent.start(vm);
    }
    host.signal_daemon(Signal::STOP);
    agent.tell(ToWarden::StopAllVms(FenceReason::LeaseExpired));
    agent.hears("it is certain", |input| matches!(input, Input::NoVmRuns));
    assert_eq!(host.guests().len(), 0);
    host.start_daemon();
    agent.heard.clear();
    // A stranger starts it; it may be killed before libvirt has told him so.
    let _ = host.virsh(&["start", "a"]);
    agent.hears("it is certain again", |input| matches!(input, Input::NoVmRuns));
    assert_eq!(host.guests().len(), 0, "it is killed too");
}

#[test]
fn a_guest_that_hangs_is_reset_with_evidence_kept() {
    let host = Host::up();
    let mut agent = Agent::on(&host);
    agent.term();
    let monitor = Monitor { silent_for_s: 3, grace_s: 1, resets: 1, window_s: 600 };
    agent.know(&host, "a", Guest::Hangs, Some(monitor));
    agent.start("a");
    host.hears("a", "GUEST UP", 2);
    agent.hears_note(
        "it is told",
        |note| matches!(note, ReportNote::Alert { kind, .. } if kind == "vm-unresponsive"),
    );
    let kept = |folder: &Path| {
        let of_vm = std::fs::read_dir(folder.join("state/evidence/a")).into_iter().flatten().flatten();
        of_vm.filter(|entry| entry.path().join("console.txt").exists()).count()
    };
    assert_eq!(kept(host.path()), 1);
    // It hangs again, and its resets are used up.
    agent.hears_note("it is given up", |note| *note == ReportNote::Unresponsive { vm: "a".into() });
    assert_eq!(host.guests().len(), 0);
    assert_eq!(kept(host.path()), 2);
}

#[test]
fn a_vm_whose_disk_fails_is_told_and_given_up_when_its_storage_is_gone_from_here() {
    let host = Host::up();
    let (folder, probe) = (host.path().join("small"), host.path().join("probe"));
    host.mount(&folder, 8192);
    std::fs::write(&probe, "here").expect("it can be written");
    let storage = Storage {
        id: "san1".into(),
        paths: vec![format!("{}/", host.path().display())],
        probe: Some(probe.clone()),
        on_loss: OnLoss::Restart,
        after_s: 1,
        ..Storage::default()
    };
    let mut agent = Agent::with(&host, &Section { storages: vec![storage], ..host.section() });
    agent.term();
    agent.hears_note(
        "it has the storage",
        |note| matches!(note, ReportNote::Host(facts) if facts.storages == ["san1"]),
    );
    let disk = format!(
        "<disk type='file' device='disk'><driver name='qemu' type='raw' error_policy='stop'/><source file='{}/disk'/>\
         <target dev='hda' bus='ide'/></disk></devices>",
        folder.display()
    );
    agent.know_as("a", host.definition("a", Guest::Writes).replace("</devices>", &disk), None);
    agent.start("a");
    agent.hears_note(
        "its disk failed",
        |note| matches!(note, ReportNote::Alert { kind, .. } if kind == "vm-disk-failed"),
    );
    agent.hears_note(
        "what it needs",
        |note| matches!(note, ReportNote::Vm(facts) if facts.storages == ["san1"]),
    );
    assert_eq!(host.guests().len(), 1, "it waits for its storage");
    std::fs::remove_file(probe).expect("it is there");
    agent.hears_report(&Report::Stopped { vm: "a".into(), cause: StopCause::Crashed });
    assert_eq!(host.guests().len(), 0);
    agent.hears_note(
        "the host is without it",
        |note| matches!(note, ReportNote::Host(facts) if facts.storages.is_empty()),
    );
}

#[test]
fn a_vm_that_arrives_is_ready_there_and_its_order_is_done_here() {
    let (from, to) = (Host::up(), Host::up());
    let section = Section {
        migrate_to: format!(
            "qemu+unix:///system?socket={}/run/libvirt-sock&host={{host}}",
            to.path().display()
        ),
        migrate_over: format!("unix://{}/migration.sock", to.path().display()),
        ..from.section()
    };
    let (mut source, mut target) = (Agent::with(&from, &section), Agent::on(&to));
    source.term();
    target.term();
    source.know(&from, "m", Guest::Beats, None);
    source.start("m");
    let outcome = source.order(|id| Order::Migrate { id, vm: "m".into(), to: HostIndex(1) });
    assert_eq!(outcome, Outcome::Done);
    target.hears_report(&Report::Ready { vm: "m".into() });
    assert_eq!((from.guests().len(), to.guests().len()), (0, 1));
    assert_eq!(target.term(), [running("m")]);
    assert_eq!(source.term(), []);
}
