//! From a described pool to a pool, or to everything that is wrong with it. One pass a section; a later
//! section resolves its references against the names of the earlier ones, so a misspelt host id costs one
//! defect for each place that uses it, and nothing stops at the first.
use super::{DemandIndex, Group, Host, Pool, Profile, Settings, Storage, Vm};
use crate::limits;
use crate::spec::{
    Defect, Fault, GroupSpec, HostSpec, Medium, PoolSpec, PowerState, SettingsSpec, StorageLoss, VmSpec,
};
use crate::{
    DomainIndex, GroupIndex, HostIndex, HostSet, NetworkIndex, ProfileIndex, ResourceIndex, StorageIndex,
    VmIndex,
};
use alloc::{
    borrow::ToOwned, boxed::Box, collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec,
};

/// Name of the resource that every pool has.
pub(crate) const MEMORY: &str = "memory_mib";

impl Pool {
    /// Builds a pool from its description.
    ///
    /// # Errors
    /// Every defect of the description, in document order of sections, each with its JSON pointer.
    pub fn new(spec: &PoolSpec) -> Result<Self, Vec<Defect>> {
        let mut defects = Defects::default();
        defects.count("/hosts", spec.hosts.len(), limits::MAX_HOSTS);
        defects.count("/vms", spec.vms.len(), limits::MAX_VMS);
        defects.count("/groups", spec.groups.len(), limits::MAX_GROUPS);
        defects.count("/storages", spec.storages.len(), limits::MAX_STORAGES);
        defects.count("/networks", spec.networks.len(), limits::MAX_NETWORKS);
        if !defects.0.is_empty() {
            return Err(defects.0);
        }
        defects.id(|| "/id".to_owned(), &spec.id);
        let mut builder = Builder {
            host_by_id: unique(&mut defects, "/hosts", spec.hosts.iter().map(|host| host.id.as_str())),
            vm_by_id: unique(&mut defects, "/vms", spec.vms.iter().map(|vm| vm.id.as_str())),
            storage_by_id: unique(&mut defects, "/storages", spec.storages.iter().map(|s| s.id.as_str())),
            network_by_id: unique(&mut defects, "/networks", spec.networks.iter().map(String::as_str)),
            resource_by_id: resources(&mut defects, spec),
            domain_by_id: BTreeMap::new(),
            storages: spec.storages.iter().map(|s| Storage { id: s.id.clone(), shared: s.shared }).collect(),
            networks: spec.networks.clone(),
            demands: Interner::default(),
            profiles: Interner::default(),
            defects,
        };
        unique::<GroupIndex>(
            &mut builder.defects,
            "/groups",
            spec.groups.iter().map(|group| group.id.as_str()),
        );
        builder.declare_by_use(spec);
        let settings = builder.settings(&spec.settings);
        let hosts: Vec<Host> =
            spec.hosts.iter().enumerate().map(|(position, host)| builder.host(position, host)).collect();
        let vms: Vec<Vm> =
            spec.vms.iter().enumerate().map(|(position, vm)| builder.vm(position, vm)).collect();
        let groups: Vec<Group> =
            spec.groups.iter().enumerate().map(|(position, group)| builder.group(position, group)).collect();
        if !builder.defects.0.is_empty() {
            return Err(builder.defects.0);
        }
        let mut resource_names = vec![String::new(); builder.resource_by_id.len()];
        for (name, index) in &builder.resource_by_id {
            (*name).clone_into(&mut resource_names[index.get()]);
        }
        let mut domains = vec![None; builder.domain_by_id.len()];
        for (domain, index) in &builder.domain_by_id {
            if let Domain::Named(name) = domain {
                domains[index.get()] = Some(Arc::from(*name));
            }
        }
        Ok(Self {
            id: Arc::from(spec.id.as_str()),
            settings,
            resources: Arc::new(resource_names),
            storages: Arc::new(builder.storages),
            networks: Arc::new(builder.networks),
            domains: Arc::new(domains),
            hosts: Arc::new(hosts),
            vms,
            vm_ids: Arc::new(spec.vms.iter().map(|vm| Arc::from(vm.id.as_str())).collect()),
            groups: Arc::new(groups),
            demands: Arc::new(builder.demands.values.into_iter().flatten().collect()),
            profiles: Arc::new(builder.profiles.values),
        })
    }
}

