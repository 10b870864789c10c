//! When a host that is no member asks: not at once, since most are members a moment after their start; then later and later.
use lifeboat_protocol::Instant;
use std::time::Duration;

/// After its start, or after it was last a member, a host waits this long.
const FIRST: Duration = Duration::from_secs(3);
/// Between two rounds, at first and at most.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// For how long a host has been no member, and when it asks next.
#[derive(Debug, Default)]
pub(super) struct Absence(Option<Round>);

#[derive(Debug)]
struct Round {
    next: Instant,
    wait: Duration,
}

impl Absence {
    /// Whether it is time to ask.
    pub(super) fn is_due(&mut self, now: Instant, away: bool) -> bool {
        if !away {
            self.0 = None;
            return false;
        }
        let round = self.0.get_or_insert(Round { next: now + FIRST, wait: SHORTEST });
        let due = now >= round.next;
        if due {
            round.next = now + round.wait;
            round.wait = (round.wait * 2).min(LONGEST);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn who_is_away_asks_after_a_moment_and_then_later_and_later() {
        let mut absence = Absence::default();
        let asked: Vec<u64> = (0..130).filter(|&second| absence.is_due(at(second), true)).collect();
        assert_eq!(asked, [3, 4, 6, 10, 18, 34, 64, 94, 124]);
    }

    #[test]
    fn a_member_asks_nothing_and_who_is_away_again_begins_anew() {
        let mut absence = Absence::default();
        assert!((0..60).all(|second| !absence.is_due(at(second), false)));
        assert!((60..100).any(|second| absence.is_due(at(second), true)));
        assert!(!absence.is_due(at(100), false));
        let asked: Vec<u64> = (101..108).filter(|&second| absence.is_due(at(second), true)).collect();
        assert_eq!(asked, [104, 105, 107]);
    }
}
