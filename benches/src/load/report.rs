//! Times as figures.
use std::fmt::Write as _;
use std::time::Duration;

/// Times of one kind of request.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    /// Notes one, in whole microseconds.
    pub(crate) fn note(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds those of another.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Median, 99th percentile and longest, in milliseconds.
    pub(crate) fn figures(&mut self) -> String {
        self.0.sort_unstable();
        let at = |permille: usize| {
            let last = self.0.len().saturating_sub(1);
            f64::from(self.0.get(last * permille / 1000).copied().unwrap_or(0)) / 1000.0
        };
        let mut text = String::new();
        let _ = write!(
            text,
            "median {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.2} ms",
            at(500),
            at(990),
            at(999),
            at(1000)
        );
        text
    }
}
