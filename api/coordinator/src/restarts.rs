//! From waiting VMs to start orders: planned by the planner, judged by the checker, given turn by turn.
//!
//! A plan is made for all that waits, whatever it waits for, so that a VM that is backing off finds its room when its
//! time comes. Any change that the plan did not make itself voids it; a second failure is thereby taken in at once. Turns
//! are no queue of the plan's: who may go is asked anew each time ([`State::issue`]).
use crate::alert::{AlertKind, Subject};
use crate::planner::Planner;
use crate::record::{Place, Record};
use crate::state::{Hold, State, Turn};
use crate::vm::Waits;
use crate::whereabouts::{Errand, Nowhere};
use crate::writes::Effect;
use crate::{OrderNumber, place};
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::{format, string::String};
use lifeboat_check::check_plan;
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{HostIndex, Pool, VmIndex};

impl State {
    /// Plans if there is something to plan, and gives the orders whose turn it is.
    pub(crate) fn restart(&mut self, planner: &mut dyn Planner) {
        if self.waiting.is_empty() || !self.may_restart() {
            return;
        }
        let due = |vm: &VmIndex| self.is_planned(*vm) && self.vms[vm.get()].starts.is_due(self.now);
        if self.plan.is_none() && self.waiting.iter().any(due) {
            self.plan = self.make_plan(planner);
        }
        self.issue();
    }

    /// Nothing restarts while a brake or a disarmed pool holds it, nor before all that live have spoken, or had the time to.
    pub(crate) fn may_restart(&self) -> bool {
        let all_spoke = self.hosts.iter().all(|host| !host.is_live() || host.spoke);
        let gathered = all_spoke || self.now >= self.began + self.settings.gather_within;
        self.liveset_known && !self.braked && !self.disarmed && gathered
    }

    /// Whether the planner places the VM: protected ones, and best-effort ones lost with a host. Others are alone.
    pub(crate) fn is_planned(&self, vm: VmIndex) -> bool {
        let lost = self.vms[vm.get()].lost_from.is_some_and(|home| !self.hosts[home.get()].is_up());
        self.is_protected(vm) || lost && self.turn(vm).best_effort && !self.vms[vm.get()].asked
    }

    /// A plan that the checker accepts; none, if there is none.
    fn make_plan(&mut self, planner: &mut dyn Planner) -> Option<RestartPlan> {
        let failed = self.failed_hosts();
        let picture = self.picture_for_plan(&failed);
        let mut plan = planner.restart_plan(&picture, &failed);
        let fault = check_plan(&picture, &plan).err();
        if let Some(fault) = &fault {
            let reason = format!("the checker refused the planner's plan: {fault}; a plain one is tried");
            self.alerts.raise(AlertKind::PlanRefused, Subject::Pool, reason, None);
            plan = place::plain_plan(&picture, &failed);
        } else {
            self.alerts.clear(AlertKind::PlanRefused, Subject::Pool, "the checker accepted a plan");
        }
        if fault.is_some() && check_plan(&picture, &plan).is_err() {
            self.wait_for_a_plan();
            return None;
        }
        self.turn_from_failed_hosts(&picture, &mut plan);
        self.settle_who_waits_for_a_place(&plan);
        Some(plan)
    }

    fn wait_for_a_plan(&mut self) {
        let again = self.now + self.settings.longest_backoff;
        for vm in self.waiting.clone() {
            self.vms[vm.get()].starts.wait_until(again, Waits::Place);
        }
    }

    /// A VM is not sent where its start has just failed: it goes to the next best host, and if there is none, it
    /// waits before it is tried everywhere again.
    fn turn_from_failed_hosts(&mut self, picture: &Pool, plan: &mut RestartPlan) {
        for position in 0..plan.restarts.len() {
            let (vm, planned) = (plan.restarts[position].vm, plan.restarts[position].to);
            if !self.vms[vm.get()].starts.failed_on.contains(&planned) || !self.waiting.contains(&vm) {
                continue;
            }
            let others = plan.restarts.iter().filter(|restart| restart.vm != vm);
            let others: alloc::vec::Vec<_> = others.map(|restart| (restart.vm, restart.to)).collect();
            let after = picture.failed(&plan.failed).placed(&others);
            let failed_on = &self.vms[vm.get()].starts.failed_on;
            let next = place::best(&after, vm, |host| !failed_on.contains(&host));
            if let Ok(host) = next {
                plan.restarts[position].to = host;
                if check_plan(picture, plan).is_ok() {
                    continue;
                }
                plan.restarts[position].to = planned;
            }
            self.failed_everywhere(vm);
        }
    }

