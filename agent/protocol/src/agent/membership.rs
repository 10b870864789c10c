//! Who should be in the liveset next: what this host would have decided, and whether it is for it to propose. The leader proposes
//! at once; the others, lowest id first, only when it does not, each later than the one before.
use super::view::View;
use super::{Agent, Life};
use crate::command::Notification;
use crate::configuration::{Configuration, Standing};
use crate::evidence::EvidenceKind;
use crate::input::Operator;
use crate::medium::Medium;
use crate::quarantine;
use crate::status::Phase;
use crate::{Command, Epoch};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::{HostIndex, HostSet};

/// The window in which failures count together for the brake.
const BRAKE_WINDOW: Duration = Duration::from_mins(1);

impl<M: Medium> Agent<M> {
    /// Looks at the pool, and makes a proposal if there is need and it is for this host to make it.
    pub(super) fn assess(&mut self) {
        if !self.may_propose() {
            return;
        }
        let Some(known) = self.adopted.clone() else { return };
        let view = self.view(&known);
        if !view.survivors.contains(self.me) {
            return;
        }
        let mut next = known.clone();
        self.evict(&mut next, &view);
        let leader = self.next_leader(&known, &next, &view);
        if leader == Some(self.me) || next.leader == self.me {
            self.tend(&mut next, &view);
        }
        self.give_term(&mut next, leader);
        if next == known {
            self.need_since = None;
            self.proposal = None;
            return;
        }
        if self.is_my_turn(&known, &view) {
            next.number = known.number.next();
            self.proposal = Some(next);
        }
    }

    fn may_propose(&self) -> bool {
        let member = matches!(self.life, Life::Member | Life::Leaving { .. });
        let in_force = self.adopted.as_ref().is_some_and(|known| known.is_member(self.me, self.boot));
        member && in_force && self.medium_works() && self.is_leased()
    }

    /// Takes out whom the pool has lost. Nobody while the pool is disarmed; no living host beyond the brake's share; and,
    /// where a majority rules, nobody unless those that stay are one.
    fn evict(&mut self, next: &mut Configuration, view: &View) {
        if !self.silence_counts(next) {
            return;
        }
        let members = next.members().count();
        if self.majority_rules() && view.survivors.len() * 2 <= members {
            return;
        }
        let lost: HostSet = {
            let mut lost = HostSet::of(self.peers.len(), next.members().map(|(host, _)| host));
            lost.subtract(&view.survivors);
            lost
        };
        if lost.is_empty() {
            return;
        }
        let brakes = self.brakes(members, lost.len());
        if brakes && !next.braked {
            next.braked = true;
        }
        for host in lost.iter() {
            if brakes && !view.gone.contains(host) {
                continue;
            }
            self.take_out(next, host);
        }
    }

    /// Whether so many failures within the window are more than the brake lets through.
    fn brakes(&mut self, members: usize, lost: usize) -> bool {
        let Some(permille) = self.settings.brake_permille else { return false };
        while self.evictions.front().is_some_and(|&at| self.now.since(at) > BRAKE_WINDOW) {
            self.evictions.pop_front();
        }
        let before = self.evictions.len();
        (before + lost) * 1000 > (members + before) * permille as usize
    }

    fn take_out(&self, next: &mut Configuration, host: HostIndex) {
        let Some(entry) = next.hosts.get_mut(host.get()) else { return };
        let Standing::Member { boot, joined } = entry.standing else { return };
        let led = (next.leader == host).then_some(next.epoch);
        let evidence = self.evidence_about(host, boot);
        entry.standing = match evidence {
            Some(EvidenceKind::Left) => Standing::Out,
            Some(evidence) => Standing::Fenced { boot, evidence },
            None => Standing::Fencing { boot, joined, led },
        };
        if evidence != Some(EvidenceKind::Left) {
            *entry = quarantine::after_failure(*entry, self.settings.quarantine);
        }
    }

    /// Who should lead: the leader, while it is a survivor and has not resigned, else the first survivor with the medium.
    fn next_leader(&self, known: &Configuration, next: &Configuration, view: &View) -> Option<HostIndex> {
        let leader = known.leader;
        let stays = next.standing(leader).member_boot().is_some();
        // S16: a leader that is still a member is followed by another only when it has resigned.
        if stays && !self.has_resigned(leader, known.epoch) {
            return Some(leader);
        }
        let own_again =
            leader == self.me && stays && self.handing_over.is_none() && self.life == Life::Member;
        if own_again {
            return Some(leader);
        }
        let fit = |&host: &HostIndex| {
            host != leader && next.standing(host).member_boot().is_some() && self.stays_for(host)
        };
        // Who hands over does so to whoever comes after it: so each host has its turn where several cannot serve.
        let heir = view.with_medium.iter().filter(fit).min_by_key(|&host| (stays && host < leader, host));
        heir.or(stays.then_some(leader))
    }

    /// Whether `host` is not itself about to leave.
    pub(super) fn stays_for(&self, host: HostIndex) -> bool {
        if host == self.me {
            self.life == Life::Member
        } else {
            self.peers[host.get()].phase() == Some(Phase::Member)
        }
    }

    fn has_resigned(&self, host: HostIndex, epoch: Epoch) -> bool {
        let resigned = if host == self.me { self.resigned } else { self.peers[host.get()].resigned };
        resigned >= epoch
    }

    /// Begins a new term where the leader changes, or begins anew.
    fn give_term(&self, next: &mut Configuration, leader: Option<HostIndex>) {
        let Some(leader) = leader else { return };
        let again = leader == self.me && next.leader == leader && self.has_resigned(leader, next.epoch);
        if leader != next.leader || again {
            next.leader = leader;
            next.epoch = Epoch(next.number.next().0);
        }
    }

