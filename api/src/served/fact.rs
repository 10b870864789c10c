//! What has happened to a pool, as control planes and agents tell it. A fact is not refused because it makes matters worse:
//! it has happened. It is only not understood where it speaks of what the pool does not have. Facts may be told twice, and
//! a fact that contradicts what was known before wins.
use super::edit::{self, Edit};
use super::{Kind, Resource, Served, ServedError, Step};
use lifeboat_model::change::Change;
use lifeboat_model::spec::{HostSpec, HostState, PowerState, RestartPriority, VmSpec};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A VM was made, or is described anew: where it runs is as the description says.
    VmDescribed(Box<VmSpec>),
    /// A VM runs on a host: it was started, resumed, or seen there.
    VmRuns {
        /// The VM.
        vm: String,
        /// The host.
        host: String,
    },
    /// A VM was shut down and shall stay so.
    VmStopped {
        /// The VM.
        vm: String,
    },
    /// A VM was written to disk and shall stay so.
    VmSuspended {
        /// The VM.
        vm: String,
    },
    /// A VM stopped and should run: protected ones are pending until they do.
    VmCrashed {
        /// The VM.
        vm: String,
    },
    /// A VM is no more.
    VmRemoved {
        /// The VM.
        vm: String,
    },
    /// A live migration began.
    MigrationBegun {
        /// The VM.
        vm: String,
        /// Where to.
        host: String,
    },
    /// A live migration was given up.
    MigrationAborted {
        /// The VM.
        vm: String,
    },
    /// A VM has so much memory now.
    VmMemory {
        /// The VM.
        vm: String,
        /// In MiB.
        memory_mib: u64,
    },
    /// A VM has these countable resources now.
    VmResources {
        /// The VM.
        vm: String,
        /// All of them.
        resources: Vec<(String, u64)>,
    },
    /// A host joined, or is described anew.
    HostDescribed(Box<HostSpec>),
    /// A host is up: where it was dead or fenced, it is live now.
    HostUp {
        /// The host.
        host: String,
    },
    /// A host is in this state now.
    HostState {
        /// The host.
        host: String,
        /// The state.
        state: HostState,
    },
    /// A host has left the pool for good; what ran there should run elsewhere.
    HostRemoved {
        /// The host.
        host: String,
    },
    /// A host has so much memory now.
    HostMemory {
        /// The host.
        host: String,
        /// In MiB.
        memory_mib: u64,
    },
    /// A storage was attached to a host or unplugged from it.
    Storage {
        /// The host.
        host: String,
        /// The storage.
        storage: String,
        /// Whether it is attached now.
        plugged: bool,
    },
    /// A network was plugged into a host or unplugged from it.
    Network {
        /// The host.
        host: String,
        /// The network.
        network: String,
        /// Whether it is plugged now.
        plugged: bool,
    },
}

/// The pool after a fact; none if it was known already.
///
/// # Errors
/// Where the fact makes no sense for this pool.
pub fn after(served: &Served, fact: &Fact) -> Result<Option<(Pool, Step)>, ServedError> {
    let known = Known { served, pool: served.pool() };
    let changes = match fact {
        Fact::VmDescribed(vm) => return known.describe_vm(vm),
        Fact::HostDescribed(host) => {
            return edit::after(served.pool(), &Edit::PutHost(host.clone())).map(Some);
        }
        Fact::VmRemoved { vm } => {
            let vm = known.vm(vm)?;
            return Ok(Some((served.pool().without_vm(vm)?, Step::Without(vm))));
        }
        Fact::HostRemoved { host } => return known.remove_host(host).map(Some),
        Fact::VmRuns { vm, host } => known.runs(known.vm(vm)?, known.host(host)?),
        Fact::VmStopped { vm } => known.stops(known.vm(vm)?, PowerState::Halted),
        Fact::VmSuspended { vm } => known.stops(known.vm(vm)?, PowerState::Suspended),
        Fact::VmCrashed { vm } => known.crashes(known.vm(vm)?),
        Fact::MigrationBegun { vm, host } => known.migrates(known.vm(vm)?, known.host(host)?),
        Fact::MigrationAborted { vm } => {
            let vm = known.vm(vm)?;
            known.pool.vm(vm).migrating_to.map(|_| Change::AbortMigration { vm }).into_iter().collect()
        }
        Fact::VmMemory { vm, memory_mib } => {
            vec![Change::VmMemory { vm: known.vm(vm)?, memory_mib: *memory_mib }]
        }
        Fact::VmResources { vm, resources } => {
            vec![Change::VmResources { vm: known.vm(vm)?, resources: resources.clone() }]
        }
        Fact::HostUp { host } => {
            let host = known.host(host)?;
            let back = !known.pool.host(host).state.is_up();
            if back { vec![Change::HostState { host, state: HostState::Live }] } else { Vec::new() }
        }
        Fact::HostState { host, state } => {
            vec![Change::HostState { host: known.host(host)?, state: *state }]
        }
        Fact::HostMemory { host, memory_mib } => {
            vec![Change::HostMemory { host: known.host(host)?, memory_mib: *memory_mib }]
        }
        Fact::Storage { host, storage, plugged } => {
            let (host, storage) = (known.host(host)?, known.storage(storage)?);
            vec![if *plugged {
                Change::AttachStorage { host, storage }
            } else {
                Change::UnplugStorage { host, storage }
            }]
        }
        Fact::Network { host, network, plugged } => {
            let (host, network) = (known.host(host)?, known.network(network)?);
            vec![if *plugged {
                Change::PlugNetwork { host, network }
            } else {
                Change::UnplugNetwork { host, network }
            }]
        }
    };
    if changes.is_empty() {
        return Ok(None);
    }
    Ok(Some((served.pool().with_all(&changes)?, Step::Kept)))
}

