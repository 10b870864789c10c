//! The warden's decisions, told and answered by hand; in [`random`] by chance.
mod random;
mod watching;

use super::*;
use crate::hypervisor::{Guest, Pulse};
use lifeboat_link::note;
use lifeboat_link::note::{Monitor, OrderNote};
use lifeboat_model::HostIndex;
use lifeboat_protocol::order::Gate;
use lifeboat_protocol::order::{StopCause, VmState};

const LIMITS: Limits = Limits { starts: 2, stops: 4, migrations: 1 };

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

pub(super) fn vm_note(vm: &str, monitor: Option<Monitor>) -> VmNote {
    VmNote { vm: vm.into(), definition: format!("<{vm}/>"), memory_mib: 10, protected: true, monitor }
}

pub(super) struct Bench {
    pub(super) machine: Machine,
    pub(super) now: u64,
    number: u64,
    term: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        let mut bench =
            Self { machine: Machine::new(LIMITS, BTreeMap::new(), at(0)), now: 0, number: 0, term: 0 };
        bench.tell(Told::Leased(true));
        bench.look(Ok(&[]));
        bench.quiet();
        bench
    }

    /// A machine whose inventory has been told: these run.
    pub(super) fn with(running: &[&str]) -> Self {
        let mut bench = Self::new();
        bench.term();
        bench.look(Ok(running));
        bench.quiet();
        bench
    }

    pub(super) fn tell(&mut self, told: Told) {
        self.machine.take(at(self.now), told);
    }

    pub(super) fn all(&mut self) -> Vec<Do> {
        std::iter::from_fn(|| self.machine.next_action()).collect()
    }

    /// Drops what it says of itself: descriptions, definitions.
    fn quiet(&mut self) {
        self.all();
    }

    fn term(&mut self) {
        self.term += 1;
        self.tell(Told::NewTerm(Epoch(self.term)));
    }

    pub(super) fn id(&mut self) -> OrderId {
        self.number += 1;
        OrderId { epoch: Epoch(self.term), number: self.number }
    }

    pub(super) fn know(&mut self, vm: &str, monitor: Option<Monitor>) {
        let bytes = note::pack(&OrderNote::Vm(vm_note(vm, monitor))).expect("it fits");
        let id = self.id();
        self.tell(Told::Order(Order::Note { id, bytes }));
    }

    fn start(&mut self, vm: &str, gate: Gate) -> OrderId {
        let id = self.id();
        self.tell(Told::Order(Order::Start { id, vm: vm.into(), gate }));
        id
    }

    fn stop(&mut self, vm: &str) -> OrderId {
        let id = self.id();
        self.tell(Told::Order(Order::Stop { id, vm: vm.into() }));
        id
    }

    /// The look under way finds these running.
    pub(super) fn look(&mut self, running: Result<&[&str], ()>) {
        let running = running.map(|vms| {
            let state = |vm: &&str| Guest { vm: (*vm).into(), state: GuestState::Running };
            vms.iter().map(state).collect()
        });
        self.look_as(running.map_err(|()| Vec::new()));
    }

    pub(super) fn look_as(&mut self, result: Result<Vec<Guest>, Vec<String>>) {
        if self.machine.looking.is_none() {
            self.now += 11;
            self.tell(Told::Elapsed);
        }
        let ticket = self.machine.looking.expect("it looks");
        self.tell(Told::Done(ticket, Done::Look(result)));
    }

    /// The ticket of the job that is like this.
    pub(super) fn job(&mut self, like: impl Fn(&Job) -> bool) -> u64 {
        let all = self.all();
        let found = all.iter().find_map(|next| match next {
            Do::Job(ticket, job) if like(job) => Some(*ticket),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no such job among {all:?}"))
    }

    fn reports(&mut self) -> Vec<Report> {
        let all = self.all().into_iter();
        all.filter_map(|next| if let Do::Report(report) = next { Some(report) } else { None }).collect()
    }
}

fn starts(vm: &str) -> impl Fn(&Job) -> bool {
    move |job| matches!(job, Job::Start { vm: of, .. } if of == vm)
}

fn stops(vm: &str) -> impl Fn(&Job) -> bool {
    move |job| matches!(job, Job::Stop { vm: of } if of == vm)
}

fn done(id: OrderId) -> Report {
    Report::Finished { id, outcome: Outcome::Done }
}

fn ready(vm: &str) -> Report {
    Report::Ready { vm: vm.into() }
}

fn stopped(vm: &str, cause: StopCause) -> Report {
    Report::Stopped { vm: vm.into(), cause }
}

#[test]
fn the_first_report_of_a_term_is_an_inventory_of_a_look_that_began_in_it() {
    let mut bench = Bench::new();
    bench.now += 11;
    bench.tell(Told::Elapsed);
    let before = bench.machine.looking.expect("it looks now and then");
    bench.term();
    bench.tell(Told::Done(before, Done::Look(Ok(Vec::new()))));
    assert_eq!(bench.reports(), [], "that look began before the term");
    bench.look(Ok(&["a", "b"]));
    let running = |vm: &str| (vm.to_owned(), VmState::Running);
    assert_eq!(bench.reports(), [Report::Inventory { vms: vec![running("a"), running("b")] }]);
}

#[test]
fn a_vm_is_started_once_and_its_order_is_finished_once() {
    let mut bench = Bench::with(&[]);
    bench.know("a", None);
    let id = bench.start("a", Gate::Started);
    let ticket = bench.job(starts("a"));
    bench.tell(Told::Done(ticket, Done::Start(Ok(Vec::new()))));
    assert_eq!(bench.reports(), [done(id), ready("a")]);
    let again = bench.start("a", Gate::Started);
    assert_eq!(bench.reports(), [done(again), ready("a")], "it runs already");
    bench.tell(Told::Done(ticket, Done::Start(Ok(Vec::new()))));
    assert_eq!(bench.reports(), []);
}

#[test]
fn what_cannot_be_started_is_refused_with_the_reason() {
    let mut bench = Bench::with(&[]);
    let reason = |bench: &mut Bench| match &bench.reports()[..] {
        [Report::Finished { outcome: Outcome::Failed { reason }, .. }] => reason.clone(),
        other => panic!("{other:?}"),
    };
    bench.start("a", Gate::Started);
    assert!(reason(&mut bench).contains("made of"));
    bench.know("a", None);
    bench.tell(Told::Leased(false));
    bench.start("a", Gate::Started);
    assert!(reason(&mut bench).contains("no lease"));
    bench.tell(Told::Leased(true));
    bench.start("a", Gate::Started);
    let ticket = bench.job(starts("a"));
    bench.tell(Told::Done(ticket, Done::Start(Err("no memory".into()))));
    assert_eq!(reason(&mut bench), "no memory");
}

#[test]
fn not_more_vms_are_started_at_once_than_allowed() {
    let mut bench = Bench::with(&[]);
    for vm in ["a", "b", "c"] {
        bench.know(vm, None);
        bench.start(vm, Gate::Started);
    }
    let begun: Vec<u64> = bench
        .all()
        .iter()
        .filter_map(|next| if let Do::Job(ticket, Job::Start { .. }) = next { Some(*ticket) } else { None })
        .collect();
    assert_eq!(begun.len(), LIMITS.starts);
    bench.tell(Told::Done(begun[0], Done::Start(Ok(Vec::new()))));
    bench.job(starts("c"));
}

#[test]
fn the_end_of_a_vm_is_told_after_the_start_that_it_follows() {
    let mut bench = Bench::with(&[]);
    bench.know("a", None);
    let id = bench.start("a", Gate::Started);
    let ticket = bench.job(starts("a"));
    // It crashes before its start is even reported here; a look that began before that is still under way.
    bench.tell(Told::Event(Event::Ended("a".into(), Ending::Here(StopCause::Crashed))));
    bench.look(Ok(&[]));
    assert_eq!(bench.reports(), []);
    bench.tell(Told::Done(ticket, Done::Start(Ok(Vec::new()))));
    assert_eq!(bench.reports(), [done(id), ready("a")]);
    bench.look(Ok(&[]));
    bench.look(Ok(&[]));
    assert_eq!(bench.reports(), [stopped("a", StopCause::Crashed)]);
}

#[test]
fn how_a_run_ended_is_told_as_the_hypervisor_said_it() {
    let mut bench = Bench::with(&["a", "b", "c"]);
    bench.tell(Told::Event(Event::Ended("a".into(), Ending::Here(StopCause::ShutDownInside))));
    let off =
        |vm: &str, cause| Guest { vm: vm.into(), state: GuestState::Stopped(Some(Ending::Here(cause))) };
    bench.look_as(Ok(vec![off("b", StopCause::Stopped)]));
    assert_eq!(
        bench.reports(),
        [
            stopped("a", StopCause::ShutDownInside),
            stopped("b", StopCause::Stopped),
            stopped("c", StopCause::Crashed)
        ]
    );
}

#[test]
fn a_stop_is_certain_before_it_is_finished_and_is_no_end_of_its_own() {
    let mut bench = Bench::with(&["a"]);
    let id = bench.stop("a");
    let ticket = bench.job(stops("a"));
    bench.tell(Told::Event(Event::Ended("a".into(), Ending::Here(StopCause::Stopped))));
    bench.look(Ok(&[]));
    assert_eq!(bench.reports(), []);
    bench.tell(Told::Done(ticket, Done::Stop));
    bench.look(Ok(&[]));
    assert_eq!(bench.reports(), [done(id)]);
    let never_here = bench.stop("z");
    let ticket = bench.job(stops("z"));
    bench.tell(Told::Done(ticket, Done::Stop));
    assert_eq!(bench.reports(), [done(never_here)]);
}

#[test]
fn a_vm_that_nobody_ordered_is_told_and_stopped_with_an_alert_when_the_coordinator_says_so() {
    let mut bench = Bench::with(&[]);
    bench.look(Ok(&["x"]));
    assert!(bench.all().contains(&Do::Note(ReportNote::Appeared { vm: "x".into() })));
    bench.stop("x");
    let ticket = bench.job(stops("x"));
    bench.tell(Told::Done(ticket, Done::Stop));
    let alerted =
        |next: &Do| matches!(next, Do::Note(ReportNote::Alert { kind, .. }) if kind == "vm-runs-unasked");
    assert!(bench.all().iter().any(alerted));
}

#[test]
fn after_a_restart_of_the_agent_its_vms_are_taken_back() {
    let kept = [("a".to_owned(), vm_note("a", None))].into();
    let mut bench = Bench { machine: Machine::new(LIMITS, kept, at(0)), now: 0, number: 0, term: 0 };
    bench.tell(Told::Elapsed);
    bench.look(Ok(&["a"]));
    let all = bench.all();
    let noisy =
        |next: &Do| matches!(next, Do::Report(_) | Do::Note(_) | Do::Job(_, Job::Stop { .. } | Job::KillAll));
    assert!(!all.iter().any(noisy), "{all:?}");
    assert!(all.contains(&Do::ProtectedMemory(10)));
    bench.term();
    bench.look(Ok(&["a"]));
    assert_eq!(bench.reports(), [Report::Inventory { vms: vec![("a".into(), VmState::Running)] }]);
}

#[test]
fn a_silent_hypervisor_is_told_its_service_restarted_and_what_stopped_meanwhile_comes_after() {
    let mut bench = Bench::with(&["a", "b"]);
    bench.look(Err(()));
    let silent = |reports: &[Report]| matches!(reports, [Report::Hypervisor { silent_for: Some(_) }]);
    assert!(silent(&bench.reports()));
    bench.know("c", None);
    bench.start("c", Gate::Started);
    bench.now += 5;
    bench.tell(Told::Elapsed);
    bench.look(Err(()));
    let all = bench.all();
    assert!(all.iter().any(|next| matches!(next, Do::Job(_, Job::Revive))));
    assert!(
        !all.iter().any(|next| matches!(next, Do::Job(_, Job::Start { .. }))),
        "nothing is started meanwhile"
    );
    bench.now += 5;
    bench.tell(Told::Elapsed);
    bench.look(Ok(&["b"]));
    let all = bench.all();
    let reports: Vec<&Do> = all.iter().filter(|next| matches!(next, Do::Report(_))).collect();
    let none = Do::Report(Report::Hypervisor { silent_for: None });
    assert_eq!(reports, [&none, &Do::Report(stopped("a", StopCause::Crashed))]);
    assert!(all.iter().any(|next| matches!(next, Do::Job(_, Job::Start { .. }))));
}

#[test]
fn an_inventory_while_the_hypervisor_is_silent_names_all_that_may_run() {
    let mut bench = Bench::with(&["a"]);
    bench.term();
    bench.look_as(Err(vec!["t".into()]));
    let unknown = |vm: &str| (vm.to_owned(), VmState::Unknown);
    let reports = bench.reports();
    assert_eq!(reports[0], Report::Inventory { vms: vec![unknown("a"), unknown("t")] });
    assert!(matches!(reports[1], Report::Hypervisor { silent_for: Some(_) }));
}

#[test]
fn orders_of_an_older_term_that_wait_are_void_and_what_is_under_way_may_run() {
    let mut bench = Bench::with(&[]);
    for vm in ["a", "b", "c"] {
        bench.know(vm, None);
    }
    bench.start("a", Gate::Started);
    let old = bench.start("b", Gate::Started);
    bench.start("c", Gate::Started);
    let all = bench.all();
    let ticket_of = |wanted: &str| {
        all.iter().find_map(|next| match next {
            Do::Job(ticket, Job::Start { vm, .. }) if vm == wanted => Some(*ticket),
            _ => None,
        })
    };
    let (a, b) = (ticket_of("a").expect("it begins"), ticket_of("b").expect("it begins"));
    bench.term();
    bench.look(Ok(&["a"]));
    let unknown = |vm: &str| (vm.to_owned(), VmState::Unknown);
    assert_eq!(bench.reports(), [Report::Inventory { vms: vec![unknown("a"), unknown("b")] }]);
    bench.tell(Told::Done(a, Done::Start(Ok(Vec::new()))));
    assert!(bench.reports().contains(&ready("a")), "what may run is settled");
    bench.tell(Told::Done(b, Done::Start(Err("no".into()))));
    let failed = Report::Finished { id: old, outcome: Outcome::Failed { reason: "no".into() } };
    assert_eq!(bench.reports(), [failed, stopped("b", StopCause::Crashed)]);
}

#[test]
fn when_all_are_stopped_nothing_is_started_and_whoever_comes_later_is_killed_too() {
    let mut bench = Bench::with(&["a"]);
    bench.know("a", None);
    bench.know("b", None);
    bench.start("b", Gate::Started);
    bench.tell(Told::StopAll);
    let all = bench.all();
    assert!(all.contains(&Do::Close));
    let kill = all
        .iter()
        .find_map(|n| if let Do::Job(t, Job::KillAll) = n { Some(*t) } else { None })
        .expect("it kills");
    assert!(!all.contains(&Do::NoVmRuns));
    bench.start("b", Gate::Started);
    bench.tell(Told::Done(kill, Done::KillAll));
    let all = bench.all();
    assert!(all.contains(&Do::NoVmRuns) && all.contains(&Do::ProtectedMemory(0)), "{all:?}");
    assert!(!all.iter().any(|next| matches!(next, Do::Job(_, Job::Start { .. }))));
    bench.look(Ok(&["late"]));
    bench.job(|job| matches!(job, Job::KillAll));
}

#[test]
fn what_is_given_up_because_all_are_stopped_is_not_told_as_certain() {
    let mut bench = Bench::with(&["a"]);
    bench.know("b", None);
    bench.start("b", Gate::Started);
    let start = bench.job(|job| matches!(job, Job::Start { .. }));
    bench.stop("a");
    let stop = bench.job(|job| matches!(job, Job::Stop { .. }));
    bench.tell(Told::StopAll);
    let kill = bench.job(|job| matches!(job, Job::KillAll));
    bench.tell(Told::Done(start, Done::Start(Err("all VMs of this host are being stopped".into()))));
    bench.tell(Told::Done(stop, Done::Stop));
    assert_eq!(bench.reports(), [], "they may run until all are killed");
    bench.tell(Told::Done(kill, Done::KillAll));
    assert!(bench.all().contains(&Do::NoVmRuns));
}

#[test]
fn a_gate_is_passed_by_the_run_that_it_was_set_for() {
    let mut bench = Bench::with(&[]);
    bench.know("a", None);
    let gate = Gate::Tcp { port: 22 };
    let id = bench.start("a", gate);
    let ticket = bench.job(starts("a"));
    bench.tell(Told::Done(ticket, Done::Start(Ok(Vec::new()))));
    let all = bench.all();
    let gates = all.iter().find_map(|n| if let Do::Job(t, Job::Gate { .. }) = n { Some(*t) } else { None });
    assert!(all.contains(&Do::Report(done(id))) && !all.contains(&Do::Report(ready("a"))));
    bench.tell(Told::Done(gates.expect("it waits"), Done::Gate(true)));
    assert_eq!(bench.reports(), [ready("a")]);
}

#[test]
fn a_vm_that_arrives_is_ready_and_one_that_leaves_by_a_strangers_hand_is_given_time_to_be_seen() {
    let mut bench = Bench::with(&["a"]);
    let arriving = Guest { vm: "m".into(), state: GuestState::Arriving };
    let a = Guest { vm: "a".into(), state: GuestState::Running };
    bench.look_as(Ok(vec![a, arriving]));
    bench.look(Ok(&["a", "m"]));
    assert_eq!(bench.reports(), [ready("m")]);
    bench.tell(Told::Event(Event::Ended("a".into(), Ending::Left)));
    bench.look(Ok(&["m"]));
    assert_eq!(bench.reports(), []);
    bench.now += 6;
    bench.tell(Told::Elapsed);
    bench.look(Ok(&["m"]));
    assert_eq!(bench.reports(), [stopped("a", StopCause::Stopped)]);
}

#[test]
fn a_host_may_leave_when_nothing_runs_there() {
    let mut bench = Bench::with(&["a"]);
    assert!(bench.machine.leave().expect_err("a runs").contains('a'));
    bench.look(Ok(&[]));
    assert_eq!(bench.machine.leave(), Ok(()));
    bench.know("b", None);
    bench.quiet();
    bench.start("b", Gate::Started);
    assert!(matches!(&bench.reports()[..], [Report::Finished { outcome: Outcome::Failed { .. }, .. }]));
}
