//! What can happen to a pool, one typed change at a time. [`Pool::with`] gives the pool after it, as right as
//! [`Pool::new`] would have made it, without reading a document again: what the change does not touch is
//! shared with the pool before it, and interning tables are extended by copy on write.
//!
//! A change is a fact or a supposition, not a wish: it says what the pool would be, and does not ask whether
//! that is wise. A VM may be put on a host that lacks its storage, or room for it, as a document may describe
//! such a VM; whether it *should* be is for admission to say. Refused is only what makes no sense: a VM
//! started twice, a migration onto the same host, a host removed under running VMs.
mod host;
mod tables;
mod vm;

use crate::spec::{Defect, Guarantee, HostSpec, HostState, RestartPriority, VmSpec};
use crate::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex, limits};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// One change to a pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A VM that the pool does not know yet starts. Its description's own `host`, `power_state`,
    /// `migrating_to` and `should_run` do not count.
    StartNew {
        /// The VM.
        vm: Box<VmSpec>,
        /// Where; nowhere: it should run and waits for a place.
        host: Option<HostIndex>,
    },
    /// A halted or suspended VM is started or resumed.
    Start {
        /// The VM.
        vm: VmIndex,
        /// Where; nowhere: it should run and waits for a place.
        host: Option<HostIndex>,
    },
    /// A live migration begins: from now the VM is counted at both ends.
    BeginMigration {
        /// The VM.
        vm: VmIndex,
        /// Where to.
        to: HostIndex,
    },
    /// A live migration has ended: the VM runs there and nowhere else. It need not have been seen to begin.
    EndMigration {
        /// The VM.
        vm: VmIndex,
        /// Where to.
        to: HostIndex,
    },
    /// A live migration was given up: the VM stays where it is.
    AbortMigration {
        /// The VM.
        vm: VmIndex,
    },
    /// A VM is shut down and shall stay so.
    Stop {
        /// The VM.
        vm: VmIndex,
    },
    /// A VM is written to disk and shall stay so.
    Suspend {
        /// The VM.
        vm: VmIndex,
    },
    /// A VM's memory becomes this; what the hypervisor needs besides stays.
    VmMemory {
        /// The VM.
        vm: VmIndex,
        /// Its memory in MiB.
        memory_mib: u64,
    },
    /// A VM's demand in resources other than memory becomes this.
    VmResources {
        /// The VM.
        vm: VmIndex,
        /// All of its demand; a resource not named: none.
        resources: Vec<(String, u64)>,
    },
    /// A VM needs one storage instead of another: its disks were moved.
    VmStorage {
        /// The VM.
        vm: VmIndex,
        /// What it needed.
        from: StorageIndex,
        /// What it needs instead.
        to: StorageIndex,
    },
    /// A VM's restart priority becomes this.
    Protect {
        /// The VM.
        vm: VmIndex,
        /// Its restart priority.
        priority: RestartPriority,
    },
    /// A VM's place in the restart becomes this.
    Order {
        /// The VM.
        vm: VmIndex,
        /// Its restart order, 0 first.
        order: u64,
        /// Seconds to wait before the next order begins.
        start_delay_s: u64,
    },
    /// A host is enabled, disabled, put into maintenance, or found dead or fenced. VMs of a host that dies
    /// should run elsewhere; VMs that a dead host is still said to have do not run when it comes back.
    HostState {
        /// The host.
        host: HostIndex,
        /// Its state.
        state: HostState,
    },
    /// A host leaves the pool for good. Its index stays, as that of a fenced host without capacity to count on.
    RemoveHost {
        /// The host.
        host: HostIndex,
        /// What becomes of VMs that run there.
        vms: LeftBehind,
    },
    /// A host joins the pool. Storages and networks that the pool does not know yet are declared by it, such
    /// storages as its own.
    AddHost {
        /// The host.
        host: Box<HostSpec>,
    },
    /// A host's memory becomes this; what is reserved stays.
    HostMemory {
        /// The host.
        host: HostIndex,
        /// Its memory in MiB, with what is reserved.
        memory_mib: u64,
    },
    /// A storage is attached to a host.
    AttachStorage {
        /// The host.
        host: HostIndex,
        /// The storage.
        storage: StorageIndex,
    },
    /// A storage is unplugged from a host.
    UnplugStorage {
        /// The host.
        host: HostIndex,
        /// The storage.
        storage: StorageIndex,
    },
    /// A network is plugged into a host.
    PlugNetwork {
        /// The host.
        host: HostIndex,
        /// The network.
        network: NetworkIndex,
    },
    /// A network is unplugged from a host.
    UnplugNetwork {
        /// The host.
        host: HostIndex,
        /// The network.
        network: NetworkIndex,
    },
    /// The operator's target, HFTT, becomes this.
    Target {
        /// Host failures to tolerate.
        host_failures_to_tolerate: u64,
    },
    /// The notion that the target is held against becomes this.
    Guarantee {
        /// The notion.
        guarantee: Guarantee,
    },
}

/// What becomes of VMs that run on a host that is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeftBehind {
    /// The host is not removed while a VM runs there.
    #[default]
    Refuse,
    /// They stop with it and should run again: protected ones are pending.
    Pending,
}

