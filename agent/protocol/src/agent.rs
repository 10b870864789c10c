//! The state machine of one host: what it holds, and the order in which it looks at things.
//!
//! ```text
//!            ┌──────────┐ forms or is taken in ┌────────┐ lease ends, or evicted ┌──────────┐ no VM runs ┌────────┐
//!  start ───►│ Starting ├─────────────────────►│ Member ├───────────────────────►│ Stopping ├───────────►│ Fenced ├─► reset
//!            └──────────┘                      └───┬────┘                        └──────────┘            └────────┘
//!                                          leave   └────► Leaving ───► Left ─► may power off
//! ```
//!
//! Whatever happens, the first thing looked at is the lease (S3). What follows is cut by idea: `heartbeats` and `cycle` bring
//! news in, `membership`, `forming` and `disarm` turn news into proposals, `adoption` acts on what was agreed,
//! `fencing` collects evidence, `leadership` runs the coordinator's terms.
mod adoption;
mod cycle;
mod disarm;
mod fencing;
mod forming;
mod heartbeats;
mod keys;
mod leadership;
mod leaving;
mod membership;
#[cfg(test)]
mod tests;
mod view;

use crate::channel::Channel;
use crate::command::{FenceReason, Notification};
use crate::configuration::{Configuration, ConfigurationNumber, HostEntry};
use crate::detector::Peer;
use crate::evidence::EvidenceKind;
use crate::input::{Input, Operator};
use crate::keyring::Keyring;
use crate::lease::Lease;
use crate::medium::{Medium, PoolId};
use crate::quarantine::QuietPeriods;
use crate::replay::Replay;
use crate::settings::StorageLoss;
use crate::status::{Phase, Silence, Status};
use crate::{Boot, Command, Epoch, HeartbeatNetwork, Instant, Process, Settings};
use alloc::collections::VecDeque;
use alloc::{vec, vec::Vec};
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Who an agent is, and what it is told at its start.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The host, by its position in the pool.
    pub me: HostIndex,
    /// This start of the host's operating system.
    pub boot: Boot,
    /// This start of the agent.
    pub process: Process,
    /// How many hosts the pool has; indices are below it.
    pub hosts: usize,
    /// Whether an earlier process of this boot was told to stop all VMs for good ([`Command::StopAllVms`]); the shell remembers it
    /// until the next boot.
    pub stopping: Option<FenceReason>,
    /// The pool.
    pub pool: PoolId,
    /// The pool's settings.
    pub settings: Settings,
    /// The pool's heartbeat keys.
    pub keyring: Keyring,
}

/// Where this host is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Not a member: looking for a pool to join, or for others to form it with.
    Starting,
    /// In the liveset.
    Member,
    /// Asked to leave; no VM runs here.
    Leaving {
        /// Since when.
        since: Instant,
    },
    /// Stopping all VMs because it must.
    Stopping(FenceReason),
    /// No VM runs any more; telling the others, then reset.
    Fenced {
        /// Why.
        reason: FenceReason,
        /// Since when.
        since: Instant,
    },
    /// Out on purpose; telling the others for a moment.
    Left {
        /// Since when.
        since: Instant,
    },
    /// Nothing is done any more.
    Over,
}

/// The coordinator's process on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Office {
    /// None runs.
    Vacant,
    /// It runs in this term, and last answered then.
    Running { epoch: Epoch, answered: Instant },
    /// It is being ended; its term was this.
    Ending { epoch: Epoch },
}

/// An earlier boot of this host that was a member (S10).
#[derive(Clone, Copy, Debug)]
struct Earlier {
    /// The configuration in which it joined.
    joined: ConfigurationNumber,
    /// The configuration, met at the start, in which it still was one.
    met: ConfigurationNumber,
}

