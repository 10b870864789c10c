//! Restart plans, judged before they are shown or carried out: nothing that runs is touched, nothing is placed
//! where it cannot be, nothing is forgotten, and the order is right. Whether a plan is the best one is not
//! judged here.
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use lifeboat_model::plan::{Restart, RestartPlan};
use lifeboat_model::spec::{RestartPriority, Rule, RuleMode};
use lifeboat_model::{GroupIndex, HostIndex, Pool, ResourceIndex, VmIndex};

/// What is wrong with a restart plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The plan is about another pool.
    #[error("the plan is not about this pool")]
    OtherPool,
    /// The VM neither runs on a failed host nor is pending, or is not to be restarted at all.
    #[error("VM {} is not to be restarted", .0.0)]
    NotToRestart(VmIndex),
    /// The VM's order, priority or old host is not what the pool says.
    #[error("VM {} is not described as the pool has it", .0.0)]
    Misdescribed(VmIndex),
    /// The VM is named twice.
    #[error("VM {} is named twice", .0.0)]
    Twice(VmIndex),
    /// A protected VM is neither restarted nor named as left out.
    #[error("VM {} is forgotten", .0.0)]
    Forgotten(VmIndex),
    /// The host failed, takes no VMs, or cannot run this one.
    #[error("VM {} cannot run on host {}", vm.0, host.0)]
    NotEligible {
        /// The VM.
        vm: VmIndex,
        /// The host.
        host: HostIndex,
    },
    /// The host has less than is placed on it.
    #[error("host {} is short of resource {}", host.0, resource.0)]
    NoRoom {
        /// The host.
        host: HostIndex,
        /// The resource.
        resource: ResourceIndex,
    },
    /// A required rule keeps the VM from where it is placed.
    #[error("VM {} breaks group {}", vm.0, group.0)]
    Rule {
        /// The VM.
        vm: VmIndex,
        /// The rule.
        group: GroupIndex,
    },
    /// A VM comes after one of a later order, or a protected one after one of best effort.
    #[error("VM {} comes too late", .0.0)]
    OutOfOrder(VmIndex),
}

/// Judges a restart plan.
///
/// # Errors
/// The first fault found.
pub fn check_plan(pool: &Pool, plan: &RestartPlan) -> Result<(), PlanFault> {
    if plan.failed.pool_size() != pool.hosts().len() {
        return Err(PlanFault::OtherPool);
    }
    nothing_twice_or_forgotten(pool, plan)?;
    for restart in &plan.restarts {
        to_be_restarted(pool, plan, restart)?;
    }
    in_order(plan)?;
    room(pool, plan)?;
    rules(pool, plan)
}

/// Whether the VM waits for a restart once the plan's hosts have failed.
fn waits(pool: &Pool, plan: &RestartPlan, vm: VmIndex) -> bool {
    match pool.runs_on(vm) {
        Some(home) => {
            plan.failed.contains(home) && pool.vm(vm).restart_priority != RestartPriority::Unprotected
        }
        None => pool.is_pending(vm),
    }
}

fn nothing_twice_or_forgotten(pool: &Pool, plan: &RestartPlan) -> Result<(), PlanFault> {
    let mut named = BTreeSet::new();
    let restarted = plan.restarts.iter().map(|restart| restart.vm);
    for vm in restarted.chain(plan.unplaced.iter().map(|unplaced| unplaced.vm)) {
        if vm.get() >= pool.vms().len() {
            return Err(PlanFault::OtherPool);
        }
        if !named.insert(vm) {
            return Err(PlanFault::Twice(vm));
        }
        if !waits(pool, plan, vm) {
            return Err(PlanFault::NotToRestart(vm));
        }
    }
    let protected = |vm: &VmIndex| pool.vm(*vm).restart_priority == RestartPriority::Restart;
    match pool.vm_indices().filter(protected).find(|&vm| waits(pool, plan, vm) && !named.contains(&vm)) {
        Some(vm) => Err(PlanFault::Forgotten(vm)),
        None => Ok(()),
    }
}

fn to_be_restarted(pool: &Pool, plan: &RestartPlan, restart: &Restart) -> Result<(), PlanFault> {
    let (vm, host) = (restart.vm, restart.to);
    let state = pool.vm(vm);
    if restart.from != pool.runs_on(vm)
        || restart.order != state.order
        || restart.priority != state.restart_priority
    {
        return Err(PlanFault::Misdescribed(vm));
    }
    if host.get() >= pool.hosts().len() {
        return Err(PlanFault::OtherPool);
    }
    if plan.failed.contains(host) || !pool.eligible_hosts(state.profile).contains(host) {
        return Err(PlanFault::NotEligible { vm, host });
    }
    Ok(())
}

