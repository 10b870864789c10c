//! First fit in a fixed order, ascending by free memory, on a plain pool (PERF, Theorem B). Small VMs fill small
//! hosts first, so a large one is stuck only if the small hosts are full; two linear conditions say when that is
//! impossible in any order, grouping and timing of n failures.
//!
//! For every size x there must be y ≤ x such that for all S of n hosts with a VM of size x
//! (a) Σ_{R, f ≥ x} (f − x + 1) > v_S(y) − x and
//! (b) Σ_{R, f ≥ x} (f − x + 1) + Σ_{R, f < x} (f − y + 2)⁺ > D_S − x.
//! *Proof.* Stuck on x, every alive host with f ≥ x holds at least f − x + 1. If nothing smaller than y sits on
//! such hosts, what they hold counts in v_S(y) − x, against (a). Else some s < y sits on a host with f ≥ x; when it
//! was placed, every host before it in the order (all with f < x among them) that was alive had less than s ≤ y − 1
//! left, so holds at least f − y + 2, and alive hosts never lose VMs: all of it counts in D_S − x, against (b). ∎
//! A larger y makes (a) easier and (b) harder, so the least y with (a) is the one to try.
use super::stuck::Stuck;
use super::top::top_sum_with_holder;
use crate::plain::Plain;
use crate::problem::{Position, Problem};
use crate::state::State;

/// The largest n ≤ `most` for which the two conditions hold for every level.
pub(crate) fn survivable_in_turn(plain: &Plain, most: usize) -> usize {
    let mut best = most;
    let mut test = Test { plain, weights: vec![0; plain.wide()], scratch: Vec::new() };
    for x in (0..plain.levels.len()).rev() {
        while best > 0 && !test.level_holds(x, best) {
            best -= 1;
        }
    }
    best
}

struct Test<'p> {
    plain: &'p Plain,
    weights: Vec<i64>,
    scratch: Vec<i64>,
}

impl Test<'_> {
    fn level_holds(&mut self, x: usize, n: usize) -> bool {
        let (mut low, mut high) = (0, x + 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.large_hosts(x, middle, n) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low <= x && (low == 0 || self.small_hosts(x, low, n))
    }

    /// Condition (a).
    fn large_hosts(&mut self, x: usize, y: usize, n: usize) -> bool {
        let size = self.plain.levels[x].hi;
        let mut total = 0;
        for ((weight, &room), &load) in
            self.weights.iter_mut().zip(&self.plain.room).zip(self.plain.load_of(y))
        {
            let held = (room - size + 1).max(0);
            total += held;
            *weight = held + load;
        }
        self.passes(x, n, total)
    }

    /// Condition (b). A host whose room lies within the level counts nothing: for some sizes of the level it is
    /// large, for others small.
    fn small_hosts(&mut self, x: usize, y: usize, n: usize) -> bool {
        let (level, least) = (self.plain.levels[x], self.plain.levels[y].lo);
        let mut total = 0;
        for (column, weight) in self.weights.iter_mut().enumerate() {
            let room = self.plain.room[column];
            let held = if room >= level.hi {
                room - level.hi + 1
            } else if room < level.lo && self.plain.target[column] {
                (room - least + 2).max(0)
            } else {
                0
            };
            total += held;
            *weight = held + self.plain.load_of(0)[column];
        }
        self.passes(x, n, total)
    }

    fn passes(&mut self, x: usize, n: usize, total: i64) -> bool {
        let holders = self.plain.count_of(x);
        let bound = total + self.plain.levels[x].lo - 1;
        top_sum_with_holder(&self.weights, |column| holders[column] > 0, n, &mut self.scratch)
            .is_none_or(|sum| sum <= bound)
    }
}

