//! The worst failure set under a linear test is the set of the largest weights. This is the one place where
//! "for all sets of n hosts" turns into a selection.

/// The sum of the `k` largest of `weights` (all of them where there are fewer).
pub(crate) fn top_sum(weights: &[i64], k: usize, scratch: &mut Vec<i64>) -> i64 {
    if k == 0 {
        return 0;
    }
    if k >= weights.len() {
        return weights.iter().filter(|&&w| w > 0).sum();
    }
    if k == 1 {
        return weights.iter().copied().max().map_or(0, |most| most.max(0));
    }
    // Few are wanted of many: keep the largest k in a small sorted array.
    if k <= 8 {
        let mut best = [i64::MIN; 8];
        let best = &mut best[..k];
        for &weight in weights {
            if weight > best[k - 1] {
                let mut place = k - 1;
                while place > 0 && best[place - 1] < weight {
                    best[place] = best[place - 1];
                    place -= 1;
                }
                best[place] = weight;
            }
        }
        return best.iter().filter(|&&w| w > 0).sum();
    }
    scratch.clear();
    scratch.extend_from_slice(weights);
    scratch.select_nth_unstable_by(k - 1, |a, b| b.cmp(a));
    scratch[..k].iter().filter(|&&w| w > 0).sum()
}

/// Positions of the `k` largest weights, larger first, ties by lower position.
pub(crate) fn top_positions(weights: &[i64], k: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..weights.len()).collect();
    positions.sort_by_key(|&position| (core::cmp::Reverse(weights[position]), position));
    positions.truncate(k);
    positions
}

/// The largest sum of at most `k` weights of which one belongs to a holder; `None` where there is no such
/// sum: nobody holds, or none may be taken.
pub(crate) fn top_sum_with_holder(
    weights: &[i64],
    holds: impl Fn(usize) -> bool,
    k: usize,
    scratch: &mut Vec<i64>,
) -> Option<i64> {
    if k == 0 {
        return None;
    }
    let best_holder = (0..weights.len()).filter(|&i| holds(i)).map(|i| weights[i]).max()?;
    let top = top_sum(weights, k, scratch);
    // The k-th largest is needed only where no holder is among the top k, that is where the best holder is
    // below the k-th largest.
    let without_last = top_sum(weights, k - 1, scratch);
    let kth = top - without_last;
    Some(if best_holder >= kth { top } else { without_last + best_holder })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn top_sums_equal_a_full_sort(weights in prop::collection::vec(0i64..50, 1..40), k in 1usize..20, holders in any::<u64>()) {
            let mut sorted = weights.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let mut scratch = Vec::new();
            prop_assert_eq!(top_sum(&weights, k, &mut scratch), sorted.iter().take(k).sum::<i64>());
            let holds = |i: usize| holders >> i & 1 == 1;
            let slow = (0..weights.len()).filter(|&i| holds(i)).map(|i| {
                let mut rest = weights.clone();
                let own = rest.remove(i);
                rest.sort_unstable_by(|a, b| b.cmp(a));
                own + rest.iter().take(k - 1).sum::<i64>()
            }).max();
            prop_assert_eq!(top_sum_with_holder(&weights, holds, k, &mut scratch), slow);
        }
    }
}
