//! Pending VMs: protected, should run, and run nowhere. Those that some host could run are placed before any
//! failure. A required affinity group sends its pending members together to a host where a member runs, where
//! one does; a member of a separation goes where no other member is.
use crate::budget::Budget;
use crate::problem::{Bundle, Problem, binds, bundle, eligible_sets};
use crate::refusal::PendingFault;
use crate::state::State;
use crate::{Why, state::Obstacle};
use alloc::collections::BTreeMap;
use alloc::{string::ToString, vec::Vec};
use lifeboat_model::spec::Rule;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};

/// The problem of placing the pending VMs now.
pub(crate) fn present(pool: &Pool) -> Problem {
    let eligible = eligible_sets(pool);
    let homes: Vec<Option<HostIndex>> = pool.vm_indices().map(|vm| pool.runs_on(vm)).collect();
    let pending: Vec<VmIndex> = pool
        .vm_indices()
        .filter(|&vm| pool.is_pending(vm) && !eligible[pool.vm(vm).profile.0 as usize].is_empty())
        .collect();
    let bundles = bundle(pool, &pending, |_| ())
        .into_iter()
        .map(|vms| {
            let mut common = pool.target_hosts();
            for &vm in &vms {
                common.intersect_with(&eligible[pool.vm(vm).profile.0 as usize]);
            }
            obey_rules(pool, &vms, &mut common);
            Bundle { vms, home: None, eligible: common }
        })
        .collect();
    Problem::new(pool, &homes, bundles)
}

/// Keeps of `hosts` only those where the affinity groups of the bundle let it go.
fn obey_rules(pool: &Pool, vms: &[VmIndex], hosts: &mut HostSet) {
    for group in pool.groups().iter().filter(|group| binds(group.mode)) {
        let members = group.vms.iter().filter(|vm| vms.binary_search(vm).is_ok()).count();
        if members == 0 {
            continue;
        }
        if group.rule == Rule::Affinity {
            let running = HostSet::of(hosts.pool_size(), group.vms.iter().filter_map(|&vm| pool.runs_on(vm)));
            if !running.is_empty() {
                hosts.intersect_with(&running);
            }
        } else if members > 1 {
            // To be together and apart at once: no host will do.
            *hosts = HostSet::empty(hosts.pool_size());
        }
    }
}

/// Checks the placement of the pending VMs; where every VM runs after it.
pub(crate) fn place(
    pool: &Pool,
    placement: &[(VmIndex, HostIndex)],
    budget: &mut Budget,
) -> Result<Vec<Option<HostIndex>>, Why> {
    let problem = present(pool);
    let mut homes: Vec<Option<HostIndex>> = pool.vm_indices().map(|vm| pool.runs_on(vm)).collect();
    let mut placed: BTreeMap<VmIndex, HostIndex> = BTreeMap::new();
    for &(vm, host) in placement {
        if vm.get() >= pool.vms().len() {
            return Err(Why::Unknown("a pending VM"));
        }
        if host.get() >= problem.hosts {
            return Err(Why::Unknown("the host of a pending VM"));
        }
        if placed.insert(vm, host).is_some() {
            return Err(Why::Pending(PendingFault::Twice(vm)));
        }
    }
    let mut state = State::new(&problem);
    for (position, item) in problem.items.iter().enumerate() {
        let host = *placed.get(&item.vm).ok_or(Why::Pending(PendingFault::Missing(item.vm)))?;
        for &vm in &item.vms {
            match placed.remove(&vm) {
                None => return Err(Why::Pending(PendingFault::Missing(vm))),
                Some(other) if other != host => return Err(Why::Pending(PendingFault::Apart(vm))),
                Some(_) => homes[vm.get()] = Some(host),
            }
        }
        match state.obstacle(position, host.get(), budget)? {
            None => state.place(position, host.get()),
            Some(obstacle) => {
                let reason = match obstacle {
                    Obstacle::NotATarget => "it is not alive and eligible".to_string(),
                    Obstacle::NoRoom => "it has no room".to_string(),
                    Obstacle::Excluded => "a member of a required rule is there".to_string(),
                };
                return Err(Why::Pending(PendingFault::CannotTake { vm: item.vm, host, reason }));
            }
        }
    }
    match placed.keys().next() {
        Some(&vm) => Err(Why::Pending(PendingFault::NotPending(vm))),
        None => Ok(homes),
    }
}
