//! What hosts report, and what follows for their VMs.
use crate::alert::{AlertKind, Subject};
use crate::input::{Outcome, Report, Seen, StopCause};
use crate::record::{Place, Record};
use crate::state::State;
use crate::vm::Waits;
use crate::whereabouts::{Claim, Errand, Outstanding, Unsettled};
use crate::{Gate, Instant, OrderNumber};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};

/// No order that a host carries out takes longer than this, so that one without an answer leaves it unknown what became of it.
const ORDER_TAKES: Duration = Duration::from_mins(2);

impl State {
    /// A host reports. A host out of the liveset is not listened to: what is certain of it comes as evidence.
    pub(crate) fn report(&mut self, host: HostIndex, report: &Report) {
        let spoke = self.hosts[host.get()].spoke;
        if !self.hosts[host.get()].is_live() {
            return;
        }
        match report {
            Report::Inventory { vms } => self.inventory(host, vms),
            // Nothing but an inventory opens a session.
            _ if !spoke => {}
            Report::Finished { order, outcome } => self.finished(host, *order, outcome),
            Report::Ready { vm } => {
                if self.knows(*vm) {
                    // Where nobody sent it, or only an earlier session, its readiness is the first word of its being there.
                    self.appeared(host, *vm);
                    self.ready(host, *vm);
                }
            }
            Report::Appeared { vm } => {
                if self.knows(*vm) {
                    self.appeared(host, *vm);
                }
            }
            Report::Stopped { vm, cause } => {
                if self.knows(*vm) && self.whereabouts.stopped(*vm, host) {
                    self.stopped(*vm, *cause);
                }
            }
            Report::Hypervisor { silent_for } => self.hypervisor(host, *silent_for),
        }
    }

    fn knows(&self, vm: VmIndex) -> bool {
        vm.get() < self.vms.len()
    }

    fn inventory(&mut self, host: HostIndex, vms: &[(VmIndex, Seen)]) {
        let listed: BTreeMap<VmIndex, Seen> = vms.iter().copied().filter(|&(vm, _)| self.knows(vm)).collect();
        let expected: Vec<VmIndex> = listed
            .keys()
            .copied()
            .filter(|&vm| self.whereabouts.claims(vm).iter().any(|&(at, _)| at == host))
            .collect();
        let (gone, void) = self.whereabouts.inventory(host, &listed);
        let state = &mut self.hosts[host.get()];
        (state.spoke, state.hypervisor_silent, state.unknown_since) = (true, false, None);
        self.alerts.clear(AlertKind::HostStateUnknown, Subject::Host(host), "it has said what runs there");
        for &vm in &gone {
            self.missing(vm);
        }
        for order in &void {
            self.voided(order);
        }
        for (&vm, &seen) in &listed {
            self.seen(vm, host, seen, expected.contains(&vm));
        }
        for vm in gone.into_iter().chain(void.iter().map(|order| order.vm)).chain(listed.into_keys()) {
            self.refresh(vm);
        }
        self.capacity_appeared(true);
    }

    /// A VM that was thought to be on a host is not.
    fn missing(&mut self, vm: VmIndex) {
        self.holding.remove(&vm);
        if !self.whereabouts.claims(vm).is_empty() {
            self.is_where_it_is_left(vm);
            return;
        }
        let now = self.now;
        let state = &mut self.vms[vm.get()];
        if state.runs_since.is_some() {
            state.crashed(now, &self.settings);
        } else {
            state.holds = true;
            state.begin_anew(now);
        }
    }

    /// Nobody will say what became of an order. That is nobody's failure: it is given again if it is still wanted.
    fn voided(&mut self, order: &Outstanding) {
        let state = &mut self.vms[order.vm.get()];
        match order.errand {
            Errand::Start => {
                state.starts.attempts = state.starts.attempts.saturating_sub(1);
                state.starts.now(self.now);
            }
            Errand::Stop => state.stops.now(self.now),
            Errand::Migrate { .. } => state.moves.now(self.now),
        }
    }

    /// An inventory lists a VM.
    fn seen(&mut self, vm: VmIndex, host: HostIndex, seen: Seen, expected: bool) {
        let state = &mut self.vms[vm.get()];
        if seen == Seen::Running {
            state.runs_since.get_or_insert(self.now);
            state.lost_from = None;
        }
        if !state.should_run && !expected {
            let reason = format!("it runs on {}, started by somebody else", self.pool.host_id(host));
            self.alerts.raise(AlertKind::VmRunsUnasked, Subject::Vm(vm), reason, None);
        }
        if seen == Seen::Running {
            self.started_by_hand(vm);
        }
        self.is_where_it_is_left(vm);
    }

