//! The one source of chance: a ChaCha stream that depends on the seed and the family alone. Draws are on
//! fixed-width integers, so the same seed gives the same pool on every machine.
use crate::recipe::Family;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, family: Family) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        // Families get streams of their own: two of them with one seed do not share their accidents.
        stream.set_stream(family as u64);
        Self(stream)
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// A position in a list of that length.
    pub(crate) fn below(&mut self, length: usize) -> usize {
        self.0.random_range(0..length as u64) as usize
    }

    /// True in `share` of 1000 draws.
    pub(crate) fn permille(&mut self, share: u64) -> bool {
        self.0.random_range(0..1000_u64) < share
    }

    /// One of them, all alike.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        *choices.choose(&mut self.0).expect("the lists of this crate are not empty")
    }

    /// One of them, by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let total: u64 = choices.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let mut left = self.0.random_range(0..total);
        for &(choice, weight) in choices {
            if left < u64::from(weight) {
                return choice;
            }
            left -= u64::from(weight);
        }
        unreachable!("what is left is below the sum of the weights")
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        list.shuffle(&mut self.0);
    }

    /// Between `low` and `low` × 2^`octaves`, every octave alike, and nearly log-uniform inside one: with u
    /// uniform in [0, 1), 1 + u (0.656 + 0.344 u) is 2^u to half a percent, and needs no logarithm.
    pub(crate) fn log_uniform(&mut self, low: u64, octaves: u64) -> u64 {
        let octave = self.between(0, octaves - 1);
        let u = self.between(0, 1023);
        let scale = (1 << 20) + u * (672 * 1024 + 352 * u) / 1024;
        ((low << octave) * scale) >> 20
    }
}
