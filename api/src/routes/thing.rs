//! The kinds of things that a pool has, as the routes handle them: all in one way, each by its own document.
use crate::dto::pool::one::{NetworkSpec, One};
use crate::dto::pool::{
    GroupDocument, HostDocument, HostStateWord, NetworkDocument, PowerStateWord, RestartPriorityWord,
    SettingsDocument, StorageDocument, VmDocument,
};
use crate::error::ApiError;
use crate::served::{Edit, Kind, Resource};
use lifeboat_model::spec::{
    GroupSpec, HostSpec, HostState, PowerState, RestartPriority, SettingsSpec, StorageSpec, VmSpec,
};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a list can be narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Filter {
    /// VMs on this host.
    pub(crate) host: Option<String>,
    /// Hosts in this state, VMs in this power state.
    pub(crate) state: Option<String>,
    /// VMs of this restart priority.
    pub(crate) priority: Option<String>,
}

/// Whether the thing at a position belongs into a list.
pub(crate) type Wanted<'p> = Box<dyn Fn(usize) -> bool + 'p>;

/// A kind of thing.
pub(crate) trait Thing: One + Send + 'static {
    /// Which.
    const KIND: Kind;
    /// Its document.
    type Document<'a>: Serialize
    where
        Self: 'a;
    /// The document that describes it.
    fn document(&self) -> Self::Document<'_>;
    /// How many of them a pool has.
    fn count(pool: &Pool) -> usize;
    /// The name of the one at a position.
    fn name(pool: &Pool, position: usize) -> &str;
    /// The one at a position.
    fn describe(pool: &Pool, position: usize) -> Self;
    /// The edit that makes it so.
    fn put(self) -> Edit;

    /// The position of the one with that name.
    fn find(pool: &Pool, name: &str) -> Option<usize> {
        (0..Self::count(pool)).find(|&position| Self::name(pool, position) == name)
    }

    /// What a change of `present` into this is not for, and the action that is.
    fn not_by_edit(&self, _present: &Self) -> Option<String> {
        None
    }

    /// Where it stands in the pool document.
    fn place(position: usize) -> String {
        format!("/{}/{position}", Self::KIND.plural())
    }

    /// Which of them are asked for.
    fn wanted<'p>(_: &'p Pool, filter: &Filter) -> Result<Wanted<'p>, ApiError> {
        if *filter == Filter::default() {
            return Ok(Box::new(|_| true));
        }
        Err(ApiError::BadQuery(format!(
            "{} cannot be narrowed by host, state or priority",
            Self::KIND.plural()
        )))
    }
}

impl Thing for HostSpec {
    const KIND: Kind = Kind::Host;
    type Document<'a> = HostDocument<'a>;
    fn document(&self) -> HostDocument<'_> {
        self.into()
    }
    fn count(pool: &Pool) -> usize {
        pool.hosts().len()
    }
    fn name(pool: &Pool, position: usize) -> &str {
        &pool.hosts()[position].id
    }
    fn describe(pool: &Pool, position: usize) -> Self {
        pool.describe_host(HostIndex::new(position))
    }
    fn put(self) -> Edit {
        Edit::PutHost(Box::new(self))
    }
    /// What becomes of the VMs of a host that is said to be dead depends on whether that was confirmed.
    fn not_by_edit(&self, present: &Self) -> Option<String> {
        let action = match self.state {
            same if same == present.state => return None,
            HostState::Live => "enable",
            HostState::Disabled => "disable",
            HostState::Maintenance => "evacuate",
            HostState::Dead | HostState::Fenced => "confirm-dead",
        };
        let id = &self.id;
        Some(format!(
            "the state of host {id} is not changed by an edit: POST …/hosts/{id}/actions/{action} does that \
             (lifeboat host {action} {id}); leave the state as it is to change the rest"
        ))
    }
    fn wanted<'p>(pool: &'p Pool, filter: &Filter) -> Result<Wanted<'p>, ApiError> {
        if filter.host.is_some() || filter.priority.is_some() {
            return Err(ApiError::BadQuery("hosts can be narrowed by state alone".to_owned()));
        }
        let state = word::<HostStateWord>("state", filter.state.as_deref())?.map(HostState::from);
        Ok(Box::new(move |position| state.is_none_or(|state| pool.hosts()[position].state == state)))
    }
}

