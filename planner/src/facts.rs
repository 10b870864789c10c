//! What is so whatever the tolerance: who is protected, which hosts run more than they have, which rules are
//! broken as things run now.
use crate::assessment::{BrokenRule, OverFull};
use lifeboat_model::spec::{RestartPriority, Rule};
use lifeboat_model::{GroupIndex, Pool, ResourceIndex};

/// How many VMs are protected.
pub(crate) fn protected(pool: &Pool) -> u32 {
    pool.vms().iter().filter(|vm| vm.restart_priority == RestartPriority::Restart).count() as u32
}

/// Hosts that run more than they have, by host and resource.
pub(crate) fn over_full(pool: &Pool) -> Vec<OverFull> {
    let width = pool.resources().len();
    let free = pool.free();
    pool.host_indices()
        .flat_map(|host| (0..width).map(move |resource| (host, resource)))
        .filter_map(|(host, resource)| {
            let left = free[host.get() * width + resource];
            (left < 0).then(|| OverFull {
                host,
                resource: ResourceIndex::new(resource),
                by: left.unsigned_abs(),
            })
        })
        .collect()
}

/// Pairs of running VMs that break a rule, required or preferred. Large groups name each member once, with the
/// first that it clashes with.
pub(crate) fn broken_rules(pool: &Pool) -> Vec<BrokenRule> {
    let mut broken = Vec::new();
    for (index, group) in pool.groups().iter().enumerate() {
        let running: Vec<_> =
            group.vms.iter().filter_map(|&vm| pool.runs_on(vm).map(|host| (vm, host))).collect();
        for (place, &(second, host)) in running.iter().enumerate() {
            let clash = running[..place].iter().find(|&&(_, other)| match group.rule {
                Rule::AntiAffinity => other == host,
                Rule::Affinity => other != host,
                Rule::Spread => pool.host(other).fault_domain == pool.host(host).fault_domain,
            });
            if let Some(&(first, _)) = clash {
                broken.push(BrokenRule { group: GroupIndex::new(index), first, second });
            }
        }
    }
    broken
}
