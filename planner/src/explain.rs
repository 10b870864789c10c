//! Why the pool does not tolerate one failure more: which hosts would have to fail, which VMs could then not
//! all be placed, what is short, and how near each surviving host comes to taking the largest of them.
use crate::Assessment;
use crate::admission::{MemoryReport, Standing};
use crate::judge::guaranteed;
use lifeboat_model::agility::Obstacle;
use lifeboat_model::pool::LivenessLimit;
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::verdict::{LimitedBy, ReasonCode, Witness};
use lifeboat_model::{GroupIndex, HostIndex, HostSet, Pool, ResourceIndex, VmIndex};

/// Why not more.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Where the pool stands.
    pub standing: Standing,
    /// The number of failures that is explained: the fewest that are refuted, else one more than proven.
    pub failures: Option<u32>,
    /// What liveness does not let survive, where that is the limit.
    pub liveness: Option<LivenessLimit>,
    /// The failure set and the VMs that cannot all be placed; none where no such set is known.
    pub witness: Option<Witness>,
    /// What the VMs of the witness ask for together, by resource.
    pub asked: Vec<u64>,
    /// What is free on the survivors that take VMs, by resource.
    pub there: Vec<i64>,
    /// The largest VM of the witness.
    pub largest: Option<VmIndex>,
    /// For the largest VM: every surviving host, and what keeps it from taking the VM.
    pub near_misses: Vec<NearMiss>,
    /// Every host of the pool, its memory by restart priority, with the pending VMs where they are placed.
    pub hosts: Vec<HostRow>,
}

/// How near a surviving host comes to taking a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The host.
    pub host: HostIndex,
    /// Why it could not run the VM at all.
    pub obstacles: Vec<Obstacle>,
    /// Resources that are short, and by how much.
    pub short: Vec<(ResourceIndex, u64)>,
    /// Required rules in the way, and the VM that is there.
    pub rules: Vec<(GroupIndex, VmIndex)>,
}

impl NearMiss {
    /// Whether the host could take the VM if it were the only one.
    pub fn could_take_it_alone(&self) -> bool {
        self.obstacles.is_empty() && self.short.is_empty() && self.rules.is_empty()
    }
}

/// One host in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRow {
    /// The host.
    pub host: HostIndex,
    /// Whether it is in the failure set.
    pub fails: bool,
    /// What is free on it, by resource; negative where it runs more than it has.
    pub free: Vec<i64>,
    /// What protected VMs hold, MiB.
    pub protected_mib: u64,
    /// What best-effort VMs hold, MiB.
    pub best_effort_mib: u64,
    /// What unprotected VMs hold, MiB.
    pub unprotected_mib: u64,
    /// How many VMs run there.
    pub vms: u32,
}

/// Explains an assessment of `pool`.
pub fn explain(pool: &Pool, assessment: &Assessment) -> Explanation {
    let width = pool.resources().len();
    let witness = assessment.witness.clone();
    let failed = HostSet::of(pool.hosts().len(), witness.iter().flat_map(|w| w.failed_hosts.iter().copied()));
    let free = free_after_pending(pool, assessment);
    let mut targets = pool.target_hosts();
    targets.subtract(&failed);
    let vms = witness.as_ref().map_or(&[][..], |witness| &witness.vms);
    let sum = |resource: usize| vms.iter().map(|&vm| pool.demand_of(vm)[resource]).sum();
    let left = |resource: usize| targets.iter().map(|host| free[host.get() * width + resource]).sum();
    let largest = vms.iter().copied().max_by_key(|&vm| (pool.demand_of(vm), core::cmp::Reverse(vm)));
    let bounds = guaranteed(pool, assessment);
    let liveness = match assessment.tolerance.limited_by {
        LimitedBy::Liveness(limit) => Some(limit),
        LimitedBy::Capacity => None,
    };
    Explanation {
        standing: Standing::of(pool, assessment),
        failures: bounds.refuted.or_else(|| bounds.proven.map(|proven| proven + 1)),
        liveness: liveness.filter(|_| witness.as_ref().is_none_or(|w| w.reason_code == ReasonCode::Liveness)),
        asked: (0..width).map(sum).collect(),
        there: (0..width).map(left).collect(),
        near_misses: largest
            .map(|vm| {
                targets.iter().map(|host| near_miss(pool, assessment, &failed, &free, vm, host)).collect()
            })
            .unwrap_or_default(),
        largest,
        hosts: host_rows(pool, &failed, &free),
        witness,
    }
}

fn free_after_pending(pool: &Pool, assessment: &Assessment) -> Vec<i64> {
    let width = pool.resources().len();
    let mut free = pool.free();
    for &(vm, host) in &assessment.pending_placement {
        for (left, &amount) in free[host.get() * width..].iter_mut().zip(pool.demand_of(vm)) {
            *left -= amount as i64;
        }
    }
    free
}

fn near_miss(
    pool: &Pool,
    assessment: &Assessment,
    failed: &HostSet,
    free: &[i64],
    vm: VmIndex,
    host: HostIndex,
) -> NearMiss {
    let room = &free[host.get() * pool.resources().len()..];
    let short = pool
        .demand_of(vm)
        .iter()
        .zip(room)
        .enumerate()
        .filter(|&(_, (&asked, &free))| asked > 0 && asked as i64 > free);
    NearMiss {
        host,
        obstacles: pool.obstacles(pool.profile(pool.vm(vm).profile), host),
        short: short
            .map(|(index, (&asked, &free))| (ResourceIndex::new(index), (asked as i64 - free) as u64))
            .collect(),
        rules: rules_in_the_way(pool, assessment, failed, vm, host),
    }
}