/// Why a change makes no sense, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The description of a new VM or host is wrong.
    #[error("the description has {} fault(s), the first: {}", .0.len(), .0[0])]
    Defective(Vec<Defect>),
    /// No such VM.
    #[error("the pool has no VM with index {0}")]
    UnknownVm(u32),
    /// No such host.
    #[error("the pool has no host with index {0}")]
    UnknownHost(u16),
    /// No such storage.
    #[error("the pool has no storage with index {0}")]
    UnknownStorage(u16),
    /// No such network.
    #[error("the pool has no network with index {0}")]
    UnknownNetwork(u16),
    /// Started twice.
    #[error("VM {vm} already runs on {host}: migrate it, or stop it first")]
    AlreadyRuns {
        /// The VM.
        vm: String,
        /// Where it runs.
        host: String,
    },
    /// What only a running VM can do.
    #[error("VM {vm} runs nowhere: start it first")]
    NotRunning {
        /// The VM.
        vm: String,
    },
    /// The host is dead or fenced.
    #[error("host {host} is down: choose one that is up, or enable it when it is back")]
    HostDown {
        /// The host.
        host: String,
    },
    /// A migration to where the VM is.
    #[error("VM {vm} is on {host} already: choose another host")]
    SameHost {
        /// The VM.
        vm: String,
        /// Where it is.
        host: String,
    },
    /// A second migration of one VM.
    #[error("VM {vm} is being migrated to {to}: end or abort that first")]
    MigratesAlready {
        /// The VM.
        vm: String,
        /// Where to.
        to: String,
    },
    /// No migration to give up.
    #[error("VM {vm} is not being migrated: there is nothing to abort")]
    NotMigrating {
        /// The VM.
        vm: String,
    },
    /// A host with running VMs is not removed.
    #[error(
        "{count} VM(s) still run on {host}, {vm} among them: migrate or stop them, or have them treated as pending"
    )]
    VmsStillRun {
        /// The host.
        host: String,
        /// How many.
        count: usize,
        /// One of them.
        vm: String,
    },
    /// A storage of one host cannot be attached to another.
    #[error(
        "storage {storage} is not shared and is attached to {host}: move the disks to a shared storage instead"
    )]
    NotShared {
        /// The storage.
        storage: String,
        /// The host that has it.
        host: String,
    },
    /// The VM has no disk on that storage.
    #[error("VM {vm} does not need storage {storage}: name one that it needs")]
    StorageNotNeeded {
        /// The VM.
        vm: String,
        /// The storage.
        storage: String,
    },
    /// A number outside its range.
    #[error("{field} {value} is out of range: {low} to {high}")]
    OutOfRange {
        /// What the number is, as documents spell it.
        field: &'static str,
        /// What was given.
        value: u64,
        /// Lowest allowed.
        low: u64,
        /// Highest allowed.
        high: u64,
    },
    /// The pool would be larger than is planned for.
    #[error("the pool has {most} {what} already, the most that are planned for")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many are planned for.
        most: usize,
    },
}

impl Pool {
    /// The pool after one change.
    ///
    /// # Errors
    /// Where the change makes no sense for this pool; the pool itself is as it was either way.
    pub fn with(&self, change: &Change) -> Result<Self, ChangeError> {
        self.with_all(core::slice::from_ref(change))
    }

    /// The pool after several changes, one after the other: cheaper than one at a time.
    ///
    /// # Errors
    /// For the first change that makes no sense for the pool that the earlier ones left.
    pub fn with_all(&self, changes: &[Change]) -> Result<Self, ChangeError> {
        let mut pool = self.clone();
        for change in changes {
            pool.apply(change)?;
        }
        Ok(pool)
    }