#[derive(Default)]
struct Defects(Vec<Defect>);

impl Defects {
    fn add(&mut self, pointer: impl FnOnce() -> String, fault: Fault) {
        self.0.push(Defect { pointer: pointer(), fault });
    }
    fn count(&mut self, pointer: &str, count: usize, most: usize) {
        if count > most {
            self.add(|| pointer.to_owned(), Fault::TooMany { count, most });
        }
    }
    fn id(&mut self, pointer: impl FnOnce() -> String, id: &str) {
        let characters = id.chars().count();
        if characters == 0 || characters > limits::MAX_ID_CHARS || id.chars().any(char::is_control) {
            self.add(pointer, Fault::BadId);
        }
    }
    fn range(&mut self, pointer: impl FnOnce() -> String, value: u64, low: u64, high: u64) {
        if !(low..=high).contains(&value) {
            self.add(pointer, Fault::OutOfRange { value, low, high });
        }
    }
}

/// The index of each id, with a defect for each that is bad or taken.
fn unique<'s, I>(
    defects: &mut Defects,
    section: &str,
    ids: impl Iterator<Item = &'s str>,
) -> BTreeMap<&'s str, I>
where
    I: FromPosition,
{
    let mut by_id = BTreeMap::new();
    for (position, id) in ids.enumerate() {
        let pointer = || format!("{section}/{position}/id");
        defects.id(pointer, id);
        if by_id.contains_key(id) {
            defects.add(pointer, Fault::DuplicateId(id.to_owned()));
        } else {
            by_id.insert(id, I::from_position(position));
        }
    }
    by_id
}

trait FromPosition {
    fn from_position(position: usize) -> Self;
}
macro_rules! from_position {
    ($($index:ty),*) => { $(impl FromPosition for $index {
        fn from_position(position: usize) -> Self { Self::new(position) }
    })* };
}
from_position!(HostIndex, VmIndex, StorageIndex, NetworkIndex, GroupIndex);

/// All resource names, memory first, the others in order of name.
fn resources<'s>(defects: &mut Defects, spec: &'s PoolSpec) -> BTreeMap<&'s str, ResourceIndex> {
    let mut by_id: BTreeMap<&'s str, ResourceIndex> = BTreeMap::new();
    let used = spec
        .hosts
        .iter()
        .enumerate()
        .flat_map(|(position, host)| host.resources.iter().map(move |r| ("hosts", position, r)))
        .chain(
            spec.vms
                .iter()
                .enumerate()
                .flat_map(|(position, vm)| vm.resources.iter().map(move |r| ("vms", position, r))),
        );
    for (section, position, (name, amount)) in used {
        let pointer = || format!("/{section}/{position}/resources/{}", escape(name));
        if name == MEMORY {
            defects.add(pointer, Fault::MemoryAsResource);
            continue;
        }
        defects.id(pointer, name);
        defects.range(pointer, *amount, 0, limits::MAX_AMOUNT);
        by_id.entry(name).or_insert(ResourceIndex::MEMORY);
    }
    defects.count("/hosts", by_id.len() + 1, limits::MAX_RESOURCES);
    for (position, index) in by_id.values_mut().enumerate() {
        *index = ResourceIndex::new(position + 1);
    }
    by_id.insert(MEMORY, ResourceIndex::MEMORY);
    by_id
}

/// A name as one segment of a JSON pointer (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Interner<T> {
    values: Vec<T>,
    index: BTreeMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: BTreeMap::new() }
    }
}

