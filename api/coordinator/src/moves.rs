//! Emptying hosts: live migrations, a few at a time, the largest VMs first, each to the roomiest host that takes it. What finds
//! no place stays where it is and is tried again when room appears.
use crate::alert::{AlertKind, Subject};
use crate::record::Duty;
use crate::state::State;
use crate::vm::Waits;
use crate::whereabouts::Errand;
use crate::{Command, place};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Reverse;
use lifeboat_model::{HostIndex, VmIndex};

impl State {
    /// Goes on emptying hosts, and lets those go that are empty and are to leave.
    pub(crate) fn evacuate(&mut self) {
        for position in 0..self.hosts.len() {
            let host = HostIndex::new(position);
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
            match place::best(&after, vm, room_for_one) {
                Ok(to) => {
                    self.order_migration(vm, to, None);
                }
                // Another host may be the right one, and only busy now.
                Err(_) if place::best(&after, vm, |_| true).is_ok() => {}
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
        if state.duty == Duty::Leaving && !state.may_leave {
            state.may_leave = true;
            self.commands.push_back(Command::HostMayLeave { host });
        }
    }

    pub(crate) fn conclude_evacuation(&mut self, host: HostIndex, how: &str) {
        self.alerts.clear(AlertKind::EvacuationStalled, Subject::Host(host), how);
    }
}
