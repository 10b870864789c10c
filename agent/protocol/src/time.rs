//! Time as an argument: a moment on one host's own monotonic clock. Moments of two hosts are never compared.
use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment on the clock of the host that the state machine runs on, in microseconds since some moment
/// before its boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    micros: u64,
}

impl Instant {
    /// The moment `micros` microseconds after the clock's origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// Microseconds since the clock's origin.
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self { micros: self.micros.saturating_add(span.as_micros() as u64) }
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self { micros: self.micros.saturating_sub(span.as_micros() as u64) }
    }
}
