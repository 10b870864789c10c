//! The one place where the tests read the clock: to give the planner a wall-clock limit, and to report times.
use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "the tests' one door to the clock")]
pub fn now() -> Instant {
    Instant::now()
}