/// The liveness protocol of one host.
#[derive(Debug)]
pub struct Agent<M> {
    me: HostIndex,
    boot: Boot,
    process: Process,
    pool: PoolId,
    settings: Settings,
    keyring: Keyring,
    /// The newest key that the next start of this agent will have too.
    kept_key: u32,
    replay: Replay,
    medium: M,
    now: Instant,
    started: Instant,
    life: Life,
    lease: Lease,
    /// Whether it is certain that no VM runs here, after all were to be stopped.
    no_vm_runs: bool,
    /// Whether this process has ever had a lease; only then can it run out.
    leased: bool,
    /// The lease's end that the watchdog was last fed with.
    fed_until: Option<Instant>,
    peers: Vec<Peer>,
    sequence: u64,
    next_heartbeat: Instant,
    cycle: Option<cycle::Cycle>,
    next_cycle: Instant,
    medium_health: cycle::MediumHealth,
    /// When this agent last came back from standing still.
    woke_at: Instant,
    /// When the pool was last looked at as a whole, and since when each host has been alive at every look.
    looked_at: Option<Instant>,
    alive_since: Vec<Option<Instant>>,
    carriers: Vec<bool>,
    gateway: bool,
    protected_memory_mib: u64,
    adopted: Option<Configuration>,
    /// When each member of the adopted configuration came to be required for the network's lease (S5).
    required_since: Vec<Option<Instant>>,
    /// An earlier boot of this host, if the configuration met at the start has it as a member.
    earlier: Option<Earlier>,
    proposal: Option<Configuration>,
    /// Since when this host has seen need for a change that another should propose.
    need_since: Option<Instant>,
    /// Evidence about hosts that are still members, or came before their eviction.
    evidence: Vec<Option<(Boot, EvidenceKind)>>,
    cases: Vec<Option<fencing::Case>>,
    /// Since when this host knows that each host is out or fenced, by agreement.
    settled_at: Vec<Option<Instant>>,
    /// Times of evictions in the brake's window.
    evictions: VecDeque<Instant>,
    office: Office,
    resigned: Epoch,
    handing_over: Option<Instant>,
    failures: leadership::Failures,
    /// Channels to the agents, while this host leads; by host.
    down: Vec<Option<Channel>>,
    held_reports: Vec<(HostIndex, crate::order::Report)>,
    /// Channel to the coordinator of the adopted term.
    up: Option<(HostIndex, Channel)>,
    disarm: disarm::Disarmed,
    wanted: Vec<Operator>,
    /// When each host's last failure is to be forgotten.
    quiet: QuietPeriods,
    commands: VecDeque<Command>,
}

impl<M: Medium> Agent<M> {
    /// An agent that starts now.
    pub fn new(config: AgentConfig, medium: M, now: Instant) -> Self {
        let hosts = config.hosts;
        let networks = usize::from(config.settings.networks.max(1));
        let mut agent = Self {
            me: config.me,
            boot: config.boot,
            process: config.process,
            pool: config.pool,
            settings: config.settings,
            kept_key: config.keyring.newest(),
            keyring: config.keyring,
            replay: Replay::new(),
            medium,
            now,
            started: now,
            life: Life::Starting,
            lease: Lease::default(),
            no_vm_runs: false,
            leased: false,
            fed_until: None,
            peers: vec![Peer::new(networks); hosts],
            sequence: 0,
            next_heartbeat: now,
            cycle: None,
            next_cycle: now,
            medium_health: cycle::MediumHealth::default(),
            woke_at: now,
            looked_at: None,
            alive_since: vec![None; hosts],
            carriers: vec![true; networks],
            gateway: true,
            protected_memory_mib: 0,
            adopted: None,
            required_since: vec![None; hosts],
            earlier: None,
            proposal: None,
            need_since: None,
            evidence: vec![None; hosts],
            cases: vec![None; hosts],
            settled_at: vec![None; hosts],
            evictions: VecDeque::new(),
            office: Office::Ending { epoch: Epoch(0) },
            resigned: Epoch(0),
            handing_over: None,
            failures: leadership::Failures::default(),
            down: vec![None; hosts],
            held_reports: Vec::new(),
            up: None,
            disarm: disarm::Disarmed::default(),
            wanted: Vec::new(),
            quiet: QuietPeriods::new(),
            commands: VecDeque::new(),
        };
        // An earlier process of this agent may have left a coordinator behind.
        agent.command(Command::EndCoordinator { epoch: Epoch(0) });
        if let Some(reason) = config.stopping {
            agent.fence_self(reason);
        }
        agent.run_due();
        agent
    }

