//! Numbers drawn from a seed (SplitMix64), so that a run can be made again.

/// Draws.
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One of them.
    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len())).cloned()
    }

    /// So many of them, in some order.
    pub(crate) fn some<T: Clone>(&mut self, of: &[T], number: usize) -> Vec<T> {
        let mut left = of.to_vec();
        (0..number.min(of.len())).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }
}
