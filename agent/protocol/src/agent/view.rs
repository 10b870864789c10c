//! The view: who hears whom and who renews on the medium, put together from what all hosts tell. Everybody who has the
//! same records comes to the same view; that two hosts may differ for a moment is harmless, as each number of a configuration
//! is decided once.
use super::Agent;
use crate::configuration::Configuration;
use crate::medium::Medium;
use crate::status::Phase;
use crate::survival::{self, Candidate, WORK_LIMIT};
use crate::{Boot, Instant};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::{HostIndex, HostSet};

/// What this host makes of the members of a configuration.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Members that no medium and no network has shown for T, or that evidence shows to be over.
    pub(super) gone: HostSet,
    /// Whether some pair of living members is cut off from one another, beyond the silence limit.
    pub(super) split: bool,
    /// Members that live on: gone ones left out, and the losers of a split.
    pub(super) survivors: HostSet,
    /// Survivors that can carry a proposal through the medium.
    pub(super) with_medium: HostSet,
}

impl<M: Medium> Agent<M> {
    /// Looks at the members of `known`.
    pub(super) fn view(&mut self, known: &Configuration) -> View {
        let size = self.peers.len();
        let members: Vec<(HostIndex, Boot)> = known.members().collect();
        let limit = self.settings.network_silence_of(self.timeout());
        let silences = Silences::of(self, &members);
        self.note_living(&members, &silences);
        let mut gone = HostSet::empty(size);
        let mut living = HostSet::empty(size);
        for &(host, boot) in &members {
            if host == self.me {
                living.insert(host);
            } else if self.is_over(host, boot) || self.is_silent(host, silences.heard(host)) {
                gone.insert(host);
            } else if self.is_steady(host) {
                living.insert(host);
            }
        }
        let is_split = |one: HostIndex, other: HostIndex| silences.between(one, other) >= limit;
        let split = self.is_steady(self.me) && pairs(&living).any(|(one, other)| is_split(one, other));
        let mut survivors = HostSet::of(size, members.iter().map(|&(host, _)| host));
        survivors.subtract(&gone);
        if split {
            let best = self.best_set(known, &living, &silences, limit * 3 / 4);
            let mut lost = living.clone();
            lost.subtract(&best);
            survivors.subtract(&lost);
        }
        let carries = |&host: &HostIndex| self.carries_proposals(host);
        let with_medium = HostSet::of(size, survivors.iter().filter(carries));
        View { gone, split, survivors, with_medium }
    }

    /// Whether evidence shows that `boot` of `host` is over.
    fn is_over(&self, host: HostIndex, boot: Boot) -> bool {
        self.evidence_about(host, boot).is_some()
    }

    /// Whether nothing has shown `host` for T.
    fn is_silent(&self, host: HostIndex, heard: Duration) -> bool {
        let timeout = self.timeout();
        let on_medium = self.peers[host.get()].renewed_at.unwrap_or(self.started);
        self.is_steady(self.me) && heard >= timeout && self.now.since(on_medium) >= timeout
    }

    /// Keeps account of since when each member has been seen alive, on the medium or by anybody on the network, without a gap. A
    /// gap in this host's own looking is a gap for all.
    fn note_living(&mut self, members: &[(HostIndex, Boot)], silences: &Silences) {
        let gap = self.looked_at.is_none_or(|at| at < self.woke_at);
        self.looked_at = Some(self.now);
        for &(host, _) in members {
            let heard = silences.heard(host) < self.timeout() / 2;
            let alive = host == self.me || heard || self.renews(host);
            let since = &mut self.alive_since[host.get()];
            if gap || !alive {
                *since = None;
            }
            if alive {
                since.get_or_insert(self.now);
            }
        }
    }

    /// Whether `host` has been alive for a moment: a host that has just come back from a pause is given that moment to be
    /// heard before its silence is held against it or against others.
    fn is_steady(&self, host: HostIndex) -> bool {
        self.alive_since[host.get()].is_some_and(|since| self.now.since(since) >= STEADY)
    }

    /// When this host first heard of the present process of `host`; for itself, its own start.
    pub(super) fn met_at(&self, host: HostIndex) -> Instant {
        if host == self.me { self.started } else { self.peers[host.get()].met_at.unwrap_or(self.started) }
    }

