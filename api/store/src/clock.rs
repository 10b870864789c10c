//! The one place where a store reads a clock, and waits: how long it has waited for an answer, and how long it lets
//! those who gave none alone.
#![expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
use std::time::{Duration, Instant};

/// A moment by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub(crate) fn within(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    /// What is left; none when it has passed.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Waits between attempts, longer after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const SHORTEST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_millis(500);

    /// Before the first attempt.
    pub(crate) fn new() -> Self {
        Self(Self::SHORTEST)
    }

    /// Waits, but not beyond the deadline.
    pub(crate) fn wait(&mut self, deadline: Deadline) {
        let Some(left) = deadline.left() else { return };
        // A thread may be woken early, by chance; one attempt more does no harm.
        std::thread::park_timeout(self.0.min(left));
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
