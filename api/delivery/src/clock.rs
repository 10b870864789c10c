//! The one place where delivery reads a clock.
#![expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
use crate::Moment;
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// A clock that only goes forward, and the date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The moment.
    pub(crate) fn now(&self) -> Moment {
        Moment::after_origin(self.elapsed())
    }

    /// How long it runs.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// What is left of a time that began with the clock; nothing once it is over.
    pub(crate) fn left_of(&self, whole: Duration) -> Duration {
        whole.saturating_sub(self.elapsed())
    }
}

/// The date and time of day.
pub(crate) fn date() -> Timestamp {
    Timestamp::now()
}