    /// Whether `host` has renewed on the medium lately.
    pub(super) fn renews(&self, host: HostIndex) -> bool {
        let slow = (self.medium_health.cycle_took * 3).min(self.timeout() * 2 / 3);
        let fresh = (self.timeout() / 3).max(self.settings.medium_interval() * 4).max(slow);
        self.peers[host.get()].medium_silence(self.now).is_some_and(|silence| silence < fresh)
    }

    /// Whether `host` can carry a proposal through the medium.
    fn carries_proposals(&self, host: HostIndex) -> bool {
        if host == self.me {
            return self.medium_works();
        }
        let peer = &self.peers[host.get()];
        self.renews(host)
            && peer.status().is_some_and(|status| status.medium_works && status.phase == Phase::Member)
    }

    fn best_set(
        &self,
        known: &Configuration,
        living: &HostSet,
        silences: &Silences,
        cut: Duration,
    ) -> HostSet {
        let candidates: Vec<Candidate> = living.iter().map(|host| self.candidate(host, known)).collect();
        let row = |host: HostIndex| {
            let heard = living.iter().filter(|&other| other != host && silences.between(host, other) < cut);
            HostSet::of(self.peers.len(), heard)
        };
        let connected: Vec<HostSet> = self.hosts().map(row).collect();
        survival::survivors(&candidates, &connected, WORK_LIMIT).hosts
    }

    fn candidate(&self, host: HostIndex, known: &Configuration) -> Candidate {
        let own = (host == self.me).then(|| self.status());
        let status = own.as_ref().or_else(|| self.peers[host.get()].status());
        Candidate {
            host,
            has_medium: if host == self.me { self.medium_works() } else { self.renews(host) },
            carrier: status.is_some_and(|status| status.carrier),
            protected_memory_mib: status.map_or(0, |status| status.protected_memory_mib),
            coordinator: known.leader == host,
        }
    }
}

/// How long a host must have been seen alive without a gap before a split counts.
const STEADY: Duration = Duration::from_millis(2_500);

fn pairs(hosts: &HostSet) -> impl Iterator<Item = (HostIndex, HostIndex)> + '_ {
    hosts
        .iter()
        .flat_map(move |one| hosts.iter().filter(move |&other| one < other).map(move |other| (one, other)))
}

/// How long each pair of members has not exchanged heartbeats. Either end's word is enough that they have: both measure the
/// same exchanges.
struct Silences {
    position: Vec<usize>,
    matrix: Vec<Duration>,
    members: usize,
}

impl Silences {
    fn of<M: Medium>(agent: &Agent<M>, members: &[(HostIndex, Boot)]) -> Self {
        let count = members.len();
        let mut position = alloc::vec![0; agent.peers.len()];
        for (index, (host, _)) in members.iter().enumerate() {
            position[host.get()] = index;
        }
        let mut matrix = alloc::vec![Duration::MAX; count * count];
        for (row, &(one, boot)) in members.iter().enumerate() {
            let present =
                one == agent.me || agent.peers[one.get()].life.is_some_and(|(life, _)| life == boot);
            for (column, &(other, _)) in members.iter().enumerate() {
                let told = match (present, one == other) {
                    (_, true) => Some(Duration::ZERO),
                    (true, false) if one == agent.me => agent.peers[other.get()].silence(agent.now),
                    (true, false) => agent.peers[one.get()].silence_towards(other.get(), agent.now),
                    (false, false) => Some(Duration::MAX),
                };
                // Who has not exchanged since its agent started is silent since then, as far as can be told.
                let told = told.unwrap_or_else(|| agent.now.since(agent.met_at(one)));
                for cell in [row * count + column, column * count + row] {
                    matrix[cell] = matrix[cell].min(told);
                }
            }
        }
        Self { position, matrix, members: count }
    }

    fn between(&self, one: HostIndex, other: HostIndex) -> Duration {
        self.matrix[self.position[one.get()] * self.members + self.position[other.get()]]
    }

    /// How long nobody has exchanged with `host`.
    fn heard(&self, host: HostIndex) -> Duration {
        let row = self.position[host.get()];
        let others = (0..self.members).filter(|&column| column != row);
        others.map(|column| self.matrix[row * self.members + column]).min().unwrap_or(Duration::MAX)
    }
}
