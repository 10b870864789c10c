//! Edits of a pool's description: one thing is put or taken out, or the whole is replaced. The pool after an edit is built anew
//! from its description, so that it is judged by the same eyes as a document; that takes milliseconds, and edits are rare.
use super::{Kind, Resource, ServedError, Step};
use lifeboat_model::Pool;
use lifeboat_model::spec::{GroupSpec, HostSpec, PoolSpec, PowerState, SettingsSpec, StorageSpec, VmSpec};

/// An edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The whole pool is described anew.
    Replace(Box<PoolSpec>),
    /// The settings become these.
    PutSettings(Box<SettingsSpec>),
    /// A storage becomes this, or is added.
    PutStorage(StorageSpec),
    /// A network is added.
    PutNetwork(String),
    /// A host becomes this, or is added.
    PutHost(Box<HostSpec>),
    /// A VM becomes this, or is added.
    PutVm(Box<VmSpec>),
    /// A rule becomes this, or is added.
    PutGroup(GroupSpec),
    /// Something is taken out.
    Remove(Resource),
}

impl Edit {
    /// What is put or taken out; none: the whole pool.
    pub fn resource(&self) -> Option<Resource> {
        Some(match self {
            Self::Replace(_) => return None,
            Self::PutSettings(_) => Resource::settings(),
            Self::PutStorage(storage) => Resource::new(Kind::Storage, storage.id.as_str()),
            Self::PutNetwork(network) => Resource::new(Kind::Network, network.as_str()),
            Self::PutHost(host) => Resource::new(Kind::Host, host.id.as_str()),
            Self::PutVm(vm) => Resource::new(Kind::Vm, vm.id.as_str()),
            Self::PutGroup(group) => Resource::new(Kind::Group, group.id.as_str()),
            Self::Remove(resource) => resource.clone(),
        })
    }
}

/// The pool after an edit.
///
/// # Errors
/// Where the pool would not be right, with everything that is wrong.
pub fn after(pool: &Pool, edit: &Edit) -> Result<(Pool, Step), ServedError> {
    if let Edit::Remove(resource) = edit
        && resource.kind == Kind::Vm
    {
        let vm = pool.find_vm(&resource.id).ok_or_else(|| ServedError::Unknown(resource.clone()))?;
        return Ok((pool.without_vm(vm)?, Step::Without(vm)));
    }
    Ok((rebuilt(pool, edit)?, Step::Rebuilt))
}

/// The pool after an edit, built anew.
///
/// # Errors
/// Where the pool would not be right, with everything that is wrong.
pub fn rebuilt(pool: &Pool, edit: &Edit) -> Result<Pool, ServedError> {
    let mut spec = pool.describe();
    apply(&mut spec, edit)?;
    Ok(Pool::new(&spec)?)
}

impl Edit {
    /// The edit as a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Replace(_) => "replace-pool",
            Self::PutSettings(_) => "put-settings",
            Self::PutStorage(_) => "put-storage",
            Self::PutNetwork(_) => "put-network",
            Self::PutHost(_) => "put-host",
            Self::PutVm(_) => "put-vm",
            Self::PutGroup(_) => "put-group",
            Self::Remove(_) => "remove",
        }
    }

    /// The edit in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Replace(_) => "describe the whole pool anew".to_owned(),
            Self::PutSettings(_) => "put the settings".to_owned(),
            Self::PutStorage(storage) => format!("put storage {}", storage.id),
            Self::PutNetwork(network) => format!("put network {network}"),
            Self::PutHost(host) => format!("put host {}", host.id),
            Self::PutVm(vm) => format!("put VM {}", vm.id),
            Self::PutGroup(group) => format!("put group {}", group.id),
            Self::Remove(resource) => format!("remove {} {}", resource.kind.word(), resource.id),
        }
    }
}

fn apply(spec: &mut PoolSpec, edit: &Edit) -> Result<(), ServedError> {
    match edit {
        Edit::Replace(whole) => spec.clone_from(whole),
        Edit::PutSettings(settings) => spec.settings.clone_from(settings),
        Edit::PutStorage(storage) => put(&mut spec.storages, storage, |one| &one.id),
        Edit::PutNetwork(network) => put(&mut spec.networks, network, |one| one),
        Edit::PutHost(host) => {
            declare(spec, host);
            put(&mut spec.hosts, host, |one| &one.id);
        }
        Edit::PutVm(vm) => put(&mut spec.vms, vm, |one| &one.id),
        Edit::PutGroup(group) => put(&mut spec.groups, group, |one| &one.id),
        Edit::Remove(resource) => remove(spec, resource)?,
    }
    Ok(())
}

