//! Restart plans. One function makes the plan that is shown and the plan that is executed.
//!
//! Pending VMs go where the assessment placed them. If everything fits, the plan is the proven policy's: the failed
//! hosts are replayed one by one, since the policy was proven to survive every order; if the policy was not proven
//! for that many failures and gets stuck, a packing is searched for. If not everything fits, the best partial plan
//! is made. Best-effort VMs come after every placeable protected VM, and only where they do not cost the pool its
//! target.
use crate::Limits;
use crate::assessment::{Assessment, assess};
use crate::bound::any_fit;
use crate::bound::held::Held;
use crate::follow;
use crate::partial;
use crate::plain::Plain;
use crate::problem::{Position, Problem, Rank};
use crate::search::packing::{Effort, Packed, fail_all, pack_items};
use crate::search::work::Meter;
use crate::state::{State, fits};
use lifeboat_model::certificate::{Proof, Proven, Tree};
use lifeboat_model::plan::{Restart, RestartPlan, Unplaced};
use lifeboat_model::pool::DemandIndex;
use lifeboat_model::spec::{Guarantee, RestartPriority};
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{HostIndex, HostSet, Pool, ProfileIndex, VmIndex};
use std::collections::BTreeSet;

/// The restart plan for a failure set (with the pending VMs): the proven policy's where everything fits, else
/// the best partial one.
pub fn restart_plan(
    pool: &Pool,
    failed: &HostSet,
    assessment: &Assessment,
    limits: &Limits<'_>,
) -> RestartPlan {
    let mut meter = Meter::new(limits, 0);
    // Hosts that are down already fail no more.
    let mut failing = failed.clone();
    failing.intersect_with(&pool.failable_hosts());
    let state = pool.placed(&surviving(&assessment.pending_placement, &failing));
    let mut plan = protected_plan(pool, &state, &failing, assessment, &mut meter);
    plan.failed.clone_from(failed);
    best_effort(pool, &failing, assessment, limits, &mut plan);
    plan.restarts
        .sort_by_key(|restart| (restart.priority != RestartPriority::Restart, restart.order, restart.vm));
    plan.unplaced.sort_by_key(|unplaced| unplaced.vm);
    plan
}

/// The pool after a plan is carried out: failed hosts dead, restarted VMs where they were put.
pub fn state_after(pool: &Pool, plan: &RestartPlan) -> Pool {
    let placed: Vec<(VmIndex, HostIndex)> =
        plan.restarts.iter().map(|restart| (restart.vm, restart.to)).collect();
    pool.failed(&plan.failed).placed(&placed)
}

/// Pending placements whose host does not fail at the same time.
fn surviving(placement: &[(VmIndex, HostIndex)], failing: &HostSet) -> Vec<(VmIndex, HostIndex)> {
    placement.iter().copied().filter(|&(_, host)| !failing.contains(host)).collect()
}

