//! When not everything fits: the most of restart order 0, then of order 1, and so on. The objective is
//! lexicographic, never a weighted sum. Optimal where a bound says so, and said to be where it is.
use crate::problem::{Position, Problem, Rank};
use crate::search::packing::{Effort, Packed, pack_items};
use crate::search::work::Meter;
use crate::state::State;
use lifeboat_model::Pool;
use lifeboat_model::plan::Unplaced;
use lifeboat_model::verdict::ReasonCode;
use std::collections::BTreeMap;

/// A best partial packing.
pub(crate) struct Partial {
    /// What is placed, and where.
    pub(crate) placed: Vec<(Rank, Position)>,
    /// What is not, ascending by rank.
    pub(crate) left: Vec<Rank>,
    /// Whether it is proven that no packing places more.
    pub(crate) optimal: bool,
}

/// Up to this many items subsets are tried one by one.
const MOST_EXHAUSTED: usize = 12;

/// Beyond so many items each try is one by rules alone.
const MOST_THOROUGH: usize = 200;

/// The best partial packing found. Few items: every subset, the best first, so the first that fits is the best.
/// Many: order by order, the most VMs of it that still fit with what is chosen so far.
pub(crate) fn best(problem: &Problem<'_>, state: &State, items: &[Rank], meter: &mut Meter<'_>) -> Partial {
    if items.len() <= MOST_EXHAUSTED
        && let Some(partial) = exhaust(problem, state, items, meter)
    {
        return partial;
    }
    let mut by_order: BTreeMap<u32, Vec<Rank>> = BTreeMap::new();
    for &rank in items {
        by_order.entry(problem.items[rank as usize].order).or_default().push(rank);
    }
    let mut chosen: Vec<Rank> = Vec::new();
    let mut packing: Vec<(Rank, Position)> = Vec::new();
    let mut left: Vec<Rank> = Vec::new();
    let mut optimal = true;
    for (order, candidates) in by_order {
        let choice = choose(problem, state, order, &chosen, &packing, &candidates, meter);
        // Where an earlier order is incomplete, another choice of it might leave more room for this one.
        optimal &= choice.optimal && (left.is_empty() || choice.taken.len() == candidates.len());
        left.extend(candidates.iter().copied().filter(|rank| !choice.taken.contains(rank)));
        chosen.extend(choice.taken);
        packing = choice.packing;
    }
    left.sort_unstable();
    Partial { placed: packing, left, optimal }
}

/// Every subset of a few items, from the lexicographically best down; `None` where one stayed undecided.
fn exhaust(problem: &Problem<'_>, state: &State, items: &[Rank], meter: &mut Meter<'_>) -> Option<Partial> {
    let mut orders: Vec<u32> =
        items.iter().flat_map(|&rank| problem.vms_of(rank)).map(|vm| problem.pool.vm(vm).order).collect();
    orders.sort_unstable();
    orders.dedup();
    let counts = |mask: u32| -> Vec<usize> {
        let mut counts = vec![0; orders.len()];
        for vm in members(items, mask).into_iter().flat_map(|rank| problem.vms_of(rank)) {
            if let Ok(index) = orders.binary_search(&problem.pool.vm(vm).order) {
                counts[index] += 1;
            }
        }
        counts
    };
    let mut subsets: Vec<(Vec<usize>, u32)> =
        (0..1u32 << items.len()).map(|mask| (counts(mask), mask)).collect();
    subsets.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, mask) in subsets {
        match pack_items(problem, state, &members(items, mask), Effort::Thorough, meter) {
            Packed::Placed(placed) => {
                let left = members(items, !mask & ((1u32 << items.len()) - 1));
                return Some(Partial { placed, left, optimal: true });
            }
            Packed::Refuted(_) => {}
            Packed::Unknown => return None,
        }
        if meter.stopped().is_some() {
            return None;
        }
    }
    None
}

struct Choice {
    taken: Vec<Rank>,
    packing: Vec<(Rank, Position)>,
    optimal: bool,
}

