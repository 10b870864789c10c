//! Linear refutations of a plain pool. For any value u of a VM and any bound K(r) on the value that fits host r:
//! if the VMs of S are worth more than all survivors can hold, S is not survived. Since
//! Σ_S u > Σ_R K ⇔ Σ_{h ∈ S} (u(VMs of h) + K(h)) > Σ_all K, the worst set is the n heaviest hosts.
//!
//! Tried for each level x: u = size of VMs of the level and above, with K the largest total that such sizes can
//! form in the room; and u = 1 for each of them, with K = ⌊room / x⌋.
use super::held::Held;
use super::top::{top_positions, top_sum};
use crate::plain::Plain;

/// A failure set that is not survived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overfull {
    /// Columns that fail, ascending.
    pub(crate) columns: Vec<usize>,
    /// Level whose VMs, with those above, do not fit.
    pub(crate) level: usize,
    /// Whether they are counted rather than weighed.
    pub(crate) counted: bool,
}

/// The smallest failure set refuted by a linear bound, of at most `most` hosts.
pub(crate) fn smallest_refuted(plain: &Plain, held: &Held, most: usize) -> Option<Overfull> {
    let wide = plain.wide();
    let mut best: Option<(usize, usize, bool)> = None;
    let mut weights = vec![0i64; wide];
    let mut scratch = Vec::new();
    let mut least = most + 1;
    for (position, level) in plain.levels.iter().enumerate() {
        for counted in [false, true] {
            let total = weigh(plain, held, position, counted, &mut weights);
            if counted && level.lo == 0 {
                continue;
            }
            while least > 1 && top_sum(&weights, least - 1, &mut scratch) > total {
                least -= 1;
                best = Some((least, position, counted));
            }
        }
    }
    best.map(|(failures, level, counted)| {
        weigh(plain, held, level, counted, &mut weights);
        let mut columns = top_positions(&weights, failures);
        columns.sort_unstable();
        Overfull { columns, level, counted }
    })
}

/// Fills the weights of a level's test and gives its right side.
fn weigh(plain: &Plain, held: &Held, position: usize, counted: bool, weights: &mut [i64]) -> i64 {
    let wide = plain.wide();
    if counted {
        let slot = plain.levels[position].lo.max(1);
        weights.fill(0);
        for level in position..plain.levels.len() {
            for (weight, &count) in weights.iter_mut().zip(plain.count_of(level)) {
                *weight += i64::from(count);
            }
        }
        let mut total = 0;
        for (weight, &room) in weights.iter_mut().zip(&plain.room) {
            *weight += room / slot;
            total += room / slot;
        }
        total
    } else {
        let capacity = &held.capacity[position * wide..][..wide];
        for ((weight, load), capacity) in weights.iter_mut().zip(plain.load_of(position)).zip(capacity) {
            *weight = load + capacity;
        }
        capacity.iter().sum()
    }
}
