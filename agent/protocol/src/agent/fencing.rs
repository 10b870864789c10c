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
    /// If the pool was formed anew without it: the latest that an earlier boot of a former can have vouched for it (S6, S10).
    formed_over: Option<Instant>,
    /// The members of the configuration before, if this host knows it.
    voters: Option<Vec<HostIndex>>,
    proof: Option<(FenceProof, Instant)>,
}

impl<M: Medium> Agent<M> {
    /// Opens a case for each host that `next` says is being fenced.
    pub(super) fn open_cases(&mut self, before: Option<&Configuration>, next: &Configuration) {
        let formed_over = before.and_then(|known| self.formed_over(known, next));
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
                formed_over,
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

    /// S6, S10: if `next` was formed by hosts that met `known` at their start, a bound for those that it leaves out. They need
    /// an earlier boot of at least one former: if the formers are more than half of the members, as no more than half can be
    /// left out; and if they waited, as nobody is left out for longer than that.
    fn formed_over(&self, known: &Configuration, next: &Configuration) -> Option<Instant> {
        self.earlier.filter(|earlier| earlier.met == known.number && next.number == known.number.next())?;
        let members = known.members().count();
        let back = known
            .members()
            .filter(|&(host, boot)| next.standing(host).member_boot().is_some_and(|new| new > boot));
        let met: Vec<Instant> = back.map(|(host, _)| self.met_at(host)).collect();
        if met.len() * 2 > members { met.into_iter().max() } else { Some(self.now - self.timeout()) }
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

    /// S10: a bound for the date of its lease by the network. Through this host itself, which the accused cannot have left out
    /// while it lives; or through those who formed the pool anew; or else through all others together.
    fn network_bound(&self, case: &Case) -> Option<Instant> {
        let known = self.adopted.as_ref()?;
        let accused = &self.peers[case.host.get()];
        let adopted_then =
            accused.adopted.filter(|_| accused.life.is_some_and(|(boot, _)| boot == case.boot));
        let needed_since = |joined: ConfigurationNumber| -> Option<Instant> {
            if joined <= case.joined {
                return Some(Instant::default());
            }
            adopted_then.filter(|(number, _)| *number >= joined).map(|(_, at)| at)
        };
        let through_me = || match known.standing(self.me) {
            Standing::Member { boot, joined } if boot == self.boot => {
                needed_since(joined).map(|at| at.max(case.heard_at))
            }
            _ => None,
        };
        let through_earlier =
            || self.earlier.and_then(|earlier| needed_since(earlier.joined)).and(case.formed_over);
        through_me().or_else(through_earlier).or_else(|| self.bound_through_all(case))
    }

    /// S10: when all that may have vouched for it have stopped.
    fn bound_through_all(&self, case: &Case) -> Option<Instant> {
        let (voters, ends) = self.ends_of_vouching(case);
        (voters > 1 && ends.len() + 1 >= voters).then(|| ends.last().copied()).flatten()
    }

    /// S7, S10: when so many have stopped vouching that no majority can be had without one of them. If the accused may have
    /// acted by an older configuration, with other voters, all must have stopped.
    fn majority_bound(&self, case: &Case) -> Option<Instant> {
        let accused = &self.peers[case.host.get()];
        let of_last = accused.adopted.is_some_and(|(number, _)| number.next() >= case.evicted);
        if !of_last || case.voters.is_none() {
            return self.bound_through_all(case);
        }
        let (voters, ends) = self.ends_of_vouching(case);
        let needed = voters - voters / 2;
        if needed == 0 { Some(case.heard_at) } else { ends.get(needed - 1).copied() }
    }

    /// How many may have voted, the accused among them, and, sorted, when each of the others has stopped vouching for it, as far as
    /// that is known.
    fn ends_of_vouching(&self, case: &Case) -> (usize, Vec<Instant>) {
        let all: Vec<HostIndex> = self.hosts().collect();
        let voters = case.voters.as_ref().unwrap_or(&all);
        let others = voters.iter().filter(|&&host| host != case.host);
        let mut ends: Vec<Instant> = others.filter_map(|&host| self.end_of_vouching(case, host)).collect();
        ends.sort_unstable();
        (voters.len(), ends)
    }

    fn end_of_vouching(&self, case: &Case, host: HostIndex) -> Option<Instant> {
        if host == self.me {
            return Some(case.heard_at);
        }
        let peer = &self.peers[host.get()];
        match self.adopted.as_ref()?.standing(host) {
            Standing::Member { .. } if self.majority_rules() => {
                let silenced = peer.adopted.is_some_and(|(number, _)| number >= case.evicted);
                peer.heard_other_at(case.host).filter(|_| silenced)
            }
            Standing::Member { .. } => {
                peer.adopted.filter(|(number, _)| *number >= case.evicted).map(|(_, at)| at)
            }
            Standing::Fencing { boot, .. } => {
                let other = self.cases[host.get()].as_ref().filter(|other| other.boot == boot)?;
                other.proof.map(|(_, at)| at)
            }
            Standing::Out | Standing::Fenced { .. } => self.settled_at[host.get()],
        }
    }
}
