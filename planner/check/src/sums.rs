//! Which totals a set of sizes can form, each size any number of times: what was placed on a host is such a
//! total, so it is at least the least one from a threshold up.
use crate::Why;
use crate::budget::Budget;
use alloc::{vec, vec::Vec};

/// Totals that a table may span, in units of the sizes' common divisor.
const MOST_TOTALS: i64 = 1 << 22;

/// The totals that sizes can form.
pub(crate) struct Sums {
    /// The greatest common divisor of the sizes; 0 where there is no size but 0.
    unit: i64,
    /// Bit t: t units can be formed. Empty where the table would be too long.
    words: Vec<u64>,
}

impl Sums {
    /// The totals of `sizes` (0 does not matter), exact up to `most` if the table is not too long.
    pub(crate) fn new(sizes: &[i64], most: i64, budget: &mut Budget) -> Result<Self, Why> {
        let mut sizes: Vec<i64> = sizes.iter().copied().filter(|&size| size > 0).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let unit = sizes.iter().fold(0, |unit, &size| gcd(unit, size));
        let Some(&least) = sizes.first() else { return Ok(Self { unit, words: Vec::new() }) };
        // From any total up, a multiple of the least size is never further than that size.
        let span = (most.max(0) + least) / unit + 1;
        if span > MOST_TOTALS {
            return Ok(Self { unit, words: Vec::new() });
        }
        let mut words = vec![0u64; span as usize / 64 + 1];
        words[0] = 1;
        for &size in &sizes {
            // Once, then up to thrice, up to seven times, …: every number of times.
            let mut shift = (size / unit) as usize;
            while shift < words.len() * 64 {
                budget.spend(words.len())?;
                or_shifted(&mut words, shift);
                shift *= 2;
            }
        }
        Ok(Self { unit, words })
    }

    /// At least so much is in every total ≥ `threshold` (> 0), exactly where the table reaches; none where no
    /// total is.
    pub(crate) fn least_from(&self, threshold: i64) -> Option<i64> {
        if self.unit == 0 {
            return None;
        }
        let units = threshold.div_euclid(self.unit) + i64::from(threshold.rem_euclid(self.unit) > 0);
        let mut position = units as usize / 64;
        let Some(&first) = self.words.get(position) else { return Some(units * self.unit) };
        let mut word = first & (u64::MAX << (units % 64));
        while word == 0 {
            position += 1;
            match self.words.get(position) {
                Some(&next) => word = next,
                // Nothing up to the end of the table: the next total is beyond it.
                None => return Some(position as i64 * 64 * self.unit),
            }
        }
        Some((position as i64 * 64 + i64::from(word.trailing_zeros())) * self.unit)
    }

    /// Words of memory held.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if a == 0 { b } else { gcd(b % a, a) }
}

fn or_shifted(words: &mut [u64], shift: usize) {
    let (whole, part) = (shift / 64, shift % 64);
    for position in (whole..words.len()).rev() {
        let mut moved = words[position - whole] << part;
        if part > 0 && position > whole {
            moved |= words[position - whole - 1] >> (64 - part);
        }
        words[position] |= moved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn totals_are_those_that_plain_search_finds() {
        let mut budget = Budget::new(Limits::default());
        for sizes in [&[3, 5][..], &[7], &[6, 10, 15], &[4, 6, 0], &[64, 96], &[1]] {
            let most = 200;
            let sums = Sums::new(sizes, most, &mut budget).unwrap();
            let mut reach = vec![false; 300];
            reach[0] = true;
            for total in 1..300usize {
                reach[total] = sizes
                    .iter()
                    .any(|&size| size > 0 && size as usize <= total && reach[total - size as usize]);
            }
            for threshold in 1..=most {
                let expected = (threshold..300).find(|&total| reach[total as usize]);
                assert_eq!(sums.least_from(threshold), expected, "{sizes:?} from {threshold}");
            }
        }
        assert_eq!(Sums::new(&[0], 10, &mut budget).unwrap().least_from(1), None);
    }

    #[test]
    fn a_table_that_would_be_too_long_still_rounds_to_the_common_divisor() {
        let mut budget = Budget::new(Limits::default());
        let sums = Sums::new(&[1 << 20, 3], 1 << 40, &mut budget).unwrap();
        assert_eq!((sums.words(), sums.least_from(5)), (0, Some(5)));
        let sums = Sums::new(&[10, 15], 1 << 40, &mut budget).unwrap();
        assert_eq!(sums.least_from(6), Some(10));
    }
}
