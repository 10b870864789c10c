//! All that can happen to a coordinator.
//!
//! What the caller (the service, the simulator) owes it: inputs come in the order in which they happened; a host's
//! reports are those of the boot that the newest [`Liveset`] names, in the order in which the host made them; orders reach
//! a host in the order in which they were given, or not at all. An order given shortly before a host's new inventory
//! comes in may be lost with the old session or carried out in the new one: the coordinator minds both.
use crate::command::OrderNumber;
use crate::record::Ticket;
use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, Pool, VmIndex};

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed; nothing else.
    Elapsed,
    /// The pool has agreed on this. Level-triggered: only the newest counts, and it may be told again.
    Liveset(Liveset),
    /// It is certain that this boot of a host runs no VM and never will again.
    HostSafe {
        /// The host.
        host: HostIndex,
        /// The boot that is over.
        boot: u64,
        /// How that is known.
        evidence: Evidence,
    },
    /// A host reports.
    Report {
        /// Who.
        host: HostIndex,
        /// What.
        report: Report,
    },
    /// What was asked to be stored is durable. Writes take effect in the order in which they were asked for.
    Stored {
        /// The write.
        ticket: Ticket,
    },
    /// The store refused or did not answer in time. The write may have taken effect or not, but never will from now on.
    StoreFailed {
        /// The write.
        ticket: Ticket,
    },
    /// Somebody asks for something; answered by one [`crate::Command::Reply`].
    Call {
        /// Its number, the caller's to choose.
        call: CallId,
        /// What is asked.
        what: Call,
    },
    /// Something that people should know.
    Notice(Notice),
}

/// What the pool has agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liveset {
    /// Each host of the pool, by host index; beyond the end: [`Standing::Out`].
    pub hosts: Vec<Standing>,
    /// Hosts that fail too often, whatever their standing.
    pub quarantined: Vec<HostIndex>,
    /// Whether the mass-failure brake holds all restarts.
    pub braked: bool,
    /// Whether the pool is disarmed: nothing restarts.
    pub disarmed: bool,
}

/// What is agreed of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Never joined, or left on purpose with no VM running.
    #[default]
    Out,
    /// In the liveset.
    Live {
        /// The boot that joined; a later one is evidence that the earlier is over.
        boot: u64,
        /// Whether it takes no VMs because it flaps.
        quarantined: bool,
    },
    /// Out of the liveset; its VMs may still run.
    BeingFenced {
        /// The boot that was a member.
        boot: u64,
    },
    /// Out of the liveset, and certain to run no VM.
    Safe {
        /// The boot that was a member.
        boot: u64,
        /// How that is known.
        evidence: Evidence,
    },
}

/// How it is known that a host runs no VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Its lease has run out, and its watchdog's time with it.
    LeaseExpired,
    /// It said so after making sure of it.
    Notice,
    /// Its crash kernel said so.
    CrashKernel,
    /// A later boot of it was heard.
    Rebooted,
    /// Its board management controller confirms that it is off.
    PowerOff,
    /// An operator's word.
    Operator,
    /// An operator's word, forced against signs of life.
    OperatorForced,
    /// It left on purpose, with no VM running.
    Left,
}

impl Evidence {
    /// In words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::LeaseExpired => "its lease and its watchdog's time have run out",
            Self::Notice => "it said that none of its VMs runs",
            Self::CrashKernel => "its crash kernel said so",
            Self::Rebooted => "it has booted again",
            Self::PowerOff => "its board management controller says that it is off",
            Self::Operator => "an operator confirmed it",
            Self::OperatorForced => "an operator confirmed it, against signs of life",
            Self::Left => "it left on purpose",
        }
    }
}

