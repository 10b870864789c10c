//! The answer to "how many host failures does this pool survive", as JSON. Names are borrowed from the pool,
//! and long lists are written as they are walked, so that an answer needs no memory of its own.
use super::agility::{Unprotectable, UnprotectableList};
use lifeboat_model::verdict::{Bounds, LimitedBy, Notion, StoppedBy, Tolerance, Witness};
use lifeboat_model::{Pool, pool::LivenessLimit, spec::Guarantee};
use lifeboat_planner::{Assessment, TargetStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is proven and refuted of a pool.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PlanAnswer")]
pub struct PlanAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// How many hosts it has.
    pub hosts: usize,
    /// How many VMs it has.
    pub vms: usize,
    /// How many of them are protected.
    pub protected: u32,
    /// Where pending VMs are placed before any failure; all bounds speak of the state after that.
    #[serde(borrow)]
    pub pending_placement: Vec<PendingPlacement<'a>>,
    /// Protected VMs that no host but their own could run, with the reason per host.
    #[serde(borrow)]
    #[schemars(with = "Vec<Unprotectable<'static>>")]
    pub unprotectable: UnprotectableList<'a>,
    /// Hosts that run more than they have.
    #[serde(borrow)]
    pub over_full: Vec<OverFullAnswer<'a>>,
    /// The bounds.
    pub tolerance: ToleranceAnswer,
    /// Host failures to tolerate, as the operator set it.
    pub target: u32,
    /// The target less the hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target holds under the pool's guarantee.
    pub target_status: TargetStatusWord,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
    /// Why not more; null where nothing is refuted.
    #[serde(borrow)]
    pub witness: Option<WitnessAnswer<'a>>,
    /// Time from the parsed document to the verdict, in microseconds.
    pub elapsed_us: u64,
    /// The notion that the target is held against.
    pub guarantee: NotionWord,
    /// Pending VMs without a place: the state is broken.
    #[serde(borrow)]
    pub pending_unplaced: Vec<UnplacedAnswer<'a>>,
    /// Pairs of VMs that break a rule as they run now; they are let be.
    #[serde(borrow)]
    pub broken_rules: Vec<BrokenRuleAnswer<'a>>,
    /// Work units used.
    pub work: u64,
}

/// Where a pending VM is placed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PendingPlacement")]
pub struct PendingPlacement<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The host that it will be started on.
    pub host: &'a str,
}

/// A host that runs more than it has.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OverFull")]
pub struct OverFullAnswer<'a> {
    /// The host.
    pub host: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// By how much, in the resource's unit.
    pub by: u64,
}

/// A VM without a place.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Unplaced")]
pub struct UnplacedAnswer<'a> {
    /// The VM.
    pub vm: &'a str,
    /// Why, as a code.
    pub reason_code: &'a str,
    /// Why, in words.
    pub reason: &'a str,
}

/// Two VMs that break a rule as they run now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BrokenRule")]
pub struct BrokenRuleAnswer<'a> {
    /// The rule.
    pub group: &'a str,
    /// The pair.
    #[serde(borrow)]
    pub vms: [&'a str; 2],
}

/// Both notions of tolerance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Tolerance")]
pub struct ToleranceAnswer {
    /// Any n hosts at once.
    pub simultaneous: BoundsAnswer,
    /// Any n hosts, in any order and any grouping, restarts in between.
    pub sequential: BoundsAnswer,
    /// What caps them.
    pub limited_by: LimitedByWord,
}

/// For every n up to `proven` the pool survives, for every n from `refuted` it does not; between them the
/// question is open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Bounds")]
pub struct BoundsAnswer {
    /// The most failures proven survivable; null only where the state is broken.
    pub proven: Option<u32>,
    /// The fewest failures known not to be survived; null where nothing was refuted.
    pub refuted: Option<u32>,
    /// Why the bounds do not meet; null where they do.
    pub stopped_by: Option<StoppedByWord>,
}

/// A failure set for which no restart plan exists.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Witness")]
pub struct WitnessAnswer<'a> {
    /// The notion that it refutes.
    pub notion: NotionWord,
    /// How many hosts fail.
    pub n: u32,
    /// Which.
    #[serde(borrow)]
    pub failed_hosts: Vec<&'a str>,
    /// A smallest set of VMs that cannot all be placed.
    #[serde(borrow)]
    pub vms: Vec<&'a str>,
    /// The resource that is short, where one is.
    #[serde(borrow)]
    pub resource: Option<&'a str>,
    /// Why, as a code.
    pub reason_code: &'a str,
    /// Why, in words.
    pub reason: &'a str,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $model:ty { $($(#[$word_doc:meta])* $variant:ident = $spelling:literal from $pattern:pat,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $spelling)] $variant,)* }
        impl From<$model> for $name {
            fn from(value: $model) -> Self { match value { $($pattern => Self::$variant,)* } }
        }
        impl $name {
            /// The word as documents spell it.
            pub fn word(self) -> &'static str { match self { $(Self::$variant => $spelling,)* } }
        }
    )*};
}