    /// There is no host left to try.
    pub(crate) fn failed_everywhere(&mut self, vm: VmIndex) {
        let state = &mut self.vms[vm.get()];
        state.starts.back_off(self.now, Waits::Failed, &self.settings);
        let reason = format!("it could not be started on any host that could run it: {}", state.failure);
        self.restart_failed(vm, reason);
    }

    fn settle_who_waits_for_a_place(&mut self, plan: &RestartPlan) {
        for unplaced in plan.unplaced.iter().filter(|unplaced| self.waiting.contains(&unplaced.vm)) {
            // A search that was cut short has refuted nothing.
            let span = match unplaced.reason_code {
                ReasonCode::NotFound => self.settings.first_backoff,
                _ => self.settings.longest_backoff,
            };
            let again = self.now + span;
            self.vms[unplaced.vm.get()].starts.wait_until(again, Waits::Place);
        }
        for restart in plan.restarts.iter().filter(|restart| self.waiting.contains(&restart.vm)) {
            let starts = &mut self.vms[restart.vm.get()].starts;
            if starts.waits == Waits::Place {
                starts.now(self.now);
            }
        }
        for unplaced in &plan.unplaced {
            if self.waiting.contains(&unplaced.vm) {
                self.restart_failed(unplaced.vm, unplaced.reason.clone());
            }
        }
    }

    pub(crate) fn restart_failed(&mut self, vm: VmIndex, reason: String) {
        let lost_from = self.vms[vm.get()].lost_from;
        let cause = lost_from.and_then(|host| self.alerts.open(AlertKind::HostFailed, Subject::Host(host)));
        self.alerts.raise(AlertKind::VmRestartFailed, Subject::Vm(vm), reason, cause);
    }

    /// Gives the orders whose turn it is: each VM that is due and proven to be nowhere, while no earlier turn is still at
    /// work, as far as hosts and pool start at once. A VM that is backing off or in doubt holds nobody.
    fn issue(&mut self) {
        let Some(plan) = self.plan.take() else { return };
        let now = self.now;
        self.holding.retain(|_, hold| hold.until > now);
        let mut barrier: Option<Turn> = self.holding.values().map(|hold| hold.turn).min();
        let mut slots = Slots::of(self);
        for restart in &plan.restarts {
            let (vm, host) = (restart.vm, restart.to);
            if !self.waiting.contains(&vm) || !self.vms[vm.get()].starts.is_due(now) {
                continue;
            }
            let (turn, holds) = (self.turn(vm), self.vms[vm.get()].holds);
            let waits_its_turn = holds || turn.best_effort;
            if waits_its_turn && barrier.is_some_and(|earlier| earlier < turn) {
                continue;
            }
            let Some(proof) = self.whereabouts.nowhere(vm) else { continue };
            if slots.take(host) {
                self.order_start(vm, proof, host);
                if holds {
                    let until = now + self.settings.gate_timeout;
                    self.holding.insert(vm, Hold { turn, until });
                }
            }
            if holds {
                barrier = Some(barrier.map_or(turn, |earlier| earlier.min(turn)));
            }
        }
        self.plan = Some(plan);
    }

    /// Makes a start order and asks for its place to be stored; it goes out when that is durable.
    pub(crate) fn order_start(&mut self, vm: VmIndex, proof: Nowhere, host: HostIndex) -> OrderNumber {
        let order = self.whereabouts.start(proof, host, self.now);
        self.writes.ahead(Record::Place { vm, place: Place::On(host) }, Effect::Send(order, None));
        self.waiting.remove(&vm);
        self.vms[vm.get()].starts.attempts += 1;
        self.changed_since.get_or_insert(self.now);
        order
    }

