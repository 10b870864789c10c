//! Disarmed time: for as long as the operator said, nobody fences and nothing restarts; then everybody is armed again by
//! itself, whether the leader still lives or not (S13).
use super::Agent;
use crate::command::Notification;
use crate::configuration::{Configuration, ConfigurationNumber, Disarm};
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

/// The disarmed time, as this host knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Disarmed {
    /// Until when this host is disarmed.
    until: Option<Instant>,
    /// For the leader: when the time that it granted ends.
    granted: Option<Instant>,
    /// No host is disarmed later than this: a bound for other hosts' leases.
    bound: Option<Instant>,
    /// The configuration that ended it before its time, and when this host adopted that.
    ended: Option<(ConfigurationNumber, Instant)>,
}

impl Disarmed {
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// A bound for the end of the disarmed time of a host that joined in `joined` and is known to have adopted `adopted`
    /// since then (S13).
    pub(super) fn bound_for(
        &self,
        joined: ConfigurationNumber,
        adopted: Option<(ConfigurationNumber, Instant)>,
    ) -> Option<Instant> {
        let Some((ended, at)) = self.ended else { return self.bound };
        if joined >= ended {
            return None;
        }
        match adopted {
            Some((number, since)) if number >= ended => Some(since.max(at)),
            _ => self.bound,
        }
    }

    /// Whether the pool has been armed for so long that silence counts again.
    fn is_past(&self, now: Instant, timeout: Duration) -> bool {
        let end = self.ended.map(|(_, at)| at).or(self.bound);
        end.is_none_or(|end| now >= end + timeout)
    }
}

impl<M: Medium> Agent<M> {
    /// What a new configuration says of it.
    pub(super) fn adopt_disarm(&mut self, before: Option<&Configuration>, next: &Configuration) {
        let was = before.and_then(|known| known.disarm);
        match (was, next.disarm) {
            (was, Some(disarm)) if was != Some(disarm) => {
                let end = self.now + disarm.lasts;
                let drift = disarm.lasts * (2 * CLOCK_RATE_PPM) / 1_000_000;
                self.disarm.bound = self.disarm.bound.max(Some(end + drift));
                self.disarm.ended = None;
                self.wanted.retain(|wish| !matches!(wish, Operator::Disarm { .. }));
                if next.leader == self.me {
                    self.disarm.granted = self.disarm.granted.max(Some(end));
                    self.disarm_until(end);
                }
            }
            (Some(_), None) => {
                self.disarm.granted = None;
                self.disarm.ended = Some((next.number, self.now));
                self.wanted.retain(|wish| !matches!(wish, Operator::Arm));
                self.arm();
            }
            (_, None | Some(_)) => {}
        }
    }

    /// What this host, leading a disarmed pool, grants with each heartbeat.
    pub(super) fn grant(&self) -> Option<Duration> {
        let left = self.disarm.granted.map(|until| until.since(self.now));
        left.filter(|left| *left > Duration::ZERO && self.leads())
    }

    /// Takes a grant of the leader, dated from the sending of our heartbeat that it had received.
    pub(super) fn take_grant(&mut self, from: HostIndex, at: Instant, left: Duration) {
        let by_leader =
            self.adopted.as_ref().is_some_and(|known| known.leader == from && known.disarm.is_some());
        if by_leader && self.now.since(at) <= GRANT_AGE && left <= LONGEST {
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

    /// The leader's part in the next configuration.
    pub(super) fn tend_disarm(&mut self, next: &mut Configuration) {
        let over = self.disarm.granted.is_none_or(|until| self.now >= until) && !self.is_disarmed();
        if next.disarm.is_some() && over && self.disarm.bound.is_none_or(|bound| self.now >= bound) {
            next.disarm = None;
        }
        for wish in &self.wanted {
            match wish {
                Operator::Disarm { lasts } => next.disarm = Some(self.disarming((*lasts).min(LONGEST))),
                Operator::Arm if self.all_hear(next) => next.disarm = None,
                _ => {}
            }
        }
        if next.disarm.is_none() && self.adopted.as_ref().is_some_and(|known| known.disarm.is_none()) {
            self.wanted.retain(|wish| !matches!(wish, Operator::Arm));
        }
    }

    /// A disarmed time that is told apart from the one that goes on, even if it is of the same length.
    fn disarming(&self, lasts: Duration) -> Disarm {
        let known = self.adopted.as_ref().and_then(|known| known.disarm);
        let same = known == Some(Disarm { lasts });
        Disarm { lasts: if same { lasts.saturating_sub(Duration::from_millis(1)) } else { lasts } }
    }

    /// Whether every member can be told now; else the disarmed time ends by itself.
    fn all_hear(&self, known: &Configuration) -> bool {
        let limit = self.timeout() / 2;
        let hears =
            |host: HostIndex| self.peers[host.get()].silence(self.now).is_some_and(|silence| silence < limit);
        known.members().all(|(host, _)| host == self.me || hears(host))
    }

    /// Whether silence is held against hosts now: not while disarmed, and not for T after that. Who leads when the time is over
    /// says so in the next configuration; if nobody does any more, the time is over all the same.
    pub(super) fn silence_counts(&self, known: &Configuration) -> bool {
        let knows_when = known.disarm.is_none() || self.disarm.bound.is_some();
        knows_when && self.disarm.is_past(self.now, self.timeout())
    }
}
