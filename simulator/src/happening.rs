//! What happens in a world, as it truly is: told to the invariants at the moment it happens, and kept in the
//! trace where a reader would want to know it.
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::{Order, Outcome, StopCause};
use lifeboat_protocol::{Boot, Command, Configuration, Epoch, Process};

/// Why a host went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DownCause {
    /// It lost power.
    PowerLoss,
    /// Its agent reset it, after it had stopped all VMs.
    SelfFence,
    /// Its watchdog reset it.
    Watchdog,
    /// It left and was switched off.
    CleanOff,
}

/// Why a VM no longer executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HaltCause {
    /// Its host went down.
    HostDown(DownCause),
    /// The host's agent stopped all VMs to fence itself.
    Fence,
    /// It was ordered to stop.
    Ordered,
    /// By itself, or from inside.
    Itself(StopCause),
}

/// Something happened. Hosts are indices of the pool; `boot` is the host's boot then.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// The pool has formed and all VMs run: the times of the scenario count from here.
    Formed,
    /// An event of the scenario was applied; its position.
    Event(usize),
    /// A host has power and boots.
    PowerOn {
        /// The host.
        host: HostIndex,
    },
    /// A host's system is up.
    HostUp {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
    },
    /// A host is down; none of its VMs executes.
    HostDown {
        /// The host.
        host: HostIndex,
        /// The boot that ended.
        boot: Boot,
        /// Why.
        cause: DownCause,
    },
    /// A host has made certain that none of its VMs runs: by itself, or by its watchdog.
    Fenced {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
        /// `SelfFence` or `Watchdog`.
        cause: DownCause,
    },
    /// An agent process began.
    AgentUp {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
        /// The process.
        process: Process,
    },
    /// An agent process ended; its host did not.
    AgentDown {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
    },
    /// An agent stands still.
    AgentPaused {
        /// The host.
        host: HostIndex,
    },
    /// An agent goes on.
    AgentResumed {
        /// The host.
        host: HostIndex,
    },
    /// An agent issues a command of the protocol; told before it is carried out. `Transmit` and `Medium` are left out.
    Command {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
        /// The process.
        process: Process,
        /// The command.
        command: &'a Command,
    },
    /// An agent has adopted a configuration.
    Adopted {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
        /// The configuration.
        configuration: &'a Configuration,
    },
    /// What an agent asked of the medium takes effect there.
    MediumWrite {
        /// The host.
        host: HostIndex,
        /// The boot that asked.
        boot: Boot,
    },
    /// A hypervisor takes up an order.
    OrderTaken {
        /// The host.
        host: HostIndex,
        /// The boot.
        boot: Boot,
        /// The order.
        order: &'a Order,
    },
    /// A hypervisor reports what became of an order.
    OrderFinished {
        /// The host.
        host: HostIndex,
        /// The order.
        order: &'a Order,
        /// What became of it.
        outcome: &'a Outcome,
    },
    /// A coordinator gives an order.
    OrderGiven {
        /// The coordinator's host.
        by: HostIndex,
        /// Its term.
        epoch: Epoch,
        /// To this host.
        to: HostIndex,
        /// The order.
        order: &'a Order,
    },
    /// A VM's vCPUs can execute from now on.
    VmExecutes {
        /// The VM.
        vm: VmIndex,
        /// Where.
        host: HostIndex,
        /// The host's boot.
        boot: Boot,
    },
    /// A VM that was started is up: it has booted.
    VmBooted {
        /// The VM.
        vm: VmIndex,
        /// Where.
        host: HostIndex,
    },
    /// A VM's vCPUs execute no more.
    VmHalts {
        /// The VM.
        vm: VmIndex,
        /// Where it executed.
        host: HostIndex,
        /// The host's boot.
        boot: Boot,
        /// Why.
        cause: HaltCause,
    },
    /// A live migration ends: the VM halts there and executes here, in one moment.
    HandOver {
        /// The VM.
        vm: VmIndex,
        /// From here.
        from: HostIndex,
        /// To there.
        to: HostIndex,
    },
    /// A coordinator's process has begun its term.
    CoordinatorUp {
        /// Its host.
        host: HostIndex,
        /// Its term.
        epoch: Epoch,
    },
    /// A coordinator's process has ended.
    CoordinatorDown {
        /// Its host.
        host: HostIndex,
        /// Its term.
        epoch: Epoch,
    },
    /// A coordinator's write reaches the store.
    StoreWrite {
        /// The coordinator's host.
        host: HostIndex,
        /// Its term.
        epoch: Epoch,
    },
    /// A coordinator has opened the store and read it.
    StoreOpened {
        /// The coordinator's host.
        host: HostIndex,
        /// Its term.
        epoch: Epoch,
    },
    /// Evidence about a host is at hand at an agent.
    Evidence {
        /// At this host.
        at: HostIndex,
        /// About that host.
        about: HostIndex,
        /// Of this kind.
        kind: EvidenceKind,
    },
    /// An alert is raised, or its recovery told.
    Alert(&'a Alert),
}

/// An alert, as the coordinator raised it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its kind, as the design spells it.
    pub kind: &'static str,
    /// The host that it is about.
    pub host: Option<String>,
    /// The VM that it is about.
    pub vm: Option<String>,
    /// What it says.
    pub text: String,
}
