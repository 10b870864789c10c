//! Work is counted, not timed: a search stops after the same number of units on any machine and any number of
//! threads. The caller's clock can stop it too, and is then named.
use crate::Limits;
use lifeboat_model::verdict::StoppedBy;

/// Counts work and says when to stop. A unit is about a microsecond.
pub(crate) struct Meter<'a> {
    used: u64,
    most: u64,
    next_look: u64,
    stop: Option<&'a (dyn Fn() -> bool + Sync)>,
    stopped: Option<StoppedBy>,
}

/// What it takes to find hosts for so many items by a policy: each looks at one host after the other. Up to 64 hosts other things weigh more.
pub(crate) fn of_placing(items: usize, hosts: usize) -> u64 {
    items as u64 * hosts.max(64) as u64 / 256
}

/// Units between two looks at the caller's clock.
const LOOK_EVERY: u64 = 500;

impl<'a> Meter<'a> {
    /// A meter for what the limits leave after `used` units.
    pub(crate) fn new(limits: &Limits<'a>, used: u64) -> Self {
        let most = limits.work.unwrap_or(u64::MAX).saturating_sub(used);
        Self { used: 0, most, next_look: LOOK_EVERY, stop: limits.stop, stopped: None }
    }

    /// A meter of at most `most` units with the same clock.
    pub(crate) fn part(&self, most: u64) -> Self {
        let most = most.min(self.most.saturating_sub(self.used));
        Self { used: 0, most, next_look: LOOK_EVERY, stop: self.stop, stopped: self.stopped }
    }

    /// Takes in what a part used. A part that ran out of its own share has not stopped the whole.
    pub(crate) fn add(&mut self, part: &Self) {
        if part.stopped == Some(StoppedBy::Time) {
            self.stopped = Some(StoppedBy::Time);
        }
        self.spend(part.used);
    }

    /// Spends units; `false` when the search must stop.
    pub(crate) fn spend(&mut self, units: u64) -> bool {
        self.used += units;
        if self.stopped.is_none() {
            if self.used >= self.most {
                self.stopped = Some(StoppedBy::Work);
            } else if self.used >= self.next_look {
                self.next_look = self.used + LOOK_EVERY;
                if self.stop.is_some_and(|stop| stop()) {
                    self.stopped = Some(StoppedBy::Time);
                }
            }
        }
        self.stopped.is_none()
    }

    /// Units used.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Why the search must stop, if it must.
    pub(crate) fn stopped(&self) -> Option<StoppedBy> {
        self.stopped
    }
}
