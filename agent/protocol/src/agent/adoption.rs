//! What follows from an agreed configuration, the same for everybody who learns it, from the medium or from a peer.
use super::{Agent, Earlier, Life, Office};
use crate::channel::{Channel, Session};
use crate::command::FenceReason;
use crate::configuration::{Configuration, HostEntry, Standing};
use crate::medium::Medium;
use crate::{Command, Epoch};
use alloc::boxed::Box;
use lifeboat_model::HostIndex;

impl<M: Medium> Agent<M> {
    /// Acts by `next` from now on, if it is newer than what is known (S1).
    pub(super) fn adopt(&mut self, next: Configuration) {
        if self.adopted.as_ref().is_some_and(|known| known.number >= next.number) {
            return;
        }
        // The pool may have agreed on hosts of which this one's shell has not been told yet. To go on by an older agreement would be to renew the
        // lease of a host that is evicted (S1): they are taken in here, and heard when the shell knows where they are.
        self.grow(next.hosts.len());
        let mut next = next;
        next.hosts.resize_with(self.peers.len(), HostEntry::default);
        let before = self.adopted.replace(next);
        let Some(next) = self.adopted.clone() else { return };
        self.proposal = None;
        self.need_since = None;
        self.require_members(before.as_ref(), &next);
        self.open_cases(before.as_ref(), &next);
        self.adopt_disarm(before.as_ref(), &next);
        self.note_changes(before.as_ref(), &next);
        self.use_agreed_key();
        self.meet_own_term(&next);
        self.take_place(&next);
        self.change_term(before.as_ref(), &next);
        self.spread_configuration();
        self.renew_by_network();
        self.hurry();
    }

    /// S5: who joined later than this host is required from the adoption of its join on; that counts as a first
    /// vouching.
    fn require_members(&mut self, before: Option<&Configuration>, next: &Configuration) {
        let was_member = before.is_some_and(|known| known.is_member(self.me, self.boot));
        for host in self.hosts() {
            let boot = next.standing(host).member_boot();
            let known = before.and_then(|known| known.standing(host).member_boot());
            if boot.is_none() || !was_member {
                self.required_since[host.get()] = None;
            } else if boot != known {
                self.required_since[host.get()] = Some(self.now);
            }
        }
    }

    /// A term of this host that it meets before it has taken in what the medium shows was an earlier process's, and is over
    /// with it.
    fn meet_own_term(&mut self, next: &Configuration) {
        let own = next.leader == self.me && next.is_member(self.me, self.boot);
        if !own || self.medium_health.looked {
            return;
        }
        match &mut self.office {
            // Its coordinator may still run; only its end ends the term (S16).
            Office::Ending { epoch } => *epoch = (*epoch).max(next.epoch),
            Office::Vacant | Office::Running { .. } => self.resigned = self.resigned.max(next.epoch),
        }
    }

    /// This host's own place.
    fn take_place(&mut self, next: &Configuration) {
        let member = next.is_member(self.me, self.boot);
        match (self.life, member) {
            (Life::Starting, true) => self.life = Life::Member,
            (Life::Starting, false) => self.meet_own_past(next),
            (Life::Leaving { .. }, false) if self.office == Office::Vacant => self.leave(),
            // Left is said when no coordinator of this host acts any more (S16), as is the notice of a fenced host.
            (Life::Member | Life::Leaving { .. }, false) => self.fence_self(FenceReason::Evicted),
            (Life::Member | Life::Leaving { .. }, true)
            | (Life::Stopping(_) | Life::Fenced { .. } | Life::Left { .. } | Life::Over, _) => {}
        }
    }

    /// A configuration met at the start may speak of this very boot, as one that was evicted while the agent did not run;
    /// or of an earlier one, which is then known to have been a member (S10).
    fn meet_own_past(&mut self, next: &Configuration) {
        match next.standing(self.me) {
            Standing::Fencing { boot, .. } | Standing::Fenced { boot, .. } if boot == self.boot => {
                self.fence_self(FenceReason::Evicted);
            }
            Standing::Member { boot, joined } if boot < self.boot => {
                self.earlier = Some(Earlier { joined, met: next.number });
            }
            _ => {}
        }
    }

    /// S17: a new term voids the channel of the old one.
    fn change_term(&mut self, before: Option<&Configuration>, next: &Configuration) {
        let same_term = before.is_some_and(|known| known.epoch == next.epoch && known.leader == next.leader);
        let running = match self.office {
            Office::Running { epoch, .. } => Some(epoch),
            Office::Vacant | Office::Ending { .. } => None,
        };
        if running.is_some_and(|epoch| epoch != next.epoch || next.leader != self.me) {
            self.end_coordinator();
        }
        if next.leader != self.me {
            self.handing_over = None;
        }
        if !same_term {
            self.down.iter_mut().for_each(|channel| *channel = None);
            self.held_reports.clear();
            self.up = None;
        }
        if self.is_member() && self.up.is_none() {
            let session = Session { epoch: next.epoch, boot: self.boot, process: self.process };
            self.up = Some((next.leader, Channel::new(session)));
            self.command(Command::NewTerm { epoch: next.epoch });
        }
        if running == Some(next.epoch) && next.leader == self.me {
            self.command(Command::Agreed(Box::new(next.clone())));
        }
    }

    /// The adopted term.
    pub(super) fn epoch(&self) -> Epoch {
        self.adopted.as_ref().map(|known| known.epoch).unwrap_or_default()
    }

    /// Whether this host leads the adopted configuration.
    pub(super) fn leads(&self) -> bool {
        let known = self.adopted.as_ref().filter(|known| known.is_member(self.me, self.boot));
        self.is_member() && known.is_some_and(|known| known.leader == self.me)
    }

    /// The hosts that the adopted configuration says are being fenced, with that entry.
    pub(super) fn being_fenced(&self) -> alloc::vec::Vec<(HostIndex, Standing)> {
        let Some(known) = &self.adopted else { return alloc::vec::Vec::new() };
        let all = self.hosts().map(|host| (host, known.standing(host)));
        all.filter(|(_, standing)| matches!(standing, Standing::Fencing { .. })).collect()
    }
}
