//! The pool as it is described from outside: names instead of indices, absence instead of defaults. Edges
//! (files, HTTP bodies) fill a [`PoolSpec`]; [`crate::Pool::new`] turns it into a pool or into the list of
//! everything that is wrong with it.
use alloc::{string::String, vec::Vec};

/// A described pool: the document `lifeboat.pool/v1` without its JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolSpec {
    /// The pool's id.
    pub id: String,
    /// What the operator wants of the pool.
    pub settings: SettingsSpec,
    /// Declared storages; one that is only used is shared.
    pub storages: Vec<StorageSpec>,
    /// Declared networks, by id.
    pub networks: Vec<String>,
    /// The hosts, in document order.
    pub hosts: Vec<HostSpec>,
    /// The VMs, in document order.
    pub vms: Vec<VmSpec>,
    /// The rules, in document order.
    pub groups: Vec<GroupSpec>,
}

/// The operator's settings; absent ones have the defaults named at [`crate::Settings`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsSpec {
    /// Host failures to tolerate (HFTT).
    pub host_failures_to_tolerate: Option<u64>,
    /// Which notion of tolerance the target is held against.
    pub guarantee: Option<Guarantee>,
    /// The pool's timeout T, in seconds.
    pub timeout_s: Option<u64>,
    /// What carries the pool's shared records.
    pub medium: Option<Medium>,
    /// Hosts of the pool that carry a member of the etcd cluster; empty: etcd lives elsewhere.
    pub etcd_members: Vec<String>,
    /// What decides who lives when storage is lost.
    pub storage_loss: Option<StorageLoss>,
    /// Share of the hosts, in thousandths, beyond which the mass-failure brake holds all restarts.
    pub brake_permille: Option<u64>,
}

/// Which of the two notions of tolerance the target is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// Any n in any order and any grouping, restarts in between.
    #[default]
    Sequential,
    /// Any n at once.
    Simultaneous,
}

/// What carries the pool's shared records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// The heartbeat region of a shared volume.
    #[default]
    Statefile,
    /// An etcd cluster.
    Etcd,
}

/// Who lives when the medium is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageLoss {
    /// Whoever still has the medium may go on: storage outranks numbers.
    #[default]
    Medium,
    /// A strict majority of the hosts lives; a minority fences itself even if it has the medium.
    Majority,
}

/// A storage of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageSpec {
    /// Its id.
    pub id: String,
    /// Whether several hosts can attach it.
    pub shared: bool,
}

/// State of a host as the pool knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostState {
    /// Alive, and takes VMs.
    #[default]
    Live,
    /// Alive, takes no new VMs.
    Disabled,
    /// Being or been emptied.
    Maintenance,
    /// Known to have failed.
    Dead,
    /// Made certain that it runs no VM.
    Fenced,
}

impl HostState {
    /// Whether VMs can run there now: all but dead and fenced hosts.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Live | Self::Disabled | Self::Maintenance)
    }
}

/// A described host. Absent storages or networks mean all shared ones, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSpec {
    /// Its id.
    pub id: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Memory in MiB that no VM can have.
    pub reserved_mib: u64,
    /// Its state.
    pub state: HostState,
    /// CPU level; a VM runs only where it is at least the VM's.
    pub cpu_level: u64,
    /// Attached storages, by id.
    pub storages: Option<Vec<String>>,
    /// Plugged networks, by id.
    pub networks: Option<Vec<String>>,
    /// Fault domain, by name.
    pub fault_domain: Option<String>,
    /// Capacity in countable resources other than memory.
    pub resources: Vec<(String, u64)>,
}

/// Whether a VM executes, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerState {
    /// Executes; holds its resources.
    Running,
    /// Stands still in memory; holds its resources.
    Paused,
    /// Written to disk; holds nothing.
    Suspended,
    /// Off; holds nothing.
    Halted,
}

