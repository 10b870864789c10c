//! What people are told. Each alert is raised once per episode and ended once, with the reason, and with the alert that
//! caused it where one did.
use alloc::string::String;
use lifeboat_model::{GroupIndex, HostIndex, VmIndex};

/// The kinds of alert. Where a kind has a partner that tells the end (`statefile-lost`, `statefile-back`), the end is a
/// [`Phase::Raised`] alert of the partner, whose cause is the alert that it ends; others end by [`Phase::Cleared`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// A host left the liveset against everybody's will. Ends with `host-rejoined`.
    HostFailed,
    /// It is certain that a failed host runs no VM. Ends with `host-rejoined`.
    HostFenced,
    /// A host that had failed is back.
    HostRejoined,
    /// A host, or every live host, has lost the medium. Ends with `statefile-back`.
    StatefileLost,
    /// The medium is back.
    StatefileBack,
    /// The pool is broken, or its effective target is not proven. Ends with `overcommitted-cleared`.
    Overcommitted,
    /// The effective target is proven again.
    OvercommittedCleared,
    /// Fewer failures are survivable than before, below the target or none at all. Ends with `tolerance-recovered`.
    ToleranceDropped,
    /// As many failures are survivable again as before the drop.
    ToleranceRecovered,
    /// A VM that should be restarted could not be. Cleared when it runs, or need not any more.
    VmRestartFailed,
    /// No other host could run a protected VM.
    VmNotAgile,
    /// Running VMs break a rule.
    RuleBroken,
    /// A term began after another. Has no end.
    CoordinatorMoved,
    /// The mass-failure brake holds restarts.
    BrakeApplied,
    /// A host flaps and takes no VMs.
    HostQuarantined,
    /// A host, or its medium, has been silent for more than half of T.
    TimeoutApproaching,
    /// A live host leaves it unknown what runs there.
    HostStateUnknown,
    /// A restart plan was refused by the checker; a plainer one is tried.
    PlanRefused,
    /// A VM runs on two hosts. Nothing more is done with it until only one is left.
    VmRunsTwice,
    /// A VM runs that should not, started by somebody else. It is left alone.
    VmRunsUnasked,
    /// A host cannot be emptied: a VM there finds no other place.
    EvacuationStalled,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::HostFailed,
        Self::HostFenced,
        Self::HostRejoined,
        Self::StatefileLost,
        Self::StatefileBack,
        Self::Overcommitted,
        Self::OvercommittedCleared,
        Self::ToleranceDropped,
        Self::ToleranceRecovered,
        Self::VmRestartFailed,
        Self::VmNotAgile,
        Self::RuleBroken,
        Self::CoordinatorMoved,
        Self::BrakeApplied,
        Self::HostQuarantined,
        Self::TimeoutApproaching,
        Self::HostStateUnknown,
        Self::PlanRefused,
        Self::VmRunsTwice,
        Self::VmRunsUnasked,
        Self::EvacuationStalled,
    ];

    /// The kind that documents spell so.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The kind as documents spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::HostFailed => "host-failed",
            Self::HostFenced => "host-fenced",
            Self::HostRejoined => "host-rejoined",
            Self::StatefileLost => "statefile-lost",
            Self::StatefileBack => "statefile-back",
            Self::Overcommitted => "overcommitted",
            Self::OvercommittedCleared => "overcommitted-cleared",
            Self::ToleranceDropped => "tolerance-dropped",
            Self::ToleranceRecovered => "tolerance-recovered",
            Self::VmRestartFailed => "vm-restart-failed",
            Self::VmNotAgile => "vm-not-agile",
            Self::RuleBroken => "rule-broken",
            Self::CoordinatorMoved => "coordinator-moved",
            Self::BrakeApplied => "brake-applied",
            Self::HostQuarantined => "host-quarantined",
            Self::TimeoutApproaching => "timeout-approaching",
            Self::HostStateUnknown => "host-state-unknown",
            Self::PlanRefused => "plan-refused",
            Self::VmRunsTwice => "vm-runs-twice",
            Self::VmRunsUnasked => "vm-runs-unasked",
            Self::EvacuationStalled => "evacuation-stalled",
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The pool.
    Pool,
    /// A host.
    Host(HostIndex),
    /// A VM.
    Vm(VmIndex),
    /// A rule.
    Group(GroupIndex),
}

/// Number of an alert; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId {
    /// The term that raised it.
    pub epoch: u64,
    /// Its number in the term.
    pub number: u64,
}

/// Whether an alert begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It begins.
    Raised,
    /// It ends; it has the number that it began with.
    Cleared,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// Its kind.
    pub kind: AlertKind,
    /// What it is about.
    pub subject: Subject,
    /// Whether it begins or ends.
    pub phase: Phase,
    /// Why, for people.
    pub reason: String,
    /// The alert that caused it, or that it ends.
    pub cause: Option<AlertId>,
}
