//! Many facts told one after the other. The pool is copied once, at the first fact that says something new, and then changed in
//! place, so that a thousand facts cost little more than one; VMs that are gone are taken out together at the end.
use super::edit::{self, Edit};
use super::fact::Fact;
use super::state::{VmNames, vm_names};
use super::{Kind, Resource, ServedError, Step};
use lifeboat_model::change::Change;
use lifeboat_model::spec::{HostState, PowerState, RestartPriority, VmSpec};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pool while facts are told of it.
#[derive(Debug)]
pub struct Telling {
    pool: Arc<Pool>,
    /// The VMs of the pool as it was before, by name.
    names: Arc<VmNames>,
    /// Those that came since.
    new: BTreeMap<String, VmIndex>,
    /// Those that went since; they hold nothing, and are still there.
    gone: BTreeSet<VmIndex>,
    told: bool,
    rebuilt: bool,
}

impl Telling {
    /// Begins with a pool, and the names of its VMs.
    pub fn of(pool: Arc<Pool>, names: Arc<VmNames>) -> Self {
        Self { pool, names, new: BTreeMap::new(), gone: BTreeSet::new(), told: false, rebuilt: false }
    }

    /// Tells a fact. Whether it was news.
    ///
    /// # Errors
    /// Where the fact makes no sense for the pool; it is then as it was.
    pub fn tell(&mut self, fact: &Fact) -> Result<bool, ServedError> {
        match fact {
            Fact::VmDescribed(vm) => return self.describe_vm(vm),
            Fact::HostDescribed(host) => return self.edit(&Edit::PutHost(host.clone())),
            Fact::VmRemoved { vm } => return self.remove_vm(vm),
            Fact::HostRemoved { host } => return self.remove_host(host),
            _ => {}
        }
        let (about, changes) = self.changes(fact)?;
        if changes.is_empty() {
            return Ok(false);
        }
        let before = self.look(about);
        self.change(&changes)?;
        let news = before != self.look(about);
        self.told |= news;
        Ok(news)
    }

    /// The pool after all that was told, and how its indices relate to those of the pool before; none if nothing was news.
    pub fn end(mut self) -> Option<(Pool, Step)> {
        if !self.told {
            return None;
        }
        let gone = self.settle();
        let step = match (self.rebuilt, gone.as_slice()) {
            (true, _) => Step::Rebuilt,
            (false, []) => Step::Kept,
            (false, [one]) => Step::Without(*one),
            (false, _) => Step::WithoutSome(gone),
        };
        drop(self.names);
        Some((Arc::unwrap_or_clone(self.pool), step))
    }

    fn change(&mut self, changes: &[Change]) -> Result<(), ServedError> {
        Ok(Arc::make_mut(&mut self.pool).change(changes)?)
    }

    /// What a fact changes, and what it is about.
    fn changes(&self, fact: &Fact) -> Result<(About, Vec<Change>), ServedError> {
        Ok(match fact {
            Fact::VmRuns { vm, host } => {
                let vm = self.vm(vm)?;
                (About::Vm(vm), self.runs(vm, self.host(host)?))
            }
            Fact::VmStopped { vm } => self.about(vm, |vm| self.stops(vm, PowerState::Halted))?,
            Fact::VmSuspended { vm } => self.about(vm, |vm| self.stops(vm, PowerState::Suspended))?,
            Fact::VmCrashed { vm } => self.about(vm, |vm| self.crashes(vm))?,
            Fact::MigrationBegun { vm, host } => {
                let vm = self.vm(vm)?;
                (About::Vm(vm), self.migrates(vm, self.host(host)?))
            }
            Fact::MigrationAborted { vm } => self.about(vm, |vm| {
                self.pool.vm(vm).migrating_to.map(|_| Change::AbortMigration { vm }).into_iter().collect()
            })?,
            Fact::VmMemory { vm, memory_mib } => {
                self.about(vm, |vm| vec![Change::VmMemory { vm, memory_mib: *memory_mib }])?
            }
            Fact::VmResources { vm, resources } => {
                self.about(vm, |vm| vec![Change::VmResources { vm, resources: resources.clone() }])?
            }
            Fact::HostUp { host } => {
                let host = self.host(host)?;
                let back = !self.pool.host(host).state.is_up();
                let changes = back.then_some(Change::HostState { host, state: HostState::Live });
                (About::Host(host), changes.into_iter().collect())
            }
            Fact::HostState { host, state } => {
                let host = self.host(host)?;
                (About::Host(host), vec![Change::HostState { host, state: *state }])
            }
            Fact::HostMemory { host, memory_mib } => {
                let host = self.host(host)?;
                (About::Host(host), vec![Change::HostMemory { host, memory_mib: *memory_mib }])
            }
            Fact::Storage { host, storage, plugged } => {
                let (host, storage) = (self.host(host)?, self.storage(storage)?);
                let plug = Change::AttachStorage { host, storage };
                let unplug = Change::UnplugStorage { host, storage };
                (About::Host(host), vec![if *plugged { plug } else { unplug }])
            }
            Fact::Network { host, network, plugged } => {
                let (host, network) = (self.host(host)?, self.network(network)?);
                let plug = Change::PlugNetwork { host, network };
                let unplug = Change::UnplugNetwork { host, network };
                (About::Host(host), vec![if *plugged { plug } else { unplug }])
            }
            Fact::VmDescribed(_)
            | Fact::HostDescribed(_)
            | Fact::VmRemoved { .. }
            | Fact::HostRemoved { .. } => (About::Pool, Vec::new()),
        })
    }

