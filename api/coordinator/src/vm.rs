//! What the coordinator remembers of a VM, besides where it is.
use crate::{Instant, Settings};
use alloc::string::String;
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

/// A VM.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, learned from another source")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Vm {
    /// Desired state, remembered apart from protection: a VM stopped on purpose never starts by itself.
    pub(crate) should_run: bool,
    /// An operator asked for the start that is being tried; so it is tried although nothing protects the VM.
    pub(crate) asked: bool,
    /// Its attempts are used up.
    pub(crate) given_up: bool,
    /// It is to be stopped, and its desired state says so already.
    pub(crate) to_stop: bool,
    /// The host that it was lost with, until it runs again or that host is back.
    pub(crate) lost_from: Option<HostIndex>,
    /// Later orders wait for it: it is down because a host failed or a pool began, not for reasons of its own.
    pub(crate) holds: bool,
    /// Since when it has run without a break.
    pub(crate) runs_since: Option<Instant>,
    /// Since when it has waited for something.
    pub(crate) waits_since: Option<Instant>,
    /// What failed last, for people.
    pub(crate) failure: String,
    /// How its starts are paced.
    pub(crate) starts: Pace,
    /// How orders to stop it are paced.
    pub(crate) stops: Pace,
    /// Where it goes from a host that is being emptied; none: to the roomiest.
    pub(crate) planned_to: Option<HostIndex>,
    /// It may be stopped where this host is being emptied to boot anew, and no other takes it.
    pub(crate) may_stop: Option<HostIndex>,
    /// How migrations away from a host that is being emptied are paced.
    pub(crate) moves: Pace,
}

/// Why a VM that should be started is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waits {
    /// For nothing but its turn.
    #[default]
    Turn,
    /// For room, or for a host that could run it.
    Place,
    /// After its start failed wherever it was tried.
    Failed,
    /// After it crashed again and again.
    Crashed,
    /// After the store failed.
    Store,
}

/// When something that failed is tried again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Not before.
    pub(crate) not_before: Instant,
    /// What for.
    pub(crate) waits: Waits,
    /// Hosts where it failed since it was last tried everywhere.
    pub(crate) failed_on: Vec<HostIndex>,
    /// Failures in a row, everywhere or in time.
    pub(crate) rounds: u32,
    /// Starts ordered.
    pub(crate) attempts: u32,
}

impl Pace {
    /// Whether it may be tried now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.not_before
    }

    /// It failed in every way there was: longer each time, to a cap.
    pub(crate) fn back_off(&mut self, now: Instant, waits: Waits, settings: &Settings) {
        self.failed_on.clear();
        self.not_before = now + settings.backoff(self.rounds);
        self.rounds = self.rounds.saturating_add(1);
        self.waits = waits;
    }

    /// It failed on this host: another is tried, but not at once.
    pub(crate) fn failed_on(&mut self, host: HostIndex, now: Instant, settings: &Settings) {
        let mut failed_on = core::mem::take(&mut self.failed_on);
        failed_on.push(host);
        self.back_off(now, Waits::Failed, settings);
        self.failed_on = failed_on;
    }

    /// It is tried on this host: if it failed there before, it failed everywhere.
    pub(crate) fn asks_anew(&mut self, host: HostIndex) {
        if self.failed_on.contains(&host) {
            self.failed_on.clear();
        }
    }

    /// It waits for a fixed time.
    pub(crate) fn wait_until(&mut self, not_before: Instant, waits: Waits) {
        (self.not_before, self.waits) = (not_before, waits);
    }

    /// It may be tried at once.
    pub(crate) fn now(&mut self, now: Instant) {
        self.wait_until(now, Waits::Turn);
    }
}

impl Vm {
    /// A new reason to start it, which has nothing to do with how earlier starts went.
    pub(crate) fn begin_anew(&mut self, now: Instant) {
        self.starts = Pace { not_before: now, ..Pace::default() };
        self.given_up = false;
    }

    /// It stopped by itself: at once the first time, then ever later, until it has run for long enough.
    pub(crate) fn crashed(&mut self, now: Instant, settings: &Settings) {
        let steady = self.runs_since.is_some_and(|since| now.since(since) >= settings.steady_after);
        self.runs_since = None;
        self.holds = false;
        if steady {
            self.begin_anew(now);
        }
        if self.starts.rounds == 0 {
            self.starts.now(now);
            self.starts.rounds = 1;
        } else {
            let rounds = self.starts.rounds - 1;
            self.starts.wait_until(now + settings.backoff(rounds), Waits::Crashed);
            self.starts.rounds = self.starts.rounds.saturating_add(1);
        }
    }
}