/// Members of a required rule that keep the VM out of a host: of another colour where members must be apart.
fn rules_in_the_way(
    pool: &Pool,
    assessment: &Assessment,
    failed: &HostSet,
    vm: VmIndex,
    host: HostIndex,
) -> Vec<(GroupIndex, VmIndex)> {
    let placed =
        |vm: VmIndex| assessment.pending_placement.iter().find(|&&(v, _)| v == vm).map(|&(_, host)| host);
    let home = |vm: VmIndex| pool.runs_on(vm).or_else(|| placed(vm));
    let mut found = Vec::new();
    for (position, group) in pool.groups().iter().enumerate() {
        if group.mode != RuleMode::Required || !group.vms.contains(&vm) {
            continue;
        }
        let domain = |host: HostIndex| match group.rule {
            Rule::Spread => u32::from(pool.host(host).fault_domain.0),
            Rule::AntiAffinity | Rule::Affinity => u32::from(host.0),
        };
        for &other in group.vms.iter().filter(|&&other| other != vm) {
            let Some(there) = home(other).filter(|&there| !failed.contains(there)) else { continue };
            let in_the_way = match group.rule {
                Rule::Affinity => there != host && home(vm).is_none(),
                Rule::AntiAffinity | Rule::Spread => {
                    domain(there) == domain(host) && home(vm).map(domain) != Some(domain(there))
                }
            };
            if in_the_way {
                found.push((GroupIndex::new(position), other));
            }
        }
    }
    found
}

fn host_rows(pool: &Pool, failed: &HostSet, free: &[i64]) -> Vec<HostRow> {
    let width = pool.resources().len();
    let memory = MemoryReport::of(pool);
    let mut running = vec![0u32; pool.hosts().len()];
    for host in pool.vm_indices().filter_map(|vm| pool.runs_on(vm)) {
        running[host.get()] += 1;
    }
    let row = |host: HostIndex| {
        let held = memory.hosts[host.get()];
        HostRow {
            host,
            fails: failed.contains(host),
            free: free[host.get() * width..][..width].to_vec(),
            protected_mib: held.protected_mib,
            best_effort_mib: held.best_effort_mib,
            unprotected_mib: held.unprotected_mib,
            vms: running[host.get()],
        }
    };
    pool.host_indices().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{host, spec, vm};
    use crate::{Limits, oracle};
    use lifeboat_model::spec::{GroupSpec, StorageSpec};

    #[test]
    fn the_largest_vm_of_the_witness_is_held_against_every_surviving_host() {
        let mut described = spec(1, &[(5, &[]), (2, &[]), (9, &[]), (0, &[4, 6])]);
        described.storages.push(StorageSpec { id: "nas".into(), shared: true });
        for (host, storages) in
            described.hosts.iter_mut().zip([&["san", "nas"][..], &["nas"], &["san"], &["nas"]])
        {
            host.storages = Some(storages.iter().map(|name| (*name).into()).collect());
        }
        described.vms[1].storages = vec!["nas".into()];
        let pool = Pool::new(&described).unwrap();
        let answer = explain(&pool, &oracle::assess(&pool, &Limits::default()));
        assert_eq!((answer.failures, answer.largest), (Some(1), Some(vm(1))));
        assert_eq!(answer.witness.as_ref().unwrap().failed_hosts, [host(3)]);
        assert_eq!((answer.asked.as_slice(), answer.there.as_slice()), (&[6][..], &[16][..]));
        let short: Vec<_> = answer.near_misses.iter().map(|miss| (miss.host.0, miss.short.clone())).collect();
        assert_eq!(short, [(0, vec![(ResourceIndex(0), 1)]), (1, vec![(ResourceIndex(0), 4)]), (2, vec![])]);
        assert_eq!(answer.near_misses[2].obstacles[0].describe(&pool), "storage nas is not attached");
        assert!(answer.hosts[3].fails);
        assert_eq!((answer.hosts[3].protected_mib, answer.hosts[3].vms), (10, 2));
    }

    #[test]
    fn a_rule_in_the_way_is_named_with_the_vm_that_is_there() {
        let mut described = spec(1, &[(5, &[1]), (5, &[1])]);
        let vms = vec!["v0".into(), "v1".into()];
        let rule = Rule::AntiAffinity;
        described.groups.push(GroupSpec { id: "apart".into(), rule, mode: RuleMode::Required, vms });
        let pool = Pool::new(&described).unwrap();
        let mut assessment =
            oracle::assess(&Pool::new(&spec(1, &[(5, &[1]), (5, &[1])])).unwrap(), &Limits::default());
        let failed = HostSet::of(2, [host(0)]);
        let miss = near_miss(&pool, &assessment, &failed, &pool.free(), vm(0), host(1));
        assert_eq!(miss.rules, [(GroupIndex(0), vm(1))]);
        assert!(!miss.could_take_it_alone());
        assessment.pending_placement.clear();
    }
}
