//! The whole answer for one pool.
use crate::Limits;
use lifeboat_model::certificate::Certificate;
use lifeboat_model::plan::Unplaced;
use lifeboat_model::verdict::{Tolerance, Witness};
use lifeboat_model::{GroupIndex, HostIndex, Pool, ResourceIndex, VmIndex};

/// Whether the effective target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetStatus {
    /// Proven under the pool's guarantee.
    Proven,
    /// Refuted.
    Refuted,
    /// Neither, yet.
    Open,
}

/// A host that runs more than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverFull {
    /// The host.
    pub host: HostIndex,
    /// The resource.
    pub resource: ResourceIndex,
    /// By how much, in the resource's unit.
    pub by: u64,
}

/// Two VMs that break a rule as they run now (named, and let be).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule.
    pub group: GroupIndex,
    /// One member.
    pub first: VmIndex,
    /// The other.
    pub second: VmIndex,
}

/// Everything that the planner has to say of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Where pending VMs are placed before any failure; all bounds speak of the state after that.
    pub pending_placement: Vec<(VmIndex, HostIndex)>,
    /// Pending VMs without a place: the state is broken.
    pub pending_unplaced: Vec<Unplaced>,
    /// How many VMs are protected.
    pub protected: u32,
    /// Protected VMs that no host but their own could run.
    pub unprotectable: Vec<VmIndex>,
    /// Hosts that run more than they have.
    pub over_full: Vec<OverFull>,
    /// Pairs that break a rule now.
    pub broken_rules: Vec<BrokenRule>,
    /// The bounds.
    pub tolerance: Tolerance,
    /// HFTT.
    pub target: u32,
    /// HFTT less the hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target holds under the pool's guarantee.
    pub target_status: TargetStatus,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
    /// Why not more.
    pub witness: Option<Witness>,
    /// What stands behind the bounds.
    pub certificate: Certificate,
    /// Work units used.
    pub work: u64,
}

/// Assesses a pool: pending placement, tolerance in both notions, witness, certificate.
pub fn assess(_pool: &Pool, _limits: &Limits<'_>) -> Assessment {
    unreachable!("skeleton")
}
