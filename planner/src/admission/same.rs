//! Which things of one pool are which of another. Typed changes keep indices; a pool that was described anew may have its
//! things in any order, and only their names say which is which.
use lifeboat_model::{GroupIndex, HostIndex, Pool, VmIndex};
use std::collections::BTreeMap;

/// For each thing of the pool after a change, the same thing before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Same(Option<Table>);

#[derive(Clone, Debug)]
struct Table {
    hosts: Vec<Option<HostIndex>>,
    vms: Vec<Option<VmIndex>>,
    groups: Vec<Option<GroupIndex>>,
}

impl Same {
    /// Equal indices mean the same thing. What is new has an index that the pool before does not have.
    pub(crate) fn indices() -> Self {
        Self(None)
    }

    /// Equal names mean the same thing.
    pub(crate) fn names(before: &Pool, after: &Pool) -> Self {
        let hosts: BTreeMap<&str, HostIndex> =
            before.host_indices().map(|host| (before.host_id(host), host)).collect();
        let vms: BTreeMap<&str, VmIndex> = before.vm_indices().map(|vm| (before.vm_id(vm), vm)).collect();
        let names = before.groups().iter().enumerate();
        let groups: BTreeMap<&str, GroupIndex> =
            names.map(|(index, group)| (group.id.as_str(), GroupIndex::new(index))).collect();
        Self(Some(Table {
            hosts: after.hosts().iter().map(|host| hosts.get(&*host.id).copied()).collect(),
            vms: after.vm_indices().map(|vm| vms.get(after.vm_id(vm)).copied()).collect(),
            groups: after.groups().iter().map(|group| groups.get(group.id.as_str()).copied()).collect(),
        }))
    }

    /// The same host before the change.
    pub(crate) fn host(&self, host: HostIndex) -> Option<HostIndex> {
        self.0.as_ref().map_or(Some(host), |table| table.hosts[host.get()])
    }

    /// The same VM before the change.
    pub(crate) fn vm(&self, vm: VmIndex) -> Option<VmIndex> {
        self.0.as_ref().map_or(Some(vm), |table| table.vms[vm.get()])
    }

    /// The same rule before the change.
    pub(crate) fn group(&self, group: GroupIndex) -> Option<GroupIndex> {
        self.0.as_ref().map_or(Some(group), |table| table.groups[group.get()])
    }
}