impl<T: Clone + Ord> Interner<T> {
    fn intern(&mut self, value: T) -> u32 {
        if let Some(&index) = self.index.get(&value) {
            return index;
        }
        let index = self.values.len() as u32;
        self.values.push(value.clone());
        self.index.insert(value, index);
        index
    }
}

struct Builder<'s> {
    host_by_id: BTreeMap<&'s str, HostIndex>,
    vm_by_id: BTreeMap<&'s str, VmIndex>,
    storage_by_id: BTreeMap<&'s str, StorageIndex>,
    network_by_id: BTreeMap<&'s str, NetworkIndex>,
    resource_by_id: BTreeMap<&'s str, ResourceIndex>,
    domain_by_id: BTreeMap<Domain<'s>, DomainIndex>,
    storages: Vec<Storage>,
    networks: Vec<String>,
    demands: Interner<Vec<u64>>,
    profiles: Interner<Profile>,
    defects: Defects,
}

/// A fault domain is named, or is one host's own.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Domain<'s> {
    Named(&'s str),
    Own(usize),
}

impl<'s> Builder<'s> {
    /// Storages and networks are declared by use, shared, where the document has no such section.
    fn declare_by_use(&mut self, spec: &'s PoolSpec) {
        if spec.storages.is_empty() {
            let used = spec.hosts.iter().flat_map(|host| host.storages.iter().flatten());
            for name in used.chain(spec.vms.iter().flat_map(|vm| &vm.storages)) {
                let next = StorageIndex::new(self.storages.len());
                if !self.storage_by_id.contains_key(name.as_str()) {
                    self.storage_by_id.insert(name, next);
                    self.storages.push(Storage { id: name.clone(), shared: true });
                }
            }
            self.defects.count("/storages", self.storages.len(), limits::MAX_STORAGES);
        }
        if spec.networks.is_empty() {
            let used = spec.hosts.iter().flat_map(|host| host.networks.iter().flatten());
            for name in used.chain(spec.vms.iter().flat_map(|vm| &vm.networks)) {
                let next = NetworkIndex::new(self.networks.len());
                if !self.network_by_id.contains_key(name.as_str()) {
                    self.network_by_id.insert(name, next);
                    self.networks.push(name.clone());
                }
            }
            self.defects.count("/networks", self.networks.len(), limits::MAX_NETWORKS);
        }
    }

    fn settings(&mut self, spec: &SettingsSpec) -> Settings {
        let at = |field: &'static str| move || format!("/settings/{field}");
        let target = spec.host_failures_to_tolerate.unwrap_or(0);
        self.defects.range(at("host_failures_to_tolerate"), target, 0, limits::MAX_HOSTS as u64);
        let timeout_s = spec.timeout_s.unwrap_or(15);
        self.defects.range(at("timeout_s"), timeout_s, limits::MIN_TIMEOUT_S, limits::MAX_TIMEOUT_S);
        if let Some(permille) = spec.brake_permille {
            self.defects.range(at("brake"), permille, 1, 1000);
        }
        let mut etcd_members = Vec::new();
        for (position, name) in spec.etcd_members.iter().enumerate() {
            if let Some(host) = self.find_host(name, || format!("/settings/etcd_members/{position}")) {
                etcd_members.push(host);
            }
        }
        etcd_members.sort_unstable();
        etcd_members.dedup();
        Settings {
            host_failures_to_tolerate: target as u32,
            guarantee: spec.guarantee.unwrap_or_default(),
            timeout_s: timeout_s as u32,
            medium: spec.medium.unwrap_or(Medium::Statefile),
            etcd_members,
            storage_loss: spec.storage_loss.unwrap_or(StorageLoss::Medium),
            brake_permille: spec.brake_permille.map(|permille| permille as u32),
        }
    }

    fn find_host(&mut self, name: &str, pointer: impl FnOnce() -> String) -> Option<HostIndex> {
        let found = self.host_by_id.get(name).copied();
        if found.is_none() {
            self.defects.add(pointer, Fault::UnknownHost(name.to_owned()));
        }
        found
    }

