//! True time: what no host can see. Hosts see their own clocks ([`crate::clock`]).
use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment of true time, in microseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub u64);

impl At {
    /// The moment at which the world begins.
    pub const START: Self = Self(0);

    /// How long ago `earlier` was; zero if it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for At {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_micros() as u64))
    }
}

impl Sub<Duration> for At {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_micros() as u64))
    }
}

/// A span given in seconds, to the microsecond; none where it is negative, no number, or beyond a hundred years.
pub fn seconds(seconds: f64) -> Option<Duration> {
    let micros = (seconds * 1e6).round();
    (0.0..=3.2e15).contains(&micros).then(|| Duration::from_micros(micros as u64))
}