/// Whether the two conditions hold for at most `k` further failures among `candidates` in this state of a plain
/// problem, for first fit in order of position. Positions ascend by room before any failure; where placements have
/// upset that, only hosts that come before every large one count as small (the certificate's r ≺ x).
pub(crate) fn holds(
    problem: &Problem<'_>,
    state: &State,
    stuck: &Stuck,
    candidates: &[Position],
    k: usize,
    buffers: &mut InState,
) -> bool {
    buffers.fill(problem, state, stuck, candidates);
    let deep = stuck.buckets.len();
    (0..deep).rev().all(|x| {
        if buffers.range[x].1 == 0 {
            return true;
        }
        let (mut low, mut high) = (0, x + 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if buffers.passes(x, middle, None, k) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let least = (0..=x).find(|&bucket| buffers.range[bucket].1 > 0);
        low <= x && (Some(low) <= least || buffers.passes(x, 0, Some(low), k))
    })
}

/// Tables of one state: rooms of alive targets, sizes and loads of candidates by bucket.
#[derive(Default)]
pub(crate) struct InState {
    room: Vec<i64>,
    /// Place of each candidate among positions that are alive targets.
    place: Vec<Option<usize>>,
    /// Least and largest memory by bucket; 0 where the bucket has no item.
    range: Vec<(i64, i64)>,
    /// Memory of a bucket and above by bucket and candidate.
    load: Vec<i64>,
    holds: Vec<bool>,
    weights: Vec<i64>,
    given: Vec<i64>,
    scratch: Vec<i64>,
}

impl InState {
    fn fill(&mut self, problem: &Problem<'_>, state: &State, stuck: &Stuck, candidates: &[Position]) {
        let (deep, wide) = (stuck.buckets.len(), candidates.len());
        self.room.clear();
        let mut place_of = vec![None; problem.hosts()];
        for position in (0..problem.targets).filter(|&position| state.is_alive(position as Position)) {
            place_of[position] = Some(self.room.len());
            self.room.push(state.free[position * problem.width].max(0));
        }
        self.place.clear();
        self.place.extend(candidates.iter().map(|&position| place_of[usize::from(position)]));
        self.range.clear();
        self.range.resize(deep, (i64::MAX, 0));
        self.load.clear();
        self.load.resize(deep * wide, 0);
        self.holds.clear();
        self.holds.resize(deep * wide, false);
        for (column, &position) in candidates.iter().enumerate() {
            let moved = state.placed.iter().filter(|&&(_, at)| at == position).map(|&(rank, _)| rank);
            for rank in problem.at_home[usize::from(position)].iter().copied().chain(moved) {
                let (bucket, size) = (stuck.bucket(rank), problem.demand_of(rank)[0]);
                let range = &mut self.range[bucket];
                *range = (range.0.min(size), range.1.max(size));
                self.load[bucket * wide + column] += size;
                self.holds[bucket * wide + column] = true;
            }
        }
        for bucket in (0..deep.saturating_sub(1)).rev() {
            for column in 0..wide {
                self.load[bucket * wide + column] += self.load[(bucket + 1) * wide + column];
            }
        }
    }

    /// Condition (a) with the loads from bucket `counted` on, or (b) with `refused`.
    fn passes(&mut self, x: usize, counted: usize, refused: Option<usize>, k: usize) -> bool {
        let (lo, hi) = self.range[x];
        let wide = self.place.len();
        let first_large = self.room.iter().position(|&room| room >= lo).unwrap_or(self.room.len());
        let least = refused.and_then(|bucket| {
            (bucket..=x).find(|&bucket| self.range[bucket].1 > 0).map(|bucket| self.range[bucket].0)
        });
        self.given.clear();
        self.given.extend(self.room.iter().enumerate().map(|(place, &room)| {
            if room >= hi {
                room - hi + 1
            } else if place < first_large {
                least.map_or(0, |least| (room - least + 2).max(0))
            } else {
                0
            }
        }));
        let total: i64 = self.given.iter().sum();
        self.weights.clear();
        self.weights.extend(self.place.iter().enumerate().map(|(column, place)| {
            place.map_or(0, |place| self.given[place]) + self.load[counted * wide + column]
        }));
        let holds = &self.holds[x * wide..][..wide];
        top_sum_with_holder(&self.weights, |column| holds[column], k, &mut self.scratch)
            .is_none_or(|sum| sum < total + lo)
    }
}