    /// One place less is left where a VM may be. If there is but one, the next term is to know it: the one that it knows may be gone. While
    /// a migration may still be carried out both its ends stay written: the far end may be lost with one boot and take the VM in the next.
    pub(crate) fn is_where_it_is_left(&mut self, vm: VmIndex) {
        if self.whereabouts.may_leave(vm) {
            return;
        }
        if let [
            (host, Claim::Arriving | Claim::MayRun | Claim::Runs | Claim::Recorded | Claim::Contradicted),
        ] = *self.whereabouts.claims(vm)
        {
            self.writes.behind(Record::Place { vm, place: Place::On(host) });
        }
    }

    /// Whoever starts a VM on its host wants it to run, and to run again after that host has failed. What is being stopped is not
    /// started by anybody: it has not stopped yet.
    fn started_by_hand(&mut self, vm: VmIndex) {
        let state = &mut self.vms[vm.get()];
        if !state.should_run && !state.to_stop {
            state.should_run = true;
            self.writes.behind(Record::ShouldRun { vm, should_run: true });
        }
    }

    fn finished(&mut self, host: HostIndex, number: OrderNumber, outcome: &Outcome) {
        let Some(order) = self.whereabouts.finished(number, host, outcome) else { return };
        let vm = order.vm;
        match (order.errand, outcome) {
            (Errand::Start, Outcome::Done) => self.started(vm),
            (Errand::Start, Outcome::Failed { reason }) => self.start_failed(vm, host, reason),
            (Errand::Stop, Outcome::Done) => self.down(vm),
            (Errand::Stop, Outcome::Failed { .. }) => {
                let (now, settings) = (self.now, &self.settings);
                self.vms[vm.get()].stops.back_off(now, Waits::Failed, settings);
            }
            (Errand::Migrate { to }, Outcome::Done) => self.migrated(vm, host, to),
            (Errand::Migrate { to }, Outcome::Failed { reason }) => self.stayed(vm, host, to, reason),
        }
        self.refresh(vm);
        if matches!(order.errand, Errand::Stop | Errand::Migrate { .. }) {
            self.capacity_appeared(false);
        }
    }

    fn started(&mut self, vm: VmIndex) {
        let state = &mut self.vms[vm.get()];
        state.runs_since = Some(self.now);
        state.lost_from = None;
        state.starts.failed_on.clear();
        state.starts.waits = Waits::Turn;
        if self.settings.gate(vm) == Gate::Started {
            self.passed_gate(vm);
        }
    }

    fn start_failed(&mut self, vm: VmIndex, host: HostIndex, why: &str) {
        self.plan = None;
        self.holding.remove(&vm);
        let reason = format!("{}: {why}", self.pool.host_id(host));
        let best_effort = !self.is_protected(vm);
        let state = &mut self.vms[vm.get()];
        state.starts.failed_on.push(host);
        state.starts.now(self.now);
        state.failure.clone_from(&reason);
        if best_effort && state.starts.attempts >= self.settings.best_effort_attempts {
            state.given_up = true;
            self.restart_failed(vm, format!("it could not be started, and is left down: {reason}"));
        }
    }

    fn appeared(&mut self, host: HostIndex, vm: VmIndex) {
        if self.whereabouts.appeared(vm, host) {
            self.seen(vm, host, Seen::Running, false);
            self.refresh(vm);
        }
    }

    fn ready(&mut self, host: HostIndex, vm: VmIndex) {
        if self.whereabouts.confirmed(vm, host) {
            self.vms[vm.get()].runs_since.get_or_insert(self.now);
            self.passed_gate(vm);
            self.refresh(vm);
        }
    }

    /// The VM is ready; the next order begins after its start delay.
    fn passed_gate(&mut self, vm: VmIndex) {
        let delay = Duration::from_secs(u64::from(self.pool.vm(vm).start_delay_s));
        if let Some(hold) = self.holding.get_mut(&vm) {
            hold.until = self.now + delay;
        }
    }