impl Thing for VmSpec {
    const KIND: Kind = Kind::Vm;
    type Document<'a> = VmDocument<'a>;
    fn document(&self) -> VmDocument<'_> {
        self.into()
    }
    fn count(pool: &Pool) -> usize {
        pool.vms().len()
    }
    fn name(pool: &Pool, position: usize) -> &str {
        pool.vm_id(VmIndex::new(position))
    }
    fn describe(pool: &Pool, position: usize) -> Self {
        pool.describe_vm(VmIndex::new(position))
    }
    fn put(self) -> Edit {
        Edit::PutVm(Box::new(self))
    }
    fn wanted<'p>(pool: &'p Pool, filter: &Filter) -> Result<Wanted<'p>, ApiError> {
        let unknown = |name: &String| ApiError::BadQuery(format!("the pool has no host {name:?}"));
        let host = match &filter.host {
            Some(name) => Some(pool.find_host(name).ok_or_else(|| unknown(name))?),
            None => None,
        };
        let state = word::<PowerStateWord>("state", filter.state.as_deref())?.map(PowerState::from);
        let priority = word::<RestartPriorityWord>("priority", filter.priority.as_deref())?;
        let priority = priority.map(RestartPriority::from);
        Ok(Box::new(move |position| {
            let vm = &pool.vms()[position];
            host.is_none_or(|host| vm.host == Some(host))
                && state.is_none_or(|state| vm.power_state == state)
                && priority.is_none_or(|priority| vm.restart_priority == priority)
        }))
    }
}

impl Thing for GroupSpec {
    const KIND: Kind = Kind::Group;
    type Document<'a> = GroupDocument<'a>;
    fn document(&self) -> GroupDocument<'_> {
        self.into()
    }
    fn count(pool: &Pool) -> usize {
        pool.groups().len()
    }
    fn name(pool: &Pool, position: usize) -> &str {
        &pool.groups()[position].id
    }
    fn describe(pool: &Pool, position: usize) -> Self {
        pool.describe_group(position)
    }
    fn put(self) -> Edit {
        Edit::PutGroup(self)
    }
}

impl Thing for StorageSpec {
    const KIND: Kind = Kind::Storage;
    type Document<'a> = StorageDocument<'a>;
    fn document(&self) -> StorageDocument<'_> {
        StorageDocument { id: self.id.as_str().into(), shared: self.shared }
    }
    fn count(pool: &Pool) -> usize {
        pool.storages().len()
    }
    fn name(pool: &Pool, position: usize) -> &str {
        &pool.storages()[position].id
    }
    fn describe(pool: &Pool, position: usize) -> Self {
        let storage = &pool.storages()[position];
        Self { id: storage.id.clone(), shared: storage.shared }
    }
    fn put(self) -> Edit {
        Edit::PutStorage(self)
    }
}

impl Thing for NetworkSpec {
    const KIND: Kind = Kind::Network;
    type Document<'a> = NetworkDocument<'a>;
    fn document(&self) -> NetworkDocument<'_> {
        NetworkDocument { id: self.0.as_str().into() }
    }
    fn count(pool: &Pool) -> usize {
        pool.networks().len()
    }
    fn name(pool: &Pool, position: usize) -> &str {
        &pool.networks()[position]
    }
    fn describe(pool: &Pool, position: usize) -> Self {
        Self(pool.networks()[position].clone())
    }
    fn put(self) -> Edit {
        Edit::PutNetwork(self.0)
    }
}

impl Thing for SettingsSpec {
    const KIND: Kind = Kind::Settings;
    type Document<'a> = SettingsDocument<'a>;
    fn document(&self) -> SettingsDocument<'_> {
        self.into()
    }
    fn count(_: &Pool) -> usize {
        1
    }
    fn name(_: &Pool, _: usize) -> &'static str {
        ""
    }
    fn describe(pool: &Pool, _: usize) -> Self {
        pool.describe_settings()
    }
    fn put(self) -> Edit {
        Edit::PutSettings(Box::new(self))
    }
    fn place(_: usize) -> String {
        "/settings".to_owned()
    }
}

/// The document of a thing, for the audit log; null where the pool has none.
pub(super) fn document_of(pool: &Pool, resource: &Resource) -> Value {
    fn of<T: Thing>(pool: &Pool, name: &str) -> Value {
        let found = T::find(pool, name).map(|position| T::describe(pool, position));
        found.and_then(|thing| serde_json::to_value(thing.document()).ok()).unwrap_or_default()
    }
    match resource.kind {
        Kind::Settings => of::<SettingsSpec>(pool, &resource.id),
        Kind::Storage => of::<StorageSpec>(pool, &resource.id),
        Kind::Network => of::<NetworkSpec>(pool, &resource.id),
        Kind::Host => of::<HostSpec>(pool, &resource.id),
        Kind::Vm => of::<VmSpec>(pool, &resource.id),
        Kind::Group => of::<GroupSpec>(pool, &resource.id),
    }
}

/// A word of a closed vocabulary, as the documents spell it.
fn word<'d, W: Deserialize<'d>>(name: &str, text: Option<&'d str>) -> Result<Option<W>, ApiError> {
    let read = |text: &'d str| {
        let deserializer: StrDeserializer<'d, Error> = text.into_deserializer();
        W::deserialize(deserializer).map_err(|error| ApiError::BadQuery(format!("{name}: {error}")))
    };
    text.map(read).transpose()
}
