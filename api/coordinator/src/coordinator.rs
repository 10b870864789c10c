//! The coordinator of one term: one input in, what follows from it, commands out.
use crate::alert::{AlertKind, Subject};
use crate::alerts::Alerts;
use crate::calls::duty_of;
use crate::host::Host;
use crate::input::Input;
use crate::outlook::Level;
use crate::record::{Duty, Key, Place, Record, Ticket};
use crate::state::State;
use crate::vm::{Vm, Waits};
use crate::whereabouts::{Claim, Errand, Outstanding, Whereabouts};
use crate::writes::{Effect, Writes};
use crate::{Command, Instant, OrderNumber, Planner, Refusal, Settings};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::vec::Vec;
use lifeboat_model::change::Change;
use lifeboat_model::{HostIndex, Pool, VmIndex};

/// A coordinator's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its epoch; it only rises.
    pub epoch: u64,
    /// Where it is held.
    pub host: HostIndex,
}

/// What a coordinator makes of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bearing {
    /// What is wanted of it.
    pub duty: Duty,
    /// The boot that is a member.
    pub boot: Option<u64>,
    /// Whether that boot takes VMs: it is enabled, and says what runs there.
    pub takes_vms: bool,
}

/// The coordinator of one term; it is given up with its term.
#[derive(Debug)]
pub struct Coordinator<P> {
    state: State,
    planner: P,
}

impl<P: Planner> Coordinator<P> {
    /// Begins a term. `pool` is the pool document; `stored` is all that the store holds of earlier terms, read when nobody
    /// else could write to it any more. Where the store has nothing about a VM, the document's word counts.
    pub fn new(
        now: Instant,
        term: Term,
        pool: Pool,
        stored: Vec<Record>,
        settings: Settings,
        planner: P,
    ) -> Self {
        let mut state = State {
            term,
            settings,
            document: pool.clone(),
            pool,
            hosts: Vec::new(),
            vms: Vec::new(),
            whereabouts: Whereabouts::default(),
            alerts: Alerts::of_term(term.epoch),
            untold: Vec::new(),
            writes: Writes::default(),
            commands: VecDeque::new(),
            waiting: BTreeSet::new(),
            stopping: BTreeSet::new(),
            unsettled: BTreeMap::new(),
            holding: BTreeMap::new(),
            plan: None,
            approaching: BTreeMap::new(),
            early_evidence: Vec::new(),
            liveset_known: false,
            braked: false,
            disarmed: false,
            began: now,
            now,
            fences_unknown_from: now,
            changed_since: Some(now),
            level: Level::default(),
        };
        state.begin(stored);
        state.hand_out();
        Self { state, planner }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let state = &mut self.state;
        state.now = state.now.max(now);
        state.take_in(input);
        state.watch_timeouts();
        state.watch_unknown();
        state.settle_migrations();
        state.stop_what_is_to_stop();
        state.restart(&mut self.planner);
        state.evacuate();
        state.hand_out();
    }

    /// Operators have set this: it holds from now on, and a time after which hosts are fenced begins anew if it is another. Call [`Self::handle`]
    /// afterwards, since something may be due.
    pub fn set(&mut self, settings: Settings) {
        let state = &mut self.state;
        if settings.fence_unknown_after != state.settings.fence_unknown_after {
            state.fences_unknown_from = state.now;
        }
        state.settings = settings;
    }

    /// The next thing to do, oldest first.
    pub fn next_command(&mut self) -> Option<Command> {
        self.state.commands.pop_front()
    }