    fn about(
        &self,
        vm: &str,
        changes: impl FnOnce(VmIndex) -> Vec<Change>,
    ) -> Result<(About, Vec<Change>), ServedError> {
        let vm = self.vm(vm)?;
        Ok((About::Vm(vm), changes(vm)))
    }

    fn look(&self, about: About) -> Look {
        match about {
            About::Vm(vm) => Look::Vm(*self.pool.vm(vm)),
            About::Host(host) => Look::Host(self.pool.host(host).clone()),
            About::Pool => Look::Pool,
        }
    }

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
    fn describe_vm(&mut self, spec: &VmSpec) -> Result<bool, ServedError> {
        let plain = spec.migrating_to.is_none() && !spec.should_run;
        let (running, halted) = match (spec.power_state, &spec.host) {
            (None | Some(PowerState::Running), Some(_)) => (true, false),
            (None | Some(PowerState::Halted), None) => (false, true),
            _ => (false, false),
        };
        if self.find_vm(&spec.id).is_some() || !plain || !(running || halted) {
            return self.edit(&Edit::PutVm(Box::new(spec.clone())));
        }
        if self.names.contains_key(spec.id.as_str()) || self.new.contains_key(&spec.id) {
            // It went and comes back: the old one has to be gone first.
            self.begin_anew();
        }
        let host = spec.host.as_deref().map(|host| self.host(host)).transpose()?;
        let vm = VmIndex::new(self.pool.vms().len());
        let start = Change::StartNew { vm: Box::new(spec.clone()), host };
        if halted {
            self.change(&[start, Change::Stop { vm }])?;
        } else {
            self.change(&[start])?;
        }
        self.new.insert(spec.id.clone(), vm);
        self.told = true;
        Ok(true)
    }

    fn remove_vm(&mut self, name: &str) -> Result<bool, ServedError> {
        let vm = self.vm(name)?;
        self.change(&[Change::Stop { vm }])?;
        self.gone.insert(vm);
        self.told = true;
        Ok(true)
    }

    fn remove_host(&mut self, name: &str) -> Result<bool, ServedError> {
        let host = self.host(name)?;
        self.begin_anew();
        let dead = self.pool.with(&Change::HostState { host, state: HostState::Dead })?;
        let mut spec = dead.describe();
        edit::forget_host(&mut spec, name);
        self.pool = Arc::new(Pool::new(&spec)?);
        self.told = true;
        Ok(true)
    }

    fn edit(&mut self, edit: &Edit) -> Result<bool, ServedError> {
        self.begin_anew();
        let (pool, _) = edit::after(&self.pool, edit)?;
        let news = pool != *self.pool;
        if news {
            self.pool = Arc::new(pool);
            self.names = Arc::new(vm_names(&self.pool));
            self.told = true;
        }
        Ok(news)
    }

    /// From here on nothing can be said of how indices relate to those of the pool before.
    fn begin_anew(&mut self) {
        if !self.settle().is_empty() || !self.new.is_empty() {
            self.names = Arc::new(vm_names(&self.pool));
            self.new.clear();
        }
        self.rebuilt = true;
    }

    /// Takes out the VMs that are gone. Gives those of them that were there before.
    fn settle(&mut self) -> Vec<VmIndex> {
        let gone: Vec<VmIndex> = std::mem::take(&mut self.gone).into_iter().collect();
        if !gone.is_empty() {
            Arc::make_mut(&mut self.pool).forget_vms(&gone);
        }
        let known = self.names.len();
        gone.into_iter().filter(|vm| vm.get() < known).collect()
    }

    fn find_vm(&self, name: &str) -> Option<VmIndex> {
        let vm = self.new.get(name).or_else(|| self.names.get(name)).copied();
        vm.filter(|vm| !self.gone.contains(vm))
    }

    fn vm(&self, name: &str) -> Result<VmIndex, ServedError> {
        self.find_vm(name).ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Vm, name)))
    }

    fn host(&self, name: &str) -> Result<HostIndex, ServedError> {
        self.pool.find_host(name).ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Host, name)))
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

/// What a fact is about.
#[derive(Clone, Copy)]
enum About {
    Vm(VmIndex),
    Host(HostIndex),
    Pool,
}

/// How it looks.
#[derive(PartialEq)]
enum Look {
    Vm(lifeboat_model::pool::Vm),
    Host(lifeboat_model::pool::Host),
    Pool,
}
