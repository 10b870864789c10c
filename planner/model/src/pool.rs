//! A pool that is right for ever: every reference resolved, every number in range, every default filled in.
//! It is immutable but for the edits of [`crate::change`], which keep it right.
//!
//! What thousands of VMs share is stored once: demand vectors and requirement profiles are interned, so that
//! a VM is a few words and lowering a pool to the planner's arrays streams through them.
mod build;
mod describe;
mod place;

pub(crate) use build::MEMORY;
pub use place::Sighting;

use crate::spec::{Guarantee, HostState, Medium, PowerState, RestartPriority, Rule, RuleMode, StorageLoss};
use crate::{
    DomainIndex, HostIndex, HostSet, NetworkIndex, ProfileIndex, ResourceIndex, StorageIndex, VmIndex,
};
use alloc::{string::String, sync::Arc, vec::Vec};

/// The operator's settings, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// HFTT; default 0.
    pub host_failures_to_tolerate: u32,
    /// The notion that the target is held against; default sequential.
    pub guarantee: Guarantee,
    /// The pool's timeout T in seconds; default 15.
    pub timeout_s: u32,
    /// What carries the shared records; default statefile.
    pub medium: Medium,
    /// Hosts that carry etcd members; default none.
    pub etcd_members: Vec<HostIndex>,
    /// Who lives when the medium is out of reach; default whoever has the medium.
    pub storage_loss: StorageLoss,
    /// Mass-failure brake in thousandths of the hosts; default none.
    pub brake_permille: Option<u32>,
}

/// A storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Its name outside.
    pub id: String,
    /// Whether several hosts can attach it.
    pub shared: bool,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name outside.
    pub id: Arc<str>,
    /// Capacity by resource; memory in MiB first, before what is reserved.
    pub capacity: Vec<u64>,
    /// Memory in MiB that no VM can have.
    pub reserved_mib: u64,
    /// Its state.
    pub state: HostState,
    /// Its CPU level.
    pub cpu_level: u32,
    /// Attached storages: bit i of word i / 64 is storage i.
    pub storages: Vec<u64>,
    /// Plugged networks, likewise.
    pub networks: Vec<u64>,
    /// Its fault domain; one of its own where the document names none.
    pub fault_domain: DomainIndex,
}

/// A VM, a few words; its name is at [`Pool::vm_id`], its demand at [`Pool::demand`], what it needs of a host
/// at [`Pool::profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Interned demand vector.
    pub demand: DemandIndex,
    /// Interned requirement profile.
    pub profile: ProfileIndex,
    /// The host it is on, whatever that host's state.
    pub host: Option<HostIndex>,
    /// Where a live migration under way takes it.
    pub migrating_to: Option<HostIndex>,
    /// Whether it executes.
    pub power_state: PowerState,
    /// What becomes of it when its host dies.
    pub restart_priority: RestartPriority,
    /// Whether it should run although it runs nowhere.
    pub should_run: bool,
    /// Restart order, 0 first.
    pub order: u32,
    /// Seconds to wait before the next order begins.
    pub start_delay_s: u32,
    /// Of the demand in memory, what the hypervisor needs besides the guest's, MiB.
    pub overhead_mib: u64,
}

/// An interned demand vector, see [`Pool::demand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DemandIndex(pub u32);

/// What decides where a VM can run, demand apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// Lowest CPU level.
    pub min_cpu_level: u32,
    /// Needed storages, ascending.
    pub storages: Vec<StorageIndex>,
    /// Needed networks, ascending.
    pub networks: Vec<NetworkIndex>,
    /// Hosts that the operator allows; none: any.
    pub allowed_hosts: Option<HostSet>,
    /// Resources other than memory of which the VM needs some, ascending.
    pub resources: Vec<ResourceIndex>,
}

/// A rule between VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name outside.
    pub id: String,
    /// What it asks.
    pub rule: Rule,
    /// Whether it binds.
    pub mode: RuleMode,
    /// Its members, ascending.
    pub vms: Vec<VmIndex>,
}

