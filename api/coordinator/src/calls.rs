//! What operators ask for. A call is judged at once, made durable, and only then done and acknowledged; with the store out
//! of reach it is refused.
use crate::command::Refusal;
use crate::input::{Call, CallId};
use crate::record::{Duty, Place, Record};
use crate::state::State;
use crate::whereabouts::Claim;
use crate::writes::Effect;
use crate::{Command, place};
use alloc::collections::BTreeSet;
use lifeboat_model::change::Change;
use lifeboat_model::pool::Vm;
use lifeboat_model::spec::{HostState, RestartPriority};
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{HostIndex, Pool, VmIndex};

impl State {
    /// Somebody asks for something.
    pub(crate) fn call(&mut self, call: CallId, what: Call) {
        let taken_up = match &what {
            Call::StartVm { vm, host } => self.call_start(call, *vm, *host),
            Call::StopVm { vm } => self.call_stop(call, *vm),
            Call::SetPriority { vm, priority } => {
                let record = Record::Priority { vm: *vm, priority: *priority };
                self.known_vm(*vm).map(|()| self.writes.ahead(record, Effect::Do(call, what)))
            }
            Call::MigrateVm { vm, to } => self.call_migrate(call, *vm, *to),
            Call::DisableHost { host } => self.call_duty(call, *host, Duty::Disabled, &what),
            Call::EnableHost { host } => self.call_duty(call, *host, Duty::Enabled, &what),
            Call::Evacuate { host } => self.call_duty(call, *host, Duty::Maintenance, &what),
            Call::ShutDownHost { host } => self.call_duty(call, *host, Duty::Leaving, &what),
            Call::RebootHost { host } => self.call_duty(call, *host, Duty::Rebooting, &what),
            Call::PlanMoves { moves, stops } => self.plan_moves(call, moves, stops),
            Call::PoolChanged { pool } => self.pool_changed(pool).map(|()| self.answer(call, Ok(()))),
        };
        if let Err(refusal) = taken_up {
            self.answer(call, Err(refusal));
        }
    }

    /// What was asked is durable: it is done, and acknowledged.
    pub(crate) fn perform(&mut self, call: CallId, what: &Call) {
        match *what {
            Call::StartVm { vm, .. } => {
                let now = self.now;
                let state = &mut self.vms[vm.get()];
                (state.should_run, state.asked, state.holds) = (true, true, false);
                if self.whereabouts.is_idle(vm) {
                    state.begin_anew(now);
                }
                self.refresh(vm);
            }
            Call::StopVm { vm } => {
                let state = &mut self.vms[vm.get()];
                (state.should_run, state.asked) = (false, false);
                state.to_stop = !self.whereabouts.is_idle(vm);
                state.stops = crate::vm::Pace::default();
                self.refresh(vm);
            }
            Call::SetPriority { vm, priority } => {
                self.protect(vm, priority);
                self.refresh(vm);
                self.capacity_appeared(false);
            }
            Call::DisableHost { host } => self.set_duty(host, Duty::Disabled),
            Call::EnableHost { host } => self.set_duty(host, Duty::Enabled),
            Call::Evacuate { host } => self.set_duty(host, Duty::Maintenance),
            Call::ShutDownHost { host } => self.set_duty(host, Duty::Leaving),
            Call::RebootHost { host } => self.set_duty(host, Duty::Rebooting),
            Call::MigrateVm { .. } | Call::PlanMoves { .. } | Call::PoolChanged { .. } => {}
        }
        self.answer(call, Ok(()));
    }

    pub(crate) fn answer(&mut self, call: CallId, answer: Result<(), Refusal>) {
        self.commands.push_back(Command::Reply { call, answer });
    }

    fn call_start(&mut self, call: CallId, vm: VmIndex, host: Option<HostIndex>) -> Result<(), Refusal> {
        self.known_vm(vm)?;
        host.map_or(Ok(()), |host| self.known_host(host))?;
        if !self.whereabouts.is_idle(vm) {
            let runs = self.whereabouts.claims(vm).iter().any(|&(_, claim)| claim == Claim::Runs);
            return Err(match (self.whereabouts.has_order(vm), runs) {
                (true, _) => Refusal::Busy,
                (false, true) => Refusal::AlreadyRuns,
                (false, false) => Refusal::WhereaboutsUnknown,
            });
        }
        let Some(proof) = self.whereabouts.nowhere(vm) else { return Err(Refusal::WhereaboutsUnknown) };
        if host.is_some_and(|host| !self.hosts[host.get()].takes_vms()) {
            return Err(Refusal::HostNotLive);
        }
        let after = self.picture_after_plan();
        let host = place::best(&after, vm, |candidate| host.is_none_or(|host| candidate == host))
            .map_err(refusal)?;
        place::judge(&after, vm, host).map_err(|_| Refusal::NotEligible)?;
        let what = Call::StartVm { vm, host: Some(host) };
        self.vms[vm.get()].starts = crate::vm::Pace::default();
        self.writes.ahead(Record::ShouldRun { vm, should_run: true }, Effect::Do(call, what));
        self.order_start(vm, proof, host);
        self.plan = None;
        Ok(())
    }

