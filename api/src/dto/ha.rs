//! High availability as JSON: whether it is enabled, whether it could be, and per storage whether it can carry the heartbeat.
use crate::served::ha::{Ha, UNKNOWN_WITHOUT_AGENTS, not_enabled, preconditions};
use lifeboat_model::Pool;
use lifeboat_model::spec::Medium;
use lifeboat_protocol::enable::{Assessment, ChosenMedium, Finding, Refusal, StorageObstacle, Warning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// High availability of a pool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HaAnswer")]
pub struct HaAnswer {
    /// Whether it is enabled, since when and on what.
    #[serde(flatten)]
    pub state: Ha,
    /// Whether it could be enabled now, as far as the service knows.
    pub preconditions: PreconditionsAnswer,
}

/// Whether high availability can be enabled.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HaPreconditions")]
pub struct PreconditionsAnswer {
    /// Whether nothing that is known is against it.
    pub met: bool,
    /// The timeout T that was judged, in seconds.
    pub timeout_s: u32,
    /// The medium that was judged: `statefile` or `etcd`.
    pub medium: String,
    /// The storage that would carry the statefile; null: none would.
    pub storage: Option<String>,
    /// Everything that is against it.
    pub refusals: Vec<FindingAnswer>,
    /// What should be better.
    pub warnings: Vec<FindingAnswer>,
    /// Each storage: whether it can carry the heartbeat, and why not.
    pub storages: Vec<HeartbeatStorage>,
    /// What nobody knows until agents on the hosts report; it is taken for good here.
    pub unknown_until_agents_report: Vec<String>,
}

/// One thing that is against it, or should be better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HaFinding")]
pub struct FindingAnswer {
    /// What, as a code.
    pub code: String,
    /// The host; null: the pool.
    pub host: Option<String>,
    /// What, in words.
    pub text: String,
}

/// Whether a storage can carry the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HeartbeatStorage")]
pub struct HeartbeatStorage {
    /// The storage.
    pub storage: String,
    /// Whether it can, as far as is known.
    pub fit: bool,
    /// Everything that keeps it from it.
    pub obstacles: Vec<FindingAnswer>,
}

impl HaAnswer {
    /// The answer for a pool.
    pub fn new(pool: &Pool, ha: &Ha) -> Self {
        let storage = ha.storage.as_ref().and_then(|name| position(pool, name));
        let timeout_s = ha.timeout_s.unwrap_or(pool.settings().timeout_s);
        Self { state: ha.clone(), preconditions: PreconditionsAnswer::judge(pool, storage, timeout_s) }
    }
}

impl PreconditionsAnswer {
    /// Judges a pool.
    pub fn judge(pool: &Pool, storage: Option<usize>, timeout_s: u32) -> Self {
        let Assessment { verdict, warnings, storages } = preconditions(pool, storage, timeout_s);
        let name = |host: Option<lifeboat_model::HostIndex>| host.map(|host| pool.host_id(host).to_owned());
        let (chosen, refusals) = match verdict {
            Ok(enablement) => (Some(enablement.medium), Vec::new()),
            Err(refusals) => (None, refusals),
        };
        let mut refusals: Vec<FindingAnswer> = refusals.into_iter().map(|one| refusal(pool, one)).collect();
        if refusals.is_empty() && chosen.is_none() {
            let text = Refusal::NoStorage.to_string();
            refusals.push(FindingAnswer { code: "no-storage".to_owned(), host: None, text });
        }
        let mut warnings: Vec<FindingAnswer> = warnings
            .iter()
            .map(|one| FindingAnswer {
                code: warning_code(one.reason).to_owned(),
                host: name(one.host),
                text: one.reason.to_string(),
            })
            .collect();
        warnings.extend(not_enabled(pool).map(|host| FindingAnswer {
            code: "host-not-enabled".to_owned(),
            host: name(Some(host)),
            text: "it takes no VMs now: nothing is restarted there".to_owned(),
        }));
        warnings.push(FindingAnswer {
            code: "unknown-until-an-agent-reports".to_owned(),
            host: None,
            text: format!("not judged: {}", UNKNOWN_WITHOUT_AGENTS.join("; ")),
        });
        let storages = storages.iter().map(|one| HeartbeatStorage {
            storage: pool.storages()[one.storage.get()].id.clone(),
            fit: one.obstacles.is_empty(),
            obstacles: one
                .obstacles
                .iter()
                .map(|obstacle| FindingAnswer {
                    code: obstacle_code(obstacle.reason).to_owned(),
                    host: name(obstacle.host),
                    text: obstacle.reason.to_string(),
                })
                .collect(),
        });
        Self {
            met: chosen.is_some(),
            timeout_s,
            medium: medium_word(pool.settings().medium).to_owned(),
            storage: match chosen {
                Some(ChosenMedium::Statefile(storage)) => Some(pool.storages()[storage.get()].id.clone()),
                Some(ChosenMedium::Etcd) | None => None,
            },
            refusals,
            warnings,
            storages: storages.collect(),
            unknown_until_agents_report: UNKNOWN_WITHOUT_AGENTS.map(str::to_owned).to_vec(),
        }
    }
}

/// A storage's place in the pool.
pub fn position(pool: &Pool, storage: &str) -> Option<usize> {
    pool.storages().iter().position(|known| known.id == storage)
}

/// A medium as documents spell it.
pub fn medium_word(medium: Medium) -> &'static str {
    match medium {
        Medium::Statefile => "statefile",
        Medium::Etcd => "etcd",
    }
}

