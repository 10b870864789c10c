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
    vms: Arc<VmNames>,
    next_position: u64,
}

/// The VMs by name.
pub type VmNames = BTreeMap<Arc<str>, VmIndex>;

/// When something last changed, and where it stands among its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The pool's revision when it last changed.
    pub revision: u64,
    /// Its place in documents: later things have higher positions.
    pub position: u64,
}

/// How the indices of a pool relate to those of the pool before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hosts and VMs have their indices still; there may be more of them.
    Kept,
    /// One VM is gone; those behind it moved up.
    Without(VmIndex),
    /// These VMs are gone, given by rising index; those behind each moved up. There may be more VMs at the end.
    WithoutSome(Vec<VmIndex>),
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
            vms: Arc::default(),
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
        let mut served = Self { pool: Arc::new(pool), revision, marks, vms: Arc::default(), next_position };
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

    /// Leaves out the next revisions: somebody may have seen changes under them that are not known here.
    pub fn skip_revisions(&mut self, count: u64) {
        self.revision += count;
    }

    /// When a thing last changed; none if there is no such thing.
    pub fn mark_of(&self, resource: &Resource) -> Option<Mark> {
        self.marks.get(resource).copied()
    }

    /// The VMs by name, as they are now.
    pub fn vm_names(&self) -> &Arc<VmNames> {
        &self.vms
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
        self.adopt_as(pool, None, step)
    }

    /// The same where the pool is told as well with its tables rid of what nobody needs any more: see [`compacted`].
    pub fn adopt_as(&mut self, pool: Pool, compacted: Option<Pool>, step: Step) -> Delta {
        let gone = match step {
            Step::Kept => Some(Vec::new()),
            Step::Without(vm) => Some(vec![vm]),
            Step::WithoutSome(gone) => Some(gone),
            Step::Rebuilt => None,
        };
        let mut delta = match &gone {
            Some(gone) => stepped(&self.pool, &pool, gone),
            None => rebuilt(&self.pool, &pool),
        };
        if gone.is_none() {
            delta.changed = self.in_order(&pool, std::mem::take(&mut delta.changed));
        }
        if delta.is_empty() {
            delta.revision = self.revision;
            return delta;
        }
        self.revision += 1;
        delta.revision = self.revision;
        let known = self.pool.vms().len();
        self.pool = Arc::new(compacted.unwrap_or(pool));
        for resource in &delta.gone {
            self.marks.remove(resource);
        }
        for resource in &delta.changed {
            self.mark(resource);
        }
        match gone {
            Some(gone) => self.step_names(&gone, known),
            None => self.index_vms(),
        }
        delta
    }

    /// What is to be marked, in document order: what has changed, and what stands in another order than it did. Its place is
    /// forgotten, so that it gets one anew and everything is read back as it stands.
    fn in_order(&mut self, pool: &Pool, changed: Vec<Resource>) -> Vec<Resource> {
        let mut marked: BTreeSet<Resource> = changed.into_iter().collect();
        let mut ordered = Vec::new();
        for kind in Kind::ALL {
            let (mut last, mut new, mut astray) = (None, false, false);
            for name in names(pool, kind) {
                let resource = Resource::new(kind, name);
                match self.marks.get(&resource).map(|mark| mark.position) {
                    None => new = true,
                    position if astray || new || position <= last => astray = true,
                    position => last = position,
                }
                if astray {
                    self.marks.remove(&resource);
                }
                if marked.remove(&resource) || astray {
                    ordered.push(resource);
                }
            }
        }
        ordered
    }

    fn mark(&mut self, resource: &Resource) {
        let (revision, next) = (self.revision, self.next_position);
        let mark = self.marks.entry(resource.clone()).or_insert(Mark { revision, position: next });
        mark.revision = revision;
        self.next_position = next.max(mark.position + 1);
    }

    fn index_vms(&mut self) {
        self.vms = Arc::new(vm_names(&self.pool));
    }

    /// Keeps the names in step with a pool that lost some VMs, and may have new ones behind the `known` that it had.
    fn step_names(&mut self, gone: &[VmIndex], known: usize) {
        let new = known - gone.len()..self.pool.vms().len();
        if gone.is_empty() && new.is_empty() {
            return;
        }
        let names = Arc::make_mut(&mut self.vms);
        if !gone.is_empty() {
            names.retain(|_, index| {
                let before = gone.partition_point(|one| one < index);
                let stays = gone.get(before) != Some(index);
                *index = VmIndex::new(index.get() - before);
                stays
            });
        }
        for vm in new.map(VmIndex::new) {
            names.insert(self.pool.vm_id(vm).into(), vm);
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

/// The VMs of a pool by name.
pub fn vm_names(pool: &Pool) -> VmNames {
    pool.vm_indices().map(|vm| (pool.vm_id(vm).into(), vm)).collect()
}

/// The pool with its tables rid of what nobody needs any more, if that is half of them or more: what VMs once demanded stays in
/// the tables, and a service that runs for a year must not remember all of it.
pub fn compacted(pool: &Pool) -> Option<Pool> {
    let needed = 2 * pool.vms().len() + 256;
    if pool.demand_count() <= needed && pool.profiles().len() <= needed {
        return None;
    }
    Pool::new(&pool.describe()).ok()
}

/// What differs between two pools of which the second has lost the VMs `gone`, and may have new ones at the end. Interned tables
/// only grow from one such pool to the next, so equal numbers mean equal things.
fn stepped(before: &Pool, after: &Pool, gone: &[VmIndex]) -> Delta {
    let mut delta = Delta::default();
    let changed = &mut delta.changed;
    if before.settings() != after.settings() {
        changed.push(Resource::settings());
    }
    let storages = after.storages().iter().enumerate();
    let different = storages.filter(|(index, storage)| before.storages().get(*index) != Some(*storage));
    changed.extend(different.map(|(_, storage)| Resource::new(Kind::Storage, storage.id.as_str())));
    let new_networks = after.networks().iter().skip(before.networks().len());
    changed.extend(new_networks.map(|network| Resource::new(Kind::Network, network.as_str())));
    // A resource that is new to the pool widens what every host has, and changes none of them.
    let widened = before.resources().len() != after.resources().len();
    for host in after.host_indices() {
        let same = before.hosts().get(host.get()).is_some_and(|known| {
            known == after.host(host) || widened && before.describe_host(host) == after.describe_host(host)
        });
        if !same {
            changed.push(Resource::new(Kind::Host, after.host_id(host)));
        }
    }
    let mut left = after.vm_indices();
    for vm in before.vm_indices() {
        if gone.binary_search(&vm).is_ok() {
            delta.gone.push(Resource::new(Kind::Vm, before.vm_id(vm)));
        } else if let Some(now) = left.next()
            && before.vm(vm) != after.vm(now)
        {
            changed.push(Resource::new(Kind::Vm, after.vm_id(now)));
        }
    }
    changed.extend(left.map(|new| Resource::new(Kind::Vm, after.vm_id(new))));
    let same_group = |position: usize| {
        let (Some(known), group) = (before.groups().get(position), &after.groups()[position]) else {
            return false;
        };
        if gone.is_empty() {
            return known == group;
        }
        let ids = |pool: &Pool, vms: &[VmIndex]| -> Vec<Arc<str>> {
            vms.iter().map(|&vm| pool.vm_id(vm).into()).collect()
        };
        (&known.id, known.rule, known.mode) == (&group.id, group.rule, group.mode)
            && ids(before, &known.vms) == ids(after, &group.vms)
    };
    let different = (0..after.groups().len()).filter(|&position| !same_group(position));
    changed
        .extend(different.map(|position| Resource::new(Kind::Group, after.groups()[position].id.as_str())));
    delta
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
