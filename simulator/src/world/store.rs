//! The pool's database on the metadata volume (or in etcd): durable records, reached by whoever reaches the medium.
use super::World;
use super::due::Due;
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_coordinator::record::{Duty, Key, Record, Ticket};
use lifeboat_model::HostIndex;
use lifeboat_protocol::{Boot, Epoch};
use std::collections::BTreeMap;

/// What is durable.
#[derive(Debug, Default)]
pub(super) struct Store {
    records: BTreeMap<Key, Record>,
}

/// After so long a write that could not be made durable has failed.
const GIVEN_UP: Duration = Duration::from_secs(1);

impl Store {
    pub(super) fn duty(&self, host: HostIndex) -> Duty {
        match self.records.get(&Key::Host(host)) {
            Some(Record::Host { duty, .. }) => *duty,
            _ => Duty::default(),
        }
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.records.values().copied().collect()
    }
}

impl World<'_> {
    /// A coordinator asks for a write. Writes land in the order in which they were asked for.
    pub(super) fn ask_store(
        &mut self,
        index: HostIndex,
        run: u32,
        epoch: u64,
        ticket: Ticket,
        records: Vec<Record>,
    ) {
        let boot = self.hosts[index.get()].boot;
        let latency = self.hosts[index.get()].path.latency.unwrap_or(self.settings.medium_latency);
        let jitter = self.draws.medium.span(Duration::ZERO, self.settings.medium_jitter);
        let soonest = self.now + latency + jitter;
        let Some(control) = self.hosts[index.get()].control.as_mut() else { return };
        let at = soonest.max(control.store_busy_until);
        control.store_busy_until = at;
        self.schedule.put(at, Due::StoreLands { host: index, boot, run, epoch, ticket, records });
    }

    pub(super) fn store_lands(
        &mut self,
        index: HostIndex,
        boot: Boot,
        run: u32,
        epoch: u64,
        ticket: Ticket,
        records: Vec<Record>,
    ) {
        if !self.hosts[index.get()].is_up(boot) {
            return;
        }
        if !self.reaches_medium(index) {
            return self.after(GIVEN_UP, Due::StoreAnswers { host: index, run, ticket, stored: false });
        }
        for record in records {
            self.store.records.insert(record.key(), record);
        }
        self.tell(&Happening::StoreWrite { host: index, epoch: Epoch(epoch) });
        self.after(Duration::ZERO, Due::StoreAnswers { host: index, run, ticket, stored: true });
    }

    /// When all that a coordinator's process has written has landed or never will.
    pub(super) fn store_drained_at(&self, index: HostIndex) -> At {
        self.hosts[index.get()]
            .control
            .as_ref()
            .map_or(self.now, |control| control.store_busy_until.max(self.now))
    }
}
