//! All that can happen to an agent, from the outside world's side.
use crate::HeartbeatNetwork;
use crate::evidence::EvidenceKind;
use crate::medium::Answer;
use crate::message::NewKey;
use crate::order::{Order, Report};
use alloc::boxed::Box;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed; nothing else.
    Elapsed,
    /// A datagram arrived.
    Datagram {
        /// On this network.
        network: HeartbeatNetwork,
        /// These bytes.
        bytes: Box<[u8]>,
    },
    /// The medium answered the request under way.
    Medium(Answer),
    /// The carrier of a heartbeat link came or went.
    Carrier {
        /// The network.
        network: HeartbeatNetwork,
        /// Whether there is carrier.
        up: bool,
    },
    /// The gateway can be reached, or no longer.
    Gateway {
        /// Whether it answers.
        reached: bool,
    },
    /// Memory of the protected VMs that run here.
    ProtectedMemory {
        /// In MiB.
        mib: u64,
    },
    /// After [`crate::Command::StopAllVms`]: it is certain that no VM of this boot runs, and none will be started.
    NoVmRuns,
    /// Evidence from outside the protocol that a host is off: its BMC, an operator.
    Evidence {
        /// The host.
        host: HostIndex,
        /// `PowerOff`, `Operator` or `OperatorForced`; others are refused.
        kind: EvidenceKind,
    },
    /// The coordinator's process answered its health check.
    CoordinatorAnswered,
    /// The coordinator's process has ended, and what it wrote has reached the store or never will.
    CoordinatorEnded,
    /// The coordinator gives an order to a host. Dropped unless this agent leads.
    Order {
        /// To this host.
        host: HostIndex,
        /// The order.
        order: Order,
    },
    /// This host's hypervisor side reports to the coordinator, whoever that is.
    Report(Report),
    /// An operator speaks to this agent.
    Operator(Operator),
    /// A heartbeat key is where the next start of the agent finds it: one that [`crate::Command::KeepKey`] asked for, or one that the shell
    /// has fetched from the pool, because it was given out while this host was away.
    KeyKept(NewKey),
    /// The pool has room for more hosts: those up to this number are known to the shell, with their addresses. Fewer than before: no effect.
    Grown {
        /// How many hosts the pool has.
        hosts: usize,
    },
}

/// What an operator can ask of an agent. What concerns the pool has effect at the leader only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Disarm the pool for this long.
    Disarm {
        /// At most 18 hours; longer is cut to that.
        lasts: Duration,
    },
    /// End the disarmed time now.
    Arm,
    /// This host is to leave; no VM runs here and none will be started. Answered by
    /// [`crate::Command::MayPowerOff`].
    Leave,
    /// Hand leadership over to another host; no effect where no other one has the medium.
    HandOver,
    /// Release the mass-failure brake.
    ReleaseBrake,
    /// Begin to change to this pool key.
    RotateKey {
        /// The new key.
        key: [u8; 32],
    },
}
