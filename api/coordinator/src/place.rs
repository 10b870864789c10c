//! One VM's best host, where the planner's plan does not say: after a start that failed, for a VM that is alone in its
//! trouble, for a migration, and for the plain plan that stands in for a refused one. What is found here is judged
//! like everything else before it is carried out.
use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use lifeboat_check::{PlanFault, check_plan};
use lifeboat_model::change::Change;
use lifeboat_model::plan::{Restart, RestartPlan, Unplaced};
use lifeboat_model::spec::{RestartPriority, Rule, RuleMode};
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};

/// The roomiest host that takes the VM and that `may` allows.
pub(crate) fn best(
    pool: &Pool,
    vm: VmIndex,
    may: impl Fn(HostIndex) -> bool,
) -> Result<HostIndex, ReasonCode> {
    let eligible: Vec<HostIndex> =
        pool.eligible_hosts(pool.vm(vm).profile).iter().filter(|&host| may(host)).collect();
    if eligible.is_empty() {
        return Err(ReasonCode::NoEligibleHost);
    }
    let width = pool.resources().len();
    let free = pool.free();
    let with_room: Vec<HostIndex> =
        eligible.into_iter().filter(|host| fits(pool, vm, &free[host.get() * width..][..width])).collect();
    if with_room.is_empty() {
        return Err(ReasonCode::NoHostHasRoom);
    }
    let allowed = with_room.iter().copied().filter(|&host| forbidden(pool, vm, host).is_none());
    match allowed.max_by_key(|host| (free[host.get() * width], core::cmp::Reverse(*host))) {
        Some(host) => Ok(host),
        None => Err(forbidden(pool, vm, with_room[0]).unwrap_or(ReasonCode::NotFound)),
    }
}

fn fits(pool: &Pool, vm: VmIndex, free: &[i64]) -> bool {
    pool.demand_of(vm).iter().zip(free).all(|(&amount, &left)| amount == 0 || amount as i64 <= left)
}

/// The required rule that keeps the VM from the host, if one does.
fn forbidden(pool: &Pool, vm: VmIndex, host: HostIndex) -> Option<ReasonCode> {
    let domain = |host: HostIndex| pool.host(host).fault_domain;
    let broken = pool.groups().iter().position(|group| {
        if group.mode != RuleMode::Required || !group.vms.contains(&vm) {
            return false;
        }
        let others = group.vms.iter().filter(|&&other| other != vm);
        let at: Vec<HostIndex> =
            others.flat_map(|&other| [pool.runs_on(other), pool.migration_end(other)]).flatten().collect();
        match group.rule {
            Rule::AntiAffinity => at.contains(&host),
            Rule::Spread => at.iter().any(|&other| domain(other) == domain(host)),
            Rule::Affinity => !at.is_empty() && !at.contains(&host),
        }
    })?;
    Some(ReasonCode::Rule(lifeboat_model::GroupIndex::new(broken)))
}

/// A plain plan: one VM after the other in the order of their turns, the larger first, each on the roomiest host.
pub(crate) fn plain_plan(pool: &Pool, failed: &HostSet) -> RestartPlan {
    let mut vms: Vec<VmIndex> = pool
        .vm_indices()
        .filter(|&vm| match pool.runs_on(vm) {
            Some(home) => {
                failed.contains(home) && pool.vm(vm).restart_priority != RestartPriority::Unprotected
            }
            None => pool.is_pending(vm),
        })
        .collect();
    let turn = |vm: VmIndex| (pool.vm(vm).restart_priority != RestartPriority::Restart, pool.vm(vm).order);
    vms.sort_by_key(|&vm| (turn(vm), core::cmp::Reverse(pool.demand_of(vm)[0]), vm));
    let mut plan =
        RestartPlan { failed: failed.clone(), restarts: Vec::new(), unplaced: Vec::new(), optimal: false };
    let mut after = pool.failed(failed);
    for vm in vms {
        match best(&after, vm, |_| true) {
            Ok(to) => {
                after = after.placed(&[(vm, to)]);
                let state = pool.vm(vm);
                let (order, priority) = (state.order, state.restart_priority);
                plan.restarts.push(Restart { vm, from: pool.runs_on(vm), to, order, priority });
            }
            Err(reason_code) => plan.unplaced.push(left_out(vm, reason_code)),
        }
    }
    plan
}

/// Judges one VM's start in a pool where everything else is placed: as though it alone were protected and pending.
pub(crate) fn judge(pool: &Pool, vm: VmIndex, to: HostIndex) -> Result<(), PlanFault> {
    let wanted = Change::Start { vm, host: None };
    let protected = Change::Protect { vm, priority: RestartPriority::Restart };
    let pool = pool.with_all(&[wanted, protected]).map_err(|_| PlanFault::OtherPool)?;
    let others = pool.vm_indices().filter(|&other| other != vm && pool.is_pending(other));
    let unplaced = others.map(|other| left_out(other, ReasonCode::NotFound)).collect();
    let (order, priority) = (pool.vm(vm).order, RestartPriority::Restart);
    let restarts = alloc::vec![Restart { vm, from: None, to, order, priority }];
    check_plan(
        &pool,
        &RestartPlan { failed: HostSet::empty(pool.hosts().len()), restarts, unplaced, optimal: false },
    )
}

fn left_out(vm: VmIndex, reason_code: ReasonCode) -> Unplaced {
    Unplaced { vm, reason_code, reason: words(reason_code).to_owned() }
}

/// A reason in words.
pub(crate) fn words(reason: ReasonCode) -> &'static str {
    match reason {
        ReasonCode::NoEligibleHost => "no host that could run it takes VMs now",
        ReasonCode::NoHostHasRoom => "no host that could run it has room for it",
        ReasonCode::NotTogether => "together with the others it does not fit",
        ReasonCode::Rule(_) => "a required rule leaves no place for it",
        ReasonCode::Liveness => "the survivors may not go on",
        ReasonCode::NoSurvivor => "no host is left",
        ReasonCode::NotFound => "no place was found for it",
    }
}
