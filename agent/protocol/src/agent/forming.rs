//! Forming a pool: after power-on, when no member of the last configuration lives; and for the very first time. Through the same
//! decision on the medium as everything else, so that two groups of hosts never form two pools.
//!
//! Hosts form when all members of the last configuration are up, or a strict majority of them; or, after T + 60 s in which no
//! member was heard and nobody else wrote, any of them (S2, S6). Who was no member of the last one does not form a pool
//! without one that was: the members may live on somewhere.
use super::heartbeats::FORMING_WAIT;
use super::{Agent, Life};
use crate::configuration::{Configuration, HostEntry, Standing};
use crate::medium::Medium;
use crate::quarantine;
use crate::status::Phase;
use crate::{Epoch, Instant};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::{HostIndex, HostSet};

impl<M: Medium> Agent<M> {
    /// Whether this host, not a member, asks to be taken in: it has seen the medium or a configuration.
    pub(super) fn joining(&self) -> bool {
        self.adopted.is_some()
    }

    /// Forms a pool if that is right, and this host's to do.
    pub(super) fn form(&mut self) {
        if self.life != Life::Starting {
            return;
        }
        self.proposal = None;
        if !self.medium_works() || self.resumes() || self.sees_member() {
            self.need_since = None;
            return;
        }
        let known = self.adopted.clone();
        let here = self.gathered();
        let last: Vec<HostIndex> =
            known.iter().flat_map(Configuration::members).map(|(host, _)| host).collect();
        let back = last.iter().filter(|&&host| here.contains(host)).count();
        let settled = self.now.since(self.started) >= self.settling();
        let waited = self.now >= self.quiet_since() + self.timeout() + FORMING_WAIT;
        let may = match (&known, last.is_empty()) {
            (Some(_), false) => (settled && back * 2 > last.len()) || (waited && back > 0),
            (_, _) => (settled && here.len() == self.peers.len()) || waited,
        };
        if !may {
            return;
        }
        let first = here.iter().next();
        if first == Some(self.me)
            || self.now.since(*self.need_since.get_or_insert(self.now)) >= Duration::from_secs(5)
        {
            let formed = self.formed(known.as_ref(), &here);
            self.proposal = Some(formed);
            self.next_cycle = self.next_cycle.min(self.now);
        }
    }

    /// Long enough to see a member's record move, if one lives.
    fn settling(&self) -> Duration {
        (self.settings.medium_interval() * 6).max(Duration::from_secs(2))
    }

    /// Whether this very boot is a member: the agent was only started anew.
    fn resumes(&self) -> bool {
        self.adopted.as_ref().is_some_and(|known| known.is_member(self.me, self.boot))
    }

    /// Whether a member of the last configuration lives, as far as this host has heard since its own start.
    fn sees_member(&self) -> bool {
        let Some(known) = &self.adopted else { return false };
        known.members().any(|(host, boot)| {
            let peer = &self.peers[host.get()];
            let present = host != self.me && peer.life.is_some_and(|(life, _)| life == boot);
            present
                && self.evidence_about(host, boot).is_none()
                && self.shown_since(host).is_some_and(|at| self.now.since(at) < self.timeout())
        })
    }

    /// The last sign of life of `host` since this host's first look: a record that is merely there is none.
    fn shown_since(&self, host: HostIndex) -> Option<Instant> {
        let peer = &self.peers[host.get()];
        let renewed =
            peer.renewed_at.filter(|&at| self.medium_health.first_look.is_some_and(|look| at > look));
        peer.heard_at.max(renewed)
    }

    /// Since when no member was heard and no host outside those gathered wrote.
    fn quiet_since(&self) -> Instant {
        let here = self.gathered();
        let others = self.hosts().filter(|&host| !here.contains(host));
        let foreign = others.filter_map(|host| self.shown_since(host)).max();
        foreign.unwrap_or(self.started).max(self.started)
    }

    /// This host, and those that are up, not members either, renew on the medium, and exchange heartbeats with it.
    fn gathered(&self) -> HostSet {
        let limit = self.timeout() / 2;
        let is_here = |host: HostIndex| {
            let peer = &self.peers[host.get()];
            let starting = matches!(peer.phase(), Some(Phase::Starting | Phase::Joining));
            let exchanges = peer.silence(self.now).is_some_and(|silence| silence < limit);
            host == self.me || (starting && exchanges && self.renews(host))
        };
        HostSet::of(self.peers.len(), self.hosts().filter(|&host| is_here(host)))
    }

    /// The configuration of those who are here. Members of the last one that are not must be fenced first.
    fn formed(&self, known: Option<&Configuration>, here: &HostSet) -> Configuration {
        let number = known.map(|known| known.number).unwrap_or_default().next();
        let mut hosts = alloc::vec![HostEntry::default(); self.peers.len()];
        if let Some(known) = known {
            hosts[..known.hosts.len()].copy_from_slice(&known.hosts);
        }
        for host in self.hosts() {
            let entry = &mut hosts[host.get()];
            if here.contains(host) {
                let boot = if host == self.me {
                    self.boot
                } else {
                    self.peers[host.get()].life.unwrap_or_default().0
                };
                *entry = quarantine::at_join(*entry, self.settings.quarantine);
                entry.standing = Standing::Member { boot, joined: number };
            } else if let Standing::Member { boot, joined } = entry.standing {
                let led = known.filter(|known| known.leader == host).map(|known| known.epoch);
                entry.standing = Standing::Fencing { boot, joined, led };
            }
        }
        Configuration {
            number,
            leader: self.me,
            epoch: Epoch(number.0),
            timeout: known.map_or(self.settings.timeout, |known| known.timeout),
            key_epoch: known.map_or_else(|| self.keyring.sending(), |known| known.key_epoch),
            disarm: None,
            braked: false,
            hosts,
        }
    }
}
