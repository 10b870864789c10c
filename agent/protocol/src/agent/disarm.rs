//! Disarmed time: for as long as the operator said, nobody fences and nothing restarts; then everybody is armed again by
//! itself, whether the leader still lives or not (S13).
use super::Agent;
use crate::command::Notification;
use crate::configuration::{Configuration, Disarm};
use crate::input::Operator;
use crate::medium::Medium;
use crate::settings::CLOCK_RATE_PPM;
use crate::{Command, Instant};
use core::time::Duration;
use lifeboat_model::HostIndex;

/// The longest that a pool can be disarmed: watchdogs count to 65,535 s, and must count beyond its end.
const LONGEST: Duration = Duration::from_hours(18);
/// How old the exchange may be that a grant is dated from.
const GRANT_AGE: Duration = Duration::from_secs(2);
/// A host's word that it is armed counts from so long after the recall on: what it says then, it says knowing of it, or never was
/// disarmed and is granted nothing any more.
const RECALL: Duration = Duration::from_millis(2_500);

/// The disarmed time, as this host knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Disarmed {
    /// Until when this host is disarmed.
    until: Option<Instant>,
    /// For the leader: when the time that it granted ends.
    granted: Option<Instant>,
    /// No host is disarmed later than this: a bound for other hosts' leases while the configuration says disarmed.
    bound: Option<Instant>,
    /// Ended before its time: what was ended, which is granted no more.
    recalled: Option<Disarm>,
    /// For the leader: since when it has recalled what it granted.
    recalling: Option<Instant>,
    /// Since when this host knows that nobody is disarmed: its adoption of a configuration that says so.
    armed_at: Option<Instant>,
    /// When a disarmed time that this host knew of ended, by agreement.
    ended_at: Option<Instant>,
}

impl Disarmed {
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The latest moment at which any host may have armed itself again (S13).
    pub(super) fn bound(&self) -> Option<Instant> {
        self.bound.max(self.armed_at)
    }
}

impl<M: Medium> Agent<M> {
    /// What a new configuration says of it.
    pub(super) fn adopt_disarm(&mut self, before: Option<&Configuration>, next: &Configuration) {
        let was = before.and_then(|known| known.disarm);
        match next.disarm {
            Some(disarm) if was != Some(disarm) => {
                self.begin_disarm(disarm, before.is_some() && next.leader == self.me);
            }
            Some(_) => {}
            None => {
                if was.is_some() {
                    self.disarm.ended_at = Some(self.now);
                }
                if was.is_some() || before.is_none() {
                    self.disarm.armed_at = Some(self.now);
                }
                self.disarm.bound = None;
                self.disarm.granted = None;
                self.disarm.recalling = None;
                self.wanted.retain(|wish| !matches!(wish, Operator::Arm));
                self.arm();
            }
        }
        if next.disarm.is_some() && next.leader == self.me && self.disarm.granted.is_none() {
            // A new leader goes on granting what it was granted, which is never longer.
            self.disarm.granted = self.disarm.until;
        }
    }

    /// `grants`: this host leads, and has seen the decision itself. A leader that meets it after a start does not know how
    /// much of the time is over.
    fn begin_disarm(&mut self, disarm: Disarm, grants: bool) {
        let end = self.now + disarm.lasts;
        let drift = disarm.lasts * (2 * CLOCK_RATE_PPM) / 1_000_000;
        self.disarm.bound = self.disarm.bound.max(Some(end + drift));
        self.disarm.recalled = None;
        self.disarm.recalling = None;
        self.wanted.retain(|wish| !matches!(wish, Operator::Disarm { .. }));
        if grants {
            self.disarm.granted = self.disarm.granted.max(Some(end));
            self.disarm_until(end);
        }
    }

    /// What this host, leading a disarmed pool, grants with each heartbeat; nothing any more recalls it.
    pub(super) fn grant(&self) -> Option<Duration> {
        if !self.leads() {
            return None;
        }
        if self.disarm.recalling.is_some() {
            return Some(Duration::ZERO);
        }
        let left = self.disarm.granted.map(|until| until.since(self.now));
        left.filter(|left| *left > Duration::ZERO)
    }

