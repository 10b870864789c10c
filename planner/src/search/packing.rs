//! One failure set: find a packing, or a reason why there is none. Cheap rules first; each later step is tried
//! only where the earlier ones were stuck.
use super::completion::{self, Completed};
use super::exact;
use super::milp;
use super::pattern;
use super::refute;
use super::work::{Meter, of_placing};
use crate::problem::{Position, Problem, Rank};
use crate::state::{PositionPolicy, State};
use lifeboat_model::certificate::Refutation;

/// What became of a failure set.
#[derive(Debug)]
pub(crate) enum Packed {
    /// Every item has a host.
    Placed(Vec<(Rank, Position)>),
    /// No packing exists.
    Refuted(Refutation),
    /// Neither was found.
    Unknown,
}

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A few microseconds: rules and linear refutations.
    Quick,
    /// Milliseconds: local search, exhaustion, pattern bounds.
    Thorough,
    /// A second: the same with larger limits, and cases.
    Deep,
}

/// The state with `failed` out and nothing placed yet, and the items to place by rank.
pub(crate) fn fail_all(problem: &Problem<'_>, root: &State, failed: &[Position]) -> (State, Vec<Rank>) {
    let mut state = root.clone();
    let mut orphans = Vec::new();
    for &position in failed {
        let mut more = Vec::new();
        state.fail(problem, position, &mut more);
        orphans.extend(more);
    }
    orphans.sort_unstable();
    (state, orphans)
}

/// Packs the items of a failure set that fails at once in `root`.
pub(crate) fn pack(
    problem: &Problem<'_>,
    root: &State,
    failed: &[Position],
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Packed {
    let (state, orphans) = fail_all(problem, root, failed);
    pack_items(problem, &state, &orphans, effort, meter)
}

/// Packs items into a state.
pub(crate) fn pack_items(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Packed {
    let moved_before = state.placed.len();
    let mut trial = state.clone();
    let orders = [items.to_vec(), scarce_first(problem, state, items)];
    for order in &orders[..if orders[0] == orders[1] { 1 } else { 2 }] {
        for policy in [PositionPolicy::FirstFit, PositionPolicy::BestFit, PositionPolicy::WorstFit] {
            meter.spend(1 + of_placing(items.len(), problem.hosts()));
            trial.clone_from(state);
            if trial.place_all(problem, &policy, order).is_ok() {
                return Packed::Placed(trial.placed.split_off(moved_before));
            }
        }
    }
    if let Some(refutation) = refute::refute(problem, state, items, meter) {
        return Packed::Refuted(refutation);
    }
    let plain = problem.plain;
    if effort == Effort::Quick {
        return Packed::Unknown;
    }
    if let Some(placed) = shuffled(problem, state, items, meter) {
        return Packed::Placed(placed);
    }
    if plain {
        let times = if effort == Effort::Deep { 12 } else { 1 };
        match completion::search(problem, state, items, times, meter) {
            Completed::Placed(placed) => return Packed::Placed(placed),
            Completed::Exhausted(refutation) => return Packed::Refuted(refutation),
            Completed::Open => {}
        }
    }
    if plain && let Some(refutation) = pattern::refute(problem, state, items, meter) {
        return Packed::Refuted(refutation);
    }
    if !plain
        && effort == Effort::Deep
        && let Some(placed) = milp::propose(problem, state, items, meter)
    {
        return Packed::Placed(placed);
    }
    match exact::search(
        problem,
        state,
        items,
        if effort == Effort::Deep { 50 * exact::NODES } else { exact::NODES },
        meter,
    ) {
        exact::Searched::Placed(placed) => Packed::Placed(placed),
        exact::Searched::None(refutation) => Packed::Refuted(refutation),
        exact::Searched::Open => Packed::Unknown,
    }
}

/// Items with the fewest takers first, then by rank.
fn scarce_first(problem: &Problem<'_>, state: &State, items: &[Rank]) -> Vec<Rank> {
    let mut order = items.to_vec();
    if problem.classes > 1 || !problem.separations.is_empty() {
        order.sort_by_cached_key(|&rank| {
            let separated = problem.members_of(rank).is_empty();
            let eligible = problem.eligible_of(problem.items[rank as usize].class);
            let alive: u32 = eligible.iter().zip(&state.alive).map(|(a, b)| (a & b).count_ones()).sum();
            (alive, separated, rank)
        });
    }
    order
}

/// Rules again with keys disturbed by a fixed pseudo-random sequence.
fn shuffled(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    meter: &mut Meter<'_>,
) -> Option<Vec<(Rank, Position)>> {
    let mut random = Sequence(0x9e37_79b9_7f4a_7c15);
    let mut trial = state.clone();
    let mut order = items.to_vec();
    // What was stuck goes first the next time: items that are hard to place move up.
    let mut weight: Vec<i64> = items.iter().map(|&rank| problem.items[rank as usize].key.max(1)).collect();
    for round in 0..ROUNDS {
        if !meter.spend(1 + of_placing(items.len(), problem.hosts())) {
            return None;
        }
        let policy = if round % 2 == 0 { PositionPolicy::BestFit } else { PositionPolicy::FirstFit };
        trial.clone_from(state);
        let moved_before = trial.placed.len();
        match trial.place_all(problem, &policy, &order) {
            Ok(()) => return Some(trial.placed.split_off(moved_before)),
            Err(stuck) => {
                if let Ok(index) = items.binary_search(&stuck) {
                    weight[index] += weight[index] / 4 + 1;
                }
            }
        }
        let mut keyed: Vec<(core::cmp::Reverse<i64>, Rank)> = items
            .iter()
            .zip(&weight)
            .map(|(&rank, &weight)| {
                let share = 90 + (random.next() % 21) as i64;
                (core::cmp::Reverse(weight / 100 * share + weight % 100), rank)
            })
            .collect();
        keyed.sort_unstable();
        order.clear();
        order.extend(keyed.into_iter().map(|(_, rank)| rank));
    }
    None
}

/// Disturbed orders to try.
const ROUNDS: usize = 24;

/// A fixed pseudo-random sequence (xorshift64*): the planner has no randomness of its own.
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
