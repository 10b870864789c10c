//! When to feed a watchdog that counts whole seconds, so that it resets the host at a moment which is none: what was fed at moment p with
//! timeout X resets at p + X. So X is the whole seconds that are left until the deadline, and what is missing to it is made up by feeding
//! once more, at deadline − X. Never is it fed so that it would reset after the deadline.
use lifeboat_protocol::Instant;
use std::time::Duration;

/// Feeding is aimed this much before the moment that would be exact: waking takes a moment.
const AIM: Duration = Duration::from_millis(20);
/// A reset that is early by less than this is exact enough.
const EXACT: Duration = Duration::from_millis(60);
/// Two feedings are this far apart, unless the deadline came nearer: renewals come with every heartbeat.
const APART: Duration = Duration::from_millis(100);

/// What a watchdog can be set to, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) shortest: u32,
    pub(super) longest: u32,
}

/// What is to be done to the watchdog now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Set this timeout, and begin it anew.
    Set(u32),
    /// Begin the timeout anew.
    KeepAlive,
}

/// Until when a watchdog is to let the host live, and what it is set to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    range: Range,
    /// The timeout that it has, in seconds.
    timeout: u32,
    /// When it was last fed; none: not by this process.
    fed: Option<Instant>,
    deadline: Option<Instant>,
    /// A deadline that is too near for anything to be done.
    skipped: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(range: Range, timeout: u32) -> Self {
        Self { range, timeout, fed: None, deadline: None, skipped: None }
    }

    pub(super) fn range(&self) -> Range {
        self.range
    }

    /// The timeout that it has, in seconds.
    pub(super) fn timeout(&self) -> u32 {
        self.timeout
    }

    /// It can be set no lower than this.
    pub(super) fn limit(&mut self, shortest: u32) {
        self.range.shortest = shortest;
    }

    /// It can be set no higher than this.
    pub(super) fn limit_above(&mut self, longest: u32) {
        self.range.longest = longest.max(self.range.shortest);
    }

    /// It has this timeout.
    pub(super) fn assume(&mut self, timeout: u32) {
        self.timeout = timeout;
    }

    /// From now on the host is to live until then.
    pub(super) fn aim(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Until when the host is to live.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// No deadline any more.
    pub(super) fn rest(&mut self) {
        (self.fed, self.deadline) = (None, None);
    }

    /// When the watchdog resets the host, as far as this process has fed it.
    pub(super) fn resets_at(&self) -> Option<Instant> {
        self.fed.map(|fed| fed + self.span())
    }

    /// When something is to be done; a moment that has passed: now.
    pub(super) fn due(&self) -> Option<Instant> {
        let deadline = self.deadline.filter(|deadline| self.skipped != Some(*deadline))?;
        let (Some(fed), Some(resets)) = (self.fed, self.resets_at()) else {
            return Some(deadline - self.span());
        };
        if resets > deadline {
            return Some(fed);
        }
        if deadline.since(resets) < EXACT {
            return None;
        }
        let exact = deadline - self.span() - AIM;
        Some(exact.min(fed + self.span() / 2).max(fed + APART))
    }

    /// What is to be done now, if anything. Whoever does it says so by [`Pacer::done`].
    pub(super) fn act(&self, now: Instant) -> Option<Act> {
        let deadline = self.deadline?;
        if self.due().is_none_or(|due| due > now) && self.fed.is_some() {
            return None;
        }
        // Whole seconds that are left: rounded down, so that it never resets later.
        let left = u32::try_from(deadline.since(now).as_secs()).unwrap_or(u32::MAX);
        let wanted = left.min(self.range.longest);
        if wanted < self.range.shortest {
            // A command took so long that it came after its deadline: what is late is made no later, but sooner if it can be.
            let soonest = now + Duration::from_secs(u64::from(self.range.shortest));
            let late = self.fed.is_some() && self.is_late();
            return (late && self.resets_at().is_some_and(|resets| soonest + APART < resets))
                .then_some(Act::Set(self.range.shortest));
        }
        // Setting is the costlier command: it is given only where the timeout changes.
        let same = self.fed.is_some() && wanted == self.timeout;
        Some(if same || self.range.shortest == self.range.longest {
            Act::KeepAlive
        } else {
            Act::Set(wanted)
        })
    }

    /// Nothing could be done now. If it was due, it never can be: time only brings the deadline nearer.
    pub(super) fn skip(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.skipped = self.deadline;
        }
    }

    /// Whether it would reset the host after its deadline.
    pub(super) fn is_late(&self) -> bool {
        self.resets_at().zip(self.deadline).is_some_and(|(resets, deadline)| resets > deadline)
    }

    /// It was done: the watchdog has this timeout now.
    pub(super) fn done(&mut self, now: Instant, timeout: u32) {
        (self.fed, self.timeout) = (Some(now), timeout);
    }

    fn span(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout))
    }
}