    /// What only the leader does: hosts that join, evidence that is recorded, what operators asked for.
    fn tend(&mut self, next: &mut Configuration, view: &View) {
        self.tend_disarm(next);
        self.tend_brake(next);
        self.tend_key(next);
        for host in self.quiet.over(self.now, self.settings.quarantine) {
            let entry = &mut next.hosts[host.get()];
            *entry = quarantine::after_quiet_period(*entry, self.settings.quarantine);
        }
        for host in self.hosts() {
            match next.standing(host) {
                Standing::Fencing { boot, .. } => {
                    if let Some(proof) = self.proof_of(host, boot) {
                        let evidence = proof.evidence().kind;
                        next.hosts[host.get()].standing = Standing::Fenced { boot, evidence };
                    }
                }
                Standing::Member { boot, .. } => self.let_go(next, host, boot),
                Standing::Out | Standing::Fenced { .. } => self.take_in(next, host, view),
            }
        }
    }

    /// A member that has nothing more to lose leaves: its failure is not counted.
    fn let_go(&self, next: &mut Configuration, host: HostIndex, boot: crate::Boot) {
        let leaving = if host == self.me {
            matches!(self.life, Life::Leaving { .. })
                && next.members().count() == 1
                && self.coordinator_term().is_none()
        } else {
            let peer = &self.peers[host.get()];
            let says_so = matches!(peer.phase(), Some(Phase::Leaving | Phase::Left));
            says_so && peer.life.is_some_and(|(life, _)| life == boot)
        };
        if leaving && (next.leader != host || host == self.me) {
            next.hosts[host.get()].standing = Standing::Out;
        }
    }

    /// Takes a host in that asks for it, that renews on the medium, and that every survivor hears.
    fn take_in(&self, next: &mut Configuration, host: HostIndex, view: &View) {
        let peer = &self.peers[host.get()];
        let Some((boot, _)) = peer.life else { return };
        let earlier = match next.standing(host) {
            Standing::Fenced { boot, .. }
            | Standing::Fencing { boot, .. }
            | Standing::Member { boot, .. } => Some(boot),
            Standing::Out => None,
        };
        let over = self.evidence[host.get()].map(|(over, _)| over);
        let asks = peer.phase() == Some(Phase::Joining) && earlier.max(over).is_none_or(|over| over < boot);
        if host == self.me || !asks || !self.renews(host) || view.split {
            return;
        }
        let limit = self.timeout() / 2;
        let hears = |other: HostIndex| {
            peer.silence_towards(other.get(), self.now).is_some_and(|silence| silence < limit)
        };
        let survivors_hear = view.survivors.iter().all(hears);
        if survivors_hear && peer.silence(self.now).is_some_and(|silence| silence < limit) {
            let entry = &mut next.hosts[host.get()];
            *entry = quarantine::at_join(*entry, self.settings.quarantine);
            entry.standing = Standing::Member { boot, joined: next.number.next() };
        }
    }

    fn tend_brake(&mut self, next: &mut Configuration) {
        let released = self.wanted.iter().position(|wanted| *wanted == Operator::ReleaseBrake);
        if let Some(position) = released {
            self.wanted.remove(position);
            next.braked = false;
            self.evictions.clear();
        }
    }

    /// The leader proposes at once; another survivor with the medium only when it is the first of them, or those before
    /// it have had their time.
    fn is_my_turn(&mut self, known: &Configuration, view: &View) -> bool {
        let since = *self.need_since.get_or_insert(self.now);
        let leader = known.leader;
        let mut order: Vec<HostIndex> = view.with_medium.iter().filter(|&host| host != leader).collect();
        let alone = known.members().count() == 1;
        let leader_may = view.with_medium.contains(leader) && (self.stays_for(leader) || alone);
        // Where nobody else can lead, it goes on at once.
        let hands_over = leader == self.me
            && self.handing_over.is_some()
            && order.iter().any(|&host| self.stays_for(host));
        if leader_may && !hands_over {
            // A leader that begins a new term itself, after its coordinator crashed, is not overtaken.
            order.insert(0, leader);
        }
        let Some(rank) = order.iter().position(|&host| host == self.me) else { return false };
        let step = Duration::from_secs(1).max(self.settings.medium_interval() * 4);
        self.now.since(since) >= step * rank as u32
    }

    /// Counts evictions for the brake and speaks of what is new in `next`.
    pub(super) fn note_changes(&mut self, before: Option<&Configuration>, next: &Configuration) {
        self.quiet.agreed(self.now, &next.hosts);
        for host in self.hosts() {
            let was = before.is_some_and(|known| known.standing(host).member_boot().is_some());
            let failed = matches!(next.standing(host), Standing::Fencing { .. } | Standing::Fenced { .. });
            if was && failed && self.settings.brake_permille.is_some() {
                self.evictions.push_back(self.now);
            }
            if was
                && next.leader == self.me
                && let Standing::Fenced { evidence: kind, .. } = next.standing(host)
            {
                self.command(Command::Notify(Notification::Evidence { host, kind }));
            }
            let quarantined =
                |known: &Configuration| known.hosts.get(host.get()).is_some_and(|entry| entry.quarantined);
            if quarantined(next) && !before.is_some_and(quarantined) {
                self.command(Command::Notify(Notification::Quarantined { host }));
            }
        }
        if next.braked && !before.is_some_and(|known| known.braked) {
            self.command(Command::Notify(Notification::BrakeApplied));
        }
    }
}
