//! A described pool in plain vectors, nothing shared, nothing interned.
use lifeboat_model::spec::{
    Guarantee, HostState, Medium, PoolSpec, PowerState, RestartPriority, Rule, RuleMode, StorageLoss,
};

/// A described pool in plain vectors.
#[derive(Clone, Debug)]
pub struct World {
    /// Ids of the hosts.
    pub host_ids: Vec<String>,
    /// Whether VMs can run there.
    pub up: Vec<bool>,
    /// Whether the host takes VMs.
    pub takes: Vec<bool>,
    /// Whether the host can fail.
    pub can_fail: Vec<bool>,
    /// Fault domain of each host: hosts with equal entries share one.
    pub fault_domain: Vec<usize>,
    /// Capacity less what is reserved, by host and resource; memory first.
    pub room: Vec<Vec<i64>>,
    /// The VMs.
    pub vms: Vec<OracleVm>,
    /// Members of each required affinity group.
    pub together: Vec<Vec<usize>>,
    /// Required anti-affinity and spread groups.
    pub apart: Vec<Apart>,
    /// The most failures that liveness lets survive.
    pub liveness_cap: Option<usize>,
    /// Whether the target is held against the sequential notion.
    pub target_is_sequential: bool,
    /// Host failures to tolerate less the hosts in maintenance.
    pub effective_target: usize,
}

/// A VM.
#[derive(Clone, Debug)]
pub struct OracleVm {
    /// Its id.
    pub id: String,
    /// What it demands, by resource.
    pub demand: Vec<i64>,
    /// The host that it runs on.
    pub home: Option<usize>,
    /// The other end of its migration.
    pub migration_end: Option<usize>,
    /// The hosts that could run it, by host.
    pub eligible: Vec<bool>,
    /// Whether it is protected.
    pub protected: bool,
    /// Whether it is restarted when there is room.
    pub best_effort: bool,
    /// Whether it waits for a place.
    pub pending: bool,
    /// Restart order.
    pub order: u64,
}

/// Members that must not share a domain.
#[derive(Clone, Debug)]
pub struct Apart {
    /// The members.
    pub members: Vec<usize>,
    /// The domain of each host.
    pub domain: Vec<usize>,
}

/// Where every VM is, and which hosts are alive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    /// Alive, by host.
    pub alive: Vec<bool>,
    /// The host of each VM that runs.
    pub at: Vec<Option<usize>>,
}

impl World {
    /// Reads a described pool.
    ///
    /// # Panics
    /// If the description has a defect.
    pub fn new(spec: &PoolSpec) -> Self {
        let host_of = |id: &str| spec.hosts.iter().position(|host| host.id == id).expect("known host");
        let vm_of = |id: &String| spec.vms.iter().position(|vm| vm.id == *id).expect("known VM");
        let up: Vec<bool> = spec
            .hosts
            .iter()
            .map(|host| host.state != HostState::Dead && host.state != HostState::Fenced)
            .collect();
        let resources = resource_names(spec);
        let amounts = |memory: u64, list: &[(String, u64)]| -> Vec<i64> {
            let named = resources.iter().map(|name| {
                list.iter().find(|(other, _)| other == name).map_or(0, |(_, amount)| *amount as i64)
            });
            std::iter::once(memory as i64).chain(named).collect()
        };
        let capacity: Vec<Vec<i64>> =
            spec.hosts.iter().map(|host| amounts(host.memory_mib, &host.resources)).collect();
        let mut vms = Vec::new();
        for vm in &spec.vms {
            let demand = amounts(vm.memory_mib + vm.overhead_mib, &vm.resources);
            let holds = match vm.power_state {
                Some(state) => state == PowerState::Running || state == PowerState::Paused,
                None => vm.host.is_some(),
            };
            let home = vm.host.as_deref().map(host_of).filter(|&host| holds && up[host]);
            let migration_end =
                vm.migrating_to.as_deref().map(host_of).filter(|&host| home.is_some() && up[host]);
            let eligible = (0..spec.hosts.len())
                .map(|host| {
                    could_run(spec, host, vm)
                        && (1..demand.len()).all(|r| demand[r] == 0 || capacity[host][r] > 0)
                })
                .collect();
            let protected = vm.restart_priority == RestartPriority::Restart;
            vms.push(OracleVm {
                id: vm.id.clone(),
                demand,
                home,
                migration_end,
                eligible,
                protected,
                best_effort: vm.restart_priority == RestartPriority::BestEffort,
                pending: protected && vm.should_run && home.is_none(),
                order: vm.order,
            });
        }
        let can_fail: Vec<bool> = (0..spec.hosts.len())
            .map(|host| match spec.hosts[host].state {
                HostState::Live | HostState::Disabled => true,
                HostState::Maintenance => vms.iter().any(|vm| vm.home == Some(host)),
                HostState::Dead | HostState::Fenced => false,
            })
            .collect();
        let fault_domain: Vec<usize> = (0..spec.hosts.len())
            .map(|host| match &spec.hosts[host].fault_domain {
                None => host,
                Some(name) => spec
                    .hosts
                    .iter()
                    .position(|other| other.fault_domain.as_ref() == Some(name))
                    .expect("the host itself has that domain"),
            })
            .collect();
        let mut room = capacity;
        for (host, described) in spec.hosts.iter().enumerate() {
            room[host][0] -= described.reserved_mib as i64;
        }
        let mut together = Vec::new();
        let mut apart = Vec::new();
        for group in spec.groups.iter().filter(|group| group.mode == RuleMode::Required) {
            let members: Vec<usize> = group.vms.iter().map(vm_of).collect();
            match group.rule {
                Rule::Affinity => together.push(members),
                Rule::AntiAffinity => apart.push(Apart { members, domain: (0..spec.hosts.len()).collect() }),
                Rule::Spread => apart.push(Apart { members, domain: fault_domain.clone() }),
            }
        }
        let maintenance = spec.hosts.iter().filter(|host| host.state == HostState::Maintenance).count();
        let target = spec.settings.host_failures_to_tolerate.unwrap_or(0) as usize;
        Self {
            host_ids: spec.hosts.iter().map(|host| host.id.clone()).collect(),
            takes: spec.hosts.iter().map(|host| host.state == HostState::Live).collect(),
            liveness_cap: liveness_cap(spec, can_fail.iter().filter(|&&can| can).count()),
            target_is_sequential: spec.settings.guarantee.unwrap_or_default() == Guarantee::Sequential,
            effective_target: target.saturating_sub(maintenance),
            up,
            can_fail,
            fault_domain,
            room,
            vms,
            together,
            apart,
        }
    }