/// What the pool was known to be.
struct Known<'s> {
    served: &'s Served,
    pool: &'s Pool,
}

impl Known<'_> {
    fn runs(&self, vm: VmIndex, host: HostIndex) -> Vec<Change> {
        let state = self.pool.vm(vm);
        let Some(known) = self.pool.runs_on(vm) else {
            return vec![Change::Start { vm, host: Some(host) }];
        };
        let mut changes = Vec::new();
        if state.migrating_to.is_some_and(|end| end != host || known == host) {
            changes.push(Change::AbortMigration { vm });
        }
        if known != host {
            changes.push(Change::EndMigration { vm, to: host });
        } else if state.power_state == PowerState::Paused {
            changes.extend([Change::Stop { vm }, Change::Start { vm, host: Some(host) }]);
        }
        changes
    }

    fn stops(&self, vm: VmIndex, into: PowerState) -> Vec<Change> {
        let holds = self.pool.vm(vm).power_state.holds_resources();
        match into {
            PowerState::Suspended if holds => vec![Change::Suspend { vm }],
            PowerState::Suspended => Vec::new(),
            _ => vec![Change::Stop { vm }],
        }
    }

    fn crashes(&self, vm: VmIndex) -> Vec<Change> {
        let mut changes = vec![Change::Stop { vm }];
        if self.pool.vm(vm).restart_priority != RestartPriority::Unprotected {
            changes.push(Change::Start { vm, host: None });
        }
        changes
    }

    fn migrates(&self, vm: VmIndex, to: HostIndex) -> Vec<Change> {
        match self.pool.vm(vm).migrating_to {
            Some(end) if end == to => Vec::new(),
            Some(_) => vec![Change::AbortMigration { vm }, Change::BeginMigration { vm, to }],
            None => vec![Change::BeginMigration { vm, to }],
        }
    }

    /// New VMs that run or are halted are added without building the pool anew: they are most of what happens.
    fn describe_vm(&self, spec: &VmSpec) -> Result<Option<(Pool, Step)>, ServedError> {
        let plain = spec.migrating_to.is_none() && !spec.should_run;
        let (running, halted) = match (spec.power_state, &spec.host) {
            (None | Some(PowerState::Running), Some(_)) => (true, false),
            (None | Some(PowerState::Halted), None) => (false, true),
            _ => (false, false),
        };
        if self.served.find_vm(&spec.id).is_some() || !plain || !(running || halted) {
            return edit::after(self.pool, &Edit::PutVm(Box::new(spec.clone()))).map(Some);
        }
        let host = spec.host.as_deref().map(|host| self.host(host)).transpose()?;
        let mut pool = self.pool.with(&Change::StartNew { vm: Box::new(spec.clone()), host })?;
        if halted {
            pool = pool.with(&Change::Stop { vm: VmIndex::new(self.pool.vms().len()) })?;
        }
        Ok(Some((pool, Step::Kept)))
    }

    fn remove_host(&self, name: &str) -> Result<(Pool, Step), ServedError> {
        let host = self.host(name)?;
        let pool = self.pool.with(&Change::HostState { host, state: HostState::Dead })?;
        let mut spec = pool.describe();
        edit::forget_host(&mut spec, name);
        Ok((Pool::new(&spec)?, Step::Rebuilt))
    }

    fn vm(&self, name: &str) -> Result<VmIndex, ServedError> {
        self.served.find_vm(name).ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Vm, name)))
    }

    fn host(&self, name: &str) -> Result<HostIndex, ServedError> {
        self.served.find_host(name).ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Host, name)))
    }

    fn storage(&self, name: &str) -> Result<StorageIndex, ServedError> {
        let position = self.pool.storages().iter().position(|storage| storage.id == name);
        position
            .map(StorageIndex::new)
            .ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Storage, name)))
    }

    fn network(&self, name: &str) -> Result<NetworkIndex, ServedError> {
        let position = self.pool.networks().iter().position(|network| network == name);
        position
            .map(NetworkIndex::new)
            .ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Network, name)))
    }
}
