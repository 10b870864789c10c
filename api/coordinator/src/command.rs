//! All that a coordinator can ask of the outside world.
use crate::alert::Alert;
use crate::input::CallId;
use crate::record::{Record, Ticket};
use crate::settings::Gate;
use alloc::vec::Vec;
use lifeboat_model::{HostIndex, VmIndex};

/// Number of an order in its term; it only rises and is never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(pub u64);

/// Something is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make these records durable, all or none, after all that was asked before; answered by
    /// [`crate::Input::Stored`] or [`crate::Input::StoreFailed`].
    Store {
        /// The write.
        ticket: Ticket,
        /// What to write; each replaces the record of the same [`Record::key`].
        records: Vec<Record>,
    },
    /// Start a VM on a host.
    Start {
        /// The host.
        host: HostIndex,
        /// The VM.
        vm: VmIndex,
        /// The order.
        order: OrderNumber,
        /// What to wait for before reporting it ready.
        gate: Gate,
    },
    /// Stop a VM on a host.
    Stop {
        /// The host.
        host: HostIndex,
        /// The VM.
        vm: VmIndex,
        /// The order.
        order: OrderNumber,
    },
    /// Migrate a VM, live. The order goes to the host where it runs.
    Migrate {
        /// The host where it runs.
        host: HostIndex,
        /// The VM.
        vm: VmIndex,
        /// The order.
        order: OrderNumber,
        /// Where it goes.
        to: HostIndex,
    },
    /// Tell people.
    Alert(Alert),
    /// Fence a live host: for longer than the pool allows it has left unknown what runs there.
    RequestFence {
        /// The host.
        host: HostIndex,
    },
    /// A host that was to be shut down runs no VM any more and will be given none: it may leave.
    HostMayLeave {
        /// The host.
        host: HostIndex,
        /// Whether it is to boot anew once it has left.
        reboots: bool,
    },
    /// The answer to a call.
    Reply {
        /// The call.
        call: CallId,
        /// Done and durable, or why not.
        answer: Result<(), Refusal>,
    },
}

/// Why a call is refused, and what to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such VM.
    #[error("the pool has no such VM")]
    UnknownVm,
    /// No such host.
    #[error("the pool has no such host")]
    UnknownHost,
    /// A protected VM is not stopped.
    #[error("the VM is protected: lift its protection first")]
    Protected,
    /// It runs already.
    #[error("the VM runs already: migrate it, or stop it first")]
    AlreadyRuns,
    /// It does not run.
    #[error("the VM does not run: start it first")]
    NotRunning,
    /// Something else is being done with it.
    #[error("the VM is being started, stopped or migrated: wait for that")]
    Busy,
    /// It may still run somewhere.
    #[error("it is not known whether the VM still runs somewhere: wait until every host has spoken")]
    WhereaboutsUnknown,
    /// The host is not in the liveset.
    #[error("the host is not live: wait until it has joined, or choose another")]
    HostNotLive,
    /// The host cannot take the VM.
    #[error("the host cannot run the VM, takes no VMs, or a rule forbids it: choose another")]
    NotEligible,
    /// No room.
    #[error("no host that could run the VM has room for it: free some first")]
    NoRoom,
    /// The store is out of reach: what cannot be made durable is not done.
    #[error("the store is out of reach: ask again when it is back")]
    StoreOutOfReach,
    /// A changed pool lacks hosts or VMs that the old one had.
    #[error("the changed pool lacks hosts or VMs of the old one: indices must stay")]
    PoolShrank,
}
