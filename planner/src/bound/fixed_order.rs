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
use super::top::top_sum_with_holder;
use crate::plain::Plain;

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
