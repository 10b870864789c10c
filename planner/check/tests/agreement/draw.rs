//! Where choices come from: a seeded stream in tests, the fuzzer's bytes in the fuzz target.

/// A source of choices.
pub(crate) struct Draw<'a>(pub(crate) &'a mut dyn FnMut(usize) -> usize);

impl Draw<'_> {
    /// A number below `count`, which is at least 1.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.0)(count)
    }

    /// A number from `low` to `high`, both possible.
    pub(crate) fn from(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub(crate) fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }

    /// All of them, in some order.
    pub(crate) fn shuffled<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let mut all = all.to_vec();
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end + 1));
        }
        all
    }

    /// Some of them, in their order.
    pub(crate) fn some<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        all.iter().filter(|_| self.once_in(2)).cloned().collect()
    }
}
