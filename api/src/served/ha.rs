//! Whether high availability is enabled for a pool, since when, and on what. This is what the operator wants and what the
//! service keeps; hosts arm themselves when their agents hear of it.
use jiff::Timestamp;
use lifeboat_link::frame::OperatorWish;
use lifeboat_model::Pool;
use lifeboat_model::spec::{HostState, Medium, StorageLoss as Loss};
use lifeboat_protocol::enable::{
    AgentFacts, Assessment, Attachment, HostFacts, Link, PoolFacts, StorageFacts, WantedMedium, Watchdog,
    Wish, assess,
};
use lifeboat_protocol::settings::{Settings, StorageLoss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is kept of a pool's high availability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HaState")]
pub struct Ha {
    /// Whether it is enabled.
    pub enabled: bool,
    /// Since when it is as it is; null: ever since.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Who enabled or disabled it; null: nobody did.
    pub by: Option<String>,
    /// What carries the heartbeat: `statefile` or `etcd`; null: it is not enabled.
    pub medium: Option<String>,
    /// The storage that carries the statefile; null: none does.
    pub storage: Option<String>,
    /// The timeout T of this enablement, in seconds; null: it is not enabled.
    pub timeout_s: Option<u32>,
    /// Why it was disabled in an emergency; null: it was not.
    pub emergency: Option<String>,
    /// What admission does with a change that makes matters worse.
    #[serde(default)]
    pub admission: Policy,
}

/// What admission does with a change that makes matters worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AdmissionPolicy")]
pub enum Policy {
    /// It is refused, unless it is forced.
    #[default]
    Enforce,
    /// It is done, and the answer says what it does.
    Warn,
}

/// What the service cannot know until agents tell it.
pub const UNKNOWN_WITHOUT_AGENTS: [&str; 6] = [
    "whether every host has a watchdog that can be armed",
    "how far the hosts' clocks are off",
    "whether all hosts exchange heartbeats, and over how many links",
    "how fast the medium is",
    "what is free on the storages",
    "whether a storage that is attached everywhere is one and the same, past every cache",
];

/// Judges whether high availability can be enabled, by what the service knows. What only agents can say is taken for good;
/// [`UNKNOWN_WITHOUT_AGENTS`] names it.
pub fn preconditions(pool: &Pool, storage: Option<usize>, timeout_s: u32) -> Assessment {
    let settings = pool.settings();
    let hosts = pool.host_indices().map(|host| {
        let known = pool.host(host);
        let attached = |storage: usize| known.storages[storage / 64] >> (storage % 64) & 1 == 1;
        let agent = AgentFacts {
            clock_rate_ppm: Some(0),
            watchdog: Watchdog::Independent,
            networks: (0..ASSUMED_LINKS)
                .map(|physical| Link {
                    carrier: true,
                    exchanged: lifeboat_model::HostSet::of(pool.hosts().len(), pool.host_indices()),
                    physical,
                })
                .collect(),
            reaches_gateway: true,
            etcd: Some(Duration::ZERO),
            storages: (0..pool.storages().len())
                .map(|storage| {
                    if attached(storage) {
                        Attachment::Attached { latency: Duration::ZERO, direct: true, reads_mark: true }
                    } else {
                        Attachment::Missing
                    }
                })
                .collect(),
        };
        HostFacts { agent: known.state.is_up().then_some(agent) }
    });
    let facts = PoolFacts {
        hosts: hosts.collect(),
        storages: pool
            .storages()
            .iter()
            .map(|storage| StorageFacts { shared: storage.shared, free_mib: u64::MAX })
            .collect(),
    };
    let wish = Wish {
        settings: Settings {
            timeout: Duration::from_secs(u64::from(timeout_s)),
            storage_loss: match settings.storage_loss {
                Loss::Medium => StorageLoss::Medium,
                Loss::Majority => StorageLoss::Majority,
            },
            brake_permille: settings.brake_permille,
            networks: ASSUMED_LINKS as u8,
            ..Settings::default()
        },
        medium: match settings.medium {
            Medium::Statefile => WantedMedium::Statefile(storage.map(lifeboat_model::StorageIndex::new)),
            Medium::Etcd => WantedMedium::Etcd,
        },
        failures_to_tolerate: settings.host_failures_to_tolerate as usize,
    };
    assess(&facts, &wish)
}

/// Heartbeat links that a host is taken to have until its agent says how many.
const ASSUMED_LINKS: u32 = 2;

/// Hosts that are up and take no VMs: enabling works, and they are not counted on.
pub fn not_enabled(pool: &Pool) -> impl Iterator<Item = lifeboat_model::HostIndex> + '_ {
    pool.host_indices()
        .filter(|&host| matches!(pool.host(host).state, HostState::Disabled | HostState::Maintenance))
}

/// How long agents stay disarmed that nobody tells again. It is told again several times within that.
pub const DISARMED_FOR: Duration = Duration::from_mins(10);

impl Ha {
    /// What the agents of the pool are to be told.
    pub fn wish(&self) -> OperatorWish {
        if self.is_disarmed() {
            OperatorWish::Disarm { lasts_s: DISARMED_FOR.as_secs() }
        } else {
            OperatorWish::Arm
        }
    }

    /// Whether somebody has disabled it. A pool of which nobody has said anything yet is as its agents are.
    pub fn is_disarmed(&self) -> bool {
        !self.enabled && self.since.is_some()
    }

    /// What a change would take from the heartbeat while high availability is enabled: the storage that carries it, on a
    /// host that has it. That is not for admission to weigh: the host would fence itself.
    pub fn would_lose(&self, before: &Pool, after: &Pool) -> Option<String> {
        let storage = self.storage.as_ref().filter(|_| self.enabled)?;
        let has = |pool: &Pool, host: lifeboat_model::HostIndex| {
            let position = pool.storages().iter().position(|known| known.id == *storage)?;
            Some(pool.host(host).storages[position / 64] >> (position % 64) & 1 == 1)
        };
        let loses = before.host_indices().find(|&host| {
            let there =
                after.find_host(before.host_id(host)).filter(|&there| after.host(there).state.is_up());
            has(before, host) == Some(true) && there.is_some_and(|there| has(after, there) != Some(true))
        })?;
        Some(format!(
            "storage {storage} carries the heartbeat: {} would lose it and fence itself; disable high availability first",
            before.host_id(loses)
        ))
    }
}