    /// A VM stopped by itself, or by somebody's hand.
    fn stopped(&mut self, vm: VmIndex, cause: StopCause) {
        self.holding.remove(&vm);
        self.is_where_it_is_left(vm);
        if !self.whereabouts.claims(vm).is_empty() || self.whereabouts.has_order(vm) {
            self.refresh(vm);
            return;
        }
        let restarted = match cause {
            StopCause::Crashed => true,
            StopCause::ShutDownInside | StopCause::Stopped => {
                self.is_protected(vm) && self.settings.restart_after_shutdown_inside
            }
        };
        let now = self.now;
        let best_effort = !self.is_protected(vm);
        let state = &mut self.vms[vm.get()];
        state.lost_from = None;
        if restarted {
            state.crashed(now, &self.settings);
            let spent = best_effort && state.starts.attempts >= self.settings.best_effort_attempts;
            state.given_up = state.given_up || spent;
        } else {
            state.runs_since = None;
            self.shall_not_run(vm);
        }
        self.down(vm);
        self.refresh(vm);
        self.capacity_appeared(false);
    }

    fn shall_not_run(&mut self, vm: VmIndex) {
        let state = &mut self.vms[vm.get()];
        (state.should_run, state.asked) = (false, false);
        self.writes.behind(Record::ShouldRun { vm, should_run: false });
    }

    /// The VM is down.
    pub(crate) fn down(&mut self, vm: VmIndex) {
        self.holding.remove(&vm);
        if !self.whereabouts.claims(vm).is_empty() {
            self.is_where_it_is_left(vm);
            return;
        }
        self.vms[vm.get()].runs_since = None;
        self.alerts.clear(AlertKind::VmRunsUnasked, Subject::Vm(vm), "it has stopped");
        self.writes.behind(Record::Place { vm, place: Place::Nowhere });
    }

    fn migrated(&mut self, vm: VmIndex, from: HostIndex, to: HostIndex) {
        self.vms[vm.get()].moves = crate::vm::Pace::default();
        self.vms[vm.get()].planned_to = None;
        if self.hosts[to.get()].is_up() {
            // Nothing may claim that it is there: the order came late, and a later boot took the VM. If it has not said so yet, an order to
            // stop it settles where it is.
            self.whereabouts.may_have_arrived(vm, to);
            self.writes.behind(Record::Place { vm, place: Place::On(to) });
        } else if self.whereabouts.claims(vm).is_empty() {
            // It arrived on a host that is over since, and was lost with it.
            let now = self.now;
            let lost_from = Some(to).filter(|to| !self.hosts[to.get()].is_up());
            let state = &mut self.vms[vm.get()];
            (state.runs_since, state.lost_from, state.holds) = (None, lost_from, true);
            state.begin_anew(now);
        } else {
            self.is_where_it_is_left(vm);
        }
        if self.hosts[from.get()].is_emptied() {
            self.conclude_evacuation(from, "its VMs leave again");
        }
    }

    fn stayed(&mut self, vm: VmIndex, from: HostIndex, to: HostIndex, why: &str) {
        self.vms[vm.get()].failure = format!("migration to {}: {why}", self.pool.host_id(to));
        let (now, settings) = (self.now, &self.settings);
        self.vms[vm.get()].moves.failed_on(to, now, settings);
        if self.whereabouts.claims(vm).is_empty() {
            // It stopped under way.
            self.vms[vm.get()].crashed(now, &self.settings);
        } else {
            // Not always where this order was to take it from: one that came late speaks of a VM that has left since.
            self.is_where_it_is_left(vm);
        }
        // What fails once may be nobody's concern: it is tried again soon.
        if self.vms[vm.get()].moves.rounds > 1 && self.hosts[from.get()].is_emptied() {
            let (name, vm) = (self.pool.host_id(from), self.pool.vm_id(vm));
            let to = self.pool.host_id(to);
            let reason = format!("{name} cannot be emptied: {vm}: its migration to {to} failed again: {why}");
            self.alerts.raise(AlertKind::EvacuationStalled, Subject::Host(from), reason, None);
        }
    }

    fn hypervisor(&mut self, host: HostIndex, silent_for: Option<Duration>) {
        let now = self.now;
        let state = &mut self.hosts[host.get()];
        let was_silent = state.hypervisor_silent;
        state.hypervisor_silent = silent_for.is_some();
        state.unknown_since = silent_for.map(|silent| {
            let micros = u64::try_from(silent.as_micros()).unwrap_or(u64::MAX);
            Instant::from_micros(now.as_micros().saturating_sub(micros))
        });
        if silent_for.is_none() {
            self.alerts.clear(AlertKind::HostStateUnknown, Subject::Host(host), "its hypervisor answers");
        }
        if silent_for.is_none() {
            for vm in self.whereabouts.answers(host) {
                self.refresh(vm);
            }
        }
        if was_silent != silent_for.is_some() {
            self.capacity_appeared(was_silent);
        }
    }

