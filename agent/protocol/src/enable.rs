//! Whether high availability can be enabled, judged before anything is armed: a pool that arms itself on a watchdog
//! that is not there, or on a volume that only one host writes, is worse off than one that was refused.
//!
//! A shell gathers [`PoolFacts`]; [`assess`] gives every reason at once, with refusals (it would be unsafe, or
//! would fence healthy hosts) apart from warnings (it works, but not as well as it could), and says of each storage
//! whether it can carry the heartbeat, and why not.
mod hosts;
mod reasons;
mod storage;
#[cfg(test)]
mod tests;

pub use reasons::{Finding, Refusal, StorageObstacle, Warning};
pub use storage::StorageAssessment;

use crate::settings::{Settings, StorageLoss};
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;
use lifeboat_model::{HostIndex, HostSet, StorageIndex};

/// The timeouts T that can be set.
pub const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_mins(5);

/// Most hosts that a statefile has room for: one sector group each.
pub const MOST_HOSTS_ON_A_STATEFILE: usize = 64;

/// What a storage must have free, in MiB: the statefile and, beside it, the metadata volume.
pub const SPACE_MIB: u64 = 4 + 256;

/// Medium latency up to which the promised times hold.
pub const LATENCY_PROMISED: Duration = Duration::from_millis(250);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The settings that the pool would run under.
    pub settings: Settings,
    /// Which medium.
    pub medium: WantedMedium,
    /// Host failures to tolerate, which the brake must leave room for.
    pub failures_to_tolerate: usize,
}

/// The medium that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedMedium {
    /// A statefile on this storage; none: on the best that there is.
    Statefile(Option<StorageIndex>),
    /// etcd.
    Etcd,
}

/// What is known of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolFacts {
    /// Every host of the pool, by index.
    pub hosts: Vec<HostFacts>,
    /// Every storage that could be asked for, by index.
    pub storages: Vec<StorageFacts>,
}

/// What is known of one host: nothing but its place where its agent cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// What its agent says, if it can be reached.
    pub agent: Option<AgentFacts>,
}

/// What a host's agent says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFacts {
    /// How far its clock's rate is off, if it was measured.
    pub clock_rate_ppm: Option<i32>,
    /// What resets it when it stops feeding.
    pub watchdog: Watchdog,
    /// Its link to each heartbeat network, in the order of the pool's list.
    pub networks: Vec<Link>,
    /// Whether it reaches the gateway; asked only where the settings use one.
    pub reaches_gateway: bool,
    /// Worst latency of a transaction on etcd; none if etcd does not answer it.
    pub etcd: Option<Duration>,
    /// What it sees of each storage, in the order of the pool's list.
    pub storages: Vec<Attachment>,
}

/// What resets a host that stops feeding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watchdog {
    /// Hardware, or the hypervisor below: fires whatever the host's kernel does.
    Independent,
    /// The host's own kernel: does not fire if that hangs.
    Kernel,
    /// There is none that can be armed.
    Missing,
}

/// A host's link to a heartbeat network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether it has carrier.
    pub carrier: bool,
    /// The hosts that it exchanged a heartbeat with, both ways.
    pub exchanged: HostSet,
    /// The physical link under it: two networks over one link fail together.
    pub physical: u32,
}

/// What is known of a storage, wherever it is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageFacts {
    /// Whether it is declared as shared.
    pub shared: bool,
    /// What is free there, in MiB; a statefile that is there already counts as free.
    pub free_mib: u64,
}

/// What a host sees of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// It is not attached.
    Missing,
    /// It is attached.
    Attached {
        /// Worst latency of a durable write or a read.
        latency: Duration,
        /// Whether it takes reads and writes past the cache (O_DIRECT).
        direct: bool,
        /// Whether the host reads the mark that another host has just written: only that proves it is one storage.
        reads_mark: bool,
    },
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The enablement, or every reason against it.
    pub verdict: Result<Enablement, Vec<Finding<Refusal>>>,
    /// What should be better, whatever the verdict.
    pub warnings: Vec<Finding<Warning>>,
    /// Each storage: whether it can carry the heartbeat, and why not.
    pub storages: Vec<StorageAssessment>,
}

