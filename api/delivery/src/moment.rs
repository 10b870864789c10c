//! Moments, as the pure part counts them: from an origin that its caller chose.
use std::ops::Add;
use std::time::Duration;

/// A moment on a clock that only goes forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment that long after the origin.
    pub fn after_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long it is from an earlier moment to this one; nothing if that one is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}
