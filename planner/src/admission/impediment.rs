//! What keeps a change from being carried out at all, whatever it does to the tolerance: a VM put where it
//! cannot run, a host that would run more than it has or lose what its VMs stand on.
use super::same::Same;
use crate::{BrokenRule, OverFull};
use lifeboat_model::agility::Obstacle;
use lifeboat_model::change::Change;
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{GroupIndex, HostIndex, Pool, ResourceIndex, VmIndex};
use std::collections::BTreeSet;

/// Why a change cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impediment {
    /// The host cannot run the VM.
    Obstacle {
        /// The host.
        host: HostIndex,
        /// Why.
        obstacle: Obstacle,
    },
    /// The host would run more than it has, or still more than it has.
    OverFull {
        /// The host.
        host: HostIndex,
        /// Of what.
        resource: ResourceIndex,
        /// How much is missing.
        by: u64,
    },
    /// No host has a place for the VM.
    NoHost,
}

impl Impediment {
    /// The impediment as a machine-readable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Obstacle { obstacle, .. } => obstacle.code(),
            Self::OverFull { .. } => "over-full",
            Self::NoHost => "no-host-has-room",
        }
    }

    /// The impediment in words, with the names of the pool after the change.
    pub fn describe(&self, pool: &Pool) -> String {
        match self {
            Self::Obstacle { host, obstacle } => {
                format!("{} cannot run it: {}", pool.host_id(*host), obstacle.describe(pool))
            }
            Self::OverFull { host, resource, by } => {
                let memory = *resource == ResourceIndex::MEMORY;
                let unit = if memory { "MiB of memory" } else { &pool.resources()[resource.get()] };
                format!("{} would be {by} {unit} short", pool.host_id(*host))
            }
            Self::NoHost => String::from("no host that could run it has room"),
        }
    }
}

impl From<OverFull> for Impediment {
    fn from(OverFull { host, resource, by }: OverFull) -> Self {
        Self::OverFull { host, resource, by }
    }
}

/// Everything that keeps `change` from being carried out, given the pool before and after it.
pub(crate) fn impediments(before: &Pool, after: &Pool, change: &Change) -> Vec<Impediment> {
    let mut found = Vec::new();
    if let Some((vm, host)) = arrival(after, change) {
        let profile = after.profile(after.vm(vm).profile);
        let obstacles = after.obstacles(profile, host).into_iter();
        found.extend(obstacles.map(|obstacle| Impediment::Obstacle { host, obstacle }));
    }
    if matches!(change, Change::UnplugStorage { .. } | Change::UnplugNetwork { .. }) {
        found.extend(newly_stranded(before, after, &Same::indices()));
    }
    found.extend(fuller(before, after, &Same::indices()).into_iter().map(Impediment::from));
    found
}

/// What VMs need that run on a host, which they have there before a change and not after it; for VMs that are newly on a
/// host, all that keeps them from it. A VM is let be where its list of allowed hosts does not name its own.
pub(super) fn newly_stranded(before: &Pool, after: &Pool, same: &Same) -> Vec<Impediment> {
    let mut found = BTreeSet::new();
    // What many VMs share is looked at once.
    let mut looked_at = BTreeSet::new();
    for vm in after.vm_indices() {
        let Some(host) = after.runs_on(vm) else { continue };
        let was = same.vm(vm).filter(|vm| vm.get() < before.vms().len());
        let stays = was.is_some_and(|was| {
            let home = before.runs_on(was);
            home.is_some() && home == same.host(host)
        });
        let known = was.filter(|_| stays).map(|was| before.vm(was).profile);
        if !looked_at.insert((after.vm(vm).profile, host, known)) {
            continue;
        }
        let obstacles = after.obstacles(after.profile(after.vm(vm).profile), host).into_iter();
        let had = match (known, same.host(host)) {
            (Some(profile), Some(home)) => before.obstacles(before.profile(profile), home),
            _ => Vec::new(),
        };
        let had: Vec<String> = had.iter().map(|obstacle| obstacle.describe(before)).collect();
        let lets_be = |obstacle: &Obstacle| matches!(obstacle, Obstacle::HostState(_) | Obstacle::NotAllowed);
        let new = obstacles.filter(|obstacle| !(stays && lets_be(obstacle)));
        let new = new.filter(|obstacle| !had.contains(&obstacle.describe(after)));
        found.extend(new.map(|obstacle| Impediment::Obstacle { host, obstacle }));
    }
    found.into_iter().collect()
}

