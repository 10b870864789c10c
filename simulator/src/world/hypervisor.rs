//! Hypervisors: what runs on a host, and how orders are carried out. A VM counts as running from the moment when its
//! start is taken up, long before it has booted.
use super::World;
use super::due::Due;
use super::host::Power;
use crate::Happening;
use crate::happening::{DownCause, HaltCause};
use core::time::Duration;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::order::{Gate, Order, OrderId, Outcome, Report, StopCause, VmState};
use lifeboat_protocol::{Boot, Epoch, Input};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A host's hypervisor.
#[derive(Debug)]
pub(super) struct Hypervisor {
    pub(super) guests: BTreeMap<VmIndex, Guest>,
    /// VMs that are being migrated here.
    pub(super) incoming: BTreeSet<VmIndex>,
    /// The agent stops all VMs: nothing is started any more.
    stopped: bool,
    /// The daemon hangs; which hang it is, and until when no restart helps.
    hang: Option<Hang>,
    hangs: u32,
    /// Orders that wait for the daemon.
    waiting: VecDeque<Order>,
    /// Stops that nobody has been told of yet, because the daemon hangs.
    unreported: Vec<Report>,
    term: Epoch,
    memory_mib: u64,
}

#[derive(Clone, Copy, Debug)]
struct Hang {
    number: u32,
    since: crate::At,
    /// None: until it is restarted.
    lasts: Option<Duration>,
}

/// A VM on a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guest {
    /// Tells one start from another.
    pub(super) start: u32,
    pub(super) booted: bool,
    pub(super) hangs: bool,
    /// What it is waited for.
    pub(super) gate: Gate,
    /// The far end of its migration.
    pub(super) migrating: Option<HostIndex>,
}

/// How often the agent looks at a daemon that does not answer, and after how many looks it restarts it.
const WATCH: Duration = Duration::from_secs(5);
const LOOKS_BEFORE_RESTART: u32 = 2;
/// What a hypervisor takes to say that something cannot be done.
const REFUSAL: Duration = Duration::from_millis(200);
/// What it takes to kill all VMs.
const KILLING: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(300));

impl Hypervisor {
    pub(super) fn new(host: &lifeboat_model::pool::Host) -> Self {
        Self {
            guests: BTreeMap::new(),
            incoming: BTreeSet::new(),
            stopped: false,
            hang: None,
            hangs: 0,
            waiting: VecDeque::new(),
            unreported: Vec::new(),
            term: Epoch::default(),
            memory_mib: host.capacity[0].saturating_sub(host.reserved_mib),
        }
    }

    /// All that ran here, when the host goes down.
    pub(super) fn take_all(&mut self) -> Vec<VmIndex> {
        let guests = core::mem::take(&mut self.guests);
        self.incoming.clear();
        self.waiting.clear();
        self.unreported.clear();
        self.hang = None;
        self.stopped = false;
        self.term = Epoch::default();
        guests.into_keys().collect()
    }

    pub(super) fn hangs(&self) -> bool {
        self.hang.is_some()
    }

    pub(super) fn takes_vms(&self) -> bool {
        !self.stopped && self.hang.is_none()
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory_mib
    }

    pub(super) fn set_memory(&mut self, mib: u64) {
        self.memory_mib = mib;
    }
}

impl Guest {
    /// A VM that has run for long.
    pub(super) fn settled(start: u32) -> Self {
        Self { start, booted: true, hangs: false, gate: Gate::Started, migrating: None }
    }
}