words! {
    /// Whether the effective target holds.
    TargetStatusWord: TargetStatus {
        /// Proven under the pool's guarantee.
        Proven = "proven" from TargetStatus::Proven,
        /// Refuted.
        Refuted = "refuted" from TargetStatus::Refuted,
        /// Neither, yet.
        Open = "open" from TargetStatus::Open,
    }
    /// A notion of tolerance.
    NotionWord: Notion {
        /// Any n at once.
        Simultaneous = "simultaneous" from Notion::Simultaneous,
        /// Any n in any order and any grouping, restarts in between.
        Sequential = "sequential" from Notion::Sequential,
    }
    /// What stopped a search.
    StoppedByWord: StoppedBy {
        /// No more failures were asked about.
        Max = "max" from StoppedBy::Max,
        /// The wall clock.
        Time = "time" from StoppedBy::Time,
        /// The work limit.
        Work = "work" from StoppedBy::Work,
    }
    /// What caps the tolerance.
    LimitedByWord: LimitedBy {
        /// Room, eligibility and rules.
        Capacity = "capacity" from LimitedBy::Capacity,
        /// The etcd cluster on the pool's own hosts needs its quorum.
        EtcdQuorum = "etcd-quorum" from LimitedBy::Liveness(LivenessLimit::EtcdQuorum),
        /// A strict majority of the hosts has to be left.
        Majority = "majority" from LimitedBy::Liveness(LivenessLimit::Majority),
        /// The mass-failure brake holds restarts beyond its share.
        Brake = "brake" from LimitedBy::Liveness(LivenessLimit::Brake),
    }
}

impl From<Guarantee> for NotionWord {
    fn from(guarantee: Guarantee) -> Self {
        match guarantee {
            Guarantee::Sequential => Self::Sequential,
            Guarantee::Simultaneous => Self::Simultaneous,
        }
    }
}

impl<'a> PlanAnswer<'a> {
    /// The answer for `pool`.
    pub fn new(pool: &'a Pool, assessment: &'a Assessment, elapsed_us: u64) -> Self {
        Self {
            pool: pool.id(),
            hosts: pool.hosts().len(),
            vms: pool.vms().len(),
            protected: assessment.protected,
            pending_placement: assessment
                .pending_placement
                .iter()
                .map(|&(vm, host)| PendingPlacement { vm: pool.vm_id(vm), host: pool.host_id(host) })
                .collect(),
            unprotectable: UnprotectableList::Of { pool, vms: &assessment.unprotectable },
            over_full: assessment
                .over_full
                .iter()
                .map(|over| OverFullAnswer {
                    host: pool.host_id(over.host),
                    resource: &pool.resources()[over.resource.get()],
                    by: over.by,
                })
                .collect(),
            tolerance: assessment.tolerance.into(),
            target: assessment.target,
            effective_target: assessment.effective_target,
            target_status: assessment.target_status.into(),
            overcommitted: assessment.overcommitted,
            witness: assessment.witness.as_ref().map(|witness| WitnessAnswer::new(pool, witness)),
            elapsed_us,
            guarantee: pool.settings().guarantee.into(),
            pending_unplaced: UnplacedAnswer::list(pool, &assessment.pending_unplaced),
            broken_rules: assessment
                .broken_rules
                .iter()
                .map(|broken| BrokenRuleAnswer {
                    group: &pool.groups()[broken.group.get()].id,
                    vms: [pool.vm_id(broken.first), pool.vm_id(broken.second)],
                })
                .collect(),
            work: assessment.work,
        }
    }
}

impl<'a> UnplacedAnswer<'a> {
    /// The answers for VMs of `pool` without a place.
    pub fn list(pool: &'a Pool, unplaced: &'a [lifeboat_model::plan::Unplaced]) -> Vec<Self> {
        unplaced
            .iter()
            .map(|unplaced| Self {
                vm: pool.vm_id(unplaced.vm),
                reason_code: unplaced.reason_code.code(),
                reason: &unplaced.reason,
            })
            .collect()
    }
}

impl<'a> WitnessAnswer<'a> {
    /// The answer for a witness about `pool`.
    pub fn new(pool: &'a Pool, witness: &'a Witness) -> Self {
        Self {
            notion: witness.notion.into(),
            n: witness.failures,
            failed_hosts: witness.failed_hosts.iter().map(|&host| pool.host_id(host)).collect(),
            vms: witness.vms.iter().map(|&vm| pool.vm_id(vm)).collect(),
            resource: witness.resource.map(|resource| pool.resources()[resource.get()].as_str()),
            reason_code: witness.reason_code.code(),
            reason: &witness.reason,
        }
    }
}

impl From<Tolerance> for ToleranceAnswer {
    fn from(tolerance: Tolerance) -> Self {
        Self {
            simultaneous: tolerance.simultaneous.into(),
            sequential: tolerance.sequential.into(),
            limited_by: tolerance.limited_by.into(),
        }
    }
}

impl From<Bounds> for BoundsAnswer {
    fn from(bounds: Bounds) -> Self {
        Self { proven: bounds.proven, refuted: bounds.refuted, stopped_by: bounds.stopped_by.map(Into::into) }
    }
}
