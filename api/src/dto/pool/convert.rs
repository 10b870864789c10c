//! Between the document and the model's description of a pool.
use super::{
    Amounts, DocumentFormat, GroupDocument, HostDocument, NetworkDocument, PoolDocument, SettingsDocument,
    StorageDocument, VmDocument,
};
use crate::dto::name::Name;
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::{GroupSpec, HostSpec, SettingsSpec, StorageSpec, VmSpec};

impl From<PoolDocument<'_>> for PoolSpec {
    fn from(document: PoolDocument<'_>) -> Self {
        Self {
            id: document.id.into_owned(),
            settings: document.settings.into(),
            storages: document
                .storages
                .into_iter()
                .map(|storage| StorageSpec { id: storage.id.into_owned(), shared: storage.shared })
                .collect(),
            networks: document.networks.into_iter().map(|network| network.id.into_owned()).collect(),
            hosts: document.hosts.into_iter().map(HostSpec::from).collect(),
            vms: document.vms.into_iter().map(VmSpec::from).collect(),
            groups: document.groups.into_iter().map(GroupSpec::from).collect(),
        }
    }
}

impl From<SettingsDocument<'_>> for SettingsSpec {
    fn from(settings: SettingsDocument<'_>) -> Self {
        Self {
            host_failures_to_tolerate: settings.host_failures_to_tolerate,
            guarantee: settings.guarantee.map(Into::into),
            timeout_s: settings.timeout_s,
            medium: settings.medium.map(Into::into),
            etcd_members: owned(settings.etcd_members),
            storage_loss: settings.storage_loss.map(Into::into),
            brake_permille: settings.brake.map(|share| share.0),
        }
    }
}

impl From<HostDocument<'_>> for HostSpec {
    fn from(host: HostDocument<'_>) -> Self {
        Self {
            id: host.id.into_owned(),
            memory_mib: host.memory_mib,
            reserved_mib: host.reserved_mib,
            state: host.state.into(),
            cpu_level: host.cpu_level,
            storages: host.storages.map(owned),
            networks: host.networks.map(owned),
            fault_domain: host.fault_domain.map(Name::into_owned),
            resources: amounts(host.resources),
        }
    }
}

impl From<VmDocument<'_>> for VmSpec {
    fn from(vm: VmDocument<'_>) -> Self {
        Self {
            id: vm.id.into_owned(),
            memory_mib: vm.memory_mib,
            overhead_mib: vm.overhead_mib,
            host: vm.host.map(Name::into_owned),
            power_state: vm.power_state.map(Into::into),
            restart_priority: vm.restart_priority.into(),
            order: vm.order,
            start_delay_s: vm.start_delay_s,
            min_cpu_level: vm.min_cpu_level,
            storages: owned(vm.storages),
            networks: owned(vm.networks),
            allowed_hosts: vm.allowed_hosts.map(owned),
            migrating_to: vm.migrating_to.map(Name::into_owned),
            should_run: vm.should_run,
            resources: amounts(vm.resources),
        }
    }
}

impl From<GroupDocument<'_>> for GroupSpec {
    fn from(group: GroupDocument<'_>) -> Self {
        Self {
            id: group.id.into_owned(),
            rule: group.rule.into(),
            mode: group.mode.into(),
            vms: owned(group.vms),
        }
    }
}

fn owned(names: Vec<Name<'_>>) -> Vec<String> {
    names.into_iter().map(Name::into_owned).collect()
}

fn amounts(amounts: Amounts<'_>) -> Vec<(String, u64)> {
    amounts.0.into_iter().map(|(name, amount)| (name.into_owned(), amount)).collect()
}

impl<'a> From<&'a PoolSpec> for PoolDocument<'a> {
    fn from(spec: &'a PoolSpec) -> Self {
        Self {
            format: DocumentFormat::PoolV1,
            id: spec.id.as_str().into(),
            settings: (&spec.settings).into(),
            storages: spec
                .storages
                .iter()
                .map(|storage| StorageDocument { id: storage.id.as_str().into(), shared: storage.shared })
                .collect(),
            networks: spec.networks.iter().map(|id| NetworkDocument { id: id.as_str().into() }).collect(),
            hosts: spec.hosts.iter().map(HostDocument::from).collect(),
            vms: spec.vms.iter().map(VmDocument::from).collect(),
            groups: spec.groups.iter().map(GroupDocument::from).collect(),
        }
    }
}

impl<'a> From<&'a SettingsSpec> for SettingsDocument<'a> {
    fn from(settings: &'a SettingsSpec) -> Self {
        Self {
            host_failures_to_tolerate: settings.host_failures_to_tolerate,
            guarantee: settings.guarantee.map(Into::into),
            timeout_s: settings.timeout_s,
            medium: settings.medium.map(Into::into),
            etcd_members: names(&settings.etcd_members),
            storage_loss: settings.storage_loss.map(Into::into),
            brake: settings.brake_permille.map(super::Share),
        }
    }
}

impl<'a> From<&'a HostSpec> for HostDocument<'a> {
    fn from(host: &'a HostSpec) -> Self {
        Self {
            id: host.id.as_str().into(),
            memory_mib: host.memory_mib,
            reserved_mib: host.reserved_mib,
            state: host.state.into(),
            cpu_level: host.cpu_level,
            storages: host.storages.as_deref().map(names),
            networks: host.networks.as_deref().map(names),
            fault_domain: host.fault_domain.as_deref().map(Into::into),
            resources: borrowed(&host.resources),
        }
    }
}

impl<'a> From<&'a VmSpec> for VmDocument<'a> {
    fn from(vm: &'a VmSpec) -> Self {
        Self {
            id: vm.id.as_str().into(),
            memory_mib: vm.memory_mib,
            overhead_mib: vm.overhead_mib,
            host: vm.host.as_deref().map(Into::into),
            power_state: vm.power_state.map(Into::into),
            restart_priority: vm.restart_priority.into(),
            order: vm.order,
            start_delay_s: vm.start_delay_s,
            min_cpu_level: vm.min_cpu_level,
            storages: names(&vm.storages),
            networks: names(&vm.networks),
            allowed_hosts: vm.allowed_hosts.as_deref().map(names),
            migrating_to: vm.migrating_to.as_deref().map(Into::into),
            should_run: vm.should_run,
            resources: borrowed(&vm.resources),
        }
    }
}

impl<'a> From<&'a GroupSpec> for GroupDocument<'a> {
    fn from(group: &'a GroupSpec) -> Self {
        Self {
            id: group.id.as_str().into(),
            rule: group.rule.into(),
            mode: group.mode.into(),
            vms: names(&group.vms),
        }
    }
}

fn names(names: &[String]) -> Vec<Name<'_>> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn borrowed(amounts: &[(String, u64)]) -> Amounts<'_> {
    Amounts(amounts.iter().map(|(name, amount)| (name.as_str().into(), *amount)).collect())
}