    /// The state as described: nothing pending is placed, nothing has failed.
    pub fn now(&self) -> State {
        State { alive: self.up.clone(), at: self.vms.iter().map(|vm| vm.home).collect() }
    }

    /// What is free on a host in a state; may be negative.
    pub fn free(&self, state: &State, host: usize) -> Vec<i64> {
        let mut free = self.room[host].clone();
        for (position, vm) in self.vms.iter().enumerate() {
            for end in [state.at[position], vm.migration_end] {
                if end == Some(host) {
                    for (left, demand) in free.iter_mut().zip(&vm.demand) {
                        *left -= demand;
                    }
                }
            }
        }
        free
    }

    /// Whether a demand fits into what is free. Nothing of a resource always fits.
    pub fn has_room(&self, state: &State, host: usize, demand: &[i64]) -> bool {
        let free = self.free(state, host);
        demand.iter().zip(&free).all(|(&demand, &free)| demand == 0 || demand <= free)
    }

    /// How many hosts can fail.
    pub fn failable(&self) -> usize {
        self.can_fail.iter().filter(|&&can| can).count()
    }
}

/// Names of all resources but memory.
fn resource_names(spec: &PoolSpec) -> Vec<String> {
    let mut names: Vec<String> = spec
        .hosts
        .iter()
        .flat_map(|host| &host.resources)
        .chain(spec.vms.iter().flat_map(|vm| &vm.resources))
        .map(|(name, _)| name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether nothing but countable resources keeps the VM off the host.
fn could_run(spec: &PoolSpec, host: usize, vm: &lifeboat_model::spec::VmSpec) -> bool {
    let host = &spec.hosts[host];
    let attached = |name: &String| match &host.storages {
        Some(list) => list.contains(name),
        // Declared by use means shared; a host that lists none has all shared ones.
        None => {
            spec.storages.is_empty()
                || spec.storages.iter().any(|storage| storage.id == *name && storage.shared)
        }
    };
    let plugged = |name: &String| host.networks.as_ref().is_none_or(|list| list.contains(name));
    host.state == HostState::Live
        && host.cpu_level >= vm.min_cpu_level
        && vm.storages.iter().all(attached)
        && vm.networks.iter().all(plugged)
        && vm.allowed_hosts.as_ref().is_none_or(|list| list.contains(&host.id))
}

/// The most failures that liveness lets survive, of `failable` hosts.
fn liveness_cap(spec: &PoolSpec, failable: usize) -> Option<usize> {
    let settings = &spec.settings;
    let mut caps = Vec::new();
    let mut members = settings.etcd_members.clone();
    members.sort();
    members.dedup();
    if settings.medium == Some(Medium::Etcd) && !members.is_empty() {
        caps.push((members.len() - 1) / 2);
    }
    if settings.storage_loss == Some(StorageLoss::Majority) {
        caps.push(failable.saturating_sub(1) / 2);
    }
    if let Some(permille) = settings.brake_permille {
        caps.push(failable * permille as usize / 1000);
    }
    caps.into_iter().min()
}
