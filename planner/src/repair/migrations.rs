//! The fewest live migrations that restore the target, in an order in which they can be carried out: at each
//! step the VM's new host has room while it counts at both ends, can run it, and breaks no required rule.
//! Among orders, the one whose worst moment is best.
use super::search::{Solution, fewest_steps};
use super::{Case, Certainty, Kind, Remedy, Step, representatives, worse};
use crate::admission::{Objective, Standing, impediments, newly_broken_rules};
use crate::judge::Judge;
use lifeboat_model::change::Change;
use lifeboat_model::{Pool, VmIndex};
use std::collections::BTreeMap;

/// Migrations that are looked for together; more are better found by hand, or by another kind of remedy.
const MOST: usize = 5;

pub(super) fn fewest(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let found = fewest_steps(case, judge, MOST, &moves);
    let moved_mib = |solution: &Solution| -> u64 {
        solution.steps.iter().filter_map(moved).map(|vm| case.pool.demand_of(vm)[0]).sum()
    };
    let Some(solution) = found.solutions.into_iter().min_by_key(moved_mib) else { return Vec::new() };
    let certainty = if found.fewest { Certainty::Proven } else { Certainty::Found };
    let order = best_order(case, judge, &solution.steps).unwrap_or_else(|| solution.steps.clone());
    let mut remedy = case.remedy(Kind::Migrate, Vec::new(), certainty, &solution.pool, &solution.assessment);
    let mut pool = case.pool.clone();
    for change in order {
        let Some(vm) = moved(&change) else { continue };
        let Ok(after) = pool.with(&change) else { break };
        let under_way = begun(&change).and_then(|begin| pool.with(&begin).ok());
        remedy.steps.push(Step {
            under_way: under_way.map(|pool| Standing::of(&pool, &judge.assess(&pool, case.aim))),
            after: Some(Standing::of(&after, &judge.assess(&after, case.aim))),
            change,
        });
        debug_assert!(after.runs_on(vm).is_some(), "a migrated VM runs");
        pool = after;
    }
    vec![remedy]
}

/// Every migration that can be made in this state; of VMs that are alike, one.
fn moves(pool: &Pool) -> Vec<Change> {
    let width = pool.resources().len();
    let free = pool.free();
    let mut eligible = BTreeMap::new();
    let mut moves = Vec::new();
    for vm in representatives(pool) {
        let state = pool.vm(vm);
        let Some(home) = pool.runs_on(vm).filter(|_| state.migrating_to.is_none()) else { continue };
        let hosts = eligible.entry(state.profile).or_insert_with(|| pool.eligible_hosts(state.profile));
        let demand = pool.demand_of(vm);
        for to in hosts.iter().filter(|&to| to != home) {
            let room = &free[to.get() * width..][..width];
            if demand.iter().zip(room).all(|(&asked, &free)| asked == 0 || asked as i64 <= free) {
                moves.push(Change::EndMigration { vm, to });
            }
        }
    }
    moves
}

fn moved(change: &Change) -> Option<VmIndex> {
    match change {
        Change::EndMigration { vm, .. } => Some(*vm),
        _ => None,
    }
}

fn begun(change: &Change) -> Option<Change> {
    match change {
        Change::EndMigration { vm, to } => Some(Change::BeginMigration { vm: *vm, to: *to }),
        _ => None,
    }
}

/// The feasible order whose worst state in between is best, over all orders; none where a VM moves twice, or
/// the ration does not reach.
fn best_order(case: &Case<'_>, judge: &Judge<'_>, steps: &[Change]) -> Option<Vec<Change>> {
    let count = steps.len();
    let mut vms: Vec<VmIndex> = steps.iter().filter_map(moved).collect();
    vms.sort_unstable();
    vms.dedup();
    if vms.len() < count || count < 2 || judge.left() < 1 << count {
        return None;
    }
    // By set of steps made so far: the pool, the worst objective on the best way there, and the last step.
    let mut ways: Vec<Option<(Pool, Objective, usize)>> = vec![None; 1 << count];
    ways[0] = Some((case.pool.clone(), Objective::default(), usize::MAX));
    for made in 1..1usize << count {
        let mut best: Option<(Pool, Objective, usize)> = None;
        for last in (0..count).filter(|last| made >> last & 1 == 1) {
            let Some((pool, way, _)) = &ways[made & !(1 << last)] else { continue };
            let Ok(after) = pool.with(&steps[last]) else { continue };
            let can_be = impediments(pool, &after, &steps[last]).is_empty();
            if !can_be || !newly_broken_rules(pool, &after).is_empty() {
                continue;
            }
            if best.as_ref().is_none_or(|(_, known, _)| way < known) {
                best = Some((after, way.clone(), last));
            }
        }
        ways[made] = best.map(|(pool, way, last)| {
            let here = Objective::of(&pool, &judge.assess(&pool, case.aim));
            (pool, worse(way, here), last)
        });
    }
    let mut order = Vec::with_capacity(count);
    let mut made = (1 << count) - 1;
    while made != 0 {
        let (_, _, last) = ways[made].as_ref()?;
        order.push(steps[*last].clone());
        made &= !(1 << last);
    }
    order.reverse();
    Some(order)
}