/// Replaces the thing of that name where it stands, or adds it at the end.
fn put<T: Clone>(all: &mut Vec<T>, new: &T, id: impl Fn(&T) -> &str) {
    match all.iter_mut().find(|one| id(one) == id(new)) {
        Some(known) => known.clone_from(new),
        None => all.push(new.clone()),
    }
}

/// Storages and networks that come with a host and are not declared: such a storage is the host's own until said otherwise.
fn declare(spec: &mut PoolSpec, host: &HostSpec) {
    for name in host.storages.iter().flatten() {
        if !spec.storages.iter().any(|known| known.id == *name) {
            spec.storages.push(StorageSpec { id: name.clone(), shared: false });
        }
    }
    for name in host.networks.iter().flatten() {
        if !spec.networks.contains(name) {
            spec.networks.push(name.clone());
        }
    }
}

fn remove(spec: &mut PoolSpec, resource: &Resource) -> Result<(), ServedError> {
    let id = &*resource.id;
    if let Some(by) = named_by(spec, resource) {
        return Err(ServedError::StillNamed { resource: resource.clone(), by });
    }
    let count = |spec: &PoolSpec| {
        spec.storages.len() + spec.networks.len() + spec.hosts.len() + spec.vms.len() + spec.groups.len()
    };
    let before = count(spec);
    match resource.kind {
        Kind::Settings => return Ok(()),
        Kind::Storage => {
            spec.storages.retain(|storage| storage.id != id);
            for host in &mut spec.hosts {
                host.storages.iter_mut().for_each(|storages| storages.retain(|storage| storage != id));
            }
        }
        Kind::Network => {
            spec.networks.retain(|network| network != id);
            for host in &mut spec.hosts {
                host.networks.iter_mut().for_each(|networks| networks.retain(|network| network != id));
            }
        }
        Kind::Host => forget_host(spec, id),
        Kind::Vm => spec.vms.retain(|vm| vm.id != id),
        Kind::Group => spec.groups.retain(|group| group.id != id),
    }
    if count(spec) == before { Err(ServedError::Unknown(resource.clone())) } else { Ok(()) }
}

/// Who still needs it: a VM its storage, its network or the host that it runs on.
fn named_by(spec: &PoolSpec, resource: &Resource) -> Option<String> {
    let id = &*resource.id;
    let needs = |vm: &&VmSpec| match resource.kind {
        Kind::Storage => vm.storages.iter().any(|storage| storage == id),
        Kind::Network => vm.networks.iter().any(|network| network == id),
        Kind::Host => {
            let holds = vm.power_state.is_none_or(PowerState::holds_resources);
            holds && (vm.host.as_deref() == Some(id) || vm.migrating_to.as_deref() == Some(id))
        }
        Kind::Settings | Kind::Vm | Kind::Group => false,
    };
    let mut users = spec.vms.iter().filter(needs);
    let first = users.next()?;
    Some(match users.count() {
        0 => format!("VM {}", first.id),
        others => format!("VM {} and {others} more", first.id),
    })
}

/// Takes a host out of the description, and out of everything that names it. VMs that were there run nowhere.
pub(super) fn forget_host(spec: &mut PoolSpec, id: &str) {
    spec.hosts.retain(|host| host.id != id);
    spec.settings.etcd_members.retain(|member| member != id);
    for vm in &mut spec.vms {
        if vm.host.as_deref() == Some(id) {
            vm.host = None;
            vm.migrating_to = None;
            if vm.power_state.is_some_and(PowerState::holds_resources) {
                vm.power_state = Some(PowerState::Halted);
            }
        }
        if vm.migrating_to.as_deref() == Some(id) {
            vm.migrating_to = None;
        }
        vm.allowed_hosts.iter_mut().for_each(|hosts| hosts.retain(|host| host != id));
    }
}