    /// When to call [`Self::handle`] again at the latest; none: not before something happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.state.deadline()
    }

    /// Whether [`Self::assess`] has something to do. Ask when all commands are drained.
    pub fn assessment_due(&self, now: Instant) -> bool {
        let state = &self.state;
        let changed = state.changed_since.is_some_and(|since| now >= since + state.settings.assess_after);
        state.liveset_known && (changed || state.first_alone().is_some())
    }

    /// What may take its time, so that no start waits for it: tolerance and the alerts about it, and starts of best-effort
    /// VMs that no host's failure explains. One piece of it, so that whatever has happened meanwhile is taken in before the next: it is called
    /// again for as long as [`Self::assessment_due`]. Drain the commands afterwards.
    pub fn assess(&mut self, now: Instant) {
        // What became due while others planned comes first: behind the state's own time nobody would ask for it again.
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.handle(now, Input::Elapsed);
        }
        let state = &mut self.state;
        state.now = state.now.max(now);
        if state.changed_since.is_some_and(|since| state.now >= since + state.settings.assess_after) {
            state.assess(&mut self.planner);
        } else if let Some(vm) = state.first_alone() {
            state.restart_alone(vm, &mut self.planner);
        }
        state.hand_out();
    }

    /// What it makes of each host.
    pub fn bearings(&self) -> impl Iterator<Item = Bearing> {
        self.state.hosts.iter().map(|host| Bearing {
            duty: host.duty,
            boot: host.live_boot(),
            takes_vms: host.takes_vms(),
        })
    }

    /// The pool as the coordinator sees it now: hosts in the states that they are in, VMs where they are.
    pub fn picture(&self) -> Pool {
        self.state.picture_lasting()
    }
}

impl State {
    /// What is known at the beginning of a term.
    fn begin(&mut self, stored: Vec<Record>) {
        self.grow();
        let document = self.document.clone();
        for host in document.host_indices() {
            self.hosts[host.get()].duty = duty_of(document.host(host).state);
        }
        let placed: BTreeMap<VmIndex, Place> = stored
            .iter()
            .filter_map(|record| match *record {
                Record::Place { vm, place } => Some((vm, place)),
                _ => None,
            })
            .collect();
        for vm in document.vm_indices() {
            match placed.get(&vm) {
                None => self.adopt(vm),
                Some(&place) => self.recorded(vm, place),
            }
        }
        for &record in &stored {
            self.writes.is_kept(record);
            self.recall(record);
        }
        for record in stored {
            if let Record::Term { epoch, host } = record
                && epoch < self.term.epoch
            {
                self.moved_from(host);
            }
        }
        for vm in document.vm_indices() {
            let known = placed.contains_key(&vm);
            let (protected, idle) = (self.is_protected(vm), self.whereabouts.is_idle(vm));
            let state = &mut self.vms[vm.get()];
            // A stop that was acknowledged is completed: it is kept that the VM shall not run, and yet where it is. Who has protected it
            // since does not want that.
            state.to_stop = known && !protected && !state.should_run && !idle;
            state.holds = true;
            self.refresh(vm);
        }
        let Term { epoch, host } = self.term;
        self.writes.behind(Record::Term { epoch, host });
    }

    /// Makes place for all hosts and VMs of the pool.
    pub(crate) fn grow(&mut self) {
        self.hosts.resize_with(self.pool.hosts().len(), Host::default);
        self.vms.resize_with(self.pool.vms().len(), Vm::default);
        self.whereabouts.grow(self.pool.vms().len());
    }

    /// A VM of which only the document speaks.
    pub(crate) fn adopt(&mut self, vm: VmIndex) {
        let described = *self.pool.vm(vm);
        let runs_on = described.host.filter(|_| described.power_state.holds_resources());
        self.vms[vm.get()].should_run = described.should_run || runs_on.is_some();
        self.whereabouts.doubt(vm);
        for host in [runs_on, described.migrating_to.filter(|_| runs_on.is_some())].into_iter().flatten() {
            let spoke = self.hosts[host.get()].spoke;
            self.whereabouts.record(vm, host, if spoke { Claim::Runs } else { Claim::Recorded });
        }
    }

    fn recorded(&mut self, vm: VmIndex, place: Place) {
        let described = *self.pool.vm(vm);
        // What was placed ran. That it shall not any more has a record of its own, and the document, which anybody may have written,
        // is none.
        self.vms[vm.get()].should_run =
            described.should_run || described.power_state.holds_resources() || place != Place::Nowhere;
        let hosts = match place {
            Place::Nowhere => [None, None],
            Place::On(host) => [Some(host), None],
            Place::Moving { from, to } => [Some(from), Some(to)],
        };
        for host in hosts.into_iter().flatten().filter(|host| host.get() < self.hosts.len()) {
            self.whereabouts.record(vm, host, Claim::Recorded);
        }
    }