    /// Makes changes in place, one after the other: for whoever makes many and keeps only the last pool.
    ///
    /// # Errors
    /// For the first change that makes no sense for the pool that the earlier ones left. The pool is then as it was before
    /// the first of them.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), ChangeError> {
        match changes {
            // Each of them looks before it touches anything, but for a host that joins, which is declared piece by piece.
            [one] if !matches!(one, Change::AddHost { .. }) => self.apply(one),
            several => {
                *self = self.with_all(several)?;
                Ok(())
            }
        }
    }

    fn apply(&mut self, change: &Change) -> Result<(), ChangeError> {
        let pool = self;
        match change {
            Change::StartNew { vm, host } => pool.start_new(vm, *host)?,
            Change::Start { vm, host } => pool.start(*vm, *host)?,
            Change::BeginMigration { vm, to } => pool.begin_migration(*vm, *to)?,
            Change::EndMigration { vm, to } => pool.end_migration(*vm, *to)?,
            Change::AbortMigration { vm } => pool.abort_migration(*vm)?,
            Change::Stop { vm } => pool.stop(*vm, crate::spec::PowerState::Halted)?,
            Change::Suspend { vm } => pool.stop(*vm, crate::spec::PowerState::Suspended)?,
            Change::VmMemory { vm, memory_mib } => pool.set_vm_memory(*vm, *memory_mib)?,
            Change::VmResources { vm, resources } => pool.set_vm_resources(*vm, resources)?,
            Change::VmStorage { vm, from, to } => pool.move_disks(*vm, *from, *to)?,
            Change::Protect { vm, priority } => pool.vm_mut(*vm)?.restart_priority = *priority,
            Change::Order { vm, order, start_delay_s } => pool.set_order(*vm, *order, *start_delay_s)?,
            Change::HostState { host, state } => pool.set_host_state(*host, *state)?,
            Change::RemoveHost { host, vms } => pool.remove_host(*host, *vms)?,
            Change::AddHost { host } => pool.add_host(host)?,
            Change::HostMemory { host, memory_mib } => pool.set_host_memory(*host, *memory_mib)?,
            Change::AttachStorage { host, storage } => pool.attach_storage(*host, *storage)?,
            Change::UnplugStorage { host, storage } => pool.unplug_storage(*host, *storage)?,
            Change::PlugNetwork { host, network } => pool.plug_network(*host, *network, true)?,
            Change::UnplugNetwork { host, network } => pool.plug_network(*host, *network, false)?,
            Change::Target { host_failures_to_tolerate } => {
                let most = limits::MAX_HOSTS as u64;
                in_range("host_failures_to_tolerate", *host_failures_to_tolerate, 0, most)?;
                pool.settings.host_failures_to_tolerate = *host_failures_to_tolerate as u32;
            }
            Change::Guarantee { guarantee } => pool.settings.guarantee = *guarantee,
        }
        Ok(())
    }
}

impl Change {
    /// The change in words, with the names of the pool that it is made to.
    pub fn describe(&self, pool: &Pool) -> String {
        let vm = |vm: &VmIndex| pool.vm_id(*vm);
        let host = |host: &HostIndex| pool.host_id(*host);
        let storage = |storage: &StorageIndex| &pool.storages()[storage.get()].id;
        let on = |place: &Option<HostIndex>| match place {
            Some(place) => format!(" on {}", host(place)),
            None => String::new(),
        };
        match self {
            Self::StartNew { vm: new, host } => format!("start the new VM {}{}", new.id, on(host)),
            Self::Start { vm: v, host } => format!("start {}{}", vm(v), on(host)),
            Self::BeginMigration { vm: v, to } => format!("begin to migrate {} to {}", vm(v), host(to)),
            Self::EndMigration { vm: v, to } => format!("migrate {} to {}", vm(v), host(to)),
            Self::AbortMigration { vm: v } => format!("abort the migration of {}", vm(v)),
            Self::Stop { vm: v } => format!("stop {}", vm(v)),
            Self::Suspend { vm: v } => format!("suspend {}", vm(v)),
            Self::VmMemory { vm: v, memory_mib } => format!("give {} {memory_mib} MiB of memory", vm(v)),
            Self::VmResources { vm: v, .. } => format!("change the resources of {}", vm(v)),
            Self::VmStorage { vm: v, from, to } => {
                format!("move the disks of {} from {} to {}", vm(v), storage(from), storage(to))
            }
            Self::Protect { vm: v, priority } => match priority {
                RestartPriority::Restart => format!("protect {}", vm(v)),
                RestartPriority::BestEffort => format!("lower {} to best-effort", vm(v)),
                RestartPriority::Unprotected => format!("leave {} unprotected", vm(v)),
            },
            Self::Order { vm: v, order, .. } => format!("restart {} with order {order}", vm(v)),
            Self::HostState { host: h, state } => match state {
                HostState::Live => format!("enable {}", host(h)),
                HostState::Disabled => format!("disable {}", host(h)),
                HostState::Maintenance => format!("put {} into maintenance", host(h)),
                HostState::Dead => format!("{} is dead", host(h)),
                HostState::Fenced => format!("{} is fenced", host(h)),
            },
            Self::RemoveHost { host: h, .. } => format!("remove {}", host(h)),
            Self::AddHost { host: new } => format!("add the host {} with {} MiB", new.id, new.memory_mib),
            Self::HostMemory { host: h, memory_mib } => {
                format!("give {} {memory_mib} MiB of memory", host(h))
            }
            Self::AttachStorage { host: h, storage: s } => {
                format!("attach storage {} to {}", storage(s), host(h))
            }
            Self::UnplugStorage { host: h, storage: s } => {
                format!("unplug storage {} from {}", storage(s), host(h))
            }
            Self::PlugNetwork { host: h, network } => {
                format!("plug network {} into {}", pool.networks()[network.get()], host(h))
            }
            Self::UnplugNetwork { host: h, network } => {
                format!("unplug network {} from {}", pool.networks()[network.get()], host(h))
            }
            Self::Target { host_failures_to_tolerate } => {
                format!("tolerate {host_failures_to_tolerate} host failures")
            }
            Self::Guarantee { guarantee: Guarantee::Sequential } => {
                String::from("hold the target in any order")
            }
            Self::Guarantee { guarantee: Guarantee::Simultaneous } => String::from("hold the target at once"),
        }
    }
}

fn in_range(field: &'static str, value: u64, low: u64, high: u64) -> Result<(), ChangeError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(ChangeError::OutOfRange { field, value, low, high })
    }
}
