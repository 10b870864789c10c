//! Live migrations: memory is copied for a while, then the VM goes over in one moment, or stays where it was.
use super::World;
use super::due::Due;
use super::host::Power;
use super::hypervisor::Guest;
use crate::Happening;
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::order::{Order, OrderId, Outcome, Report, StopCause};
use lifeboat_protocol::{Boot, Input};

/// How soon the far end of a migration notices that the near end is gone.
const NOTICED: Duration = Duration::from_secs(1);

impl World<'_> {
    pub(super) fn migrate_vm(
        &mut self,
        from: HostIndex,
        vm: VmIndex,
        id: OrderId,
        to: HostIndex,
        order: &Order,
    ) {
        let Some(far) = self.hosts.get(to.get()) else {
            return self.refuse(from, order, "there is no such host");
        };
        let near = &self.hosts[from.get()];
        let Some(guest) = near.hypervisor.guests.get(&vm) else {
            return self.refuse(from, order, "it does not run here");
        };
        let room = self.memory_used(to) + self.pool.demand_of(vm)[0] <= far.hypervisor.memory();
        let fits = far.power == Power::Up
            && far.hypervisor.takes_vms()
            && !far.hypervisor.guests.contains_key(&vm)
            && !far.path.disks_lost
            && self.network.connected(from, to)
            && room;
        if guest.migrating.is_some() || !fits || from == to {
            return self.refuse(from, order, "the other host does not take it");
        }
        let boots = (near.boot, far.boot);
        if let Some(guest) = self.hosts[from.get()].hypervisor.guests.get_mut(&vm) {
            guest.migrating = Some(to);
        }
        self.hosts[to.get()].hypervisor.incoming.insert(vm);
        self.after(self.settings.migration, Due::MigrationEnds { from, to, vm, boots, id });
    }

    pub(super) fn migration_ends(
        &mut self,
        from: HostIndex,
        to: HostIndex,
        vm: VmIndex,
        boots: (Boot, Boot),
        id: OrderId,
    ) {
        let order = Order::Migrate { id, vm: self.pool.vm_id(vm).to_owned(), to };
        let far_is_up = self.hosts[to.get()].is_up(boots.1);
        let expected = far_is_up && self.hosts[to.get()].hypervisor.incoming.contains(&vm);
        let not_coming = Due::MigrationSourceGone { host: to, boot: boots.1, vm };
        if !self.hosts[from.get()].is_up(boots.0) {
            if expected {
                self.after(NOTICED, not_coming);
            }
            return;
        }
        let near = &mut self.hosts[from.get()].hypervisor;
        let guest = near.guests.get(&vm).copied().filter(|guest| guest.migrating == Some(to));
        let Some(guest) = guest else {
            // The VM stopped meanwhile.
            if expected {
                self.after(NOTICED, not_coming);
            }
            return self.finished(from, id, &order, Duration::ZERO, failed("it stopped meanwhile"));
        };
        let goes =
            expected && self.network.connected(from, to) && self.hosts[to.get()].hypervisor.takes_vms();
        let near = &mut self.hosts[from.get()].hypervisor;
        if !goes {
            if let Some(guest) = near.guests.get_mut(&vm) {
                guest.migrating = None;
            }
            if expected {
                self.after(NOTICED, not_coming);
            }
            return self.finished(from, id, &order, Duration::ZERO, failed("the other host did not take it"));
        }
        near.guests.remove(&vm);
        let far = &mut self.hosts[to.get()].hypervisor;
        far.incoming.remove(&vm);
        far.guests.insert(vm, Guest { migrating: None, ..guest });
        self.tell(&Happening::HandOver { vm, from, to });
        if !guest.booted {
            self.after(self.settings.vm_boot, Due::VmBooted { host: to, vm, start: guest.start });
        }
        self.tell_protected_memory(from);
        self.tell_protected_memory(to);
        self.feed(to, Input::Report(Report::Ready { vm: self.pool.vm_id(vm).to_owned() }));
        self.finished(from, id, &order, Duration::ZERO, Outcome::Done);
    }

    pub(super) fn migration_source_gone(&mut self, index: HostIndex, boot: Boot, vm: VmIndex) {
        let host = &mut self.hosts[index.get()];
        if host.is_up(boot) && host.hypervisor.incoming.remove(&vm) {
            let report = Report::Stopped { vm: self.pool.vm_id(vm).to_owned(), cause: StopCause::Stopped };
            self.feed(index, Input::Report(report));
        }
    }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.to_owned() }
}