    /// Takes a grant of the leader, dated from the sending of our heartbeat that it had received.
    pub(super) fn take_grant(&mut self, from: HostIndex, at: Instant, left: Duration) {
        let Some(known) = self.adopted.as_ref().filter(|known| known.leader == from) else { return };
        let Some(disarm) = known.disarm else { return };
        if left == Duration::ZERO {
            self.disarm.recalled = Some(disarm);
            self.arm();
        } else if self.disarm.recalled != Some(disarm) && self.now.since(at) <= GRANT_AGE && left <= LONGEST {
            self.disarm_until(at + left);
        }
    }

    fn disarm_until(&mut self, until: Instant) {
        if until <= self.now || self.disarm.until.is_some_and(|known| known >= until) {
            return;
        }
        if !self.is_disarmed() {
            self.command(Command::Notify(Notification::Disarmed));
        }
        self.disarm.until = Some(until);
        // The watchdog arms the host again even if its agent hangs by then (S13).
        let deadline = until + self.timeout() + self.settings.watchdog_slack();
        self.command(Command::FeedWatchdog { deadline });
    }

    /// Arms again when the time is over.
    pub(super) fn run_disarm(&mut self) {
        if self.disarm.until.is_some_and(|until| self.now >= until) {
            self.arm();
        }
    }

    fn arm(&mut self) {
        let Some(until) = self.disarm.until.take() else { return };
        self.lease.rearm(until.min(self.now));
        self.fed_until = None;
        self.command(Command::Notify(Notification::Armed));
        self.renew_by_network();
        self.note_renewal();
    }

    /// The leader's part in the next configuration: what operators want, and the end of the disarmed time, when it is over for
    /// everybody. Ended before its time, it is recalled from every member, and over when each has said that it is armed.
    pub(super) fn tend_disarm(&mut self, next: &mut Configuration) {
        if self.wanted.contains(&Operator::Arm) && self.disarm.recalling.is_none() {
            self.recall(next);
        }
        let over = !self.is_disarmed() && self.disarm.bound.is_none_or(|bound| self.now >= bound);
        if next.disarm.is_some() && (over || self.all_armed(next)) {
            next.disarm = None;
        }
        for wish in &self.wanted {
            if let Operator::Disarm { lasts } = wish {
                next.disarm = Some(self.disarming((*lasts).min(LONGEST)));
            }
        }
    }

    fn recall(&mut self, known: &Configuration) {
        if known.disarm.is_none() {
            self.wanted.retain(|wish| !matches!(wish, Operator::Arm));
            return;
        }
        self.disarm.recalling = Some(self.now);
        self.disarm.recalled = known.disarm;
        self.arm();
        self.hurry();
    }

    /// Whether every member has said, since the recall, that it is armed.
    fn all_armed(&self, known: &Configuration) -> bool {
        let Some(since) = self.disarm.recalling else { return false };
        known.members().all(|(host, boot)| {
            let peer = &self.peers[host.get()];
            let present = peer.life.is_some_and(|(life, _)| life == boot);
            host == self.me || (present && peer.armed_since(since + RECALL))
        })
    }

    /// A disarmed time that is told apart from the one that goes on, even if it is of the same length.
    fn disarming(&self, lasts: Duration) -> Disarm {
        let known = self.adopted.as_ref().and_then(|known| known.disarm);
        let same = known == Some(Disarm { lasts });
        Disarm { lasts: if same { lasts.saturating_sub(Duration::from_millis(1)) } else { lasts } }
    }

    /// Whether silence is held against hosts now: not while disarmed, and not for T after that. Who leads when the time is over
    /// says so in the next configuration; if nobody does any more, the time is over all the same.
    pub(super) fn silence_counts(&self, known: &Configuration) -> bool {
        let end = if known.disarm.is_some() { self.disarm.bound } else { self.disarm.ended_at };
        match end {
            Some(end) => self.now >= end + self.timeout(),
            None => known.disarm.is_none(),
        }
    }
}
