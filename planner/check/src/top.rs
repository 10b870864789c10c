//! The worst failure set for a linear test: the largest sum of weights over so many hosts, one of which must be
//! of a certain sort.

/// The largest sum of at most `count` (at least 1) of the weights, none negative, among which one is marked;
/// none where no weight is marked. The slice is left in another order.
pub(crate) fn largest_sum(weights: &mut [(i128, bool)], count: usize) -> Option<i128> {
    let best_marked = weights.iter().filter(|(_, marked)| *marked).map(|&(weight, _)| weight).max()?;
    let count = count.min(weights.len());
    weights.select_nth_unstable_by(count - 1, |a, b| b.0.cmp(&a.0));
    let sum: i128 = weights[..count].iter().map(|&(weight, _)| weight).sum();
    let least = weights[count - 1].0;
    // Where the best marked one is not among the largest (ties apart), it takes the place of the least of them.
    Some(if best_marked >= least { sum } else { sum - least + best_marked })
}

#[cfg(test)]
mod tests {
    use super::largest_sum;

    #[test]
    fn one_marked_weight_is_in_the_sum_even_where_it_is_small() {
        let weights = [(5, false), (9, false), (1, true), (9, false), (2, true)];
        for (count, sum) in [(1, 2), (2, 11), (3, 20), (4, 25), (5, 26), (9, 26)] {
            assert_eq!(largest_sum(&mut weights.clone(), count), Some(sum), "{count}");
        }
        assert_eq!(largest_sum(&mut [(5, true), (5, false)], 1), Some(5));
        assert_eq!(largest_sum(&mut [(5, false)], 1), None);
    }
}