/// Protected VMs come before those of best effort; among each, a lower order before a higher.
fn in_order(plan: &RestartPlan) -> Result<(), PlanFault> {
    let turn = |restart: &Restart| (restart.priority != RestartPriority::Restart, restart.order);
    match plan.restarts.windows(2).find(|pair| turn(&pair[0]) > turn(&pair[1])) {
        Some(pair) => Err(PlanFault::OutOfOrder(pair[1].vm)),
        None => Ok(()),
    }
}

/// What a VM does not ask for is never short; a failed host gives nothing back to others.
fn room(pool: &Pool, plan: &RestartPlan) -> Result<(), PlanFault> {
    let width = pool.resources().len();
    let mut free = pool.free();
    for restart in &plan.restarts {
        for (resource, &amount) in pool.demand_of(restart.vm).iter().enumerate() {
            let left = &mut free[restart.to.get() * width + resource];
            *left -= amount as i64;
            if amount > 0 && *left < 0 {
                return Err(PlanFault::NoRoom { host: restart.to, resource: ResourceIndex::new(resource) });
            }
        }
    }
    Ok(())
}

fn rules(pool: &Pool, plan: &RestartPlan) -> Result<(), PlanFault> {
    let placed: BTreeMap<VmIndex, &Restart> =
        plan.restarts.iter().map(|restart| (restart.vm, restart)).collect();
    for (index, group) in pool.groups().iter().enumerate() {
        if group.mode != RuleMode::Required {
            continue;
        }
        let broken_by = match group.rule {
            Rule::Affinity => torn(pool, plan, &placed, &group.vms),
            Rule::AntiAffinity => crowded(pool, plan, &placed, &group.vms, |host| u32::from(host.0)),
            Rule::Spread => {
                crowded(pool, plan, &placed, &group.vms, |host| u32::from(pool.host(host).fault_domain.0))
            }
        };
        if let Some(vm) = broken_by {
            return Err(PlanFault::Rule { vm, group: GroupIndex::new(index) });
        }
    }
    Ok(())
}

/// A member that is restarted into a domain with a member that did not share its domain before.
fn crowded(
    pool: &Pool,
    plan: &RestartPlan,
    placed: &BTreeMap<VmIndex, &Restart>,
    members: &[VmIndex],
    domain: impl Fn(HostIndex) -> u32,
) -> Option<VmIndex> {
    let mut there: BTreeMap<u32, Vec<(VmIndex, Option<u32>)>> = BTreeMap::new();
    for &vm in members {
        let home = pool.runs_on(vm);
        let alive = home.filter(|&home| !plan.failed.contains(home));
        let end = pool.migration_end(vm).filter(|&end| !plan.failed.contains(end));
        let now = placed.get(&vm).map(|restart| restart.to).or(alive);
        for host in now.into_iter().chain(end) {
            there.entry(domain(host)).or_default().push((vm, home.map(&domain)));
        }
    }
    members.iter().copied().find(|vm| {
        let Some(restart) = placed.get(vm) else { return false };
        let colour = pool.runs_on(*vm).map(&domain);
        there[&domain(restart.to)]
            .iter()
            .any(|(other, other_colour)| other != vm && (colour.is_none() || colour != *other_colour))
    })
}

/// A member that is restarted apart from those it belongs with: members from one failed host stay together;
/// pending ones are together, and with a member that runs, where one does.
fn torn(
    pool: &Pool,
    plan: &RestartPlan,
    placed: &BTreeMap<VmIndex, &Restart>,
    members: &[VmIndex],
) -> Option<VmIndex> {
    let mut with: BTreeMap<Option<HostIndex>, HostIndex> = BTreeMap::new();
    let mut running: BTreeSet<HostIndex> = BTreeSet::new();
    for &vm in members {
        let home = pool.runs_on(vm);
        match (placed.get(&vm), home) {
            (Some(restart), _) => {
                if *with.entry(home).or_insert(restart.to) != restart.to {
                    return Some(vm);
                }
                running.extend(home.map(|_| restart.to));
            }
            (None, Some(home)) if !plan.failed.contains(home) => {
                running.insert(home);
            }
            (None, _) => {}
        }
    }
    // Placed before the failure with a member whose host failed too, it is apart from the others since then.
    if members.iter().any(|&vm| pool.runs_on(vm).is_some_and(|home| plan.failed.contains(home))) {
        return None;
    }
    let pending_at = with.get(&None).copied()?;
    let pending = members.iter().copied().find(|vm| placed.contains_key(vm) && pool.runs_on(*vm).is_none());
    if running.is_empty() || running.contains(&pending_at) { None } else { pending }
}