    fn recall(&mut self, record: Record) {
        let knows_vm = |vm: VmIndex| vm.get() < self.vms.len();
        match record {
            Record::Term { .. } | Record::Place { .. } => {}
            Record::ShouldRun { vm, should_run } => {
                if knows_vm(vm) {
                    self.vms[vm.get()].should_run = should_run;
                }
            }
            Record::Priority { vm, priority } => {
                if let Ok(pool) = self.pool.with(&Change::Protect { vm, priority }) {
                    self.pool = pool;
                }
            }
            Record::Host { host, duty, boot } => {
                if let Some(state) = self.hosts.get_mut(host.get()) {
                    (state.duty, state.duty_of) = (duty, boot);
                }
            }
            Record::Alert { id, kind, subject, open } => {
                if open {
                    self.alerts.restore(kind, subject, id);
                    if let (AlertKind::StatefileLost, Subject::Host(host)) = (kind, subject)
                        && let Some(state) = self.hosts.get_mut(host.get())
                    {
                        state.medium_lost = true;
                    }
                }
            }
            Record::Tolerance { level, before_drop } => {
                self.level = Level { last: Some(level), before_drop };
            }
        }
    }

    fn moved_from(&mut self, from: HostIndex) {
        let name = |host: HostIndex| {
            self.pool.hosts().get(host.get()).map_or("a host that is gone", |host| &host.id)
        };
        let (from_name, to_name) = (name(from), name(self.term.host));
        let reason = if from == self.term.host {
            format!("it was begun anew on {to_name}")
        } else {
            format!("it moved from {from_name} to {to_name}")
        };
        let cause = self.alerts.open(AlertKind::HostFailed, Subject::Host(from));
        self.alerts.tell(AlertKind::CoordinatorMoved, Subject::Pool, reason, cause);
    }

    fn take_in(&mut self, input: Input) {
        let knows = |host: HostIndex| host.get() < self.hosts.len();
        match input {
            Input::Elapsed => {}
            Input::Liveset(liveset) => self.liveset(&liveset),
            Input::HostSafe { host, boot, evidence } => {
                if knows(host) {
                    self.host_safe(host, boot, evidence);
                }
            }
            Input::Report { host, report } => {
                if knows(host) {
                    self.report(host, &report);
                }
            }
            Input::Stored { ticket } => self.stored(ticket),
            Input::StoreFailed { ticket } => self.store_failed(ticket),
            Input::Call { call, what } => self.call(call, what),
            Input::Notice(notice) => {
                if knows(Self::subject_of(notice)) {
                    self.notice(notice);
                }
            }
        }
    }

    /// What was asked to be durable is: now it is done.
    fn stored(&mut self, ticket: Ticket) {
        for effect in self.writes.stored(ticket) {
            match effect {
                Effect::Do(call, what) => self.perform(call, &what),
                Effect::Send(order, call) => {
                    let answer = self.send(order);
                    if let Some(call) = call {
                        self.answer(call, answer);
                    }
                }
            }
        }
    }

    /// Hands an order over, if it still makes sense.
    fn send(&mut self, number: OrderNumber) -> Result<(), Refusal> {
        let listens = self.whereabouts.order(number).is_some_and(|order| {
            let far_end = match order.errand {
                Errand::Migrate { to } => self.hosts[to.get()].takes_vms(),
                Errand::Start | Errand::Stop => true,
            };
            self.hosts[order.host.get()].listens() && far_end
        });
        let sent = if listens { self.whereabouts.send(number, self.now) } else { None };
        let Some(order) = sent else {
            if let Some(order) = self.whereabouts.take_back(number) {
                self.taken_back(&order);
            }
            return Err(Refusal::HostNotLive);
        };
        let (host, vm) = (order.host, order.vm);
        self.commands.push_back(match order.errand {
            Errand::Start => {
                let gate = self.settings.gate(vm);
                if let Some(hold) = self.holding.get_mut(&vm) {
                    hold.until = self.now + self.settings.gate_timeout;
                }
                Command::Start { host, vm, order: number, gate }
            }
            Errand::Stop => Command::Stop { host, vm, order: number },
            Errand::Migrate { to } => Command::Migrate { host, vm, order: number, to },
        });
        Ok(())
    }