/// Restarts of the protected VMs: those that are pending and those of the failed hosts.
fn protected_plan(
    pool: &Pool,
    state: &Pool,
    failing: &HostSet,
    assessment: &Assessment,
    meter: &mut Meter<'_>,
) -> RestartPlan {
    // A pending VM whose place fails with these hosts is an item of that host: it is placed again.
    let all_placed = pool.placed(&assessment.pending_placement);
    let pool_of =
        if surviving(&assessment.pending_placement, failing).len() == assessment.pending_placement.len() {
            state
        } else {
            &all_placed
        };
    let problem = Problem::new(pool_of);
    let positions: Vec<Position> = failing.iter().filter_map(|host| problem.position_of(host)).collect();
    let root = State::initial(&problem);
    let (start, orphans) = fail_all(&problem, &root, &positions);
    let (tree, in_turn) = proven_tree(assessment);
    let replayed = follow::replay(&problem, &root, &positions, tree, in_turn);
    let mut unplaced = Vec::new();
    let mut optimal = true;
    let placed = replayed.unwrap_or_else(|| {
        if let Packed::Placed(placed) = pack_items(&problem, &start, &orphans, Effort::Thorough, meter) {
            return placed;
        }
        let partial = partial::best(&problem, &start, &orphans, meter);
        unplaced = partial::explain(&problem, &start, &partial);
        // Pending VMs keep the places that were shown; the claim is about the rest only where there are none.
        optimal = partial.optimal && surviving(&assessment.pending_placement, failing).is_empty();
        partial.placed
    });
    let mut restarts: Vec<Restart> = pending_restarts(pool, assessment, &placed, &problem, failing);
    for (rank, position) in placed {
        for vm in problem.vms_of(rank) {
            let from = pool.runs_on(vm);
            restarts.push(restart(pool, vm, from, problem.host[usize::from(position)]));
        }
    }
    for &vm in &problem.unprotectable {
        if pool_of.runs_on(vm).is_none_or(|home| failing.contains(home)) {
            unplaced.push(Unplaced {
                vm,
                reason_code: ReasonCode::NoEligibleHost,
                reason: "no host that could run it is left".to_owned(),
            });
        }
    }
    unplaced.extend(assessment.pending_unplaced.iter().cloned());
    RestartPlan { failed: failing.clone(), restarts, unplaced, optimal }
}

/// Pending VMs that the assessment placed on surviving hosts.
fn pending_restarts(
    pool: &Pool,
    assessment: &Assessment,
    placed: &[(Rank, Position)],
    problem: &Problem<'_>,
    failing: &HostSet,
) -> Vec<Restart> {
    let again: Vec<VmIndex> = placed.iter().flat_map(|&(rank, _)| problem.vms_of(rank)).collect();
    surviving(&assessment.pending_placement, failing)
        .into_iter()
        .filter(|(vm, _)| !again.contains(vm))
        .map(|(vm, host)| restart(pool, vm, None, host))
        .collect()
}

fn restart(pool: &Pool, vm: VmIndex, from: Option<HostIndex>, to: HostIndex) -> Restart {
    let state = pool.vm(vm);
    Restart { vm, from, to, order: state.order, priority: state.restart_priority }
}

/// The tree of the sequential proof, else of the simultaneous one, and whether it is the former.
fn proven_tree(assessment: &Assessment) -> (Option<&Tree>, bool) {
    let tree = |proven: &Option<Proven>| matches!(proven, Some(Proven { proof: Proof::Tree(_), .. }));
    let certificate = &assessment.certificate;
    let in_turn = tree(&certificate.sequential_proven);
    let proven = if in_turn { &certificate.sequential_proven } else { &certificate.simultaneous_proven };
    match proven {
        Some(Proven { proof: Proof::Tree(tree), .. }) => (Some(tree), in_turn),
        _ => (None, false),
    }
}

/// Restarts of the best-effort VMs of the failed hosts: in restart order, larger first, each on the roomiest host
/// that takes it and leaves the target proven.
fn best_effort(
    pool: &Pool,
    failing: &HostSet,
    assessment: &Assessment,
    limits: &Limits<'_>,
    plan: &mut RestartPlan,
) {
    let mut lost: Vec<VmIndex> = pool
        .vm_indices()
        .filter(|&vm| {
            pool.vm(vm).restart_priority == RestartPriority::BestEffort
                && pool.runs_on(vm).is_some_and(|home| failing.contains(home))
        })
        .collect();
    if lost.is_empty() {
        return;
    }
    lost.sort_by_key(|&vm| (pool.vm(vm).order, core::cmp::Reverse(pool.demand_of(vm)[0]), vm));
    let mut after = state_after(pool, plan);
    let needed = keep(&after, pool, failing, assessment);
    // What one VM found no place for, another of the same demand and profile will not either: what is free only
    // shrinks. (Rules may tell them apart.)
    let mut refused: BTreeSet<(DemandIndex, ProfileIndex)> = BTreeSet::new();
    let mut judged = 0;
    for vm in lost {
        let kind = (pool.vm(vm).demand, pool.vm(vm).profile);
        let tried =
            refused.contains(&kind) || judged >= MOST_JUDGED || limits.stop.is_some_and(|stop| stop());
        let found = if tried { None } else { place_best_effort(pool, &after, vm, needed, &mut judged) };
        if found.is_none() && !pool.groups().iter().any(|group| group.vms.contains(&vm)) {
            refused.insert(kind);
        }
        match found {
            Some((next, to)) => {
                after = next;
                plan.restarts.push(restart(pool, vm, pool.runs_on(vm), to));
            }
            None => plan.unplaced.push(Unplaced {
                vm,
                reason_code: ReasonCode::NoHostHasRoom,
                reason: "best-effort: no host has room for it that the protected VMs do not need".to_owned(),
            }),
        }
    }
}