/// What a host reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// All VMs that run there or may run there, the far ends of migrations included. The first report of every
    /// session of a host (a new term, a new process of its agent, a new boot): what is not named did not run there when
    /// the session began.
    Inventory {
        /// Each VM, and whether it is certain that it runs.
        vms: Vec<(VmIndex, Seen)>,
    },
    /// What became of an order.
    Finished {
        /// The order.
        order: OrderNumber,
        /// What became of it.
        outcome: Outcome,
    },
    /// A VM that was started there has passed its gate; or one that was arriving there by a migration runs there now.
    Ready {
        /// The VM.
        vm: VmIndex,
    },
    /// A VM that nobody ordered to run there runs there: somebody started it at the hypervisor. Said by [`Ready`](Self::Ready) as well.
    Appeared {
        /// The VM.
        vm: VmIndex,
    },
    /// A VM stopped without an order of this session; one that a migration of an earlier session took away, too, and one
    /// that was arriving and did not.
    Stopped {
        /// The VM.
        vm: VmIndex,
        /// Why.
        cause: StopCause,
    },
    /// The hypervisor answers, or has not answered for this long; while it does not, what runs there is unknown. Whatever
    /// stopped meanwhile is reported when it answers again.
    Hypervisor {
        /// None: it answers.
        silent_for: Option<Duration>,
    },
}

/// Whether a VM in an inventory runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Its vCPUs can execute.
    Running,
    /// The hypervisor does not say, or it is arriving by a migration.
    Unknown,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the VM runs, is stopped, or has moved.
    Done,
    /// Not done, and nothing of it is left.
    Failed {
        /// Why, for people.
        reason: alloc::string::String,
    },
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

/// Number of a call, the caller's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What can be asked of a coordinator.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Start a VM, and keep it running if it is protected.
    StartVm {
        /// The VM.
        vm: VmIndex,
        /// Where; none: the best host.
        host: Option<HostIndex>,
    },
    /// Stop a VM for good. Refused while it is protected.
    StopVm {
        /// The VM.
        vm: VmIndex,
    },
    /// Set what becomes of a VM when its host dies.
    SetPriority {
        /// The VM.
        vm: VmIndex,
        /// Its restart priority.
        priority: RestartPriority,
    },
    /// Migrate a VM, live.
    MigrateVm {
        /// The VM.
        vm: VmIndex,
        /// Where to.
        to: HostIndex,
    },
    /// A host takes no new VMs.
    DisableHost {
        /// The host.
        host: HostIndex,
    },
    /// A host takes VMs again; also ends maintenance.
    EnableHost {
        /// The host.
        host: HostIndex,
    },
    /// Maintenance: a host takes no new VMs and is emptied by live migrations.
    Evacuate {
        /// The host.
        host: HostIndex,
    },
    /// Maintenance, and when the host is empty it may leave: [`crate::Command::HostMayLeave`].
    ShutDownHost {
        /// The host.
        host: HostIndex,
    },
    /// The same, and once it has left it boots anew.
    RebootHost {
        /// The host.
        host: HostIndex,
    },
    /// Hosts that are emptied are emptied like this, as far as it can be done so: it was proven to end. It is no duty, and
    /// forgotten with the term.
    PlanMoves {
        /// VMs, and where each goes.
        moves: Vec<(VmIndex, HostIndex)>,
        /// VMs that may be stopped where they find no place. They are started again when they can be.
        stops: Vec<VmIndex>,
    },
    /// The pool document changed, and the change is durable. Hosts and VMs keep their indices; there may be more.
    /// Its word counts for what it asks of VMs and hosts, not for where VMs run.
    PoolChanged {
        /// The pool.
        pool: Box<Pool>,
    },
}

/// Something that people should know, to be turned into alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The medium answers a host no longer.
    MediumLost {
        /// The host.
        host: HostIndex,
    },
    /// The medium answers a host again.
    MediumBack {
        /// The host.
        host: HostIndex,
    },
    /// A host has been silent for more than half of T. It is over when it has not been told again for T, the host being
    /// live still, or by [`Self::TimeoutAverted`].
    HostApproachingTimeout {
        /// The host.
        host: HostIndex,
        /// For how long.
        silent_for: Duration,
    },
    /// The medium has not answered a host for more than half of T.
    MediumApproachingTimeout {
        /// The host.
        host: HostIndex,
        /// For how long.
        silent_for: Duration,
    },
    /// A host or its medium that approached its timeout is well again.
    TimeoutAverted {
        /// The host.
        host: HostIndex,
    },
}