impl PowerState {
    /// Whether the VM holds memory and resources on its host.
    pub fn holds_resources(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// What becomes of a VM when its host dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartPriority {
    /// `restart`: protected; it is in the proof and restarted first.
    Restart,
    /// `best-effort`: restarted when every placeable protected VM is up.
    BestEffort,
    /// The empty string: not restarted.
    #[default]
    Unprotected,
}

/// A described VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmSpec {
    /// Its id.
    pub id: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Memory in MiB that the hypervisor needs for it besides.
    pub overhead_mib: u64,
    /// The host that it runs on, by id.
    pub host: Option<String>,
    /// Absent: running if it has a host, else halted.
    pub power_state: Option<PowerState>,
    /// What becomes of it when its host dies.
    pub restart_priority: RestartPriority,
    /// Restart order, 0 first.
    pub order: u64,
    /// Seconds to wait before the next order begins.
    pub start_delay_s: u64,
    /// Lowest CPU level that it runs on.
    pub min_cpu_level: u64,
    /// Storages that it needs, by id.
    pub storages: Vec<String>,
    /// Networks that it needs, by id.
    pub networks: Vec<String>,
    /// Hosts that it may run on, by id; absent: any.
    pub allowed_hosts: Option<Vec<String>>,
    /// Where a live migration under way takes it.
    pub migrating_to: Option<String>,
    /// Whether it should run although it runs nowhere.
    pub should_run: bool,
    /// Demand in countable resources other than memory.
    pub resources: Vec<(String, u64)>,
}

/// What a rule asks of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No two on one host.
    AntiAffinity,
    /// Restarted with a running member, on its host, and with each other.
    Affinity,
    /// No two in one fault domain.
    Spread,
}

/// Whether a rule binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleMode {
    /// Binds the proof and the plan.
    #[default]
    Required,
    /// Never changes a verdict; what breaks it is named.
    Preferred,
}

/// A described rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub rule: Rule,
    /// Whether it binds.
    pub mode: RuleMode,
    /// Its members, by id.
    pub vms: Vec<String>,
}

/// One thing that is wrong with a described pool, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{pointer}: {fault}")]
pub struct Defect {
    /// JSON pointer (RFC 6901) into the pool document.
    pub pointer: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// What can be wrong with a described pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// The id is empty, too long, or has a character that cannot be printed.
    #[error("id must be 1 to 255 printable characters")]
    BadId,
    /// Another of the same kind has the id.
    #[error("duplicate id {0:?}: ids are unique among their kind")]
    DuplicateId(String),
    /// The same name twice in one list.
    #[error("{0:?} is listed twice")]
    ListedTwice(String),
    /// A reference to a host that the document does not have.
    #[error("unknown host {0:?}: it is not among the document's hosts")]
    UnknownHost(String),
    /// A reference to a VM that the document does not have.
    #[error("unknown VM {0:?}: it is not among the document's vms")]
    UnknownVm(String),
    /// A reference to a storage that is neither declared nor declared by use.
    #[error("unknown storage {0:?}: declare it in the document's storages")]
    UnknownStorage(String),
    /// A reference to a network that is not declared.
    #[error("unknown network {0:?}: declare it in the document's networks")]
    UnknownNetwork(String),
    /// A number outside its range.
    #[error("{value} is out of range: {low} to {high}")]
    OutOfRange {
        /// What was given.
        value: u64,
        /// Lowest allowed.
        low: u64,
        /// Highest allowed.
        high: u64,
    },
    /// More entries than the product plans for.
    #[error("{count} entries, at most {most} are planned for")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many are planned for.
        most: usize,
    },
    /// `memory_mib` is not a countable resource: it has its own field.
    #[error("memory is given in memory_mib, not in resources")]
    MemoryAsResource,
    /// The VM is said to run, but on no host.
    #[error("the VM is {0} but has no host")]
    RunsNowhere(&'static str),
    /// A migration needs a running VM on another host.
    #[error("migrating_to needs a running VM and a target other than its host")]
    BadMigration,
    /// More is reserved than the host has.
    #[error("reserves {reserved_mib} MiB of {memory_mib} MiB")]
    ReservedBeyondMemory {
        /// What is reserved.
        reserved_mib: u64,
        /// What there is.
        memory_mib: u64,
    },
    /// The edge could not read the value at all (wrong type, unknown field, and the like).
    #[error("{0}")]
    Unreadable(String),
}
