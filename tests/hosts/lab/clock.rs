//! The one place where the lab reads a clock or waits.
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Now.
#[expect(clippy::disallowed_methods, reason = "the lab's one door to the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day in seconds since 1970, to set beside the agents' logs.
#[expect(clippy::disallowed_methods, reason = "the lab's one door to the clock")]
pub fn wall() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Between two looks at something that gives no event.
pub fn pause(span: Duration) {
    let never = (Mutex::new(()), Condvar::new());
    // Nobody else has this mutex, so it is never poisoned; nobody wakes it, so it waits its time.
    if let Ok(guard) = never.0.lock() {
        let _ = never.1.wait_timeout(guard, span);
    }
}

/// Looks again and again until something holds; says whether it did in time.
pub fn until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = now() + within;
    loop {
        if holds() {
            return true;
        }
        if now() >= end {
            return false;
        }
        pause(Duration::from_millis(20));
    }
}

/// The first answer that is one, looked for again and again; none if none came in time.
pub fn first<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut found = None;
    until(within, || {
        found = look();
        found.is_some()
    });
    found
}
