//! What a restart plan is: which VM starts where, in which order. A plan is made whole and leaves nothing to
//! choose when it is carried out.
use crate::spec::RestartPriority;
use crate::verdict::ReasonCode;
use crate::{HostIndex, HostSet, VmIndex};
use alloc::{string::String, vec::Vec};

/// One restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The VM.
    pub vm: VmIndex,
    /// The host that it ran on; none for a pending VM.
    pub from: Option<HostIndex>,
    /// The host that it is started on.
    pub to: HostIndex,
    /// Its restart order.
    pub order: u32,
    /// Whether it is protected or best-effort.
    pub priority: RestartPriority,
}

/// A VM that the plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// The VM.
    pub vm: VmIndex,
    /// Why, as a code.
    pub reason_code: ReasonCode,
    /// Why, in words.
    pub reason: String,
}

/// A restart plan for a failure set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPlan {
    /// The hosts that fail.
    pub failed: HostSet,
    /// The restarts, in the order in which they are made.
    pub restarts: Vec<Restart>,
    /// What cannot be restarted.
    pub unplaced: Vec<Unplaced>,
    /// Whether it is proven that no plan places more protected VMs (lexicographically by order).
    pub optimal: bool,
}
