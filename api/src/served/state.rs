//! A pool and, for each thing in it, when it last changed. The pool is the planner's own ([`lifeboat_model::Pool`]): there is no
//! second description that could differ from what is planned on. Documents are made from it when somebody asks.
use super::resource::{Kind, Resource};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pool as it is served.
#[derive(Clone, Debug)]
pub struct Served {
    pool: Arc<Pool>,
    revision: u64,
    marks: BTreeMap<Resource, Mark>,
    vms: BTreeMap<Arc<str>, VmIndex>,
    next_position: u64,
}

/// When something last changed, and where it stands among its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The pool's revision when it last changed.
    pub revision: u64,
    /// Its place in documents: later things have higher positions.
    pub position: u64,
}

/// How the indices of a pool relate to those of the pool before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hosts and VMs have their indices still; there may be more of them.
    Kept,
    /// One VM is gone; those behind it moved up.
    Without(VmIndex),
    /// Nothing can be said: it was built anew.
    Rebuilt,
}

/// What has changed from one revision to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The revision after it.
    pub revision: u64,
    /// What is there, and was not or was different.
    pub changed: Vec<Resource>,
    /// What was there, and is no more.
    pub gone: Vec<Resource>,
}

impl Delta {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }
}

impl Served {
    /// A pool that was not served before; `revision` must be beyond that of any earlier pool of its name.
    pub fn new(pool: Pool, revision: u64) -> Self {
        let mut served = Self {
            pool: Arc::new(pool),
            revision,
            marks: BTreeMap::new(),
            vms: BTreeMap::new(),
            next_position: 0,
        };
        for resource in served.resources() {
            served.mark(&resource);
        }
        served.index_vms();
        served
    }

    /// A pool as it was kept, with the mark of each thing.
    pub fn kept(pool: Pool, revision: u64, marks: BTreeMap<Resource, Mark>) -> Self {
        let next_position = marks.values().map(|mark| mark.position + 1).max().unwrap_or(0);
        let mut served = Self { pool: Arc::new(pool), revision, marks, vms: BTreeMap::new(), next_position };
        for resource in served.resources() {
            if !served.marks.contains_key(&resource) {
                served.mark(&resource);
            }
        }
        served.index_vms();
        served
    }

    /// The pool.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Its revision: rises by one with each change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// When a thing last changed; none if there is no such thing.
    pub fn mark_of(&self, resource: &Resource) -> Option<Mark> {
        self.marks.get(resource).copied()
    }

    /// The VM of that name.
    pub fn find_vm(&self, id: &str) -> Option<VmIndex> {
        self.vms.get(id).copied()
    }

    /// The host of that name.
    pub fn find_host(&self, id: &str) -> Option<HostIndex> {
        self.pool.find_host(id)
    }

    /// Makes `pool` the pool that is served, and says what has changed. If nothing has, the revision stays.
    pub fn adopt(&mut self, pool: Pool, step: Step) -> Delta {
        let mut delta = match step {
            Step::Kept => kept(&self.pool, &pool),
            Step::Without(vm) => {
                let gone = vec![Resource::new(Kind::Vm, self.pool.vm_id(vm))];
                let shared = (0..self.pool.groups().len())
                    .filter(|&group| self.pool.groups()[group].vms.contains(&vm))
                    .map(|group| Resource::new(Kind::Group, self.pool.groups()[group].id.as_str()));
                Delta { changed: shared.collect(), gone, ..Delta::default() }
            }
            Step::Rebuilt => rebuilt(&self.pool, &pool),
        };
        if delta.is_empty() {
            delta.revision = self.revision;
            return delta;
        }
        self.revision += 1;
        delta.revision = self.revision;
        let known = self.pool.vms().len();
        self.pool = Arc::new(pool);
        for resource in &delta.gone {
            self.marks.remove(resource);
        }
        for resource in &delta.changed {
            self.mark(resource);
        }
        match step {
            Step::Kept => {
                for vm in self.pool.vm_indices().skip(known) {
                    self.vms.insert(self.pool.vm_id(vm).into(), vm);
                }
            }
            Step::Without(gone) => self.forget(gone, &delta.gone),
            Step::Rebuilt => self.index_vms(),
        }
        delta
    }