    fn host(&mut self, position: usize, spec: &'s HostSpec) -> Host {
        let at = |field: &'static str| move || format!("/hosts/{position}/{field}");
        self.defects.range(at("memory_mib"), spec.memory_mib, 0, limits::MAX_AMOUNT);
        self.defects.range(at("reserved_mib"), spec.reserved_mib, 0, limits::MAX_AMOUNT);
        self.defects.range(at("cpu_level"), spec.cpu_level, 0, limits::MAX_CPU_LEVEL);
        if spec.reserved_mib > spec.memory_mib {
            let fault =
                Fault::ReservedBeyondMemory { reserved_mib: spec.reserved_mib, memory_mib: spec.memory_mib };
            self.defects.add(at("reserved_mib"), fault);
        }
        let storages = match &spec.storages {
            Some(names) => {
                let indices = self.storage_list(&format!("/hosts/{position}/storages"), names);
                bits(self.storages.len(), indices.iter().map(|index| index.get()))
            }
            None => bits(self.storages.len(), (0..self.storages.len()).filter(|&i| self.storages[i].shared)),
        };
        let networks = match &spec.networks {
            Some(names) => {
                let indices = self.network_list(&format!("/hosts/{position}/networks"), names);
                bits(self.networks.len(), indices.iter().map(|index| index.get()))
            }
            None => bits(self.networks.len(), 0..self.networks.len()),
        };
        if let Some(domain) = &spec.fault_domain {
            self.defects.id(at("fault_domain"), domain);
        }
        let domain = spec.fault_domain.as_deref().map_or(Domain::Own(position), Domain::Named);
        let next_domain = DomainIndex::new(self.domain_by_id.len());
        Host {
            id: Arc::from(spec.id.as_str()),
            capacity: self.amounts(spec.memory_mib, &spec.resources),
            reserved_mib: spec.reserved_mib,
            state: spec.state,
            cpu_level: spec.cpu_level as u32,
            storages,
            networks,
            fault_domain: *self.domain_by_id.entry(domain).or_insert(next_domain),
        }
    }

    fn vm(&mut self, position: usize, spec: &VmSpec) -> Vm {
        let at = |field: &'static str| move || format!("/vms/{position}/{field}");
        self.defects.range(at("memory_mib"), spec.memory_mib, 0, limits::MAX_AMOUNT / 2);
        self.defects.range(at("overhead_mib"), spec.overhead_mib, 0, limits::MAX_AMOUNT / 2);
        self.defects.range(at("order"), spec.order, 0, limits::MAX_ORDER);
        self.defects.range(at("start_delay_s"), spec.start_delay_s, 0, limits::MAX_START_DELAY_S);
        self.defects.range(at("min_cpu_level"), spec.min_cpu_level, 0, limits::MAX_CPU_LEVEL);
        let host = spec.host.as_deref().and_then(|name| self.find_host(name, at("host")));
        let migrating_to =
            spec.migrating_to.as_deref().and_then(|name| self.find_host(name, at("migrating_to")));
        let default_state = if spec.host.is_some() { PowerState::Running } else { PowerState::Halted };
        let power_state = spec.power_state.unwrap_or(default_state);
        if spec.host.is_none() && power_state.holds_resources() {
            let state = if power_state == PowerState::Running { "running" } else { "paused" };
            self.defects.add(at("power_state"), Fault::RunsNowhere(state));
        }
        if spec.migrating_to.is_some()
            && (spec.host.is_none() || spec.migrating_to == spec.host || !power_state.holds_resources())
        {
            self.defects.add(at("migrating_to"), Fault::BadMigration);
        }
        let memory_mib = spec.memory_mib.saturating_add(spec.overhead_mib);
        let demand = self.amounts(memory_mib, &spec.resources);
        let allowed_hosts = spec.allowed_hosts.as_ref().map(|names| {
            let mut allowed = HostSet::empty(self.host_by_id.len());
            for (entry, name) in names.iter().enumerate() {
                let pointer = || format!("/vms/{position}/allowed_hosts/{entry}");
                match self.host_by_id.get(name.as_str()) {
                    // A duplicate host id leaves a hole; the document is refused for it anyway.
                    Some(&host) if host.get() < allowed.pool_size() => {
                        if !allowed.insert(host) {
                            self.defects.add(pointer, Fault::ListedTwice(name.clone()));
                        }
                    }
                    Some(_) => {}
                    None => self.defects.add(pointer, Fault::UnknownHost(name.clone())),
                }
            }
            allowed
        });
        let profile = Profile {
            min_cpu_level: spec.min_cpu_level as u32,
            storages: self.storage_list(&format!("/vms/{position}/storages"), &spec.storages),
            networks: self.network_list(&format!("/vms/{position}/networks"), &spec.networks),
            allowed_hosts,
            resources: (1..demand.len()).filter(|&r| demand[r] > 0).map(ResourceIndex::new).collect(),
        };
        Vm {
            demand: DemandIndex(self.demands.intern(demand)),
            profile: ProfileIndex(self.profiles.intern(profile)),
            host,
            migrating_to,
            power_state,
            restart_priority: spec.restart_priority,
            should_run: spec.should_run,
            order: spec.order as u32,
            start_delay_s: spec.start_delay_s as u32,
            overhead_mib: spec.overhead_mib,
        }
    }

