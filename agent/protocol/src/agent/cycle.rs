//! Cycles on the medium: publish, read, learn. A complete cycle renews the lease (S4) and brings the news that
//! `membership` and `fencing` build on.
use super::Agent;
use crate::command::Notification;
use crate::configuration::ConfigurationNumber;
use crate::medium::{Answer, Medium, Snapshot, Step};
use crate::{Command, Instant};
use core::time::Duration;

/// A cycle under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    /// When its first request was sent: before the publication, so that it can be the lease's date.
    date: Instant,
    /// The newest configuration that this host had adopted by then; the cycle publishes it.
    publishes: ConfigurationNumber,
}

/// How the medium serves this host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MediumHealth {
    /// When the first cycle completed.
    pub(super) first_look: Option<Instant>,
    /// When the last one did.
    pub(super) worked: Option<Instant>,
    /// When that one began: everything that was so by then is published.
    pub(super) published: Option<Instant>,
    /// Whether what the first one showed has been taken in.
    pub(super) looked: bool,
    /// How long the last one took.
    pub(super) cycle_took: Duration,
    /// Since when it has been said to be lost.
    pub(super) lost_at: Option<Instant>,
    /// Whether its silence has been warned of.
    warned: bool,
}

impl<M: Medium> Agent<M> {
    /// Begins a cycle when it is due.
    pub(super) fn run_cycle(&mut self) {
        if self.cycle.is_some() || !self.medium.idle() || self.now < self.next_cycle {
            return;
        }
        let status = self.status();
        let request = self.medium.begin(&status, self.proposal.as_ref());
        self.cycle = Some(Cycle { date: self.now, publishes: self.number() });
        self.next_cycle = self.now + self.settings.medium_interval();
        self.command(Command::Medium(request));
    }

    pub(super) fn take_answer(&mut self, answer: Answer) {
        let Some(cycle) = self.cycle else { return };
        match self.medium.answered(answer) {
            Step::Next(request) => self.command(Command::Medium(request)),
            Step::Failed(_) => self.cycle = None,
            Step::Done(snapshot) => {
                self.cycle = None;
                self.take_snapshot(cycle, snapshot);
            }
        }
    }

    fn take_snapshot(&mut self, cycle: Cycle, snapshot: Snapshot) {
        self.medium_health.cycle_took = self.now.since(cycle.date);
        self.note_medium_works();
        self.medium_health.published = Some(cycle.date);
        for (host, status) in &snapshot.renewed {
            if *host != self.me {
                self.take_record(*host, status);
            }
        }
        if snapshot.settled {
            self.proposal = None;
        }
        if let Some(newest) = snapshot.newest {
            self.adopt(newest);
        }
        self.medium_health.looked = true;
        self.close_cases(cycle.publishes);
        // S4: what was shown, if it is newer, has been adopted above; so this host's place is judged by it.
        if self.is_member() && !self.majority_rules() {
            self.lease.renew_by_medium(cycle.date);
            self.note_renewal();
        }
        self.form();
        self.assess();
        if self.proposal.is_some() || self.number() > cycle.publishes || self.has_fencing_news() {
            self.next_cycle = self.now;
        }
    }

    fn take_record(&mut self, host: lifeboat_model::HostIndex, status: &crate::Status) {
        let Some(peer) = self.peers.get_mut(host.get()) else { return };
        if !peer.meet(status.boot, status.process, self.now) {
            // An earlier process of the boot that lives: its renewal counts all the same (S9).
            if peer.life.is_some_and(|(boot, _)| boot == status.boot) {
                peer.renewed_at = Some(self.now);
            }
            return;
        }
        peer.renewed_at = Some(self.now);
        peer.learn(status.clone(), self.now);
        self.close_old_channel(host);
    }

    fn note_medium_works(&mut self) {
        self.medium_health.first_look = self.medium_health.first_look.or(Some(self.now));
        self.medium_health.worked = Some(self.now);
        self.medium_health.warned = false;
        if self.medium_health.lost_at.take().is_some() {
            self.command(Command::Notify(Notification::MediumBack));
        }
    }

    /// Whether cycles complete in time.
    pub(super) fn medium_works(&self) -> bool {
        self.medium_health.worked.is_some() && self.medium_health.lost_at.is_none()
    }

    /// Warns of silence before it matters: at half of T, and says that the medium is lost at three quarters.
    pub(super) fn run_warnings(&mut self) {
        let timeout = self.timeout();
        let silent_for = self.now.since(self.medium_health.worked.unwrap_or(self.started));
        if silent_for * 2 > timeout && !self.medium_health.warned {
            self.medium_health.warned = true;
            self.command(Command::Notify(Notification::MediumApproachingTimeout { silent_for }));
        }
        if silent_for * 4 > timeout * 3 && self.medium_health.lost_at.is_none() {
            self.medium_health.lost_at = Some(self.now);
            self.command(Command::Notify(Notification::MediumLost));
        }
        if !self.is_member() {
            return;
        }
        for host in self.hosts() {
            let is_member =
                self.adopted.as_ref().is_some_and(|known| known.standing(host).member_boot().is_some());
            let peer = &mut self.peers[host.get()];
            let Some(silent_for) = peer.silence(self.now) else { continue };
            if host != self.me && is_member && silent_for * 2 > timeout && !peer.warned {
                peer.warned = true;
                self.command(Command::Notify(Notification::PeerApproachingTimeout { host, silent_for }));
            }
        }
    }
}
