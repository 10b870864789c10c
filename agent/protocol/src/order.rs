//! What the coordinator asks of an agent, and what the agent tells it: orders and reports, carried by a
//! [`crate::channel`] that belongs to one term of one coordinator.
use crate::Epoch;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::time::Duration;
use lifeboat_model::HostIndex;

/// An order of one term; numbers rise within the term and are never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// The term that gave it.
    pub epoch: Epoch,
    /// Its number in the term.
    pub number: u64,
}

/// When a started VM counts as ready, so that the next order may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// As soon as its vCPUs execute.
    #[default]
    Started,
    /// When its guest agent answers.
    GuestAgent,
    /// When it accepts a TCP connection on this port.
    Tcp {
        /// The port.
        port: u16,
    },
    /// When it answers HTTP GET / on this port with a status below 400.
    Http {
        /// The port.
        port: u16,
    },
}

/// What an agent is to do. Each order is carried out at most once; a VM is named by its id in the pool document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start a VM.
    Start {
        /// The order.
        id: OrderId,
        /// The VM.
        vm: String,
        /// What to wait for before reporting it ready.
        gate: Gate,
    },
    /// Stop a VM, at once.
    Stop {
        /// The order.
        id: OrderId,
        /// The VM.
        vm: String,
    },
    /// Migrate a VM that runs here, live.
    Migrate {
        /// The order.
        id: OrderId,
        /// The VM.
        vm: String,
        /// Where it goes.
        to: HostIndex,
    },
    /// Take note of something that the shells on both ends understand: what a VM is made of, who belongs to the pool. The protocol
    /// carries it, in order with the orders around it, and does not look inside; nothing answers it.
    Note {
        /// The order.
        id: OrderId,
        /// What it says; at most [`MAX_NOTE`] bytes.
        bytes: Box<[u8]>,
    },
}

/// The longest note: it goes into one datagram.
pub const MAX_NOTE: usize = 48 * 1024;

impl Order {
    /// The order's own id.
    pub const fn id(&self) -> OrderId {
        match self {
            Self::Start { id, .. }
            | Self::Stop { id, .. }
            | Self::Migrate { id, .. }
            | Self::Note { id, .. } => *id,
        }
    }

    /// The VM that it is about; none: a note.
    pub fn vm(&self) -> Option<&str> {
        match self {
            Self::Start { vm, .. } | Self::Stop { vm, .. } | Self::Migrate { vm, .. } => Some(vm),
            Self::Note { .. } => None,
        }
    }
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the VM runs, is stopped, or has moved.
    Done,
    /// Not done, and nothing of it is left: the VM does not run here because of this order.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

/// A VM on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmState {
    /// Its vCPUs can execute.
    Running,
    /// It does not run.
    Stopped,
    /// The hypervisor does not say.
    Unknown,
}

/// Why a VM stopped that nobody had ordered to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopCause {
    /// It crashed.
    Crashed,
    /// It was shut down from inside.
    ShutDownInside,
    /// Somebody stopped it at the hypervisor.
    Stopped,
}

/// What an agent tells the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// All VMs that run here or may run here. The first report of every term; what is not named does not run here,
    /// and no order of an earlier term will be carried out any more.
    Inventory {
        /// Each VM with its state: running or unknown.
        vms: Vec<(String, VmState)>,
    },
    /// What became of an order.
    Finished {
        /// The order.
        id: OrderId,
        /// What became of it.
        outcome: Outcome,
    },
    /// A VM that was started has passed its gate.
    Ready {
        /// The VM.
        vm: String,
    },
    /// A VM stopped without an order.
    Stopped {
        /// The VM.
        vm: String,
        /// Why.
        cause: StopCause,
    },
    /// The hypervisor answers, or has not answered for this long; while it does not, the state of VMs here is unknown.
    Hypervisor {
        /// None: it answers.
        silent_for: Option<Duration>,
    },
    /// Something that the shells on both ends understand, carried as [`Order::Note`] is.
    Note {
        /// What it says; at most [`MAX_NOTE`] bytes.
        bytes: Box<[u8]>,
    },
}