    fn group(&mut self, position: usize, spec: &GroupSpec) -> Group {
        let mut vms = Vec::with_capacity(spec.vms.len());
        for (entry, name) in spec.vms.iter().enumerate() {
            match self.vm_by_id.get(name.as_str()) {
                Some(&vm) => vms.push(vm),
                None => self
                    .defects
                    .add(|| format!("/groups/{position}/vms/{entry}"), Fault::UnknownVm(name.clone())),
            }
        }
        vms.sort_unstable();
        let listed = vms.len();
        vms.dedup();
        if vms.len() < listed {
            let fault = Fault::ListedTwice("a VM".to_owned());
            self.defects.add(|| format!("/groups/{position}/vms"), fault);
        }
        Group { id: spec.id.clone(), rule: spec.rule, mode: spec.mode, vms }
    }

    fn amounts(&self, memory: u64, resources: &[(String, u64)]) -> Vec<u64> {
        let mut amounts = vec![0; self.resource_by_id.len()];
        amounts[0] = memory;
        for (name, amount) in resources {
            if let Some(index) = self.resource_by_id.get(name.as_str()).filter(|index| index.get() > 0) {
                amounts[index.get()] = *amount;
            }
        }
        amounts
    }

    fn storage_list(&mut self, pointer: &str, names: &[String]) -> Vec<StorageIndex> {
        list(&mut self.defects, pointer, names, &self.storage_by_id, Fault::UnknownStorage)
    }

    fn network_list(&mut self, pointer: &str, names: &[String]) -> Vec<NetworkIndex> {
        list(&mut self.defects, pointer, names, &self.network_by_id, Fault::UnknownNetwork)
    }
}

fn list<I: Copy + Ord>(
    defects: &mut Defects,
    pointer: &str,
    names: &[String],
    by_id: &BTreeMap<&str, I>,
    unknown: fn(String) -> Fault,
) -> Vec<I> {
    let mut indices = Vec::with_capacity(names.len());
    for (entry, name) in names.iter().enumerate() {
        match by_id.get(name.as_str()) {
            Some(index) if indices.contains(index) => {
                defects.add(|| format!("{pointer}/{entry}"), Fault::ListedTwice(name.clone()));
            }
            Some(&index) => indices.push(index),
            None => defects.add(|| format!("{pointer}/{entry}"), unknown(name.clone())),
        }
    }
    indices.sort_unstable();
    indices
}

fn bits(size: usize, members: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut words: Box<[u64]> = vec![0; size.div_ceil(64).max(1)].into();
    for member in members {
        words[member / 64] |= 1 << (member % 64);
    }
    words.into()
}
