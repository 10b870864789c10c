//! Evidence: when a host that is out of the liveset is known to run no VM. One case a host; the rules are S9 to S15 of
//! [`crate::lease`], and nothing else leads to a [`FenceProof`].
use super::Agent;
use crate::command::Notification;
use crate::configuration::{Configuration, ConfigurationNumber, Standing};
use crate::evidence::{Evidence, EvidenceKind, FenceProof};
use crate::medium::Medium;
use crate::status::Phase;
use crate::{Boot, Command, Instant};
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

/// What is known against an evicted boot of a host.
#[derive(Clone, Debug)]
pub(super) struct Case {
    host: HostIndex,
    boot: Boot,
    /// The configuration in which it had joined.
    joined: ConfigurationNumber,
    /// The first configuration without it that this host adopted.
    evicted: ConfigurationNumber,
    /// The last heartbeat of it that this host may have vouched for (S10).
    heard_at: Instant,
    /// The first sight of its newest renewal on the medium (S9).
    renewed_at: Instant,
    /// Whether a cycle begun after the adoption is complete, so that no further renewal can count (S9).
    closed: bool,
    /// When this host learned of it.
    opened_at: Instant,
    /// The members of the configuration before, if this host knows it.
    voters: Option<Vec<HostIndex>>,
    proof: Option<(FenceProof, Instant)>,
}

impl<M: Medium> Agent<M> {
    /// Opens a case for each host that `next` says is being fenced.
    pub(super) fn open_cases(&mut self, before: Option<&Configuration>, next: &Configuration) {
        for host in self.hosts() {
            if !matches!(next.standing(host), Standing::Out | Standing::Fenced { .. }) {
                self.settled_at[host.get()] = None;
            } else if self.settled_at[host.get()].is_none() {
                self.settled_at[host.get()] = Some(self.now);
            }
            let Standing::Fencing { boot, joined, .. } = next.standing(host) else {
                if next.standing(host).member_boot().is_some() {
                    self.cases[host.get()] = None;
                }
                continue;
            };
            if self.cases[host.get()].as_ref().is_some_and(|case| case.boot == boot) {
                continue;
            }
            let peer = &self.peers[host.get()];
            let of_that_boot = peer.life.is_some_and(|(life, _)| life == boot);
            let since_start =
                |at: Option<Instant>| at.filter(|_| of_that_boot).unwrap_or(self.started).max(self.started);
            self.cases[host.get()] = Some(Case {
                host,
                boot,
                joined,
                evicted: next.number,
                opened_at: self.now,
                heard_at: since_start(peer.heard_at),
                renewed_at: since_start(peer.renewed_at),
                closed: false,
                voters: before
                    .filter(|known| known.number.next() == next.number)
                    .map(|known| known.members().map(|(host, _)| host).collect()),
                proof: None,
            });
        }
    }

    /// S9: a cycle that published `published` is complete. What it did not show counts no more.
    pub(super) fn close_cases(&mut self, published: ConfigurationNumber) {
        for host in self.hosts() {
            let renewed_at = self.peers[host.get()].renewed_at;
            let life = self.peers[host.get()].life;
            let Some(case) = self.cases[host.get()].as_mut().filter(|case| !case.closed) else { continue };
            if life.is_some_and(|(boot, _)| boot == case.boot) {
                case.renewed_at = case.renewed_at.max(renewed_at.unwrap_or(case.renewed_at));
            }
            case.closed = published >= case.evicted;
        }
    }

    /// Whether an eviction waits for a cycle that publishes it.
    pub(super) fn has_fencing_news(&self) -> bool {
        self.cases.iter().flatten().any(|case| !case.closed)
    }

    /// Evidence from outside the protocol.
    pub(super) fn take_outside_evidence(&mut self, host: HostIndex, kind: EvidenceKind) {
        let from_outside =
            matches!(kind, EvidenceKind::PowerOff | EvidenceKind::Operator | EvidenceKind::OperatorForced);
        if host.get() >= self.peers.len() || host == self.me || !from_outside {
            return;
        }
        if kind == EvidenceKind::Operator && self.shows_life(host) {
            self.command(Command::Notify(Notification::EvidenceRefused { host }));
            return;
        }
        let standing = self.adopted.as_ref().map(|known| known.standing(host)).unwrap_or_default();
        if let Standing::Member { boot, .. } | Standing::Fencing { boot, .. } = standing {
            self.note_evidence(host, boot, kind);
        }
    }