/// The tolerance that best-effort VMs must not cost: what is left of the target, as far as it is proven.
fn keep(after: &Pool, pool: &Pool, failing: &HostSet, assessment: &Assessment) -> u32 {
    let left = assessment.effective_target.saturating_sub(failing.len() as u32);
    if left == 0 {
        return 0;
    }
    let limits = Limits { max_failures: Some(left), work: Some(BEST_EFFORT_WORK), ..Limits::default() };
    proven(&assess(after, &limits), pool.settings().guarantee)
}

fn proven(assessment: &Assessment, guarantee: Guarantee) -> u32 {
    match guarantee {
        Guarantee::Sequential => assessment.tolerance.sequential.proven,
        Guarantee::Simultaneous => assessment.tolerance.simultaneous.proven,
    }
    .unwrap_or(0)
}

/// States judged for best-effort VMs in one plan, so that protected restarts never wait long for it.
const MOST_JUDGED: usize = 600;
/// Hosts judged for one best-effort VM, the roomiest first.
const MOST_HOSTS_JUDGED: usize = 8;

/// Work to judge one best-effort restart with: what linear tests and a short search cost.
const BEST_EFFORT_WORK: u64 = 20_000;

fn place_best_effort(
    before: &Pool,
    after: &Pool,
    vm: VmIndex,
    needed: u32,
    judged: &mut usize,
) -> Option<(Pool, HostIndex)> {
    let width = after.resources().len();
    let mut free = after.free();
    // What a migration held at its other end is not counted on before its host has let it go.
    for other in before.vm_indices() {
        if let Some(end) = before.migration_end(other)
            && after.migration_end(other).is_none()
        {
            for (left, &amount) in free[end.get() * width..].iter_mut().zip(before.demand_of(other)) {
                *left -= amount as i64;
            }
        }
    }
    let demand: Vec<i64> = after.demand_of(vm).iter().map(|&amount| amount as i64).collect();
    let mut hosts: Vec<HostIndex> = after
        .eligible_hosts(after.vm(vm).profile)
        .iter()
        .filter(|host| {
            fits(&demand, &free[host.get() * width..][..width])
                && crate::rules::allows(after, vm, *host)
                && crate::rules::follows_its_mates(before, after, vm, *host)
        })
        .collect();
    hosts.sort_by_key(|host| (core::cmp::Reverse(free[host.get() * width]), *host));
    hosts.into_iter().take(MOST_HOSTS_JUDGED).find_map(|host| {
        let next = after.placed(&[(vm, host)]);
        *judged += 1;
        still_survives(&next, needed).then_some((next, host))
    })
}

fn still_survives(pool: &Pool, needed: u32) -> bool {
    if needed == 0 {
        return true;
    }
    if needed == 1
        && let Some(plain) = Plain::new(pool)
    {
        return any_fit::survivable_at_once(&plain, &Held::new(&plain), 1) >= 1;
    }
    let limits = Limits { max_failures: Some(needed), work: Some(BEST_EFFORT_WORK), ..Limits::default() };
    proven(&assess(pool, &limits), pool.settings().guarantee) >= needed
}