    /// Takes what happened at `now` on this host's clock.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        if self.now.since(self.next_heartbeat) >= heartbeats::OVERSLEPT {
            self.woke_at = self.now;
        }
        // A disarmed time that is over is followed by a lease of its own (S13): that comes first.
        self.run_disarm();
        self.look_at_lease();
        if self.life == Life::Over {
            return;
        }
        self.take(input);
        self.run_due();
        self.look_at_lease();
    }

    /// The next thing to do, until there is none.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call [`Agent::handle`] with [`Input::Elapsed`] at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        if self.life == Life::Over {
            return None;
        }
        let mut at = self.next_heartbeat;
        if self.cycle.is_none() {
            at = at.min(self.next_cycle);
        }
        if let Some(end) = self.lease_end().filter(|_| self.lease_counts()) {
            at = at.min(end);
        }
        for due in [self.disarm.until(), self.evidence_due(), self.channels_due()].into_iter().flatten() {
            at = at.min(due);
        }
        Some(at)
    }

    /// The newest configuration that this host knows, as a shell shows it.
    pub fn adopted(&self) -> Option<&Configuration> {
        self.adopted.as_ref()
    }

    /// Until when this host may run VMs, on its own clock; none before its first lease. While disarmed nothing ends it.
    pub fn lease_end(&self) -> Option<Instant> {
        self.lease.end_of(self.timeout())
    }

    /// Whether this host is a member in good standing now.
    pub fn is_leased(&self) -> bool {
        self.is_member() && (self.is_disarmed() || self.lease_end().is_some_and(|end| self.now < end))
    }

    /// Whether this host is disarmed now.
    pub fn is_disarmed(&self) -> bool {
        self.disarm.holds(self.now)
    }

    /// What another host last told about itself, in a heartbeat or on the medium.
    pub fn status_of(&self, host: HostIndex) -> Option<&Status> {
        self.peers.get(host.get()).and_then(Peer::status)
    }

    /// Where this host is in its life.
    pub fn phase(&self) -> Phase {
        match self.life {
            Life::Starting if self.joining() => Phase::Joining,
            Life::Starting => Phase::Starting,
            Life::Member => Phase::Member,
            Life::Leaving { .. } => Phase::Leaving,
            Life::Stopping(_) => Phase::FencingSelf,
            Life::Fenced { .. } => Phase::Fenced,
            Life::Left { .. } | Life::Over => Phase::Left,
        }
    }

    /// The term of the coordinator that runs on this host.
    pub fn coordinator_term(&self) -> Option<Epoch> {
        match self.office {
            Office::Running { epoch, .. } => Some(epoch),
            Office::Vacant | Office::Ending { .. } => None,
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Elapsed => {}
            Input::Datagram { network, mut bytes } => self.take_datagram(network, &mut bytes),
            Input::Medium(answer) => self.take_answer(answer),
            Input::Carrier { network, up } => self.take_carrier(network, up),
            Input::Gateway { reached } => self.gateway = reached,
            Input::ProtectedMemory { mib } => self.protected_memory_mib = mib,
            Input::NoVmRuns => self.take_no_vm_runs(),
            Input::Evidence { host, kind } => self.take_outside_evidence(host, kind),
            Input::CoordinatorAnswered => self.take_coordinator_answer(),
            Input::CoordinatorEnded => self.take_coordinator_end(),
            Input::Order { host, order } => self.send_order(host, order),
            Input::Report(report) => self.send_report(report),
            Input::Operator(operator) => self.take_operator(operator),
            Input::KeyKept(key) => self.take_kept_key(&key),
            Input::Grown { hosts } => self.grow(hosts),
        }
    }

    /// All that is due by the clock.
    fn run_due(&mut self) {
        self.run_disarm();
        self.run_cycle();
        self.run_warnings();
        self.run_fencing();
        self.run_leadership();
        self.run_leaving();
        self.run_heartbeats();
        self.run_channels();
    }

    /// S3, S8: the lease is looked at before and after everything else.
    fn look_at_lease(&mut self) {
        if self.lease_counts() && self.lease_end().is_some_and(|end| self.now >= end) {
            self.fence_self(FenceReason::LeaseExpired);
        }
    }

    /// Whether the end of the lease has consequences now.
    fn lease_counts(&self) -> bool {
        self.leased && self.is_member() && !self.is_disarmed()
    }

    fn is_member(&self) -> bool {
        matches!(self.life, Life::Member | Life::Leaving { .. })
    }

    /// Stops all VMs, for good. What follows is in `leaving`.
    fn fence_self(&mut self, reason: FenceReason) {
        if !matches!(self.life, Life::Starting | Life::Member | Life::Leaving { .. }) {
            return;
        }
        self.life = Life::Stopping(reason);
        self.proposal = None;
        self.command(Command::Notify(Notification::LeaseLost(reason)));
        self.command(Command::StopAllVms { reason });
        self.end_coordinator();
        self.hurry();
    }

    /// Makes place for more hosts. They are no members until the pool agrees that they are.
    pub(super) fn grow(&mut self, hosts: usize) {
        if hosts <= self.peers.len() {
            return;
        }
        let networks = self.carriers.len();
        self.medium.grown(hosts);
        self.peers.resize_with(hosts, || Peer::new(networks));
        self.alive_since.resize(hosts, None);
        self.required_since.resize(hosts, None);
        self.evidence.resize(hosts, None);
        self.cases.resize_with(hosts, || None);
        self.settled_at.resize(hosts, None);
        self.down.resize_with(hosts, || None);
        if let Some(adopted) = &mut self.adopted {
            adopted.hosts.resize_with(hosts, HostEntry::default);
        }
        self.hurry();
    }

    fn take_carrier(&mut self, network: HeartbeatNetwork, up: bool) {
        if let Some(carrier) = self.carriers.get_mut(usize::from(network.0)) {
            *carrier = up;
        }
    }

    /// The timeout T of this enablement.
    fn timeout(&self) -> Duration {
        self.adopted.as_ref().map_or(self.settings.timeout, |configuration| configuration.timeout)
    }

    fn number(&self) -> ConfigurationNumber {
        self.adopted.as_ref().map(|configuration| configuration.number).unwrap_or_default()
    }

    fn majority_rules(&self) -> bool {
        self.settings.storage_loss == StorageLoss::Majority
    }

    fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    /// What changed should be told at once: the next heartbeats and the next cycle do not wait for their turn.
    fn hurry(&mut self) {
        self.next_heartbeat = self.now;
        self.next_cycle = self.now;
    }

    /// How long ago each host was heard, where others need it for their bounds (S10).
    fn heard(&self) -> Vec<Silence> {
        if !self.majority_rules() {
            return Vec::new();
        }
        let ago = |host: HostIndex| self.peers[host.get()].heard_at.map(|at| self.now.since(at));
        self.hosts().map(|host| Silence::at_least(ago(host).unwrap_or_default())).collect()
    }

    fn hosts(&self) -> impl Iterator<Item = HostIndex> + use<M> {
        (0..self.peers.len()).map(HostIndex::new)
    }

    /// This host's picture of itself.
    fn status(&self) -> Status {
        let links_up = self.carriers.iter().any(|&up| up);
        let silence = self.hosts().map(|host| match self.peers[host.get()].silence(self.now) {
            _ if host == self.me => Silence(0),
            Some(span) => Silence::of(span),
            None => Silence::FOREVER,
        });
        Status {
            host: self.me,
            boot: self.boot,
            process: self.process,
            phase: self.phase(),
            adopted: self.number(),
            resigned: self.resigned,
            medium_works: self.medium_works(),
            carrier: links_up && (self.gateway || !self.settings.gateway),
            disarmed: self.is_disarmed(),
            newest_key: self.kept_key,
            protected_memory_mib: self.protected_memory_mib,
            silence: silence.collect(),
            heard: self.heard(),
        }
    }
}