    fn call_stop(&mut self, call: CallId, vm: VmIndex) -> Result<(), Refusal> {
        self.known_vm(vm)?;
        if self.is_protected(vm) {
            return Err(Refusal::Protected);
        }
        if !self.vms[vm.get()].should_run && self.whereabouts.is_idle(vm) {
            return Err(Refusal::NotRunning);
        }
        self.writes.ahead(Record::ShouldRun { vm, should_run: false }, Effect::Do(call, Call::StopVm { vm }));
        Ok(())
    }

    fn call_migrate(&mut self, call: CallId, vm: VmIndex, to: HostIndex) -> Result<(), Refusal> {
        self.known_vm(vm)?;
        self.known_host(to)?;
        let from = self.whereabouts.runs_on(vm).ok_or(Refusal::NotRunning)?;
        if self.whereabouts.has_order(vm) || self.vms[vm.get()].to_stop {
            return Err(Refusal::Busy);
        }
        if !self.hosts[to.get()].takes_vms() || !self.hosts[from.get()].listens() {
            return Err(Refusal::HostNotLive);
        }
        if from == to {
            return Err(Refusal::NotEligible);
        }
        place::best(&self.picture_after_plan(), vm, |host| host == to).map_err(refusal)?;
        self.order_migration(vm, to, Some(call)).then_some(()).ok_or(Refusal::Busy)
    }

    /// Makes a migration order and asks for it to be stored; it goes out when that is durable.
    pub(crate) fn order_migration(&mut self, vm: VmIndex, to: HostIndex, call: Option<CallId>) -> bool {
        let Some(from) = self.whereabouts.runs_on(vm) else { return false };
        let Some(order) = self.whereabouts.migrate(vm, to, self.now) else { return false };
        self.writes.ahead(Record::Place { vm, place: Place::Moving { from, to } }, Effect::Send(order, call));
        self.plan = None;
        self.refresh(vm);
        true
    }

    fn call_duty(&mut self, call: CallId, host: HostIndex, duty: Duty, what: &Call) -> Result<(), Refusal> {
        self.known_host(host)?;
        let boot = self.hosts[host.get()].live_boot();
        self.writes.ahead(Record::Host { host, duty, boot }, Effect::Do(call, what.clone()));
        Ok(())
    }

    fn plan_moves(
        &mut self,
        call: CallId,
        moves: &[(VmIndex, HostIndex)],
        stops: &[VmIndex],
    ) -> Result<(), Refusal> {
        for &(vm, to) in moves {
            self.known_vm(vm)?;
            self.known_host(to)?;
        }
        stops.iter().try_for_each(|&vm| self.known_vm(vm))?;
        let named = moves.iter().map(|&(vm, _)| vm).chain(stops.iter().copied());
        let hosts: BTreeSet<HostIndex> = named.filter_map(|vm| self.whereabouts.runs_on(vm)).collect();
        for host in hosts {
            // What was planned of that host before holds no more.
            self.forget_plans(host);
        }
        for &(vm, to) in moves {
            self.vms[vm.get()].planned_to = Some(to).filter(|_| self.whereabouts.runs_on(vm) != Some(to));
        }
        for &vm in stops {
            self.vms[vm.get()].may_stop = self.whereabouts.runs_on(vm);
        }
        self.answer(call, Ok(()));
        Ok(())
    }

    fn set_duty(&mut self, host: HostIndex, duty: Duty) {
        let state = &mut self.hosts[host.get()];
        let asked_again = (state.duty, duty) == (Duty::Rebooting, Duty::Rebooting);
        (state.duty, state.duty_of) = (duty, state.live_boot());
        self.hosts[host.get()].may_leave = false;
        if matches!(duty, Duty::Enabled | Duty::Disabled) {
            self.forget_plans(host);
            self.conclude_evacuation(host, "it is not to be emptied any more");
        } else if !asked_again {
            // A run asks again and again: whatever failed meanwhile is to be remembered, or nobody is ever told.
            self.moves_anew(host);
        }
        self.capacity_appeared(duty == Duty::Enabled);
    }

