//! The words of a refusal: which claim, and why.
use alloc::string::String;
use core::fmt;
use lifeboat_model::{GroupIndex, HostIndex, VmIndex};

/// A claim of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The pending VMs cannot all be placed.
    Broken,
    /// Every pending VM that can run anywhere has a place.
    Pending,
    /// Any so many failures at once are survived.
    SimultaneousProven(u32),
    /// Some so many failures at once are not survived.
    SimultaneousRefuted(u32),
    /// Any so many failures, in any order and grouping, are survived by the certificate's policy.
    SequentialProven(u32),
    /// Some so many failures in some order are survived by no policy.
    SequentialRefuted(u32),
}

impl Claim {
    pub(crate) fn refused(self, why: Why) -> Refusal {
        Refusal { claim: self, why }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => write!(formatter, "the pending VMs cannot all be placed"),
            Self::Pending => write!(formatter, "the pending VMs have places"),
            Self::SimultaneousProven(n) => write!(formatter, "any {n} failures at once are survived"),
            Self::SimultaneousRefuted(n) => write!(formatter, "some {n} failures at once are not survived"),
            Self::SequentialProven(n) => write!(formatter, "any {n} failures in turn are survived"),
            Self::SequentialRefuted(n) => write!(formatter, "some {n} failures in turn are not survived"),
        }
    }
}

/// A claim that is not established.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused that {claim}: {why}")]
pub struct Refusal {
    /// The claim.
    pub claim: Claim,
    /// Why it is not established.
    pub why: Why,
}

