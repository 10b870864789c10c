//! Pending VMs as items: they have no home, and affinity with running members narrows where they can go.
use super::Drafts;
use super::clusters::Clusters;
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{HostSet, Pool, VmIndex};
use std::collections::BTreeMap;

/// The pending VMs that some host could run, as drafts of items.
pub(super) fn drafts(pool: &Pool) -> Drafts {
    let mut pending: Vec<(VmIndex, HostSet)> = Vec::new();
    let mut unprotectable = Vec::new();
    for vm in pool.vm_indices().filter(|&vm| pool.is_pending(vm)) {
        let eligible = pool.eligible_hosts(pool.vm(vm).profile);
        if eligible.is_empty() {
            unprotectable.push(vm);
        } else {
            pending.push((vm, with_running_members(pool, vm, eligible)));
        }
    }
    let vms: Vec<VmIndex> = pending.iter().map(|&(vm, _)| vm).collect();
    let eligible: BTreeMap<VmIndex, HostSet> = pending.into_iter().collect();
    let mut drafts = Drafts {
        items: Vec::new(),
        demand: Vec::new(),
        classes: Vec::new(),
        item_of: BTreeMap::new(),
        clusters: Clusters::of_pending(pool, &vms),
        unprotectable,
        class_index: BTreeMap::new(),
    };
    for &vm in &vms {
        let together = drafts.clusters.vms_of(vm);
        if together[0] != vm {
            continue;
        }
        let mut hosts = pool.target_hosts();
        let mut demand = vec![0; pool.resources().len()];
        let mut order = u32::MAX;
        for vm in &together {
            hosts.intersect_with(&eligible[vm]);
            for (sum, &amount) in demand.iter_mut().zip(pool.demand_of(*vm)) {
                *sum += amount as i64;
            }
            order = order.min(pool.vm(*vm).order);
            drafts.item_of.insert(*vm, drafts.items.len());
        }
        drafts.push(vm, None, &hosts, order, demand);
    }
    drafts
}

/// A member of a required affinity group goes where a member runs, if one does.
fn with_running_members(pool: &Pool, vm: VmIndex, mut eligible: HostSet) -> HostSet {
    for group in pool.groups() {
        if group.rule == Rule::Affinity && group.mode == RuleMode::Required && group.vms.contains(&vm) {
            let running =
                HostSet::of(pool.hosts().len(), group.vms.iter().filter_map(|&member| pool.runs_on(member)));
            if !running.is_empty() {
                eligible.intersect_with(&running);
            }
        }
    }
    eligible
}
