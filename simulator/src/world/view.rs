//! What can be seen of a world from outside: the truth, not what its hosts believe.
use super::{ControlView, Power, World};
use crate::At;
use crate::clock::Clock;
use crate::scenario::{Scenario, WorldSettings};
use crate::trace::{Entry, Trace};
use core::time::Duration;
use lifeboat_coordinator::record::Duty;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_protocol::status::Phase;
use lifeboat_protocol::{Boot, Configuration, Instant, Settings};

impl World<'_> {
    /// The true time.
    pub fn now(&self) -> At {
        self.now
    }

    /// When the pool had formed and all VMs ran.
    pub fn formed(&self) -> Option<At> {
        self.formed
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The pool document as it is now: what VMs and hosts are, not where VMs run.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What agents are told of the pool's settings.
    pub fn liveness(&self) -> &Settings {
        &self.liveness
    }

    /// The pool's hosts.
    pub fn hosts(&self) -> impl DoubleEndedIterator<Item = HostIndex> + use<> {
        (0..self.hosts.len()).map(HostIndex::new)
    }

    /// Whether a host has power.
    pub fn power(&self, host: HostIndex) -> Power {
        self.hosts[host.get()].power
    }

    /// A host's boot; the last one, where it is down.
    pub fn boot_of(&self, host: HostIndex) -> Boot {
        self.hosts[host.get()].boot
    }

    /// A host's clock.
    pub fn clock(&self, host: HostIndex) -> &Clock {
        &self.hosts[host.get()].clock
    }

    /// When a host's clock will show that.
    pub fn when(&self, host: HostIndex, shown: Instant) -> At {
        self.hosts[host.get()].clock.when(shown)
    }

    /// Whether an agent's process is there.
    pub fn agent_is_there(&self, host: HostIndex) -> bool {
        self.hosts[host.get()].agent.is_some()
    }

    /// Whether an agent stands still.
    pub fn agent_is_paused(&self, host: HostIndex) -> bool {
        self.hosts[host.get()].agent.as_ref().is_some_and(|agent| agent.paused)
    }

    /// The newest configuration that a host's agent has adopted.
    pub fn configuration(&self, host: HostIndex) -> Option<&Configuration> {
        self.hosts[host.get()].agent.as_ref().and_then(|agent| agent.agent.adopted())
    }

    /// Until when a host's agent believes that its VMs may run, on its own clock.
    pub fn lease_end(&self, host: HostIndex) -> Option<Instant> {
        self.hosts[host.get()].agent.as_ref().and_then(|agent| agent.agent.lease_end())
    }

    /// Where a host's agent is in its life.
    pub fn phase(&self, host: HostIndex) -> Option<Phase> {
        self.hosts[host.get()].agent.as_ref().map(|agent| agent.agent.phase())
    }

    /// Whether a host's agent is disarmed.
    pub fn is_disarmed(&self, host: HostIndex) -> bool {
        self.hosts[host.get()].agent.as_ref().is_some_and(|agent| agent.agent.is_disarmed())
    }

    /// Until when a host's watchdog leaves it alone, on its own clock; none: it is off.
    pub fn watchdog(&self, host: HostIndex) -> Option<Instant> {
        self.hosts[host.get()].watchdog
    }

    /// The VMs that execute on a host.
    pub fn guests(&self, host: HostIndex) -> impl Iterator<Item = VmIndex> + '_ {
        self.hosts[host.get()].hypervisor.guests.keys().copied()
    }

    /// The hosts on which a VM executes; more than one breaks the first law.
    pub fn executes_on(&self, vm: VmIndex) -> impl Iterator<Item = HostIndex> + '_ {
        self.hosts().filter(move |host| self.hosts[host.get()].hypervisor.guests.contains_key(&vm))
    }

    /// Where a VM executes.
    pub fn runs_at(&self, vm: VmIndex) -> Option<HostIndex> {
        self.executes_on(vm).next()
    }

    /// Whether a VM that executes has booted and does not hang.
    pub fn is_well(&self, vm: VmIndex) -> bool {
        let guests = self.hosts.iter().filter_map(|host| host.hypervisor.guests.get(&vm));
        guests.clone().count() == 1 && guests.clone().all(|guest| guest.booted && !guest.hangs)
    }

    /// Whether a host's hypervisor daemon hangs.
    pub fn hypervisor_is_hung(&self, host: HostIndex) -> bool {
        self.hosts[host.get()].hypervisor.hangs()
    }

    /// Whether a VM does not start on a host, or anywhere.
    pub fn start_fails(&self, vm: VmIndex, host: HostIndex) -> bool {
        self.start_fails.contains(&(vm, None)) || self.start_fails.contains(&(vm, Some(host.get())))
    }

    /// Whether a host's VMs reach their disks.
    pub fn reaches_disks(&self, host: HostIndex) -> bool {
        !self.hosts[host.get()].path.disks_lost
    }

    /// Coordinator processes, hung ones included, lowest host first.
    pub fn coordinators(&self) -> impl Iterator<Item = ControlView> + '_ {
        let of = |host: HostIndex| self.hosts[host.get()].control.as_ref().map(|control| control.view(host));
        self.hosts().filter_map(of)
    }

    /// The coordinator: the process of the newest term.
    pub fn coordinator(&self) -> Option<ControlView> {
        self.coordinators().max_by_key(|view| view.epoch)
    }

    /// The host that leads by the newest configuration that anybody has adopted.
    pub fn elected(&self) -> Option<HostIndex> {
        self.newest_configuration().map(|configuration| configuration.leader)
    }

    /// The newest configuration that anybody has adopted.
    pub fn newest_configuration(&self) -> Option<&Configuration> {
        self.hosts().filter_map(|host| self.configuration(host)).max_by_key(|known| known.number)
    }

    /// What operators want of a host, as the store has it.
    pub fn duty(&self, host: HostIndex) -> Duty {
        self.store.duty(host)
    }

    /// Memory that VMs have on a host, those that arrive included, in MiB.
    pub fn memory_used_mib(&self, host: HostIndex) -> u64 {
        self.memory_used(host)
    }

    /// Whether what `from` sends can arrive at `to` on that network, losses apart.
    pub fn hears(&self, to: HostIndex, from: HostIndex, network: usize) -> bool {
        self.network.hears(to, from, network)
    }

    /// Whether two hosts hear each other, both ways on one network, losses apart.
    pub fn connected(&self, a: HostIndex, b: HostIndex) -> bool {
        self.network.connected(a, b)
    }

    /// How many heartbeat networks there are.
    pub fn networks(&self) -> usize {
        self.network.count()
    }

    /// Whether a host's link has carrier.
    pub fn carrier(&self, host: HostIndex, network: usize) -> bool {
        self.network.carrier(host, network)
    }

    /// Whether a host reaches the gateway.
    pub fn reaches_gateway(&self, host: HostIndex) -> bool {
        self.network.reaches_gateway(host)
    }

    /// Whether what a host asks of the medium gets there.
    pub fn medium_reached(&self, host: HostIndex) -> bool {
        self.reaches_medium(host)
    }

    /// How long the medium takes for what a host asks, jitter apart.
    pub fn medium_latency(&self, host: HostIndex) -> Duration {
        self.hosts[host.get()].path.latency.unwrap_or(self.settings.medium_latency)
    }

    /// Whether the medium fails, holds or loses what a host asks at this moment.
    pub fn medium_is_faulty(&self, host: HostIndex) -> bool {
        let path = &self.hosts[host.get()].path;
        path.errors_until.max(path.held_until).max(path.loses_until) > self.now
    }

    /// What has happened that a reader would want to know.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// How the world is as long as no event changes it.
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// How long datagrams take at most.
    pub fn longest_delay(&self) -> Duration {
        self.network.longest_delay()
    }

    /// The share of a host's datagrams that is lost, in a million.
    pub fn loss(&self, host: HostIndex, network: usize) -> u32 {
        self.network.loss(host, network)
    }

    /// How much longer than usual it takes to start a VM.
    pub fn start_latency(&self) -> Duration {
        self.start_latency
    }

    /// Takes out what was kept.
    pub(crate) fn take_trace(&mut self) -> Vec<Entry> {
        self.trace.take_out()
    }

    /// What was kept, once the run is over.
    pub(crate) fn into_trace(self) -> Trace {
        self.trace
    }
}