/// A pool. Fields are read through methods, so that it stays right once built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub(crate) id: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) resources: Arc<Vec<String>>,
    pub(crate) storages: Arc<Vec<Storage>>,
    pub(crate) networks: Arc<Vec<String>>,
    pub(crate) hosts: Arc<Vec<Host>>,
    pub(crate) vms: Vec<Vm>,
    pub(crate) vm_ids: Arc<Vec<Arc<str>>>,
    pub(crate) groups: Arc<Vec<Group>>,
    pub(crate) demands: Arc<Vec<u64>>,
    pub(crate) profiles: Arc<Vec<Profile>>,
    pub(crate) domains: Arc<Vec<Option<Arc<str>>>>,
}

impl Pool {
    /// Its name outside.
    pub fn id(&self) -> &str {
        &self.id
    }
    /// The operator's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    /// Resource names; the first is `memory_mib`.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }
    /// Storages, declared or used.
    pub fn storages(&self) -> &[Storage] {
        &self.storages
    }
    /// Network names, declared or used.
    pub fn networks(&self) -> &[String] {
        &self.networks
    }
    /// The hosts, indexed by [`HostIndex`].
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }
    /// One host.
    #[inline]
    pub fn host(&self, host: HostIndex) -> &Host {
        &self.hosts[host.get()]
    }
    /// The VMs, indexed by [`VmIndex`].
    pub fn vms(&self) -> &[Vm] {
        &self.vms
    }
    /// One VM.
    #[inline]
    pub fn vm(&self, vm: VmIndex) -> &Vm {
        &self.vms[vm.get()]
    }
    /// A VM's name outside.
    pub fn vm_id(&self, vm: VmIndex) -> &str {
        &self.vm_ids[vm.get()]
    }
    /// A host's name outside.
    pub fn host_id(&self, host: HostIndex) -> &str {
        &self.hosts[host.get()].id
    }
    /// The rules.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
    /// Interned requirement profiles, indexed by [`ProfileIndex`].
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }
    /// One profile.
    #[inline]
    pub fn profile(&self, profile: ProfileIndex) -> &Profile {
        &self.profiles[profile.get()]
    }
    /// How many distinct demand vectors there are; every [`DemandIndex`] is below.
    pub fn demand_count(&self) -> usize {
        self.demands.len() / self.resources.len()
    }
    /// A demand vector by resource: memory in MiB, overhead included, first.
    #[inline]
    pub fn demand(&self, demand: DemandIndex) -> &[u64] {
        let width = self.resources.len();
        &self.demands[demand.0 as usize * width..][..width]
    }
    /// What a VM demands, by resource; memory in MiB, overhead included, first.
    #[inline]
    pub fn demand_of(&self, vm: VmIndex) -> &[u64] {
        self.demand(self.vm(vm).demand)
    }
    /// How many fault domains there are; every [`DomainIndex`] is below.
    pub fn domain_count(&self) -> usize {
        self.domains.len()
    }
    /// A fault domain's name; none where it is one host's own.
    pub fn domain_name(&self, domain: DomainIndex) -> Option<&str> {
        self.domains[domain.get()].as_deref()
    }
    /// All host indices.
    pub fn host_indices(&self) -> impl DoubleEndedIterator<Item = HostIndex> + use<> {
        (0..self.hosts.len()).map(HostIndex::new)
    }
    /// All VM indices.
    pub fn vm_indices(&self) -> impl DoubleEndedIterator<Item = VmIndex> + use<> {
        (0..self.vms.len()).map(VmIndex::new)
    }
    /// The host of that name.
    pub fn find_host(&self, id: &str) -> Option<HostIndex> {
        self.hosts.iter().position(|host| &*host.id == id).map(HostIndex::new)
    }
    /// The VM of that name.
    pub fn find_vm(&self, id: &str) -> Option<VmIndex> {
        self.vm_ids.iter().position(|name| &**name == id).map(VmIndex::new)
    }

    /// The host on which the VM holds resources now: it runs or is paused there, and the host is up.
    #[inline]
    pub fn runs_on(&self, vm: VmIndex) -> Option<HostIndex> {
        let vm = self.vm(vm);
        vm.host.filter(|&host| vm.power_state.holds_resources() && self.host(host).state.is_up())
    }

    /// The host at whose end a live migration of the VM holds resources besides its own host.
    #[inline]
    pub fn migration_end(&self, vm: VmIndex) -> Option<HostIndex> {
        self.runs_on(vm)?;
        self.vm(vm).migrating_to.filter(|&host| self.host(host).state.is_up())
    }

    /// Whether the VM is pending: protected, should run, and runs on no host that is up.
    #[inline]
    pub fn is_pending(&self, vm: VmIndex) -> bool {
        let state = self.vm(vm);
        state.restart_priority == RestartPriority::Restart && state.should_run && self.runs_on(vm).is_none()
    }

    /// What is free by host and resource, row-major by host: capacity − reserved − what runs there, both ends
    /// of a migration counted. Never clamped: a host that runs more than it has is negative. Hosts that are
    /// not up have 0.
    pub fn free(&self) -> Vec<i64> {
        let width = self.resources.len();
        let mut free = Vec::with_capacity(self.hosts.len() * width);
        for host in self.hosts.iter() {
            if host.state.is_up() {
                free.extend(host.capacity.iter().map(|&amount| amount as i64));
                let memory = free.len() - width;
                free[memory] -= host.reserved_mib as i64;
            } else {
                free.resize(free.len() + width, 0);
            }
        }
        for vm in self.vm_indices() {
            for end in [self.runs_on(vm), self.migration_end(vm)].into_iter().flatten() {
                for (left, &amount) in free[end.get() * width..].iter_mut().zip(self.demand_of(vm)) {
                    *left -= amount as i64;
                }
            }
        }
        free
    }

    /// Hosts that can fail: live and disabled ones, and those in maintenance that still run a VM.
    pub fn failable_hosts(&self) -> HostSet {
        let mut failable = HostSet::of(
            self.hosts.len(),
            self.host_indices()
                .filter(|&host| matches!(self.host(host).state, HostState::Live | HostState::Disabled)),
        );
        for host in self.vm_indices().filter_map(|vm| self.runs_on(vm)) {
            failable.insert(host);
        }
        failable
    }

    /// Hosts that take VMs: the live ones. (Disabled and maintenance hosts receive nothing.)
    pub fn target_hosts(&self) -> HostSet {
        HostSet::of(
            self.hosts.len(),
            self.host_indices().filter(|&host| self.host(host).state == HostState::Live),
        )
    }

    /// HFTT less the hosts in maintenance, not below 0.
    pub fn effective_target(&self) -> u32 {
        let maintenance =
            self.hosts.iter().filter(|host| host.state == HostState::Maintenance).count() as u32;
        self.settings.host_failures_to_tolerate.saturating_sub(maintenance)
    }

    /// The most failures that liveness lets the pool survive, whatever its capacity, and what sets that limit;
    /// `None` where capacity alone decides.
    ///
    /// * etcd: its quorum must stand, so with m members on hosts of the pool at most ⌊(m−1)/2⌋ may fail;
    /// * `storage_loss = "majority"`: a strict majority of the hosts that can fail must be left;
    /// * the brake: beyond its share of the hosts nothing is restarted.
    pub fn liveness_limit(&self) -> Option<(u32, LivenessLimit)> {
        let hosts = self.failable_hosts().len() as u32;
        let mut limits = Vec::new();
        if self.settings.medium == Medium::Etcd && !self.settings.etcd_members.is_empty() {
            limits.push(((self.settings.etcd_members.len() as u32 - 1) / 2, LivenessLimit::EtcdQuorum));
        }
        if self.settings.storage_loss == StorageLoss::Majority {
            limits.push((hosts.saturating_sub(1) / 2, LivenessLimit::Majority));
        }
        if let Some(permille) = self.settings.brake_permille {
            limits.push((hosts * permille / 1000, LivenessLimit::Brake));
        }
        limits.into_iter().min_by_key(|&(most, _)| most)
    }
}

/// Which liveness rule caps the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LivenessLimit {
    /// The etcd cluster on the pool's own hosts needs its quorum.
    EtcdQuorum,
    /// `storage_loss = "majority"` needs a strict majority.
    Majority,
    /// The mass-failure brake holds restarts beyond its share.
    Brake,
}
