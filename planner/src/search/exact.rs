//! Exhaustion: items in a fixed order, each on every host that can take it. Finds a packing or, within a node
//! limit, that there is none; the certificate is the order and the count (`Refutation::Exhaustion`).
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use lifeboat_model::certificate::Refutation;

/// What the search found.
pub(crate) enum Searched {
    /// A packing.
    Placed(Vec<(Rank, Position)>),
    /// There is none.
    None(Refutation),
    /// The limit came first.
    Open,
}

/// Placements to try for one set.
pub(crate) const NODES: u64 = 20_000;

/// Items up to which a set is searched: the search recurses once an item, and would not end for more anyway.
const MOST_ITEMS: usize = 2_000;

/// Searches all packings of `items` into `state`, at most `most` placements.
pub(crate) fn search(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    most: u64,
    meter: &mut Meter<'_>,
) -> Searched {
    if items.len() > MOST_ITEMS {
        return Searched::Open;
    }
    let mut order = items.to_vec();
    order.sort_by_cached_key(|&rank| {
        let takers = state.takers(problem, rank).count();
        (takers > 1, core::cmp::Reverse(problem.items[rank as usize].key), takers, rank)
    });
    let separated = separated_from(problem, &order);
    let classes = classes_from(problem, &order);
    let mut search =
        Search { problem, order: &order, separated, classes, state: state.clone(), nodes: 0, most };
    let moved_before = state.placed.len();
    let found = search.place(0, meter);
    match found {
        Some(true) => Searched::Placed(search.state.placed.split_off(moved_before)),
        Some(false) => Searched::None(Refutation::Exhaustion {
            items: order.iter().map(|&rank| problem.items[rank as usize].vm).collect(),
            nodes: search.nodes,
        }),
        None => Searched::Open,
    }
}

struct Search<'s, 'p> {
    problem: &'s Problem<'p>,
    order: &'s [Rank],
    /// By place in the order: whether an item from there on is separated from others.
    separated: Vec<bool>,
    /// By place in the order: the classes of the items from there on.
    classes: Vec<Vec<u32>>,
    state: State,
    nodes: u64,
    most: u64,
}

impl Search<'_, '_> {
    /// `Some(true)`: all placed; `Some(false)`: impossible; `None`: the limit came first.
    fn place(&mut self, next: usize, meter: &mut Meter<'_>) -> Option<bool> {
        let Some(&rank) = self.order.get(next) else { return Some(true) };
        let takers: Vec<usize> = self.state.takers(self.problem, rank).collect();
        let mut tried: Vec<usize> = Vec::with_capacity(takers.len());
        for position in takers {
            if tried.iter().any(|&other| self.same(next, other, position)) {
                continue;
            }
            tried.push(position);
            self.nodes += 1;
            if self.nodes > self.most || (self.nodes.is_multiple_of(16) && !meter.spend(2)) {
                return None;
            }
            self.state.put(self.problem, rank, position);
            match self.place(next + 1, meter) {
                Some(false) => {
                    self.state.take_back(self.problem);
                }
                decided => return decided,
            }
        }
        Some(false)
    }

    /// Whether two hosts are the same for every item that is left.
    fn same(&self, next: usize, a: usize, b: usize) -> bool {
        let width = self.problem.width;
        !self.separated[next]
            && self.state.free[a * width..][..width] == self.state.free[b * width..][..width]
            && self.classes[next]
                .iter()
                .all(|&class| self.problem.is_eligible(class, a) == self.problem.is_eligible(class, b))
    }
}

fn separated_from(problem: &Problem<'_>, order: &[Rank]) -> Vec<bool> {
    let mut separated = vec![false; order.len()];
    let mut any = false;
    for (place, &rank) in order.iter().enumerate().rev() {
        any |= !problem.members_of(rank).is_empty();
        separated[place] = any;
    }
    separated
}

fn classes_from(problem: &Problem<'_>, order: &[Rank]) -> Vec<Vec<u32>> {
    let mut classes: Vec<Vec<u32>> = vec![Vec::new(); order.len()];
    let mut seen: Vec<u32> = Vec::new();
    for (place, &rank) in order.iter().enumerate().rev() {
        let class = problem.items[rank as usize].class;
        if !seen.contains(&class) {
            seen.push(class);
        }
        classes[place].clone_from(&seen);
    }
    classes
}