/// The VM that a change puts somewhere, and where. A start without a host puts it nowhere.
pub(crate) fn arrival(after: &Pool, change: &Change) -> Option<(VmIndex, HostIndex)> {
    match change {
        Change::StartNew { host, .. } => Some((VmIndex::new(after.vms().len() - 1), (*host)?)),
        Change::Start { vm, host } => Some((*vm, (*host)?)),
        Change::BeginMigration { vm, to } | Change::EndMigration { vm, to } => Some((*vm, *to)),
        _ => None,
    }
}

/// Hosts that run more than they have after a change, and more so than before it.
pub(super) fn fuller(before: &Pool, after: &Pool, same: &Same) -> Vec<OverFull> {
    let (free_before, free_after) = (before.free(), after.free());
    let (width_before, width) = (before.resources().len(), after.resources().len());
    // The change may have brought a resource that nobody had before, and resources stand in order of name.
    let known: Vec<Option<usize>> = if before.resources() == after.resources() {
        (0..width).map(Some).collect()
    } else {
        let find = |name: &String| before.resources().iter().position(|known| known == name);
        after.resources().iter().map(find).collect()
    };
    let mut found = Vec::new();
    for (position, &left) in free_after.iter().enumerate().filter(|&(_, &left)| left < 0) {
        let (host, resource) = (position / width, position % width);
        let host = HostIndex::new(host);
        let home = same.host(host).map(HostIndex::get);
        let was =
            home.zip(known[resource]).and_then(|(home, known)| free_before.get(home * width_before + known));
        if left < was.copied().unwrap_or(0) {
            let resource = ResourceIndex::new(resource);
            found.push(OverFull { host, resource, by: left.unsigned_abs() });
        }
    }
    found
}

/// Pairs that break a required rule after a typed change and did not before it. They do not forbid a change, since
/// what runs is let be; they are named, and nobody is advised to make one.
pub(crate) fn newly_broken_rules(before: &Pool, after: &Pool) -> Vec<BrokenRule> {
    newly_broken(before, after, &Same::indices())
}

/// The same for any two pools.
pub(super) fn newly_broken(before: &Pool, after: &Pool, same: &Same) -> Vec<BrokenRule> {
    let pairs = |pool: &Pool| {
        let mut pairs: Vec<(GroupIndex, VmIndex, VmIndex)> = Vec::new();
        for (position, group) in pool.groups().iter().enumerate() {
            if group.mode != RuleMode::Required {
                continue;
            }
            let runs: Vec<(VmIndex, HostIndex)> =
                group.vms.iter().filter_map(|&vm| Some((vm, pool.runs_on(vm)?))).collect();
            for (at, &(first, here)) in runs.iter().enumerate() {
                for &(second, there) in &runs[at + 1..] {
                    let domain = |host: HostIndex| pool.host(host).fault_domain;
                    let breaks = match group.rule {
                        Rule::AntiAffinity => here == there,
                        Rule::Affinity => here != there,
                        Rule::Spread => domain(here) == domain(there),
                    };
                    if breaks {
                        pairs.push((GroupIndex::new(position), first, second));
                    }
                }
            }
        }
        pairs
    };
    if after.groups().is_empty() {
        return Vec::new();
    }
    let known: BTreeSet<_> = pairs(before).into_iter().collect();
    let was = |&(group, first, second): &(GroupIndex, VmIndex, VmIndex)| {
        let pair = (same.group(group)?, same.vm(first)?, same.vm(second)?);
        Some(pair).filter(|&(group, first, second)| {
            known.contains(&pair) || known.contains(&(group, second, first))
        })
    };
    let new = pairs(after).into_iter().filter(|pair| was(pair).is_none());
    new.map(|(group, first, second)| BrokenRule { group, first, second }).collect()
}