    /// Whether the medium or the network shows `host` alive. S14: then an operator is not believed.
    pub(super) fn shows_life(&self, host: HostIndex) -> bool {
        let peer = &self.peers[host.get()];
        let limit = self.settings.heartbeat_interval() * 3 + self.settings.medium_interval() * 3;
        let recent = |at: Option<Instant>| at.is_some_and(|at| self.now.since(at) <= limit);
        // Just after a start or a pause nothing can have been seen yet.
        recent(Some(self.woke_at)) || recent(peer.heard_at) || recent(peer.renewed_at)
    }

    /// Takes evidence about a boot of a host.
    pub(super) fn note_evidence(&mut self, host: HostIndex, boot: Boot, kind: EvidenceKind) {
        if self.evidence[host.get()].is_some_and(|(known, _)| known >= boot) {
            return;
        }
        self.evidence[host.get()] = Some((boot, kind));
        self.command(Command::Notify(Notification::Evidence { host, kind }));
        self.renew_by_network();
        self.assess();
        if self.proposal.is_some() {
            self.next_cycle = self.now;
        }
    }

    /// What shows that `boot` of `host` is over, other than the time (S14).
    pub(super) fn evidence_about(&self, host: HostIndex, boot: Boot) -> Option<EvidenceKind> {
        let peer = &self.peers[host.get()];
        if let Some((_, kind)) = self.evidence[host.get()].filter(|(known, _)| *known == boot) {
            return Some(kind);
        }
        match peer.life {
            Some((life, _)) if life > boot => Some(EvidenceKind::Rebooted),
            Some((life, _)) if life == boot => match peer.phase() {
                Some(Phase::Fenced) => Some(EvidenceKind::Notice),
                Some(Phase::Left) => Some(EvidenceKind::Left),
                _ => None,
            },
            _ => None,
        }
    }

    /// Proves what can be proven by now, and tells the coordinator on this host.
    pub(super) fn run_fencing(&mut self) {
        for (host, standing) in self.being_fenced() {
            let Standing::Fencing { boot, .. } = standing else { continue };
            let Some(case) =
                self.cases[host.get()].as_ref().filter(|case| case.boot == boot && case.proof.is_none())
            else {
                continue;
            };
            let due = self.lease_gone_at(case).is_some_and(|at| self.now >= at);
            let kind = self.evidence_about(host, boot).or(due.then_some(EvidenceKind::LeaseExpired));
            let Some(kind) = kind else { continue };
            let proof = FenceProof::of(Evidence { host, boot, kind });
            if let Some(case) = self.cases[host.get()].as_mut() {
                case.proof = Some((proof, self.now));
            }
            self.command(Command::Notify(Notification::Evidence { host, kind }));
            if self.coordinator_term().is_some() {
                self.command(Command::SafeToReplace(proof));
            }
            self.assess();
        }
    }

    /// The proof that `boot` of `host` is fenced, if there is one.
    pub(super) fn proof_of(&self, host: HostIndex, boot: Boot) -> Option<FenceProof> {
        let case = self.cases[host.get()].as_ref().filter(|case| case.boot == boot)?;
        case.proof.map(|(proof, _)| proof)
    }

    /// When the next proof by time is due.
    pub(super) fn evidence_due(&self) -> Option<Instant> {
        let open = self.cases.iter().flatten().filter(|case| case.proof.is_none());
        open.filter_map(|case| self.lease_gone_at(case)).filter(|&at| at > self.now).min()
    }

    /// S12: when the lease of a case's boot, its watchdog's time and the margin have passed on this host's clock.
    fn lease_gone_at(&self, case: &Case) -> Option<Instant> {
        if !case.closed {
            return None;
        }
        let by_network =
            if self.majority_rules() { self.majority_bound(case) } else { self.network_bound(case) };
        let disarmed = self.disarm.bound().unwrap_or_default();
        let last = case.renewed_at.max(by_network?).max(disarmed);
        Some(last + self.timeout() + self.settings.margin_of(self.timeout()))
    }

