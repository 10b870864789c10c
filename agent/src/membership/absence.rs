//! When a host asks its pool: that is no member, not at once, since most are members a moment after their start; that is reached elsewhere
//! than the pool knows, at once, since nobody is heard there; then later and later.
use lifeboat_protocol::Instant;
use std::time::Duration;

/// After its start, or after it was last a member, a host waits this long.
const FIRST: Duration = Duration::from_secs(3);
/// Between two rounds, at first: of one that is no member, and of one that nobody is heard by until it is told where it is.
const SHORTEST: Duration = Duration::from_secs(1);
const SHORTEST_OF_MOVED: Duration = Duration::from_millis(200);
/// And at most.
const LONGEST: Duration = Duration::from_secs(30);

/// For how long a host has had something to ask, and when it asks next.
#[derive(Debug)]
pub(super) struct Absence {
    first: Duration,
    shortest: Duration,
    round: Option<Round>,
}

#[derive(Debug)]
struct Round {
    next: Instant,
    wait: Duration,
}

impl Absence {
    /// Of a host that is no member.
    pub(super) fn of_no_member() -> Self {
        Self { first: FIRST, shortest: SHORTEST, round: None }
    }

    /// Of a host that is reached elsewhere.
    pub(super) fn of_one_that_moved() -> Self {
        Self { first: Duration::ZERO, shortest: SHORTEST_OF_MOVED, round: None }
    }

    /// Whether it is time to ask.
    pub(super) fn is_due(&mut self, now: Instant, away: bool) -> bool {
        if !away {
            self.round = None;
            return false;
        }
        let round = self.round.get_or_insert(Round { next: now + self.first, wait: self.shortest });
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
        let mut absence = Absence::of_no_member();
        let asked: Vec<u64> = (0..130).filter(|&second| absence.is_due(at(second), true)).collect();
        assert_eq!(asked, [3, 4, 6, 10, 18, 34, 64, 94, 124]);
    }

    #[test]
    fn who_has_moved_asks_at_once() {
        let mut absence = Absence::of_one_that_moved();
        let asked: Vec<u64> = (0..16).filter(|&second| absence.is_due(at(second), true)).collect();
        assert_eq!(asked, [0, 1, 2, 3, 5, 9]);
    }

    #[test]
    fn a_member_asks_nothing_and_who_is_away_again_begins_anew() {
        let mut absence = Absence::of_no_member();
        assert!((0..60).all(|second| !absence.is_due(at(second), false)));
        assert!((60..100).any(|second| absence.is_due(at(second), true)));
        assert!(!absence.is_due(at(100), false));
        let asked: Vec<u64> = (101..108).filter(|&second| absence.is_due(at(second), true)).collect();
        assert_eq!(asked, [104, 105, 107]);
    }
}
