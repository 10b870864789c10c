//! A pool in words again: what [`Pool::new`] would make the same pool of. What its document left to defaults is named:
//! a host's storages and networks are listed, the settings are all there.
use super::Pool;
use crate::spec::{GroupSpec, HostSpec, PoolSpec, SettingsSpec, StorageSpec, VmSpec};
use crate::{HostIndex, HostSet, VmIndex};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

impl Pool {
    /// The whole pool, described.
    pub fn describe(&self) -> PoolSpec {
        PoolSpec {
            id: self.id().to_owned(),
            settings: self.describe_settings(),
            storages: self
                .storages()
                .iter()
                .map(|storage| StorageSpec { id: storage.id.clone(), shared: storage.shared })
                .collect(),
            networks: self.networks().to_vec(),
            hosts: self.host_indices().map(|host| self.describe_host(host)).collect(),
            vms: self.vm_indices().map(|vm| self.describe_vm(vm)).collect(),
            groups: (0..self.groups().len()).map(|group| self.describe_group(group)).collect(),
        }
    }

    /// The settings, described.
    pub fn describe_settings(&self) -> SettingsSpec {
        let settings = self.settings();
        let names =
            |members: &[HostIndex]| members.iter().map(|&host| self.host_id(host).to_owned()).collect();
        SettingsSpec {
            host_failures_to_tolerate: Some(settings.host_failures_to_tolerate.into()),
            guarantee: Some(settings.guarantee),
            timeout_s: Some(settings.timeout_s.into()),
            medium: Some(settings.medium),
            etcd_members: names(&settings.etcd_members),
            storage_loss: Some(settings.storage_loss),
            brake_permille: settings.brake_permille.map(Into::into),
        }
    }

    /// One host, described.
    pub fn describe_host(&self, index: HostIndex) -> HostSpec {
        let host = self.host(index);
        HostSpec {
            id: self.host_id(index).to_owned(),
            memory_mib: host.capacity[0],
            reserved_mib: host.reserved_mib,
            state: host.state,
            cpu_level: host.cpu_level.into(),
            storages: Some(
                members(&host.storages).map(|storage| self.storages()[storage].id.clone()).collect(),
            ),
            networks: Some(members(&host.networks).map(|network| self.networks()[network].clone()).collect()),
            fault_domain: self.domain_name(host.fault_domain).map(ToOwned::to_owned),
            resources: self.amounts_besides_memory(&host.capacity),
        }
    }

    /// One VM, described.
    pub fn describe_vm(&self, index: VmIndex) -> VmSpec {
        let vm = self.vm(index);
        let profile = self.profile(vm.profile);
        let demand = self.demand(vm.demand);
        let name = |host: HostIndex| self.host_id(host).to_owned();
        VmSpec {
            id: self.vm_id(index).to_owned(),
            memory_mib: demand[0] - vm.overhead_mib,
            overhead_mib: vm.overhead_mib,
            host: vm.host.map(name),
            power_state: Some(vm.power_state),
            restart_priority: vm.restart_priority,
            order: vm.order.into(),
            start_delay_s: vm.start_delay_s.into(),
            min_cpu_level: profile.min_cpu_level.into(),
            storages: profile
                .storages
                .iter()
                .map(|storage| self.storages()[storage.get()].id.clone())
                .collect(),
            networks: profile.networks.iter().map(|network| self.networks()[network.get()].clone()).collect(),
            allowed_hosts: profile.allowed_hosts.as_ref().map(|hosts| self.names_of(hosts)),
            migrating_to: vm.migrating_to.map(name),
            should_run: vm.should_run,
            resources: self.amounts_besides_memory(demand),
        }
    }

    /// One rule, described.
    ///
    /// # Panics
    /// If there is no rule at that position.
    pub fn describe_group(&self, position: usize) -> GroupSpec {
        let group = &self.groups()[position];
        GroupSpec {
            id: group.id.clone(),
            rule: group.rule,
            mode: group.mode,
            vms: group.vms.iter().map(|&vm| self.vm_id(vm).to_owned()).collect(),
        }
    }

    fn names_of(&self, hosts: &HostSet) -> Vec<String> {
        hosts.iter().map(|host| self.host_id(host).to_owned()).collect()
    }

    fn amounts_besides_memory(&self, amounts: &[u64]) -> Vec<(String, u64)> {
        self.resources()
            .iter()
            .zip(amounts)
            .skip(1)
            .filter(|(_, amount)| **amount > 0)
            .map(|(name, amount)| (name.clone(), *amount))
            .collect()
    }
}

/// The positions of the bits that are set.
fn members(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(word, bits)| {
        (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{PowerState, RestartPriority, Rule, RuleMode};
    use alloc::vec;

    fn spec() -> PoolSpec {
        let host = |id: &str, storages: Option<Vec<String>>| HostSpec {
            id: id.into(),
            memory_mib: 64,
            reserved_mib: 4,
            storages,
            fault_domain: (id == "a").then(|| "rack".into()),
            resources: vec![("vcpus".into(), 8)],
            ..HostSpec::default()
        };
        PoolSpec {
            id: "p".into(),
            storages: vec![
                StorageSpec { id: "san".into(), shared: true },
                StorageSpec { id: "disk".into(), shared: false },
            ],
            networks: vec!["lan".into()],
            hosts: vec![host("a", None), host("b", Some(vec!["san".into(), "disk".into()]))],
            vms: vec![
                VmSpec {
                    id: "v".into(),
                    memory_mib: 7,
                    overhead_mib: 1,
                    host: Some("a".into()),
                    restart_priority: RestartPriority::Restart,
                    storages: vec!["san".into()],
                    allowed_hosts: Some(vec!["b".into(), "a".into()]),
                    migrating_to: Some("b".into()),
                    resources: vec![("vcpus".into(), 2)],
                    ..VmSpec::default()
                },
                VmSpec {
                    id: "w".into(),
                    memory_mib: 3,
                    power_state: Some(PowerState::Suspended),
                    ..VmSpec::default()
                },
            ],
            groups: vec![GroupSpec {
                id: "g".into(),
                rule: Rule::Spread,
                mode: RuleMode::Preferred,
                vms: vec!["w".into(), "v".into()],
            }],
            ..PoolSpec::default()
        }
    }

    #[test]
    fn a_described_pool_is_built_again_as_it_was() {
        let pool = Pool::new(&spec()).expect("right");
        let described = pool.describe();
        assert_eq!(Pool::new(&described).expect("right"), pool);
        assert_eq!(Pool::new(&described).expect("right").describe(), described);
    }

    #[test]
    fn what_was_left_to_defaults_is_named() {
        let described = Pool::new(&spec()).expect("right").describe();
        assert_eq!(described.hosts[0].storages, Some(vec!["san".into()]));
        assert_eq!(described.hosts[1].networks, Some(vec!["lan".into()]));
        assert_eq!(described.settings.timeout_s, Some(15));
    }
}
