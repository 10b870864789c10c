//! What hosts are told beside orders: what VMs are made of, how their guests are watched, who belongs to the pool.
use super::{Deed, Machine};
use crate::conductor::choices::Choice;
use lifeboat_coordinator::{Input, Instant, Planner};
use lifeboat_link::note::{self, NoteError, VmNote};
use lifeboat_link::{FromService, OrderNote};
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::order::Order;

impl<P: Planner> Machine<P> {
    /// Sends a note to a host.
    pub fn note(&mut self, host: HostIndex, what: &OrderNote) {
        if let Err(error) = self.try_note(host, what) {
            tracing::error!(%error, host = host.get(), "a note cannot be sent");
        }
    }

    fn try_note(&mut self, host: HostIndex, what: &OrderNote) -> Result<(), NoteError> {
        let bytes = note::pack(what)?;
        let id = self.orders.note();
        self.deeds.push_back(Deed::Send(FromService::Order { host, order: Order::Note { id, bytes } }));
        Ok(())
    }

    /// An operator has chosen something, and that is durable.
    pub fn chosen(&mut self, now: Instant, choice: Choice) {
        let watched = match &choice {
            Choice::Monitor { vm, .. } => self.names.vm(vm),
            Choice::Restarts(_) | Choice::Readiness { .. } => None,
        };
        self.choices.take(choice);
        self.coordinator.set(self.choices.settings(&self.names));
        self.feed(now, Input::Elapsed);
        if let Some(vm) = watched {
            self.tell_where_it_runs(vm);
        }
    }

    /// Tells a host what a VM is made of.
    pub(super) fn tell_of(&mut self, vm: VmIndex, host: HostIndex) -> Result<(), String> {
        let name = self.document.vm_id(vm);
        let Some(definition) = self.definitions.get(name) else {
            return Err("no host has said what it is made of".to_owned());
        };
        let what = VmNote {
            vm: name.to_owned(),
            definition: definition.facts.definition.clone(),
            memory_mib: definition.facts.memory_mib + definition.facts.overhead_mib,
            protected: self.document.vm(vm).restart_priority == RestartPriority::Restart,
            monitor: self.choices.monitor(name),
        };
        self.try_note(host, &OrderNote::Vm(what))
            .map_err(|error| format!("its definition cannot be sent: {error}"))
    }

    pub(super) fn tell_where_it_runs(&mut self, vm: VmIndex) {
        let name = self.document.vm_id(vm).to_owned();
        for host in self.sightings.of(&name).collect::<Vec<_>>() {
            if let Err(reason) = self.tell_of(vm, host) {
                tracing::warn!(vm = name, reason, "a host is not told of a VM");
            }
        }
    }
}