/// Why a claim is not established. VMs and items are named by the (lowest) VM, nodes by their position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The limits were used up.
    #[error("the check takes more work than its limit")]
    OutOfWork,
    /// A number of the certificate is out of the range that arithmetic is safe in.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// An index beyond the pool.
    #[error("{0} is not of this pool")]
    Unknown(&'static str),
    /// A state that is broken has neither a placement nor bounds.
    #[error("a broken state cannot have another claim beside it")]
    BrokenAndMore,
    /// The pending placement is wrong.
    #[error("pending placement: {0}")]
    Pending(PendingFault),
    /// More failures than hosts that can fail.
    #[error("{failures} failures, but only {hosts} hosts can fail")]
    MoreThanHosts {
        /// Failures claimed.
        failures: u32,
        /// Hosts that can fail.
        hosts: u32,
    },
    /// More failures than liveness lets survive.
    #[error("{failures} failures, but liveness lets at most {most} be survived")]
    BeyondLiveness {
        /// Failures claimed.
        failures: u32,
        /// What liveness lets survive.
        most: u32,
    },
    /// With every host failed there is no place for anything.
    #[error("every host fails and there are VMs to place")]
    EveryHostFails,
    /// "Nothing needs a place" where something does.
    #[error("there are VMs to place")]
    SomethingToPlace,
    /// The tree's order is not the hosts that can fail, each once.
    #[error("the order of the tree is not every host that can fail, once")]
    TreeOrder,
    /// The policy is not well formed.
    #[error("policy: {0}")]
    Policy(&'static str),
    /// The stuck tests are not well formed.
    #[error("stuck tests: {0}")]
    Tests(&'static str),
    /// The nodes end before the tree does.
    #[error("the tree is cut short")]
    NodesMissing,
    /// Nodes or packings are left over when the tree is complete.
    #[error("{0} are left over when the tree is complete")]
    LeftOver(&'static str),
    /// A node of a sequential tree that the policy does not reach.
    #[error("node {0}: in a sequential tree only the policy places")]
    NotByPolicy(usize),
    /// A node that claims to be done while hosts may still fail, or branches while none may.
    #[error("node {node}: not so with {left} failures left")]
    FailuresLeft {
        /// The node.
        node: usize,
        /// Failures left.
        left: u32,
    },
    /// The policy finds no place for an item.
    #[error("node {node}: the policy finds no place for VM {}", vm.0)]
    Stuck {
        /// The node.
        node: usize,
        /// The item.
        vm: VmIndex,
    },
    /// An explicit packing is not one.
    #[error("node {node}: packing: {fault}")]
    Packing {
        /// The node.
        node: usize,
        /// What is wrong.
        fault: &'static str,
    },
    /// What a closure needs is not so.
    #[error("node {node}: {needs}")]
    ClosureNeeds {
        /// The node.
        node: usize,
        /// What is needed.
        needs: &'static str,
    },
    /// A closure's inequality does not hold.
    #[error("node {node}: the {test} does not hold for VM {}", vm.0)]
    TestFails {
        /// The node.
        node: usize,
        /// Which test.
        test: &'static str,
        /// An item for which it fails.
        vm: VmIndex,
    },
    /// The failure set is not a set of hosts that can fail, ascending.
    #[error("the failure set is not made of hosts that can fail, each once, ascending")]
    FailureSet,
    /// Liveness lets the pool survive so many failures.
    #[error("liveness does not forbid {0} failures")]
    LivenessHolds(u32),
    /// Some target survives, or nothing needs one.
    #[error("a target survives, or there is nothing to place")]
    SurvivorLeft,
    /// A VM that is not the lowest of an item that must be placed, or is named twice.
    #[error("VM {} does not name an item that must be placed, once", .0.0)]
    NotToPlace(VmIndex),
    /// The values do not exceed what the hosts hold.
    #[error("the items are worth {worth}, and the hosts may hold {room}")]
    ValuesFit {
        /// Total value.
        worth: u128,
        /// Upper bound of what fits.
        room: u128,
    },
    /// The group is no separation that binds, or an item is no member, or two have the same colour.
    #[error("the items are not members of group {} with different colours", .0.0)]
    NotSeparated(GroupIndex),
    /// There are domains enough.
    #[error("{domains} domains are left for {members} members")]
    DomainsLeft {
        /// Domains where some member could go.
        domains: usize,
        /// Members.
        members: usize,
    },
    /// The search found a placement.
    #[error("the items can be placed")]
    Placed,
    /// The search is longer than announced.
    #[error("the search takes more than the {0} placements announced")]
    SearchTooLong(u64),
    /// The order of a filling is not every alive target once.
    #[error("the order of the filling is not every alive target once")]
    FillingOrder,
    /// A filling places all items.
    #[error("by memory alone the items fit")]
    FillingFits,
    /// The cases are not the hosts that can take the item.
    #[error("the cases are not the hosts that can take VM {}, ascending", .0.0)]
    Cases(VmIndex),
    /// Nested deeper than any certificate of use.
    #[error("nested too deep")]
    TooDeep,
    /// A failing host that is not alive, or more failures than claimed.
    #[error("host {} cannot fail now", .0.0)]
    CannotFail(HostIndex),
    /// The answers are not as many as the placements.
    #[error("the answers are not one for each placement")]
    Answers,
}

/// What is wrong with a pending placement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PendingFault {
    /// The VM is not pending, or no host could run it.
    #[error("VM {} is not a pending VM that some host could run", .0.0)]
    NotPending(VmIndex),
    /// The VM is placed twice.
    #[error("VM {} is placed twice", .0.0)]
    Twice(VmIndex),
    /// The VM has no place.
    #[error("VM {} has no place", .0.0)]
    Missing(VmIndex),
    /// VMs that a required affinity group binds are apart.
    #[error("VM {} is apart from a VM of its affinity group", .0.0)]
    Apart(VmIndex),
    /// The host cannot take the VM: eligibility, room or a rule.
    #[error("host {} cannot take VM {}: {reason}", host.0, vm.0)]
    CannotTake {
        /// The VM.
        vm: VmIndex,
        /// The host.
        host: HostIndex,
        /// Why.
        reason: String,
    },
}
