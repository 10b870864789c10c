//! The stuck test (`StuckTests` in the certificate format) on a plain pool: any-fit decreasing places every
//! failure set of n hosts, because getting stuck needs more than those hosts have.
use super::held::Held;
use super::top::top_sum_with_holder;
use crate::plain::Plain;

/// The largest n ≤ `most` for which the stuck test holds on every level.
pub(crate) fn survivable_at_once(plain: &Plain, held: &Held, most: usize) -> usize {
    let wide = plain.wide();
    let mut scratch = Scratch::default();
    let mut best = most;
    for (position, level) in plain.levels.iter().enumerate().rev() {
        let row = &held.held[position * wide..][..wide];
        let bound = row.iter().sum::<i64>() + level.lo - 1;
        best = scratch.largest(row, plain.load_of(position), plain.count_of(position), bound, best);
        if best == 0 {
            break;
        }
    }
    best
}

/// The largest n ≤ `most` for which the stuck test holds on every level whatever was placed before, in any order
/// and grouping with restarts in between (PERF, Theorem A).
pub(crate) fn survivable_in_turn(plain: &Plain, most: usize) -> usize {
    if plain.levels.is_empty() {
        return most;
    }
    let mut scratch = Scratch::default();
    let mut best = most;
    for (position, level) in plain.levels.iter().enumerate().rev() {
        let row: Vec<i64> = plain.room.iter().map(|&room| (room - level.hi + 1).max(0)).collect();
        let bound = row.iter().sum::<i64>() + level.lo - 1;
        best = scratch.largest(&row, plain.load_of(0), plain.count_of(position), bound, best);
        if best == 0 {
            break;
        }
    }
    best
}

/// Buffers that outlive one level.
#[derive(Default)]
struct Scratch {
    weights: Vec<i64>,
    sorted: Vec<i64>,
}

impl Scratch {
    /// The largest n ≤ `most` whose heaviest n columns, one of them a holder, weigh at most `bound`.
    fn largest(&mut self, held: &[i64], load: &[i64], holders: &[u32], bound: i64, most: usize) -> usize {
        self.weights.clear();
        self.weights.extend(held.iter().zip(load).map(|(held, load)| held + load));
        let holds = |column: usize| holders[column] > 0;
        match top_sum_with_holder(&self.weights, holds, most, &mut self.sorted) {
            None => return most,
            Some(sum) if sum <= bound => return most,
            Some(_) => {}
        }
        let best_holder =
            (0..self.weights.len()).filter(|&c| holds(c)).map(|c| self.weights[c]).max().unwrap_or(0);
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.weights);
        self.sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut before = 0;
        for (count, &weight) in self.sorted.iter().take(most).enumerate() {
            if before + weight.min(best_holder) > bound {
                return count;
            }
            before += weight;
        }
        most
    }
}