    /// An order was not given after all.
    fn taken_back(&mut self, order: &Outstanding) {
        if order.errand == Errand::Start {
            self.holding.remove(&order.vm);
            let starts = &mut self.vms[order.vm.get()].starts;
            starts.attempts = starts.attempts.saturating_sub(1);
        }
        self.plan = None;
        self.refresh(order.vm);
    }

    fn store_failed(&mut self, ticket: Ticket) {
        let again = self.now + self.settings.store_again_after;
        for effect in self.writes.failed(ticket, again) {
            let call = match effect {
                Effect::Do(call, _) => Some(call),
                Effect::Send(order, call) => {
                    if let Some(order) = self.whereabouts.take_back(order) {
                        match order.errand {
                            Errand::Start => self.vms[order.vm.get()].starts.wait_until(again, Waits::Store),
                            Errand::Stop => {}
                            Errand::Migrate { .. } => {
                                self.vms[order.vm.get()].moves.wait_until(again, Waits::Store);
                            }
                        }
                        self.taken_back(&order);
                    }
                    call
                }
            };
            if let Some(call) = call {
                self.answer(call, Err(Refusal::StoreOutOfReach));
            }
        }
    }

    /// Hands out one write for all that was decided, then the alerts that are kept: a coordinator that cannot keep what it tells is
    /// followed by one that would tell it again. Where the store is away for long, they are told all the same.
    fn hand_out(&mut self) {
        let (told, records) = self.alerts.take();
        for record in records {
            self.writes.behind(record);
        }
        self.untold.extend(told.into_iter().map(|(alert, key)| (alert, key, self.now)));
        if let Some((ticket, records)) = self.writes.next(self.now) {
            self.commands.push_back(Command::Store { ticket, records });
        }
        let (now, patience, writes) = (self.now, self.timeout() / 2, &self.writes);
        let waits = |key: &Option<Key>, since: Instant| {
            key.as_ref().is_some_and(|key| writes.is_pending(key)) && now < since + patience
        };
        let untold = core::mem::take(&mut self.untold);
        let (waiting, ready): (Vec<_>, Vec<_>) =
            untold.into_iter().partition(|(_, key, since)| waits(key, *since));
        self.untold = waiting;
        self.commands.extend(ready.into_iter().map(|(alert, ..)| Command::Alert(alert)));
    }

    fn deadline(&self) -> Option<Instant> {
        let starts = self.waiting.iter().map(|vm| self.vms[vm.get()].starts.not_before);
        let stops = self.stopping.iter().map(|vm| self.vms[vm.get()].stops.not_before);
        let settled = self.unsettled.keys().map(|vm| self.vms[vm.get()].stops.not_before);
        let emptied = |vm: &VmIndex| {
            self.whereabouts.runs_on(*vm).is_some_and(|host| self.hosts[host.get()].is_emptied())
        };
        let moves = self.pool.vm_indices().filter(emptied).map(|vm| self.vms[vm.get()].moves.not_before);
        let holds = self.holding.values().map(|hold| hold.until);
        let settling = self.unsettled.values().flat_map(|&since| {
            [self.settings.migration_settles_within, self.migration_told_within()].map(|span| since + span)
        });
        let unknown = self.pool.host_indices().flat_map(|host| self.unknown_deadlines(host));
        let averted = self.approaching.values().map(|&told| told + self.timeout());
        let gathered = self.began + self.settings.gather_within;
        let told = self.untold.iter().map(|(.., since)| *since + self.timeout() / 2);
        let stays = self.hosts.iter().filter_map(Host::stays_from);
        let assessed = self.changed_since.map(|since| since + self.settings.assess_after);
        starts
            .chain(told)
            .chain(stays)
            .chain(stops)
            .chain(settled)
            .chain(moves)
            .chain(holds)
            .chain(settling)
            .chain(unknown)
            .chain(averted)
            .chain([gathered])
            .chain(self.writes.deadline())
            .chain(assessed)
            .filter(|&moment| moment > self.now)
            .min()
    }
}
