//! What the stuck tests are made with: buckets of key, multipliers, and the totals that sizes can form.
use crate::bound::reach::{Reach, gcd};
use crate::problem::Problem;

/// Up to this many distinct keys each gets a bucket of its own.
const MOST_EXACT_BUCKETS: usize = 64;

/// Every distinct key, ascending, where they are few.
pub(super) fn exact_keys(problem: &Problem<'_>) -> Option<Vec<i64>> {
    let mut keys: Vec<i64> = problem.items.iter().map(|item| item.key).collect();
    keys.dedup();
    keys.reverse();
    (keys.len() <= MOST_EXACT_BUCKETS).then_some(keys)
}

/// Least keys of geometric buckets, eight an octave.
pub(super) fn geometric_keys(problem: &Problem<'_>) -> Vec<i64> {
    let mut keys: Vec<i64> = Vec::new();
    let mut last = None;
    for item in problem.items.iter().rev() {
        let octave = 63 - item.key.max(1).leading_zeros();
        let bucket =
            if octave < 4 { item.key } else { i64::from(octave) * 8 + ((item.key >> (octave - 3)) & 7) };
        if last != Some(bucket) {
            keys.push(item.key);
            last = Some(bucket);
        }
    }
    keys
}

/// Multipliers to try: each resource alone, and all of them as the keys weigh them.
pub(super) fn multipliers(problem: &Problem<'_>) -> Vec<Vec<i64>> {
    let demanded: Vec<usize> = (0..problem.width).filter(|&d| problem.weights[d] > 0).collect();
    let unit = |d: usize| (0..problem.width).map(|e| i64::from(d == e)).collect::<Vec<i64>>();
    let mut multipliers: Vec<Vec<i64>> = demanded.iter().map(|&d| unit(d)).collect();
    if demanded.len() > 1 {
        multipliers.push(problem.weights.iter().map(|&weight| weight as i64).collect());
    }
    multipliers
}

/// Reachable totals of memory by bucket (of a bucket and above); `None` where a table would be too large.
pub(super) fn reaches(problem: &Problem<'_>, buckets: &[i64]) -> Option<Vec<Reach>> {
    let unit = buckets.iter().fold(0, |unit, &size| gcd(unit, size)).max(1);
    let largest = buckets.last().copied().unwrap_or(0);
    let room = (0..problem.targets).map(|p| problem.free[p * problem.width]).max().unwrap_or(0).max(0);
    buckets
        .iter()
        .map(|&lo| {
            let mut reach = Reach::new(unit, room + largest)?;
            for &size in buckets.iter().filter(|&&size| size >= lo) {
                reach.add(size);
            }
            Some(reach)
        })
        .collect()
}