    fn protect(&mut self, vm: VmIndex, priority: RestartPriority) {
        if let Ok(pool) = self.pool.with(&Change::Protect { vm, priority }) {
            self.pool = pool;
        }
        let now = self.now;
        if self.whereabouts.is_idle(vm) {
            self.vms[vm.get()].begin_anew(now);
        }
    }

    /// Takes over what the changed document asks for. What operators set through calls stays, unless the document changed
    /// just that.
    fn pool_changed(&mut self, pool: &Pool) -> Result<(), Refusal> {
        let (hosts, vms) = (self.pool.hosts().len(), self.pool.vms().len());
        let same_hosts = self.pool.host_indices().all(|host| {
            pool.hosts().get(host.get()).is_some_and(|known| *known.id == *self.pool.host_id(host))
        });
        let same_vms =
            pool.vms().len() >= vms && self.pool.vm_indices().all(|vm| pool.vm_id(vm) == self.pool.vm_id(vm));
        if !same_hosts || !same_vms {
            return Err(Refusal::PoolShrank);
        }
        let old = core::mem::replace(&mut self.document, pool.clone());
        let set = core::mem::replace(&mut self.pool, pool.clone());
        self.grow();
        for vm in old.vm_indices() {
            let (was, is) = (*old.vm(vm), *pool.vm(vm));
            if was.restart_priority == is.restart_priority {
                self.protect_as_set(vm, set.vm(vm).restart_priority);
            } else {
                self.writes.behind(Record::Priority { vm, priority: is.restart_priority });
                let now = self.now;
                if self.whereabouts.is_idle(vm) {
                    self.vms[vm.get()].begin_anew(now);
                }
            }
            self.desire(vm, &was, &is);
        }
        for vm in pool.vm_indices().skip(vms) {
            self.adopt(vm);
            // Whatever was kept of another VM of that name counts no more.
            let should_run = self.vms[vm.get()].should_run;
            self.writes.behind(Record::ShouldRun { vm, should_run });
        }
        for host in old.host_indices() {
            if old.host(host).state != pool.host(host).state {
                let duty = duty_of(pool.host(host).state);
                let boot = self.hosts[host.get()].live_boot();
                self.writes.behind(Record::Host { host, duty, boot });
                self.set_duty(host, duty);
            }
        }
        for host in pool.host_indices().skip(hosts) {
            self.hosts[host.get()].duty = duty_of(pool.host(host).state);
        }
        for vm in pool.vm_indices() {
            self.refresh(vm);
        }
        self.capacity_appeared(true);
        Ok(())
    }

    fn protect_as_set(&mut self, vm: VmIndex, priority: RestartPriority) {
        if self.pool.vm(vm).restart_priority != priority
            && let Ok(pool) = self.pool.with(&Change::Protect { vm, priority })
        {
            self.pool = pool;
        }
    }

    /// A changed wish about a VM that does not run. One that runs is stopped by a call only.
    fn desire(&mut self, vm: VmIndex, was: &Vm, is: &Vm) {
        if was.should_run == is.should_run || !self.whereabouts.is_idle(vm) {
            return;
        }
        let now = self.now;
        let state = &mut self.vms[vm.get()];
        state.should_run = is.should_run;
        if is.should_run {
            state.begin_anew(now);
        }
        self.writes.behind(Record::ShouldRun { vm, should_run: is.should_run });
    }

    fn known_vm(&self, vm: VmIndex) -> Result<(), Refusal> {
        if vm.get() < self.vms.len() { Ok(()) } else { Err(Refusal::UnknownVm) }
    }

    fn known_host(&self, host: HostIndex) -> Result<(), Refusal> {
        if host.get() < self.hosts.len() { Ok(()) } else { Err(Refusal::UnknownHost) }
    }
}

/// A host's duty as the document has it; that it is dead is for the pool to agree on.
pub(crate) fn duty_of(state: HostState) -> Duty {
    match state {
        HostState::Live | HostState::Dead | HostState::Fenced => Duty::Enabled,
        HostState::Disabled => Duty::Disabled,
        HostState::Maintenance => Duty::Maintenance,
    }
}

fn refusal(reason: ReasonCode) -> Refusal {
    match reason {
        ReasonCode::NoHostHasRoom | ReasonCode::NotTogether => Refusal::NoRoom,
        ReasonCode::NoEligibleHost
        | ReasonCode::Rule(_)
        | ReasonCode::Liveness
        | ReasonCode::NoSurvivor
        | ReasonCode::NotFound => Refusal::NotEligible,
    }
}
