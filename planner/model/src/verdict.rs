//! The words of an answer: what is proven, what is refuted, what is still open and what stopped the search.
use crate::pool::LivenessLimit;
use crate::{GroupIndex, HostIndex, ResourceIndex, VmIndex};
use alloc::{string::String, vec::Vec};

/// What stopped a search whose bounds do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoppedBy {
    /// The caller asked about no more failures than this.
    Max,
    /// The wall clock: a safety net; the same input may get further another time.
    Time,
    /// The work limit: the same input gets exactly as far every time.
    Work,
}

/// Bounds on one notion of tolerance. For every n ≤ `proven` the pool survives; for every n ≥ `refuted` it
/// does not; between them the question is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The most failures proven survivable; `None` where the state is broken, or not even 0 is settled.
    pub proven: Option<u32>,
    /// The fewest failures for which a failure set that cannot be survived is known.
    pub refuted: Option<u32>,
    /// Why the bounds do not meet; `None` where they do.
    pub stopped_by: Option<StoppedBy>,
}

impl Bounds {
    /// Whether nothing is open.
    pub fn is_exact(&self) -> bool {
        match (self.proven, self.refuted) {
            (Some(proven), Some(refuted)) => proven + 1 == refuted,
            (None, Some(0)) => true,
            _ => false,
        }
    }
}

/// Which notion of tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notion {
    /// Any n at once.
    Simultaneous,
    /// Any n, in any order and any grouping, restarts in between.
    Sequential,
}

/// What caps the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedBy {
    /// Room, eligibility and rules.
    Capacity,
    /// What liveness lets survive.
    Liveness(LivenessLimit),
}

/// Both notions of tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Any n at once.
    pub simultaneous: Bounds,
    /// Any n in any order and grouping.
    pub sequential: Bounds,
    /// What caps them.
    pub limited_by: LimitedBy,
}

/// Why a VM, or a set of VMs, cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReasonCode {
    /// No surviving host in the VM's eligible set.
    NoEligibleHost,
    /// Eligible hosts survive, none has room for this one.
    NoHostHasRoom,
    /// Each would fit alone; together they do not.
    NotTogether,
    /// A required rule leaves no place.
    Rule(GroupIndex),
    /// Liveness does not let the survivors go on.
    Liveness,
    /// Every host of the pool fails.
    NoSurvivor,
    /// No placement was found within the limits; that none exists is not proven.
    NotFound,
}

impl ReasonCode {
    /// The code as documents spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoEligibleHost => "no-eligible-host",
            Self::NoHostHasRoom => "no-host-has-room",
            Self::NotTogether => "not-together",
            Self::Rule(_) => "rule",
            Self::Liveness => "liveness",
            Self::NoSurvivor => "no-survivor",
            Self::NotFound => "not-found-within-limits",
        }
    }
}

/// A failure set for which no restart plan exists, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The notion that it refutes.
    pub notion: Notion,
    /// How many hosts fail.
    pub failures: u32,
    /// Which, ascending. For a sequential witness that is not a simultaneous one: the first to fail.
    pub failed_hosts: Vec<HostIndex>,
    /// A smallest set of VMs that cannot all be placed, ascending.
    pub vms: Vec<VmIndex>,
    /// The resource that is short, where one is.
    pub resource: Option<ResourceIndex>,
    /// The reason as a code.
    pub reason_code: ReasonCode,
    /// The reason in words.
    pub reason: String,
}
