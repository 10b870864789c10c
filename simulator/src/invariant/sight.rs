//! What the laws look at in a world, in the words in which they speak.
use crate::scenario::WorldSettings;
use crate::world::{Power, World};
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::{Boot, HeartbeatNetwork, Settings};

/// More loss than this, in a million, can silence two hosts that are well connected.
const LITTLE_LOSS: u32 = 100_000;
/// A network or a medium that takes longer than this is not well.
const IN_GOOD_TIME: Duration = Duration::from_millis(250);

impl World<'_> {
    pub(crate) fn host_count(&self) -> usize {
        self.hosts().count()
    }

    pub(crate) fn host_name(&self, host: HostIndex) -> &str {
        self.pool().host_id(host)
    }

    pub(crate) fn vm_name(&self, vm: VmIndex) -> &str {
        self.pool().vm_id(vm)
    }

    pub(crate) fn protocol_settings(&self) -> &Settings {
        self.liveness()
    }

    pub(crate) fn world_settings(&self) -> &WorldSettings {
        self.settings()
    }

    /// The boot of a host that is up.
    pub(crate) fn up_in(&self, host: HostIndex) -> Option<Boot> {
        (self.power(host) == Power::Up).then(|| self.boot_of(host))
    }

    pub(crate) fn heartbeat_networks(&self) -> impl Iterator<Item = HeartbeatNetwork> + use<> {
        (0..self.networks()).map(|network| HeartbeatNetwork(network as u8))
    }

    /// Whether what is sent now can arrive, losses apart.
    pub(crate) fn open(&self, from: HostIndex, to: HostIndex, network: HeartbeatNetwork) -> bool {
        self.hears(to, from, usize::from(network.0))
    }

    /// Whether nearly all that is sent arrives soon.
    pub(crate) fn link_well(&self, from: HostIndex, to: HostIndex, network: HeartbeatNetwork) -> bool {
        let on = usize::from(network.0);
        let loss = self.loss(from, on).max(self.loss(to, on));
        self.open(from, to, network) && loss <= LITTLE_LOSS && self.longest_delay() <= IN_GOOD_TIME
    }

    /// Whether some link that is not cut loses or delays much: then who is cut off is a matter of chance.
    pub(crate) fn has_bad_links(&self, hosts: &[HostIndex]) -> bool {
        let networks = || (0..self.networks()).map(|network| HeartbeatNetwork(network as u8));
        let bad = |from: HostIndex, to: HostIndex| {
            networks().any(|network| self.open(from, to, network) && !self.link_well(from, to, network))
        };
        hosts.iter().any(|&from| hosts.iter().any(|&to| from != to && bad(from, to)))
    }

    /// Carrier, and the gateway where one is set.
    pub(crate) fn has_carrier(&self, host: HostIndex) -> bool {
        let carrier = (0..self.networks()).any(|network| self.carrier(host, network));
        carrier && (!self.protocol_settings().gateway || self.reaches_gateway(host))
    }

    /// Whether the medium serves a host in good time.
    pub(crate) fn medium_well(&self, host: HostIndex) -> bool {
        let takes = self.medium_latency(host) + self.settings().medium_jitter;
        self.medium_reached(host) && !self.medium_is_faulty(host) && takes <= IN_GOOD_TIME
    }

    pub(crate) fn agent_runs(&self, host: HostIndex) -> bool {
        self.power(host) == Power::Up && self.agent_is_there(host) && !self.agent_is_paused(host)
    }
}
