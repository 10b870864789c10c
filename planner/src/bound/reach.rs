//! Which totals can sizes form? A host that refuses a VM of size x because it is full holds one of the totals
//! that sizes ≥ x can form; the least that is large enough is often well above the plain bound f − x + 1. With
//! the sizes that clouds sell this "slot rounding" is what makes the linear test exact.

/// Totals, in units of the sizes' greatest common divisor, that sizes can form, each any number of times.
pub(crate) struct Reach {
    unit: i64,
    words: Vec<u64>,
}

/// Largest table in bits: beyond it the plain bound serves.
const MOST_BITS: usize = 1 << 17;

impl Reach {
    /// An empty table (only total 0) for totals up to `most`, in units of `unit` which divides every size.
    /// `None` where the table would be too large.
    pub(crate) fn new(unit: i64, most: i64) -> Option<Self> {
        let bits = usize::try_from(most / unit + 1).ok()?;
        (bits <= MOST_BITS).then(|| {
            let mut words = vec![0; bits / 64 + 1];
            words[0] = 1;
            Self { unit, words }
        })
    }

    /// Adds a size. Closing under "any number of times" takes log₂ doublings: with S the set before, S ∪ (S+x)
    /// has up to one x, shifting that by 2x up to three, and so on.
    pub(crate) fn add(&mut self, size: i64) {
        debug_assert_eq!(size % self.unit, 0);
        let mut shift = (size / self.unit) as usize;
        if shift == 0 {
            return;
        }
        while shift < self.words.len() * 64 {
            let (whole, part) = (shift / 64, shift % 64);
            for position in (whole..self.words.len()).rev() {
                let low = self.words[position - whole] << part;
                let carry = if part > 0 && position > whole {
                    self.words[position - whole - 1] >> (64 - part)
                } else {
                    0
                };
                self.words[position] |= low | carry;
            }
            shift *= 2;
        }
    }

    /// The least total ≥ `least`, if the table reaches that far.
    pub(crate) fn at_least(&self, least: i64) -> Option<i64> {
        let from = usize::try_from((least.max(0) + self.unit - 1) / self.unit).ok()?;
        let mut position = from / 64;
        let mut word = *self.words.get(position)? & (u64::MAX << (from % 64));
        while word == 0 {
            position += 1;
            word = *self.words.get(position)?;
        }
        Some((position * 64 + word.trailing_zeros() as usize) as i64 * self.unit)
    }

    /// The largest total ≤ `most` (0 for a negative `most`).
    pub(crate) fn at_most(&self, most: i64) -> i64 {
        if most < 0 {
            return 0;
        }
        let from = ((most / self.unit) as usize).min(self.words.len() * 64 - 1);
        let mut position = from / 64;
        let mut word = self.words[position] & (u64::MAX >> (63 - from % 64));
        while word == 0 {
            position -= 1;
            word = self.words[position];
        }
        (position * 64 + 63 - word.leading_zeros() as usize) as i64 * self.unit
    }
}

/// Greatest common divisor; of 0 and x it is x.
pub(crate) fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_equal_counting_by_hand() {
        let mut reach = Reach::new(1, 1000).unwrap();
        reach.add(6);
        reach.add(10);
        let formed = |total: i64| (0..=total / 6).any(|n| (total - 6 * n) % 10 == 0);
        for least in 0..900 {
            assert_eq!(reach.at_least(least), (least..2000).find(|&t| formed(t)));
            assert_eq!(reach.at_most(least), (0..=least).rev().find(|&t| formed(t)).unwrap());
        }
        assert_eq!(reach.at_most(-5), 0);
    }
}
