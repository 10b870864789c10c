//! Which storage can carry the heartbeat: shared in fact and not only by declaration, attached everywhere, past every
//! cache, large and fast enough.
use super::reasons::{Finding, Refusal, StorageObstacle};
use super::{Attachment, PoolFacts, SPACE_MIB, agents, longest_latency};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::StorageIndex;

/// Whether a storage can carry the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageAssessment {
    /// The storage.
    pub storage: StorageIndex,
    /// Everything that keeps it from it; it can if there is nothing.
    pub obstacles: Vec<Finding<StorageObstacle>>,
    /// The worst latency that a host has seen; none if no host has it.
    pub latency: Option<Duration>,
}

/// Judges every storage.
pub(super) fn judge(facts: &PoolFacts, timeout: Duration) -> Vec<StorageAssessment> {
    (0..facts.storages.len()).map(|position| judge_one(facts, StorageIndex::new(position), timeout)).collect()
}

/// The storage that was asked for, or the fastest of those that can carry the heartbeat; among equals the first.
pub(super) fn choose(
    storages: &[StorageAssessment],
    wanted: Option<StorageIndex>,
) -> Result<&StorageAssessment, Refusal> {
    let mut fit = storages.iter().filter(|storage| storage.obstacles.is_empty());
    match wanted {
        Some(wanted) => fit.find(|storage| storage.storage == wanted).ok_or(Refusal::StorageUnfit),
        None => fit.min_by_key(|storage| (storage.latency, storage.storage)).ok_or(Refusal::NoStorage),
    }
}

fn judge_one(facts: &PoolFacts, storage: StorageIndex, timeout: Duration) -> StorageAssessment {
    let known = facts.storages[storage.get()];
    let mut obstacles = Vec::new();
    if !known.shared && facts.hosts.len() > 1 {
        obstacles.push(Finding::of_pool(StorageObstacle::NotShared));
    }
    if known.free_mib < SPACE_MIB {
        obstacles.push(Finding::of_pool(StorageObstacle::NoSpace));
    }
    let mut worst = None;
    for (host, agent) in agents(facts) {
        let attachment = agent.storages.get(storage.get()).copied().unwrap_or(Attachment::Missing);
        if let Attachment::Attached { latency, .. } = attachment {
            worst = worst.max(Some(latency));
        }
        let found = attachment_obstacles(attachment, timeout);
        obstacles.extend(found.map(|reason| Finding::of_host(host, reason)));
    }
    StorageAssessment { storage, obstacles, latency: worst }
}

fn attachment_obstacles(attachment: Attachment, timeout: Duration) -> impl Iterator<Item = StorageObstacle> {
    let found = match attachment {
        Attachment::Missing => [Some(StorageObstacle::NotAttached), None, None],
        Attachment::Attached { latency, direct, reads_mark } => [
            (!direct).then_some(StorageObstacle::NotDirect),
            (!reads_mark).then_some(StorageObstacle::NotTheSame),
            (latency > longest_latency(timeout)).then_some(StorageObstacle::TooSlow),
        ],
    };
    found.into_iter().flatten()
}