    fn mark(&mut self, resource: &Resource) {
        let (revision, next) = (self.revision, self.next_position);
        let mark = self.marks.entry(resource.clone()).or_insert(Mark { revision, position: next });
        mark.revision = revision;
        self.next_position = next.max(mark.position + 1);
    }

    fn index_vms(&mut self) {
        self.vms = self.pool.vm_indices().map(|vm| (self.pool.vm_id(vm).into(), vm)).collect();
    }

    fn forget(&mut self, gone: VmIndex, names: &[Resource]) {
        for name in names {
            self.vms.remove(&name.id);
        }
        for index in self.vms.values_mut().filter(|index| **index > gone) {
            *index = VmIndex::new(index.get() - 1);
        }
    }

    /// Everything in the pool that has a name, in document order.
    pub fn resources(&self) -> Vec<Resource> {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            all.extend(names(&self.pool, kind).into_iter().map(|id| Resource::new(kind, id)));
        }
        all
    }
}

/// The names of all things of a kind, in document order.
fn names(pool: &Pool, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Settings => vec![""],
        Kind::Storage => pool.storages().iter().map(|storage| storage.id.as_str()).collect(),
        Kind::Network => pool.networks().iter().map(String::as_str).collect(),
        Kind::Host => pool.hosts().iter().map(|host| &*host.id).collect(),
        Kind::Vm => pool.vm_indices().map(|vm| pool.vm_id(vm)).collect(),
        Kind::Group => pool.groups().iter().map(|group| group.id.as_str()).collect(),
    }
}

/// What differs between pools of the same indices. Interned tables only grow from one such pool to the next, so equal numbers
/// mean equal things.
fn kept(before: &Pool, after: &Pool) -> Delta {
    let mut changed = Vec::new();
    if before.settings() != after.settings() {
        changed.push(Resource::settings());
    }
    let storages = after.storages().iter().enumerate();
    let different = storages.filter(|(index, storage)| before.storages().get(*index) != Some(*storage));
    changed.extend(different.map(|(_, storage)| Resource::new(Kind::Storage, storage.id.as_str())));
    let new_networks = after.networks().iter().skip(before.networks().len());
    changed.extend(new_networks.map(|network| Resource::new(Kind::Network, network.as_str())));
    let hosts = after.hosts().iter().enumerate();
    let different = hosts.filter(|(index, host)| before.hosts().get(*index) != Some(*host));
    changed.extend(different.map(|(_, host)| Resource::new(Kind::Host, &*host.id)));
    let vms = after.vms().iter().enumerate();
    let different = vms.filter(|(index, vm)| before.vms().get(*index) != Some(*vm));
    changed.extend(different.map(|(index, _)| Resource::new(Kind::Vm, after.vm_id(VmIndex::new(index)))));
    let groups = after.groups().iter().enumerate();
    let different = groups.filter(|(index, group)| before.groups().get(*index) != Some(*group));
    changed.extend(different.map(|(_, group)| Resource::new(Kind::Group, group.id.as_str())));
    Delta { changed, ..Delta::default() }
}

/// What differs between any two pools, by name.
fn rebuilt(before: &Pool, after: &Pool) -> Delta {
    let (old, new) = (before.describe(), after.describe());
    let mut delta = Delta::default();
    if old.settings != new.settings {
        delta.changed.push(Resource::settings());
    }
    compare(&mut delta, Kind::Storage, &old.storages, &new.storages, |storage| &storage.id);
    compare(&mut delta, Kind::Network, &old.networks, &new.networks, |network| network);
    compare(&mut delta, Kind::Host, &old.hosts, &new.hosts, |host| &host.id);
    compare(&mut delta, Kind::Vm, &old.vms, &new.vms, |vm| &vm.id);
    compare(&mut delta, Kind::Group, &old.groups, &new.groups, |group| &group.id);
    delta
}

fn compare<T: PartialEq>(delta: &mut Delta, kind: Kind, old: &[T], new: &[T], id: impl Fn(&T) -> &str) {
    let known: BTreeMap<&str, &T> = old.iter().map(|one| (id(one), one)).collect();
    let there: BTreeSet<&str> = new.iter().map(&id).collect();
    let different = new.iter().filter(|one| known.get(id(one)) != Some(one));
    delta.changed.extend(different.map(|one| Resource::new(kind, id(one))));
    let gone = known.keys().filter(|name| !there.contains(*name));
    delta.gone.extend(gone.map(|name| Resource::new(kind, *name)));
}
