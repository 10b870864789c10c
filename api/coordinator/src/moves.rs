//! Emptying hosts: live migrations, a few at a time, the largest VMs first, each to the roomiest host that takes it. What finds
//! no place stays where it is and is tried again when room appears.
use crate::alert::{AlertKind, Subject};
use crate::record::Duty;
use crate::state::State;
use crate::vm::{Pace, Vm, Waits};
use crate::whereabouts::Errand;
use crate::{Command, place};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Reverse;
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{HostIndex, Pool, VmIndex};

impl State {
    /// Goes on emptying hosts, and lets those go that are empty and are to leave.
    pub(crate) fn evacuate(&mut self) {
        for position in 0..self.hosts.len() {
            let host = HostIndex::new(position);
            if self.hosts[position].stays_from().is_some_and(|from| self.now >= from) {
                self.hosts[position].told_to_leave = None;
                self.capacity_appeared(true);
            }
            let state = &self.hosts[position];
            if !state.is_emptied() || !state.listens() {
                continue;
            }
            self.move_away(host);
            self.let_leave(host);
        }
    }

    fn move_away(&mut self, host: HostIndex) {
        let mut vms: Vec<VmIndex> =
            self.pool.vm_indices().filter(|&vm| self.can_be_moved(vm, host)).collect();
        vms.sort_by_key(|&vm| (Reverse(self.pool.demand_of(vm)[0]), vm));
        for vm in vms {
            let busy = self.migrations_by_host();
            let most = self.settings.migrations_per_host;
            let room_for_one = |host: HostIndex| busy.get(&host).copied().unwrap_or(0) < most;
            if !room_for_one(host) {
                return;
            }
            let after = self.picture_after_plan();
            match self.place_for(&after, vm, room_for_one) {
                Ok(Some(to)) => {
                    self.vms[vm.get()].moves.asks_anew(to);
                    self.order_migration(vm, to, None);
                }
                // The right host is only busy now.
                Ok(None) => {}
                Err(_) if self.may_stop(vm, host) => self.stop_for_now(vm, host),
                Err(reason) => {
                    let again = self.now + self.settings.longest_backoff;
                    self.vms[vm.get()].moves.wait_until(again, Waits::Place);
                    let (name, vm) = (self.pool.host_id(host), self.pool.vm_id(vm));
                    let reason = format!("{name} cannot be emptied: {vm}: {}", place::words(reason));
                    self.alerts.raise(AlertKind::EvacuationStalled, Subject::Host(host), reason, None);
                }
            }
        }
    }

    /// Where a VM goes: where it was planned to, else to the roomiest host that has not refused it, else to one that has. None: not now.
    fn place_for(
        &self,
        after: &Pool,
        vm: VmIndex,
        room_for_one: impl Fn(HostIndex) -> bool,
    ) -> Result<Option<HostIndex>, ReasonCode> {
        let Vm { planned_to, moves, .. } = &self.vms[vm.get()];
        let untried = |host: HostIndex| !moves.failed_on.contains(&host);
        let planned =
            planned_to.filter(|&to| untried(to) && place::best(after, vm, |host| host == to).is_ok());
        if let Some(to) = planned {
            return Ok(room_for_one(to).then_some(to));
        }
        // One that has refused it is asked again once nobody else is left.
        let only_untried = place::best(after, vm, untried).is_ok();
        let may = |host: HostIndex| !only_untried || untried(host);
        match place::best(after, vm, |host| room_for_one(host) && may(host)) {
            Ok(to) => Ok(Some(to)),
            Err(_) if place::best(after, vm, may).is_ok() => Ok(None),
            Err(reason) => Err(reason),
        }
    }

    /// The permission ends with what it was given for.
    fn may_stop(&self, vm: VmIndex, host: HostIndex) -> bool {
        self.vms[vm.get()].may_stop == Some(host) && self.hosts[host.get()].duty == Duty::Rebooting
    }

    /// What was planned for emptying a host is over.
    pub(crate) fn forget_plans(&mut self, host: HostIndex) {
        for vm in self.pool.vm_indices() {
            let here = self.whereabouts.runs_on(vm) == Some(host);
            let state = &mut self.vms[vm.get()];
            if here {
                state.planned_to = None;
            }
            state.may_stop = state.may_stop.filter(|&on| on != host);
        }
    }

    /// An operator has said that this VM may be stopped for as long as nobody can run it. It goes on being one that should run.
    fn stop_for_now(&mut self, vm: VmIndex, host: HostIndex) {
        if self.vms[vm.get()].stops.is_due(self.now) {
            self.vms[vm.get()].asked = self.vms[vm.get()].should_run;
            self.order_stop(vm, host);
        }
    }

    /// Whoever has a host emptied anew does not wait for what failed before.
    pub(crate) fn moves_anew(&mut self, host: HostIndex) {
        for vm in self.pool.vm_indices().filter(|&vm| self.whereabouts.runs_on(vm) == Some(host)) {
            self.vms[vm.get()].moves = Pace::default();
        }
    }

    fn can_be_moved(&self, vm: VmIndex, host: HostIndex) -> bool {
        self.whereabouts.runs_on(vm) == Some(host)
            && !self.whereabouts.has_order(vm)
            && !self.vms[vm.get()].to_stop
            && self.vms[vm.get()].moves.is_due(self.now)
    }

    fn migrations_by_host(&self) -> BTreeMap<HostIndex, usize> {
        let mut busy = BTreeMap::new();
        for (_, order) in self.whereabouts.orders() {
            if let Errand::Migrate { to } = order.errand {
                *busy.entry(order.host).or_insert(0) += 1;
                *busy.entry(to).or_insert(0) += 1;
            }
        }
        busy
    }

    fn let_leave(&mut self, host: HostIndex) {
        if self.whereabouts.is_occupied(host) {
            return;
        }
        self.conclude_evacuation(host, "it runs no VM any more");
        let state = &mut self.hosts[host.get()];
        let reboots = state.duty == Duty::Rebooting;
        if (reboots || state.duty == Duty::Leaving) && !state.may_leave {
            (state.may_leave, state.told_to_leave) = (true, Some(self.now));
            self.commands.push_back(Command::HostMayLeave { host, reboots });
        }
    }

    pub(crate) fn conclude_evacuation(&mut self, host: HostIndex, how: &str) {
        self.alerts.clear(AlertKind::EvacuationStalled, Subject::Host(host), how);
    }
}