    /// A VM that is alone in its trouble: a best-effort VM that stopped by itself, or a start that was asked for. It is
    /// placed when nothing protected waits for its start, and a best-effort VM only where it does not cost the
    /// pool its proven target.
    pub(crate) fn restart_alone(&mut self, vm: VmIndex, planner: &mut dyn Planner) {
        let after = self.picture_after_plan();
        let failed_on = &self.vms[vm.get()].starts.failed_on;
        let found = place::best(&after, vm, |host| !failed_on.contains(&host));
        let found = match found {
            Ok(host) => place::judge(&after, vm, host).map(|()| host).map_err(|fault| fault.to_string()),
            Err(reason) => Err(String::from(place::words(reason))),
        };
        let again = self.now + self.settings.longest_backoff;
        match found {
            Ok(host) if self.costs_target(planner, &after, vm, host) => {
                self.vms[vm.get()].starts.wait_until(again, Waits::Place);
                self.restart_failed(vm, String::from("its start would cost the pool its proven target"));
            }
            Ok(host) => {
                if let (true, Some(proof)) = (Slots::of(self).take(host), self.whereabouts.nowhere(vm)) {
                    self.order_start(vm, proof, host);
                } else {
                    let soon = self.now + self.settings.first_backoff;
                    self.vms[vm.get()].starts.wait_until(soon, Waits::Turn);
                }
            }
            Err(_) if !self.vms[vm.get()].starts.failed_on.is_empty() => self.failed_everywhere(vm),
            Err(reason) => {
                self.vms[vm.get()].starts.wait_until(again, Waits::Place);
                self.restart_failed(vm, reason);
            }
        }
    }

    /// The VM that is alone in its trouble, due, and first in its turn.
    pub(crate) fn first_alone(&self) -> Option<VmIndex> {
        let protected_first = self.holding.values().any(|hold| hold.until > self.now)
            || self
                .waiting
                .iter()
                .any(|vm| self.is_protected(*vm) && self.vms[vm.get()].starts.is_due(self.now))
            || !self.may_restart();
        let is_due = |vm: &VmIndex| {
            let state = &self.vms[vm.get()];
            !self.is_planned(*vm)
                && state.starts.is_due(self.now)
                && self.liveset_known
                && (state.asked || !protected_first)
        };
        self.waiting.iter().copied().filter(is_due).min_by_key(|&vm| (self.pool.vm(vm).order, vm))
    }

    fn costs_target(&self, planner: &mut dyn Planner, pool: &Pool, vm: VmIndex, host: HostIndex) -> bool {
        let free_to = self.vms[vm.get()].asked || self.settings.best_effort_may_cost_target;
        !free_to
            && planner.outlook(&pool.placed(&[(vm, host)])).overcommitted
            && !planner.outlook(pool).overcommitted
    }

    /// The pool with everything started that is planned.
    pub(crate) fn picture_after_plan(&self) -> Pool {
        let failed = self.failed_hosts();
        let picture = self.picture_for_plan(&failed).failed(&failed);
        let Some(plan) = &self.plan else { return picture };
        let waiting = plan.restarts.iter().filter(|restart| self.waiting.contains(&restart.vm));
        let placements: alloc::vec::Vec<_> = waiting.map(|restart| (restart.vm, restart.to)).collect();
        picture.placed(&placements)
    }
}

/// How many more starts may be under way.
struct Slots {
    in_pool: usize,
    per_host: usize,
    on_host: BTreeMap<HostIndex, usize>,
}

impl Slots {
    fn of(state: &State) -> Self {
        let mut slots = Self {
            in_pool: state.settings.starts_in_pool,
            per_host: state.settings.starts_per_host,
            on_host: BTreeMap::new(),
        };
        for (_, order) in state.whereabouts.orders().filter(|(_, order)| order.errand == Errand::Start) {
            slots.in_pool = slots.in_pool.saturating_sub(1);
            *slots.on_host.entry(order.host).or_insert(0) += 1;
        }
        slots
    }

    /// Takes a slot on the host, if there is one.
    fn take(&mut self, host: HostIndex) -> bool {
        let used = self.on_host.entry(host).or_insert(0);
        if self.in_pool == 0 || *used >= self.per_host {
            return false;
        }
        self.in_pool -= 1;
        *used += 1;
        true
    }
}