/// What is to be armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enablement {
    /// The timeout T of this enablement.
    pub timeout: Duration,
    /// The medium.
    pub medium: ChosenMedium,
}

/// The medium that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenMedium {
    /// A statefile on this storage.
    Statefile(StorageIndex),
    /// etcd.
    Etcd,
}

/// Longest latency of a medium under T: three cycles, each of a write and a read, must fit into a lease, so that
/// one slow answer or two do not cost it.
pub fn longest_latency(timeout: Duration) -> Duration {
    timeout / 6
}

/// Judges whether `wish` can be enabled.
pub fn assess(facts: &PoolFacts, wish: &Wish) -> Assessment {
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    settings(facts, wish, &mut refusals, &mut warnings);
    hosts::judge(facts, wish, &mut refusals, &mut warnings);
    let storages = storage::judge(facts, wish.settings.timeout);
    let medium = medium(facts, wish, &storages, &mut refusals, &mut warnings);
    let verdict = match medium {
        Some(medium) if refusals.is_empty() => Ok(Enablement { timeout: wish.settings.timeout, medium }),
        _ => Err(refusals),
    };
    Assessment { verdict, warnings, storages }
}

fn settings(
    facts: &PoolFacts,
    wish: &Wish,
    refusals: &mut Vec<Finding<Refusal>>,
    warnings: &mut Vec<Finding<Warning>>,
) {
    let hosts = facts.hosts.len();
    if !TIMEOUTS.contains(&wish.settings.timeout) {
        refusals.push(Finding::of_pool(Refusal::Timeout));
    }
    if hosts == 0 {
        refusals.push(Finding::of_pool(Refusal::NoHosts));
    }
    // The share must be more than the target's: otherwise the brake holds the very failures it is to tolerate.
    let brake = wish.settings.brake_permille.map(|permille| u128::from(permille) * hosts as u128);
    if brake.is_some_and(|brake| brake <= 1000 * wish.failures_to_tolerate as u128) {
        refusals.push(Finding::of_pool(Refusal::BrakeBelowTarget));
    }
    if hosts == 1 {
        warnings.push(Finding::of_pool(Warning::OneHost));
    }
    if hosts == 2 && wish.settings.storage_loss == StorageLoss::Majority {
        warnings.push(Finding::of_pool(Warning::MajorityOfTwo));
    }
}

fn medium(
    facts: &PoolFacts,
    wish: &Wish,
    storages: &[StorageAssessment],
    refusals: &mut Vec<Finding<Refusal>>,
    warnings: &mut Vec<Finding<Warning>>,
) -> Option<ChosenMedium> {
    match wish.medium {
        WantedMedium::Etcd => {
            hosts::judge_etcd(facts, wish.settings.timeout, refusals, warnings);
            Some(ChosenMedium::Etcd)
        }
        WantedMedium::Statefile(wanted) => {
            if facts.hosts.len() > MOST_HOSTS_ON_A_STATEFILE {
                refusals.push(Finding::of_pool(Refusal::TooManyHosts));
            }
            let chosen = storage::choose(storages, wanted);
            match chosen {
                Ok(storage) if storage.latency.is_some_and(|latency| latency > LATENCY_PROMISED) => {
                    warnings.push(Finding::of_pool(Warning::SlowMedium));
                }
                Ok(_) => {}
                Err(refusal) => refusals.push(Finding::of_pool(refusal)),
            }
            chosen.ok().map(|storage| ChosenMedium::Statefile(storage.storage))
        }
    }
}

/// The hosts whose agents can be reached, with what they say.
fn agents(facts: &PoolFacts) -> impl Iterator<Item = (HostIndex, &AgentFacts)> {
    let hosts = facts.hosts.iter().enumerate();
    hosts.filter_map(|(position, host)| Some((HostIndex::new(position), host.agent.as_ref()?)))
}