fn refusal(pool: &Pool, one: Finding<Refusal>) -> FindingAnswer {
    let host = one.host.map(|host| pool.host_id(host).to_owned());
    let down = one.host.is_some_and(|host| !pool.host(host).state.is_up());
    let (code, text) = match one.reason {
        Refusal::NoAgent if down => ("host-not-live", "the host is not live".to_owned()),
        Refusal::NotConnected { with } => (
            "not-connected",
            format!("it does not exchange heartbeats with {} on any network", pool.host_id(with)),
        ),
        reason => (refusal_code(reason), reason.to_string()),
    };
    FindingAnswer { code: code.to_owned(), host, text }
}

fn refusal_code(reason: Refusal) -> &'static str {
    match reason {
        Refusal::Timeout => "timeout-out-of-range",
        Refusal::NoHosts => "no-hosts",
        Refusal::TooManyHosts => "too-many-hosts",
        Refusal::BrakeBelowTarget => "brake-below-target",
        Refusal::NoAgent => "no-agent",
        Refusal::NoWatchdog => "no-watchdog",
        Refusal::ClockRate => "clock-rate",
        Refusal::Networks => "networks",
        Refusal::NotConnected { .. } => "not-connected",
        Refusal::NoEtcd => "no-etcd",
        Refusal::EtcdTooSlow => "etcd-too-slow",
        Refusal::StorageUnfit => "storage-unfit",
        Refusal::NoStorage => "no-storage",
    }
}

fn warning_code(reason: Warning) -> &'static str {
    match reason {
        Warning::OneHost => "one-host",
        Warning::MajorityOfTwo => "majority-of-two",
        Warning::SlowMedium => "slow-medium",
        Warning::NotRedundant => "not-redundant",
        Warning::LinkDown => "link-down",
        Warning::KernelWatchdog => "kernel-watchdog",
        Warning::ClockRateUnknown => "clock-rate-unknown",
        Warning::NoGateway => "no-gateway",
    }
}

fn obstacle_code(reason: StorageObstacle) -> &'static str {
    match reason {
        StorageObstacle::NotShared => "not-shared",
        StorageObstacle::NoSpace => "no-space",
        StorageObstacle::NotAttached => "not-attached",
        StorageObstacle::NotDirect => "not-direct",
        StorageObstacle::NotTheSame => "not-the-same",
        StorageObstacle::TooSlow => "too-slow",
    }
}
