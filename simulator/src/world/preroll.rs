//! Before the times of a scenario begin: hosts boot with their VMs, the pool forms, a coordinator hears from everybody.
use super::World;
use super::due::Due;
use super::host::Power;
use super::hypervisor::Guest;
use crate::Happening;
use crate::scenario::Scenario;
use core::time::Duration;
use lifeboat_model::spec::{HostState, PowerState, RestartPriority, StorageLoss};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_protocol::Settings;
use lifeboat_protocol::settings::StorageLoss as Rule;

/// How often the world looks whether the pool has formed.
const LOOK: Duration = Duration::from_millis(100);
/// How long VMs that should run and have no place are waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the pool is left alone after it has formed, so that what its beginning set off is over.
const REST: Duration = Duration::from_secs(2);

/// What the agents are told of the pool's settings.
pub(super) fn liveness(scenario: &Scenario, pool: &Pool, networks: usize) -> Settings {
    let settings = pool.settings();
    let usual = Settings::default();
    Settings {
        timeout: Duration::from_secs(u64::from(settings.timeout_s)),
        storage_loss: match settings.storage_loss {
            StorageLoss::Medium => Rule::Medium,
            StorageLoss::Majority => Rule::Majority,
        },
        brake_permille: settings.brake_permille,
        quarantine: scenario.settings.quarantine.unwrap_or(usual.quarantine),
        gateway: scenario.settings.gateway.unwrap_or(usual.gateway),
        networks: networks as u8,
    }
}

impl World<'_> {
    /// The first moment: VMs are where the document says, and hosts are about to be up.
    pub(super) fn begin(&mut self) {
        for vm in self.pool.vm_indices() {
            let state = self.pool.vm(vm);
            let runs = matches!(state.power_state, PowerState::Running | PowerState::Paused);
            if let Some(host) = state.host.filter(|host| runs && self.pool.host(*host).state.is_up()) {
                let guest = Guest::settled(self.new_run());
                self.hosts[host.get()].hypervisor.guests.insert(vm, guest);
            }
        }
        for host in self.live_hosts() {
            self.boot(host, Duration::ZERO);
        }
        self.after(LOOK, Due::Preroll);
    }

    /// Hosts that the document calls alive.
    fn live_hosts(&self) -> Vec<HostIndex> {
        let dead =
            |host: &HostIndex| matches!(self.pool.host(*host).state, HostState::Dead | HostState::Fenced);
        self.pool.host_indices().filter(|host| !dead(host)).collect()
    }

    pub(super) fn preroll(&mut self) {
        if self.formed.is_some() {
            return;
        }
        let waited = self.now.since(crate::At::START) > PATIENCE;
        if self.has_formed() && (waited || self.all_vms_run()) {
            if self.rested.is_none() {
                self.rested = Some(self.now + REST);
            }
        } else {
            self.rested = None;
        }
        if self.rested.is_none_or(|rested| rested > self.now) {
            return self.after(LOOK, Due::Preroll);
        }
        self.formed = Some(self.now);
        self.tell(&Happening::Formed);
        for position in 0..self.scenario.events.len() {
            let at = self.now + self.scenario.events[position].at;
            self.schedule.put(at, Due::Event(position));
        }
    }

    /// All hosts are members with a lease, and one coordinator has heard from each of them.
    fn has_formed(&self) -> bool {
        let hosts = self.live_hosts();
        let Some(coordinator) = self.coordinator() else { return false };
        let control = self.hosts[coordinator.host.get()].control.as_ref();
        let member = |host: &HostIndex| {
            let host = &self.hosts[host.get()];
            host.power == Power::Up && host.agent.as_ref().is_some_and(|agent| agent.agent.is_leased())
        };
        hosts.iter().all(member)
            && control.is_some_and(|control| hosts.iter().all(|host| control.has_heard(*host)))
    }

    fn all_vms_run(&self) -> bool {
        let should = |vm: &VmIndex| {
            let state = self.pool.vm(*vm);
            state.should_run && state.restart_priority != RestartPriority::Unprotected
        };
        self.pool.vm_indices().filter(should).all(|vm| self.runs_at(vm).is_some())
    }
}
