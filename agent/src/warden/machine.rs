//! What the warden decides: a state machine without threads, files or clock. What it is told goes in with the moment when it was told, what
//! is to be done comes out; [`super::shell`] does it.
//!
//! Truth about VMs comes from *looks*: lists of all VMs, asked for when something may have changed and every ten seconds. A look says nothing
//! about a VM that an order is being carried out for, nor about one for which something was carried out after the look began. So
//! what is told of a VM is told in the order in which it happened: its start first, its end after that.
mod facts;
mod looks;
mod orders;
mod watch;
mod words;

pub use words::{Do, Done, Job, Limits, Standing, Told};

use crate::hypervisor::{Ending, Event, GuestState};
use crate::monitor::Monitors;
use lifeboat_link::note::{HostFacts, ReportNote, VmFacts, VmNote};
use lifeboat_protocol::order::{Order, OrderId, Outcome, Report};
use lifeboat_protocol::{Epoch, Instant};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How often all VMs are looked at without a reason.
const LOOKS: Duration = Duration::from_secs(10);
/// How often one that is silent is looked at, and the coordinator told.
const LOOKS_SILENT: Duration = Duration::from_secs(5);
/// After how many looks without an answer the hypervisor's service is restarted.
const LOOKS_BEFORE_REVIVAL: u32 = 2;
/// How often that is tried.
const REVIVES: Duration = Duration::from_mins(1);
/// How often the host itself is described.
const DESCRIBES: Duration = Duration::from_secs(10);
/// How many notes wait for an inventory; the oldest go first.
const MOST_HELD: usize = 100;
/// How long a VM that somebody migrated away by hand may take to be seen where it went.
const SEEN_ELSEWHERE: Duration = Duration::from_secs(5);
/// How long the source of a migration may take to tell that it ended, before an arrival counts as nobody's order.
const ORDERED_ELSEWHERE: Duration = Duration::from_secs(10);

/// What the coordinator was last told of a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Word {
    /// It does not run here.
    #[default]
    Off,
    /// It may.
    MayRun,
    /// It runs here.
    Runs,
}

#[derive(Clone, Debug, Default)]
struct Vm {
    note: Option<VmNote>,
    state: Option<GuestState>,
    word: Word,
    /// What is being done about it.
    busy: Option<u64>,
    /// Looks up to this one say nothing about it.
    stale_until: u64,
    ending: Option<Ending>,
    /// It came by migration.
    arriving: bool,
    arrived: Option<Instant>,
    left: Option<Instant>,
    /// Nobody ordered it to run here.
    unasked: bool,
    facts: Option<VmFacts>,
    facts_told: bool,
    gate: Option<u64>,
}

/// Why a job about a VM is done.
#[derive(Clone, Debug)]
enum Errand {
    Order(Order),
    /// An earlier agent was killed while it started this VM.
    Settle(String),
    /// What is left of a VM that crashed is removed.
    Wreck(String),
    /// A guest that answers no more.
    Ill(String),
    Reset(String),
    Gate(String),
    Facts(String),
    /// It has lost what it needs here.
    Lost(String),
}

/// What the warden knows.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells something of its own that can be together with all others"
)]
pub struct Machine {
    limits: Limits,
    term: Epoch,
    leased: bool,
    stopping: bool,
    leaving: bool,
    killing: bool,
    vms: BTreeMap<String, Vm>,
    orders: VecDeque<Order>,
    errands: BTreeMap<u64, Errand>,
    last_ticket: u64,
    /// The look whose answer is the inventory of this term, or a later one. None: it has been told.
    inventory: Option<u64>,
    /// Whether an inventory was ever told.
    spoke: bool,
    /// Reports that must not come before the inventory.
    held: Vec<Report>,
    held_notes: VecDeque<ReportNote>,
    looking: Option<u64>,
    last_look: u64,
    look_at: Instant,
    look_again: bool,
    silent_since: Option<Instant>,
    look_began: Instant,
    unanswered: u32,
    revived: Option<Instant>,
    wanted_facts: BTreeSet<String>,
    /// Of these nothing was learnt; asked again with the next look.
    missed_facts: BTreeSet<String>,
    facts_busy: bool,
    described: Option<Instant>,
    describing: bool,
    host: Option<HostFacts>,
    memory: Option<u64>,
    monitors: Monitors,
    losses: watch::Losses,
    feeling: bool,
    felt: Option<Instant>,
    out: VecDeque<Do>,
}

