//! The only place where the agent reads a clock or waits: everybody else is given moments.
use lifeboat_protocol::Instant;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime};

/// The moment on this host's clock since its boot, which goes on while the host is suspended.
pub fn now() -> Instant {
    let time = clock_gettime(ClockId::Boottime);
    // A clock that counts from the boot is never negative.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let micros = u64::try_from(time.tv_nsec / 1000).unwrap_or_default();
    Instant::from_micros(seconds * 1_000_000 + micros)
}

/// The time of day, for logs and certificates; nothing that must be safe rests on it.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Waits. Only for what gives no event that could be waited for.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn wait(span: Duration) {
    std::thread::sleep(span);
}
