//! The one place where the command line and the service read a clock. Everything inward is told when to stop
//! and never asks what time it is.
#![expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// What time it is, for people and records; no interval is measured by it.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Measures from when it is started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Self {
        Self(Instant::now())
    }
    /// How long it runs.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    /// How long it runs, in whole microseconds.
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
    /// Whether it has run for at least `limit`.
    pub fn has_reached(&self, limit: Duration) -> bool {
        self.elapsed() >= limit
    }
}