impl Machine {
    /// Begins with what was kept of VMs.
    pub fn new(limits: Limits, kept: BTreeMap<String, VmNote>, now: Instant) -> Self {
        let mut monitors = Monitors::default();
        for note in kept.values() {
            monitors.set(&note.vm, note.monitor.clone());
        }
        let vms = kept.into_iter().map(|(vm, note)| (vm, Vm { note: Some(note), ..Vm::default() }));
        Self {
            limits,
            term: Epoch::default(),
            leased: false,
            stopping: false,
            leaving: false,
            killing: false,
            vms: vms.collect(),
            orders: VecDeque::new(),
            errands: BTreeMap::new(),
            last_ticket: 0,
            inventory: None,
            spoke: false,
            held: Vec::new(),
            held_notes: VecDeque::new(),
            looking: None,
            last_look: 0,
            look_at: now,
            look_again: false,
            silent_since: None,
            look_began: now,
            unanswered: 0,
            revived: None,
            wanted_facts: BTreeSet::new(),
            missed_facts: BTreeSet::new(),
            facts_busy: false,
            described: None,
            describing: false,
            host: None,
            memory: None,
            monitors,
            losses: watch::Losses::default(),
            feeling: false,
            felt: None,
            out: VecDeque::new(),
        }
    }

    /// Has it found out what has become of a VM that an earlier agent was starting when it was killed. Until then it may run.
    pub fn settle(&mut self, vm: &str) {
        let ticket = self.job(Some(Errand::Settle(vm.to_owned())), Job::Settle { vm: vm.to_owned() });
        let known = self.vm(vm);
        (known.word, known.busy) = (Word::MayRun, Some(ticket));
    }

    /// Takes in what it is told.
    pub fn take(&mut self, now: Instant, told: Told) {
        match told {
            Told::NewTerm(epoch) => self.new_term(now, epoch),
            Told::Order(Order::Note { bytes, .. }) => self.note(&bytes),
            Told::Order(order) => self.orders.push_back(order),
            Told::StopAll => self.stop_all(),
            Told::Leased(leased) => {
                self.leased = leased;
                self.out.push_back(Do::Leased(leased));
            }
            Told::Event(event) => self.event(now, event),
            Told::Done(ticket, done) => self.done(now, ticket, done),
            Told::Elapsed => {}
        }
        self.go_on(now);
    }

    /// The next thing that is to be done.
    pub fn next_action(&mut self) -> Option<Do> {
        self.out.pop_front()
    }

    /// How things stand, for the status.
    pub fn standing(&self) -> Standing {
        let of = |word| self.vms.iter().filter(move |(_, vm)| vm.word == word).map(|(name, _)| name.clone());
        Standing {
            running: of(Word::Runs).collect(),
            may_run: of(Word::MayRun).collect(),
            at_work: self
                .vms
                .iter()
                .filter(|(_, vm)| vm.busy.is_some())
                .map(|(name, _)| name.clone())
                .collect(),
            orders_waiting: self.orders.len(),
            hypervisor_answers: self.silent_since.is_none() && self.last_look > 0,
            stopping: self.stopping,
        }
    }

    /// When time itself is news.
    pub fn wakes_at(&self, now: Instant) -> Instant {
        let look = if self.looking.is_some() { now + LOOKS } else { self.look_at };
        let feel = self.monitors.feels_at(self.felt);
        feel.map_or(look, |feel| feel.min(look))
    }