    /// Tells people of hosts that leave unknown what runs there, and has them fenced after the time that the pool sets.
    pub(crate) fn watch_unknown(&mut self) {
        for position in 0..self.hosts.len() {
            let host = HostIndex::new(position);
            let Some(since) = self.unknown_since(host) else { continue };
            if self.now.since(since) >= self.settings.unknown_alert_after {
                let name = self.pool.host_id(host);
                let reason =
                    format!("host {name} is live, but does not say what became of VMs that it may run");
                self.alerts.raise(AlertKind::HostStateUnknown, Subject::Host(host), reason, None);
            }
            let lasts = self.now.since(since.max(self.fences_unknown_from));
            let state = &mut self.hosts[position];
            if self.settings.fence_unknown_after.is_some_and(|after| lasts >= after) && !state.fence_requested
            {
                state.fence_requested = true;
                self.commands.push_back(crate::Command::RequestFence { host });
            }
        }
    }

    /// Since when a live host has left it unknown what runs there: since it joined, since its hypervisor is silent, or since
    /// an order should have ended.
    pub(crate) fn unknown_since(&self, host: HostIndex) -> Option<Instant> {
        let state = &self.hosts[host.get()];
        if !state.is_live() {
            return None;
        }
        let overdue = self.whereabouts.orders().filter(|(_, order)| {
            order.host == host && order.sent && !matches!(order.errand, Errand::Migrate { .. })
        });
        let overdue = overdue.map(|(_, order)| order.since + self.answered_within());
        let overdue = overdue.min().filter(|&since| since <= self.now);
        state.unknown_since.into_iter().chain(overdue).min()
    }

    /// The moments at which more follows from a host's silence.
    pub(crate) fn unknown_deadlines(&self, host: HostIndex) -> impl Iterator<Item = Instant> {
        let state = &self.hosts[host.get()];
        let unanswered = self.whereabouts.orders().filter(move |(_, order)| order.host == host && order.sent);
        let overdue = unanswered.map(|(_, order)| order.since + self.answered_within()).min();
        let since = state.unknown_since.into_iter().chain(overdue).min().filter(|_| state.is_live());
        let fence = self.settings.fence_unknown_after.filter(|_| !state.fence_requested);
        let fenced = fence.and_then(|after| Some(since?.max(self.fences_unknown_from) + after));
        [since.map(|since| since + self.settings.unknown_alert_after), fenced].into_iter().flatten()
    }

    /// How long a host may take for an order before it is unknown what became of it, however short operators want guests to take.
    fn answered_within(&self) -> Duration {
        self.settings.gate_timeout.max(ORDER_TAKES)
    }

    /// A host that has not taken an order for this long is over, or about to be: it is out of the liveset within T.
    pub(crate) fn migration_told_within(&self) -> Duration {
        self.settings.migration_settles_within + self.timeout() * 2
    }

    /// The far ends of migrations that nobody tells the outcome of are told to stop the VM, so that it can be started.
    pub(crate) fn settle_migrations(&mut self) {
        let (noticed, told) = (self.settings.migration_settles_within, self.migration_told_within());
        let within = |how| match how {
            Unsettled::Contradicted => Duration::ZERO,
            Unsettled::SourceOver => noticed,
            Unsettled::MayBeOrdered => told,
        };
        let unsettled: Vec<(VmIndex, Instant)> =
            self.unsettled.iter().map(|(&vm, &since)| (vm, since)).collect();
        for (vm, since) in unsettled {
            let Some((host, how)) = self.whereabouts.unsettled(vm) else { continue };
            if self.now.since(since) >= within(how)
                && self.hosts[host.get()].listens()
                && self.vms[vm.get()].stops.is_due(self.now)
            {
                self.order_stop(vm, host);
            }
        }
    }

    /// Orders what is to be stopped to be stopped, wherever it may be.
    pub(crate) fn stop_what_is_to_stop(&mut self) {
        for vm in self.stopping.clone() {
            if self.whereabouts.has_order(vm) || !self.vms[vm.get()].stops.is_due(self.now) {
                continue;
            }
            let claims = self.whereabouts.claims(vm).iter();
            let reached: Vec<HostIndex> =
                claims.map(|&(host, _)| host).filter(|host| self.hosts[host.get()].listens()).collect();
            for host in reached {
                self.order_stop(vm, host);
            }
        }
    }

    pub(crate) fn order_stop(&mut self, vm: VmIndex, host: HostIndex) {
        let order = self.whereabouts.stop(vm, host, self.now);
        self.commands.push_back(crate::Command::Stop { host, vm, order });
        self.refresh(vm);
    }
}