/// The most of `candidates` (all of one order) that fit together with `chosen`.
fn choose(
    problem: &Problem<'_>,
    state: &State,
    order: u32,
    chosen: &[Rank],
    packing: &[(Rank, Position)],
    candidates: &[Rank],
    meter: &mut Meter<'_>,
) -> Choice {
    let of_order =
        |rank: Rank| problem.vms_of(rank).into_iter().filter(|&vm| problem.pool.vm(vm).order == order);
    let weight = |taken: &[Rank]| -> usize { taken.iter().map(|&rank| of_order(rank).count()).sum() };
    // What affinity binds across orders also decides about later ones.
    let mixed = candidates.iter().any(|&rank| of_order(rank).count() < problem.vms_of(rank).len());
    let attempt = |taken: &[Rank], meter: &mut Meter<'_>| {
        let mut all: Vec<Rank> = chosen.iter().chain(taken).copied().collect();
        all.sort_unstable();
        let effort = if all.len() > MOST_THOROUGH { Effort::Quick } else { Effort::Thorough };
        pack_items(problem, state, &all, effort, meter)
    };
    if let Packed::Placed(packing) = attempt(candidates, meter) {
        return Choice { taken: candidates.to_vec(), packing, optimal: true };
    }
    // Greedy: the smallest first, since each counts alike; each is kept if all still fit.
    let mut taken: Vec<Rank> = Vec::new();
    let mut best = packing.to_vec();
    for &rank in candidates.iter().rev() {
        if meter.stopped().is_some() {
            break;
        }
        taken.push(rank);
        match attempt(&taken, meter) {
            Packed::Placed(placed) => best = placed,
            _ => {
                taken.pop();
            }
        }
    }
    let mut optimal = false;
    if candidates.len() <= MOST_EXHAUSTED {
        // Subsets of more VMs than the greedy choice, the largest first; the first that fits is the most.
        optimal = true;
        let mut subsets: Vec<(usize, u32)> = (0..1u32 << candidates.len())
            .map(|mask| (weight(&members(candidates, mask)), mask))
            .filter(|&(weight_of, _)| weight_of > weight(&taken))
            .collect();
        subsets.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, mask) in subsets {
            let subset = members(candidates, mask);
            match attempt(&subset, meter) {
                Packed::Placed(placed) => {
                    best = placed;
                    taken = subset;
                    break;
                }
                Packed::Refuted(_) => {}
                Packed::Unknown => optimal = false,
            }
            if meter.stopped().is_some() {
                optimal = false;
                break;
            }
        }
    }
    Choice { taken, packing: best, optimal: optimal && !mixed }
}

fn members(candidates: &[Rank], mask: u32) -> Vec<Rank> {
    (0..candidates.len()).filter(|&i| mask >> i & 1 == 1).map(|i| candidates[i]).collect()
}

/// Why each item that is left has no place, by VM.
pub(crate) fn explain(problem: &Problem<'_>, state: &State, partial: &Partial) -> Vec<Unplaced> {
    let mut unplaced: Vec<Unplaced> = partial
        .left
        .iter()
        .flat_map(|&rank| {
            let (reason_code, reason) = why(problem, state, rank);
            problem.vms_of(rank).into_iter().map(move |vm| Unplaced {
                vm,
                reason_code,
                reason: reason.clone(),
            })
        })
        .collect();
    unplaced.sort_by_key(|entry| entry.vm);
    unplaced
}

/// Why one item cannot be placed in a state where nothing is placed yet.
pub(crate) fn why(problem: &Problem<'_>, state: &State, rank: Rank) -> (ReasonCode, String) {
    let item = &problem.items[rank as usize];
    let alive = (0..problem.targets).filter(|&p| state.is_alive(p as Position));
    let eligible: Vec<usize> = alive.filter(|&p| problem.is_eligible(item.class, p)).collect();
    if eligible.is_empty() {
        return (ReasonCode::NoEligibleHost, "no surviving host is in its eligible set".to_owned());
    }
    let roomy: Vec<usize> = eligible
        .iter()
        .copied()
        .filter(|&p| {
            crate::state::fits(problem.demand_of(rank), &state.free[p * problem.width..][..problem.width])
        })
        .collect();
    if roomy.is_empty() {
        let (resource, most) = shortest(problem, state, rank, &eligible);
        let name = resource_name(problem.pool, resource);
        let needs = problem.demand_of(rank)[resource];
        return (
            ReasonCode::NoHostHasRoom,
            format!("it needs {needs} {name}; the most that is free on an eligible host is {most}"),
        );
    }
    if let Some(member) = problem.members_of(rank).first()
        && !roomy.iter().any(|&p| state.separable(problem, rank, p))
    {
        let group = problem.separations[member.separation as usize].group;
        let id = &problem.pool.groups()[group.get()].id;
        return (ReasonCode::Rule(group), format!("required rule {id} leaves no host"));
    }
    (ReasonCode::NotTogether, "it fits alone, but not together with what is restarted before it".to_owned())
}

/// The resource that keeps an item off most eligible hosts, and the most of it that is free on one.
fn shortest(problem: &Problem<'_>, state: &State, rank: Rank, eligible: &[usize]) -> (usize, i64) {
    let width = problem.width;
    let demand = problem.demand_of(rank);
    let resource = (0..width)
        .max_by_key(|&d| {
            let short = eligible.iter().filter(|&&p| demand[d] > 0 && state.free[p * width + d] < demand[d]);
            (short.count(), core::cmp::Reverse(d))
        })
        .unwrap_or(0);
    let most = eligible.iter().map(|&p| state.free[p * width + resource]).max().unwrap_or(0);
    (resource, most)
}

/// A resource as reasons name it.
pub(crate) fn resource_name(pool: &Pool, resource: usize) -> &str {
    if resource == 0 { "MiB of memory" } else { &pool.resources()[resource] }
}