    /// No VM runs here and none will: this host may leave.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn leave(&mut self) -> Result<(), String> {
        let here = self.vms.iter().filter(|(_, vm)| vm.word != Word::Off || vm.busy.is_some());
        let here: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
        if self.silent_since.is_some() || self.last_look == 0 {
            return Err("the hypervisor does not say what runs here".into());
        }
        if !here.is_empty() {
            return Err(format!("VMs run here still: {}", here.join(", ")));
        }
        self.leaving = true;
        self.out.push_back(Do::Close);
        Ok(())
    }

    fn new_term(&mut self, now: Instant, epoch: Epoch) {
        self.term = epoch;
        self.orders.clear();
        // Of what was not told yet the inventory tells all, but for what became of orders.
        self.held.retain(|report| matches!(report, Report::Finished { .. }));
        // A look that is under way may have begun before something that this term must know.
        let under_way = self.looking;
        self.look_now(now);
        self.inventory = Some(under_way.map_or(self.last_look, |look| look + 1));
    }

    fn stop_all(&mut self) {
        self.stopping = true;
        self.orders.clear();
        self.out.push_back(Do::Close);
        if !self.killing {
            self.killing = true;
            self.job(None, Job::KillAll);
        }
    }

    fn done(&mut self, now: Instant, ticket: u64, done: Done) {
        let errand = self.errands.remove(&ticket);
        if self.killing && !matches!(done, Done::Look(_) | Done::KillAll) {
            // Whoever hears that all VMs are stopped gives up in the middle. That none runs is certain when all are killed, and told then.
            return;
        }
        match (errand, done) {
            (_, Done::Look(result)) => self.looked(now, ticket, result),
            (Some(Errand::Order(order)), done) => self.carried_out(now, &order, done),
            (Some(Errand::Wreck(vm)), _) => self.removed(now, &vm),
            (Some(Errand::Settle(vm)), done) => self.is_certain(now, &vm, matches!(done, Done::Settle(true))),
            (Some(Errand::Ill(vm)), _) => self.ill_stopped(now, &vm),
            (Some(Errand::Lost(vm)), _) => self.lost_stopped(now, &vm),
            (Some(Errand::Reset(vm)), Done::Reset(result)) => self.was_reset(now, &vm, result),
            (Some(Errand::Gate(vm)), Done::Gate(passed)) => self.gate(&vm, ticket, passed),
            (Some(Errand::Facts(vm)), Done::Facts(facts)) => self.learnt(&vm, facts),
            (_, Done::Host(facts, losses)) => self.describes(now, facts, losses),
            (_, Done::Tame(tamed)) => {
                for (vm, text) in tamed {
                    self.alert("vm-autostart", Some(&vm), text);
                }
            }
            (_, Done::KillAll) => {
                self.killing = false;
                for vm in self.vms.values_mut() {
                    (vm.word, vm.state, vm.busy) = (Word::Off, None, None);
                }
                self.errands.clear();
                self.out.push_back(Do::NoVmRuns);
                self.look_now(now);
            }
            (_, Done::Pulses(pulses)) => self.felt_pulses(now, pulses.as_ref()),
            _ => {}
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.job(None, Job::Tame);
                self.wanted_facts.extend(self.vms.keys().cloned());
            }
            Event::Broken | Event::GuestAgent { .. } => return,
            Event::Changed(_) => {}
            Event::Arrived(vm) => self.vm(&vm).arriving = true,
            Event::Ended(vm, ending) => {
                // It holds no more what it held beyond its definition.
                self.wanted_facts.insert(vm.clone());
                self.vm(&vm).ending = Some(ending);
            }
            Event::DiskFailed { vm, what } => {
                self.alert("vm-disk-failed", Some(&vm), format!("its hypervisor says: {what}"));
            }
            Event::Defined(vm) => {
                self.wanted_facts.insert(vm);
                self.job(None, Job::Tame);
            }
            Event::Undefined(vm) => self.undefined(vm),
            Event::Rebooted(vm) => return self.monitors.rebooted(&vm, now),
            Event::Watchdog(vm) => {
                self.alert("vm-watchdog", Some(&vm), "the watchdog in its guest ran out".into());
            }
        }
        self.look_now(now);
    }

    fn vm(&mut self, vm: &str) -> &mut Vm {
        self.vms.entry(vm.to_owned()).or_default()
    }

    /// Has something done.
    fn job(&mut self, errand: Option<Errand>, job: Job) -> u64 {
        self.last_ticket += 1;
        if let Some(errand) = errand {
            self.errands.insert(self.last_ticket, errand);
        }
        self.out.push_back(Do::Job(self.last_ticket, job));
        self.last_ticket
    }

    /// Tells the coordinator, after the inventory of its term.
    fn report(&mut self, report: Report) {
        if self.speaks() {
            self.out.push_back(Do::Report(report));
        } else {
            self.held.push(report);
        }
    }

    fn finished(&mut self, id: OrderId, outcome: Outcome) {
        self.report(Report::Finished { id, outcome });
    }

    fn alert(&mut self, kind: &str, vm: Option<&str>, text: String) {
        let vm = vm.map(str::to_owned);
        self.tell_note(ReportNote::Alert { kind: kind.to_owned(), vm, text });
    }

    /// Tells the coordinator, after the inventory of its term: before that it does not listen.
    fn tell_note(&mut self, note: ReportNote) {
        if self.speaks() {
            self.out.push_back(Do::Note(note));
            return;
        }
        if self.held_notes.len() >= MOST_HELD {
            self.held_notes.pop_front();
        }
        self.held_notes.push_back(note);
    }

    /// Whether this term's inventory was told.
    fn speaks(&self) -> bool {
        self.spoke && self.inventory.is_none()
    }

    /// What follows from everything together.
    fn go_on(&mut self, now: Instant) {
        self.begin_looks(now);
        self.begin_orders(now);
        self.begin_facts(now);
        self.begin_watch(now);
        self.tell_memory();
    }

    fn tell_memory(&mut self) {
        let protected = self.vms.values().filter(|vm| vm.word != Word::Off);
        let notes = protected.filter_map(|vm| vm.note.as_ref()).filter(|note| note.protected);
        let memory = notes.map(|note| note.memory_mib).fold(0, u64::saturating_add);
        if self.memory != Some(memory) {
            self.memory = Some(memory);
            self.out.push_back(Do::ProtectedMemory(memory));
        }
    }
}

#[cfg(test)]
mod tests;