    /// S10: the earliest of the bounds for the date of its lease by the network.
    fn network_bound(&self, case: &Case) -> Option<Instant> {
        let known = self.adopted.as_ref()?;
        let bounds = self.hosts().filter_map(|host| self.bound_through(case, host, known));
        bounds.min()
    }

    /// The bound through one host, if that host's vouching is needed and its end is known.
    fn bound_through(&self, case: &Case, host: HostIndex, known: &Configuration) -> Option<Instant> {
        let accused = &self.peers[case.host.get()];
        let adopted_then =
            accused.adopted.filter(|_| accused.life.is_some_and(|(boot, _)| boot == case.boot));
        let needed_since = |joined: ConfigurationNumber| -> Option<Instant> {
            if joined <= case.joined {
                return Some(Instant::default());
            }
            adopted_then.filter(|(number, _)| *number >= joined).map(|(_, at)| at)
        };
        if host == self.me {
            // The earlier boot is needed only by who has adopted nothing newer than what this host met at its start (S10).
            let earlier = self.earlier.filter(|earlier| case.evicted == earlier.met.next());
            let earlier = earlier.and_then(|earlier| needed_since(earlier.joined)).map(|_| case.opened_at);
            let Standing::Member { boot, joined } = known.standing(host) else { return earlier };
            let present =
                (boot == self.boot).then(|| needed_since(joined)).flatten().map(|at| at.max(case.heard_at));
            return earlier.into_iter().chain(present).min();
        }
        match known.standing(host) {
            Standing::Member { joined, boot } => {
                let needed = needed_since(joined)?;
                let peer = &self.peers[host.get()];
                let (number, at) =
                    peer.adopted.filter(|_| peer.life.is_some_and(|(life, _)| life == boot))?;
                (number >= case.evicted).then_some(at.max(needed))
            }
            Standing::Fencing { joined, boot, .. } => {
                let needed = needed_since(joined)?;
                let other = self.cases[host.get()].as_ref().filter(|other| other.boot == boot)?;
                other.proof.map(|(_, at)| at.max(needed))
            }
            Standing::Out | Standing::Fenced { .. } => None,
        }
    }

    /// S7, S10: when so many fellows have stopped vouching that no majority can be had without one of them.
    fn majority_bound(&self, case: &Case) -> Option<Instant> {
        let known = self.adopted.as_ref()?;
        let accused = &self.peers[case.host.get()];
        let end_of = |host: HostIndex| -> Option<Instant> {
            if host == self.me {
                return Some(case.heard_at);
            }
            let peer = &self.peers[host.get()];
            match known.standing(host) {
                Standing::Member { .. } => {
                    let silenced = peer.adopted.is_some_and(|(number, _)| number >= case.evicted);
                    peer.heard_other_at(case.host).filter(|_| silenced)
                }
                Standing::Fencing { boot, .. } => {
                    let other = self.cases[host.get()].as_ref().filter(|other| other.boot == boot)?;
                    other.proof.map(|(_, at)| at)
                }
                Standing::Out | Standing::Fenced { .. } => self.settled_at[host.get()],
            }
        };
        let all: Vec<HostIndex> = self.hosts().collect();
        let voters = case.voters.as_ref().unwrap_or(&all);
        let others = || voters.iter().filter(|&&host| host != case.host);
        let mut ends: Vec<Instant> = others().filter_map(|&host| end_of(host)).collect();
        ends.sort_unstable();
        // With so many silenced, those left (the accused among them) are no strict majority. If it may have acted by
        // an older configuration, with other voters, all must be silenced.
        let of_last = accused.adopted.is_some_and(|(number, _)| number.next() >= case.evicted);
        let known_voters = of_last && case.voters.is_some();
        let needed = if known_voters { voters.len() - voters.len() / 2 } else { others().count() };
        if needed == 0 { Some(case.heard_at) } else { ends.get(needed - 1).copied() }
    }
}