impl World<'_> {
    /// A new coordinator's term: what waits of earlier ones is void, and the first report tells all.
    pub(super) fn new_term(&mut self, index: HostIndex, epoch: Epoch) {
        let hypervisor = &mut self.hosts[index.get()].hypervisor;
        hypervisor.term = epoch;
        hypervisor.waiting.clear();
        hypervisor.unreported.clear();
        let state = if hypervisor.hang.is_some() { VmState::Unknown } else { VmState::Running };
        let guests = hypervisor.guests.keys().map(|vm| (*vm, state));
        let incoming = hypervisor.incoming.iter().map(|vm| (*vm, VmState::Unknown));
        let vms: Vec<(VmIndex, VmState)> = guests.chain(incoming).collect();
        let silent_for = hypervisor.hang.map(|hang| self.now.since(hang.since));
        let vms = vms.into_iter().map(|(vm, state)| (self.pool.vm_id(vm).to_owned(), state)).collect();
        self.feed(index, Input::Report(Report::Inventory { vms }));
        if silent_for.is_some() {
            self.feed(index, Input::Report(Report::Hypervisor { silent_for }));
        }
    }

    /// An order comes in.
    pub(super) fn take_order(&mut self, index: HostIndex, order: Order) {
        let hypervisor = &mut self.hosts[index.get()].hypervisor;
        if hypervisor.hang.is_some() {
            hypervisor.waiting.push_back(order);
            return;
        }
        let boot = self.hosts[index.get()].boot;
        self.tell(&Happening::OrderTaken { host: index, boot, order: &order });
        let vm = order.vm().and_then(|vm| self.by_name.get(vm).copied());
        let Some(vm) = vm else { return self.refuse(index, &order, "there is no such VM") };
        match order {
            Order::Start { id, gate, .. } => self.start_vm(index, vm, id, gate, &order),
            Order::Stop { id, .. } => self.stop_vm(index, vm, id, &order),
            Order::Migrate { id, to, .. } => self.migrate_vm(index, vm, id, to, &order),
            // Simulated hosts have no shells that would have notes for one another.
            Order::Note { .. } => {}
        }
    }

    fn start_vm(&mut self, index: HostIndex, vm: VmIndex, id: OrderId, gate: Gate, order: &Order) {
        let hypervisor = &self.hosts[index.get()].hypervisor;
        if hypervisor.stopped {
            return self.refuse(index, order, "the host is stopping all VMs");
        }
        if hypervisor.guests.contains_key(&vm) {
            return self.finished(index, id, order, Duration::ZERO, Outcome::Done);
        }
        let listed = |host| self.start_fails.contains(&(vm, host));
        if listed(None) || listed(Some(index.get())) {
            return self.refuse(index, order, "the hypervisor cannot start it");
        }
        if self.hosts[index.get()].path.disks_lost {
            return self.refuse(index, order, "its disks are out of reach");
        }
        if self.memory_used(index) + self.pool.demand_of(vm)[0] > hypervisor.memory_mib {
            return self.refuse(index, order, "the host has not enough memory");
        }
        let latency = self.start_latency;
        let start = self.new_run();
        let host = &mut self.hosts[index.get()];
        let boot = host.boot;
        let guest = Guest { start, booted: false, hangs: false, gate, migrating: None };
        host.hypervisor.guests.insert(vm, guest);
        self.tell(&Happening::VmExecutes { vm, host: index, boot });
        self.tell_protected_memory(index);
        self.finished(index, id, order, latency, Outcome::Done);
        if gate == Gate::Started {
            let ready = Report::Ready { vm: self.pool.vm_id(vm).to_owned() };
            self.report(index, latency, ready);
        }
        self.after(latency + self.settings.vm_boot, Due::VmBooted { host: index, vm, start });
    }

    pub(super) fn vm_booted(&mut self, index: HostIndex, vm: VmIndex, start: u32) {
        let guest = self.hosts[index.get()].hypervisor.guests.get_mut(&vm);
        let Some(guest) = guest.filter(|guest| guest.start == start) else { return };
        guest.booted = true;
        let ready = guest.gate != Gate::Started && !guest.hangs;
        self.tell(&Happening::VmBooted { vm, host: index });
        if ready {
            self.report(index, Duration::ZERO, Report::Ready { vm: self.pool.vm_id(vm).to_owned() });
        }
    }

    fn stop_vm(&mut self, index: HostIndex, vm: VmIndex, id: OrderId, order: &Order) {
        if !self.hosts[index.get()].hypervisor.incoming.remove(&vm) {
            self.halt(index, vm, HaltCause::Ordered);
        }
        self.finished(index, id, order, Duration::ZERO, Outcome::Done);
    }

    /// A VM executes no more, if it did.
    pub(super) fn halt(&mut self, index: HostIndex, vm: VmIndex, cause: HaltCause) -> bool {
        let host = &mut self.hosts[index.get()];
        let boot = host.boot;
        if host.hypervisor.guests.remove(&vm).is_none() {
            return false;
        }
        self.tell(&Happening::VmHalts { vm, host: index, boot, cause });
        self.tell_protected_memory(index);
        true
    }

    /// A VM stops without an order.
    pub(super) fn vm_stops(&mut self, vm: VmIndex, cause: StopCause) {
        let Some(index) = self.runs_at(vm) else { return };
        // What is said of a VM is said in the order in which it happened: its start first, however slowly that is told.
        let starting = self.hosts[index.get()].hypervisor.guests.get(&vm).is_some_and(|guest| !guest.booted);
        let takes = if starting { self.start_latency } else { Duration::ZERO };
        self.halt(index, vm, HaltCause::Itself(cause));
        let report = Report::Stopped { vm: self.pool.vm_id(vm).to_owned(), cause };
        let hypervisor = &mut self.hosts[index.get()].hypervisor;
        if hypervisor.hang.is_some() {
            hypervisor.unreported.push(report);
        } else {
            self.report(index, takes, report);
        }
    }

    /// The agent stops all VMs of its host.
    pub(super) fn stop_all_vms(&mut self, index: HostIndex, reason: FenceReason) {
        let host = &mut self.hosts[index.get()];
        host.stopping = Some(reason);
        host.hypervisor.stopped = true;
        host.hypervisor.waiting.clear();
        let boot = host.boot;
        let takes = self.draws.killing.span(KILLING.0, KILLING.1);
        self.after(takes, Due::Killed { host: index, boot });
    }

    pub(super) fn killed(&mut self, index: HostIndex, boot: Boot) {
        if !self.hosts[index.get()].is_up(boot) {
            return;
        }
        let vms: Vec<VmIndex> = self.hosts[index.get()].hypervisor.guests.keys().copied().collect();
        for vm in vms {
            self.halt(index, vm, HaltCause::Fence);
        }
        let host = &mut self.hosts[index.get()];
        host.hypervisor.incoming.clear();
        if !core::mem::replace(&mut host.fenced, true) {
            self.tell(&Happening::Fenced { host: index, boot, cause: DownCause::SelfFence });
        }
        self.feed(index, Input::NoVmRuns);
    }

    /// The daemon hangs: orders wait, and nobody knows what runs.
    pub(super) fn hypervisor_hangs(&mut self, index: HostIndex, lasts: Option<Duration>) {
        let now = self.now;
        let host = &mut self.hosts[index.get()];
        if host.power != Power::Up {
            return;
        }
        let boot = host.boot;
        let hypervisor = &mut host.hypervisor;
        hypervisor.hangs += 1;
        let number = hypervisor.hangs;
        let since = hypervisor.hang.map_or(now, |hang| hang.since);
        hypervisor.hang = Some(Hang { number, since, lasts });
        self.after(WATCH, Due::HypervisorWatch { host: index, boot, hang: number });
    }

    /// The agent looks at a daemon that did not answer: it tells the coordinator, and restarts it in the end.
    pub(super) fn hypervisor_watch(&mut self, index: HostIndex, boot: Boot, number: u32) {
        let now = self.now;
        let host = &mut self.hosts[index.get()];
        let Some(hang) = host
            .hypervisor
            .hang
            .filter(|hang| hang.number == number && host.power == Power::Up && host.boot == boot)
        else {
            return;
        };
        let silent = now.since(hang.since);
        let over = match hang.lasts {
            Some(lasts) => silent >= lasts,
            None => silent > WATCH * LOOKS_BEFORE_RESTART,
        };
        if over {
            return self.hypervisor_answers(index);
        }
        self.feed(index, Input::Report(Report::Hypervisor { silent_for: Some(silent) }));
        let left = hang.lasts.map_or(WATCH, |lasts| lasts.saturating_sub(silent).min(WATCH));
        let left = left.max(Duration::from_millis(1));
        self.after(left, Due::HypervisorWatch { host: index, boot, hang: number });
    }

    fn hypervisor_answers(&mut self, index: HostIndex) {
        let hypervisor = &mut self.hosts[index.get()].hypervisor;
        hypervisor.hang = None;
        let unreported = core::mem::take(&mut hypervisor.unreported);
        let waiting = core::mem::take(&mut hypervisor.waiting);
        self.feed(index, Input::Report(Report::Hypervisor { silent_for: None }));
        for report in unreported {
            self.feed(index, Input::Report(report));
        }
        for order in waiting {
            self.take_order(index, order);
        }
    }

    pub(super) fn refuse(&mut self, index: HostIndex, order: &Order, reason: &str) {
        self.finished(index, order.id(), order, REFUSAL, Outcome::Failed { reason: reason.to_owned() });
    }

    pub(super) fn finished(
        &mut self,
        index: HostIndex,
        id: OrderId,
        order: &Order,
        takes: Duration,
        outcome: Outcome,
    ) {
        self.tell(&Happening::OrderFinished { host: index, order, outcome: &outcome });
        self.report(index, takes, Report::Finished { id, outcome });
    }

    pub(super) fn report(&mut self, index: HostIndex, takes: Duration, report: Report) {
        if takes.is_zero() {
            self.feed(index, Input::Report(report));
        } else {
            let boot = self.hosts[index.get()].boot;
            self.after(takes, Due::Report { host: index, boot, report });
        }
    }

    /// Memory that VMs have on a host, those that arrive included.
    pub(super) fn memory_used(&self, index: HostIndex) -> u64 {
        let hypervisor = &self.hosts[index.get()].hypervisor;
        let vms = hypervisor.guests.keys().chain(&hypervisor.incoming);
        vms.map(|vm| self.pool.demand_of(*vm)[0]).sum()
    }

    /// Memory that protected VMs have on a host.
    pub(super) fn protected_memory(&self, index: HostIndex) -> u64 {
        let guests = self.hosts[index.get()].hypervisor.guests.keys();
        let protected = guests.filter(|vm| self.pool.vm(**vm).restart_priority == RestartPriority::Restart);
        protected.map(|vm| self.pool.demand_of(*vm)[0]).sum()
    }
}
