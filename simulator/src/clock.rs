//! A host's monotonic clock: it began somewhere and runs at its own rate. Its reading never steps; a change of
//! rate bends it.
use crate::At;
use lifeboat_protocol::Instant;

/// A clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// True time of the last bend.
    bent: At,
    /// What the clock showed then.
    shown: u64,
    /// How much faster than true time it runs.
    ppm: i32,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// A clock that shows `offset` microseconds when the world begins.
    pub fn new(offset: u64, ppm: i32) -> Self {
        Self { bent: At::START, shown: offset, ppm }
    }

    /// How much faster than true time it runs, in parts per million.
    pub fn ppm(&self) -> i32 {
        self.ppm
    }

    /// What it shows at `at`, which must not lie before the last bend.
    pub fn read(&self, at: At) -> Instant {
        let passed = at.0.saturating_sub(self.bent.0);
        if self.ppm == 0 {
            return Instant::from_micros(self.shown + passed);
        }
        let shown = i128::from(passed) * (MILLION + i128::from(self.ppm)) / MILLION;
        Instant::from_micros(self.shown + shown as u64)
    }

    /// The first moment at which it shows `instant` or later.
    pub fn when(&self, instant: Instant) -> At {
        let ahead = instant.as_micros().saturating_sub(self.shown);
        if self.ppm == 0 {
            return At(self.bent.0.saturating_add(ahead));
        }
        let rate = MILLION + i128::from(self.ppm);
        let passed = (i128::from(ahead) * MILLION + rate - 1) / rate;
        At(self.bent.0.saturating_add(passed as u64))
    }

    /// Runs at another rate from `at` on.
    pub fn bend(&mut self, at: At, ppm: i32) {
        self.shown = self.read(at).as_micros();
        self.bent = at;
        self.ppm = ppm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_clock_shows_a_moment_first_when_it_says_it_will() {
        for ppm in [-200, -7, 0, 1, 200] {
            let clock = Clock::new(123, ppm);
            for shown in [123, 124, 1_000_000, 987_654_321] {
                let at = clock.when(Instant::from_micros(shown));
                assert!(clock.read(at).as_micros() >= shown, "{ppm} ppm, {shown}");
                assert!(at.0 == 0 || clock.read(At(at.0 - 1)).as_micros() < shown, "{ppm} ppm, {shown}");
            }
        }
    }

    #[test]
    fn a_fast_clock_gains_and_a_bend_does_not_step() {
        let mut clock = Clock::new(0, 200);
        let at = At::START + Duration::from_secs(1000);
        assert_eq!(clock.read(at).as_micros(), 1_000_200_000);
        clock.bend(at, -200);
        assert_eq!(clock.read(at).as_micros(), 1_000_200_000);
        assert_eq!(clock.read(at + Duration::from_secs(1000)).as_micros(), 2_000_000_000);
    }
}
