//! What a scenario sets: of the pool, and of the world around it.
use core::time::Duration;
use lifeboat_model::spec::{Guarantee, Medium, SettingsSpec, StorageLoss};
use lifeboat_protocol::settings::Quarantine;

/// `[settings]`: each overrides the pool document's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolSettings {
    /// T in seconds.
    pub timeout_s: Option<u64>,
    /// HFTT.
    pub host_failures_to_tolerate: Option<u64>,
    /// Which notion the target is held against.
    pub guarantee: Option<Guarantee>,
    /// The mass-failure brake, in thousandths of the hosts.
    pub brake_permille: Option<u64>,
    /// Who lives when the medium is lost.
    pub storage_loss: Option<StorageLoss>,
    /// Whether reaching the gateway counts.
    pub gateway: Option<bool>,
    /// When a flapping host is quarantined.
    pub quarantine: Option<Quarantine>,
    /// The medium.
    pub medium: Option<Medium>,
    /// The heartbeat networks by name.
    pub networks: Option<Vec<String>>,
    /// Hosts that carry etcd members.
    pub etcd_members: Option<Vec<String>>,
}

impl PoolSettings {
    /// Sets them in a pool's settings.
    pub fn apply(&self, settings: &mut SettingsSpec) {
        settings.timeout_s = self.timeout_s.or(settings.timeout_s);
        settings.host_failures_to_tolerate =
            self.host_failures_to_tolerate.or(settings.host_failures_to_tolerate);
        settings.guarantee = self.guarantee.or(settings.guarantee);
        settings.brake_permille = self.brake_permille.or(settings.brake_permille);
        settings.storage_loss = self.storage_loss.or(settings.storage_loss);
        settings.medium = self.medium.or(settings.medium);
        if let Some(members) = &self.etcd_members {
            settings.etcd_members.clone_from(members);
        }
    }

    /// The heartbeat networks: one, `hb0`, unless others are named.
    pub fn networks(&self) -> Vec<String> {
        self.networks.clone().unwrap_or_else(|| vec!["hb0".to_owned()])
    }
}

/// `[world]`: how the world is, as long as no event changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldSettings {
    /// A VM boots in this time.
    pub vm_boot: Duration,
    /// A host that was reset or switched on is up after this time.
    pub host_boot: Duration,
    /// A crashed agent or coordinator process is back after this time.
    pub process_restart: Duration,
    /// A datagram takes this long.
    pub network_latency: Duration,
    /// And up to this much longer.
    pub network_jitter: Duration,
    /// So many datagrams in a million are lost.
    pub packet_loss: u32,
    /// So many datagrams in a million arrive twice.
    pub duplicates: u32,
    /// The medium answers after this time.
    pub medium_latency: Duration,
    /// And up to this much later.
    pub medium_jitter: Duration,
    /// A live migration takes this long.
    pub migration: Duration,
    /// The hosts' clocks are off by up to this many parts per million, either way.
    pub clock_ppm: u32,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            vm_boot: Duration::from_secs(2),
            host_boot: Duration::from_mins(1),
            process_restart: Duration::from_secs(1),
            network_latency: Duration::from_millis(1),
            network_jitter: Duration::ZERO,
            packet_loss: 0,
            duplicates: 0,
            medium_latency: Duration::from_millis(2),
            medium_jitter: Duration::ZERO,
            migration: Duration::from_secs(5),
            clock_ppm: 0,
        }
    }
}
