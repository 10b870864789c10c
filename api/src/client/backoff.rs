//! How long to wait before a connection is tried again: at once, then twice as long each time, never longer than
//! half a minute. What was heard in between starts it anew.
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(30);

/// Attempts that failed one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more attempt has failed: how long to wait before the next.
    pub fn failed(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Something came through.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_start_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        (0..100).for_each(|_| assert!(backoff.failed() <= MOST));
        backoff.succeeded();
        assert_eq!(backoff.failed(), FIRST);
    }
}
