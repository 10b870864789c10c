//! All that an agent can ask of the outside world.
use crate::configuration::Configuration;
use crate::evidence::{EvidenceKind, FenceProof};
use crate::medium::Request;
use crate::message::NewKey;
use crate::order::{Order, Report};
use crate::{Epoch, HeartbeatNetwork, Instant};
use alloc::boxed::Box;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Something is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send a datagram.
    Transmit {
        /// On this network.
        network: HeartbeatNetwork,
        /// To this host.
        to: HostIndex,
        /// These bytes.
        bytes: Box<[u8]>,
    },
    /// Ask the medium; the answer comes as [`crate::Input::Medium`].
    Medium(Request),
    /// Program the watchdog to reset the host at this moment, unless it is fed again.
    FeedWatchdog {
        /// On this host's clock.
        deadline: Instant,
    },
    /// Switch the watchdog off: the host has left.
    StopWatchdog,
    /// Make certain that no VM runs here and none is started any more in this boot; answered by
    /// [`crate::Input::NoVmRuns`]. To be remembered over restarts of the agent: [`crate::AgentConfig::stopping`].
    StopAllVms {
        /// Why.
        reason: FenceReason,
    },
    /// Reset this host now.
    Reset {
        /// Why.
        reason: FenceReason,
    },
    /// This host has left; it may be powered off.
    MayPowerOff,
    /// Begin a coordinator's term on this host. It is sent once per term, when nobody else can act any more.
    StartCoordinator {
        /// The term.
        epoch: Epoch,
    },
    /// End the coordinator's process and drain what it has written; answered by [`crate::Input::CoordinatorEnded`].
    EndCoordinator {
        /// The term.
        epoch: Epoch,
    },
    /// Ask the coordinator's process whether it is well; answered by [`crate::Input::CoordinatorAnswered`].
    ProbeCoordinator,
    /// To the coordinator on this host: the agreed configuration is now this.
    Agreed(Box<Configuration>),
    /// To the coordinator on this host: this host is safe to replace.
    SafeToReplace(FenceProof),
    /// To the coordinator on this host: a host reports.
    Report {
        /// Who.
        host: HostIndex,
        /// What.
        report: Report,
    },
    /// To this host's hypervisor side: a new coordinator's term; orders of earlier ones that have not begun are void, and
    /// its first report is to be an inventory.
    NewTerm {
        /// The term.
        epoch: Epoch,
    },
    /// To this host's hypervisor side: carry this out.
    Order(Order),
    /// Keep this key where the next start of the agent finds it; answered by [`crate::Input::KeyKept`]. Only then others are told
    /// that this host has it.
    KeepKey(NewKey),
    /// Something that people, logs or the coordinator's alerts should know.
    Notify(Notification),
}

/// Why a host fences itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FenceReason {
    /// Its lease ran out.
    LeaseExpired,
    /// The pool agreed on a liveset without it.
    Evicted,
}

/// What an agent noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// This host has a lease; it is a member in good standing.
    LeaseGained,
    /// This host's lease ran out, or it was evicted; it fences itself.
    LeaseLost(FenceReason),
    /// The medium does not answer this host in time.
    MediumLost,
    /// The medium answers again.
    MediumBack,
    /// A peer has been silent for more than half of T.
    PeerApproachingTimeout {
        /// The peer.
        host: HostIndex,
        /// For how long.
        silent_for: Duration,
    },
    /// The medium has been silent for more than half of T.
    MediumApproachingTimeout {
        /// For how long.
        silent_for: Duration,
    },
    /// Evidence about a host is recorded or at hand.
    Evidence {
        /// The host.
        host: HostIndex,
        /// The kind.
        kind: EvidenceKind,
    },
    /// Evidence was refused: the host is seen alive.
    EvidenceRefused {
        /// The host.
        host: HostIndex,
    },
    /// More failures at once than the brake lets through.
    BrakeApplied,
    /// A host is in quarantine.
    Quarantined {
        /// The host.
        host: HostIndex,
    },
    /// This host disarmed itself, because the pool is disarmed.
    Disarmed,
    /// This host is armed again.
    Armed,
    /// The coordinator's process does not answer; it is ended and started anew.
    CoordinatorHangs,
}
