//! Changes to one host: its state, its memory, what is attached to it, and its joining and leaving.
use super::vm::{add, check_id, check_range, check_resources};
use super::{ChangeError, LeftBehind, in_range};
use crate::pool::{Host, Storage};
use crate::spec::{Fault, HostSpec, HostState, PowerState};
use crate::{DomainIndex, HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex, limits};
use alloc::{borrow::ToOwned, sync::Arc, vec, vec::Vec};

impl Pool {
    pub(super) fn set_host_state(&mut self, host: HostIndex, state: HostState) -> Result<(), ChangeError> {
        let was_up = self.host_mut(host)?.state.is_up();
        match (was_up, state.is_up()) {
            (true, false) => {
                for position in 0..self.vms.len() {
                    if self.runs_on(VmIndex::new(position)) == Some(host) {
                        self.vms[position].should_run = true;
                    }
                    if self.vms[position].migrating_to == Some(host) {
                        self.vms[position].migrating_to = None;
                    }
                }
            }
            // What it ran ended with it: a host that comes back is empty until VMs are started there.
            (false, true) => {
                for vm in self.vms.iter_mut().filter(|vm| vm.host == Some(host)) {
                    vm.host = None;
                    vm.migrating_to = None;
                    if vm.power_state.holds_resources() {
                        vm.power_state = PowerState::Halted;
                    }
                }
            }
            _ => {}
        }
        self.host_mut(host)?.state = state;
        Ok(())
    }

    pub(super) fn remove_host(&mut self, host: HostIndex, vms: LeftBehind) -> Result<(), ChangeError> {
        self.host_mut(host)?;
        let here: Vec<VmIndex> = self.vm_indices().filter(|&vm| self.runs_on(vm) == Some(host)).collect();
        if let (LeftBehind::Refuse, Some(&first)) = (vms, here.first()) {
            let (host, vm) = (self.host_id(host).to_owned(), self.vm_id(first).to_owned());
            return Err(ChangeError::VmsStillRun { host, count: here.len(), vm });
        }
        for vm in &mut self.vms {
            if vm.migrating_to == Some(host) {
                vm.migrating_to = None;
            }
            if vm.host != Some(host) {
                continue;
            }
            // VMs of a host that was dead already wait, or not, as they did.
            vm.host = None;
            vm.migrating_to = None;
            if vm.power_state.holds_resources() {
                vm.power_state = PowerState::Halted;
            }
        }
        for vm in here {
            self.vms[vm.get()].should_run = true;
        }
        self.settings.etcd_members.retain(|&member| member != host);
        self.host_mut(host)?.state = HostState::Fenced;
        Ok(())
    }

    pub(super) fn add_host(&mut self, spec: &HostSpec) -> Result<(), ChangeError> {
        if self.hosts.len() == limits::MAX_HOSTS {
            return Err(ChangeError::Full { what: "hosts", most: limits::MAX_HOSTS });
        }
        self.check_new_host(spec)?;
        self.know_resources(spec.resources.iter().map(|(name, _)| name.as_str()))?;
        self.declare(spec)?;
        let storages = match &spec.storages {
            None => bits(self.storages.len(), |i| self.storages[i].shared),
            Some(names) => bits(self.storages.len(), |i| names.contains(&self.storages[i].id)),
        };
        let networks = match &spec.networks {
            None => bits(self.networks.len(), |_| true),
            Some(names) => bits(self.networks.len(), |i| names.contains(&self.networks[i])),
        };
        let host = Host {
            id: Arc::from(spec.id.as_str()),
            capacity: self.amounts(spec.memory_mib, &spec.resources),
            reserved_mib: spec.reserved_mib,
            state: spec.state,
            cpu_level: spec.cpu_level as u32,
            storages,
            networks,
            fault_domain: self.domain(spec.fault_domain.as_deref()),
        };
        Arc::make_mut(&mut self.hosts).push(host);
        let hosts = self.hosts.len();
        if self.profiles.iter().any(|profile| profile.allowed_hosts.is_some()) {
            for profile in Arc::make_mut(&mut self.profiles) {
                profile.allowed_hosts = profile.allowed_hosts.as_ref().map(|allowed| allowed.grown_to(hosts));
            }
        }
        Ok(())
    }

    pub(super) fn set_host_memory(&mut self, host: HostIndex, memory_mib: u64) -> Result<(), ChangeError> {
        let reserved = self.host_mut(host)?.reserved_mib;
        in_range("memory_mib", memory_mib, reserved, limits::MAX_AMOUNT)?;
        self.host_mut(host)?.capacity[0] = memory_mib;
        Ok(())
    }

    pub(super) fn attach_storage(
        &mut self,
        host: HostIndex,
        storage: StorageIndex,
    ) -> Result<(), ChangeError> {
        self.host_mut(host)?;
        let known = self.storages.get(storage.get()).ok_or(ChangeError::UnknownStorage(storage.0))?;
        let mut others = self.host_indices().filter(|&other| other != host);
        let other = others.find(|&other| has(&self.host(other).storages, storage.get()));
        if let (false, Some(other)) = (known.shared, other) {
            let (storage, host) = (known.id.clone(), self.host_id(other).to_owned());
            return Err(ChangeError::NotShared { storage, host });
        }
        set(&mut self.host_mut(host)?.storages, storage.get(), true);
        Ok(())
    }

    pub(super) fn unplug_storage(
        &mut self,
        host: HostIndex,
        storage: StorageIndex,
    ) -> Result<(), ChangeError> {
        if storage.get() >= self.storages.len() {
            return Err(ChangeError::UnknownStorage(storage.0));
        }
        set(&mut self.host_mut(host)?.storages, storage.get(), false);
        Ok(())
    }

    pub(super) fn plug_network(
        &mut self,
        host: HostIndex,
        network: NetworkIndex,
        plugged: bool,
    ) -> Result<(), ChangeError> {
        if network.get() >= self.networks.len() {
            return Err(ChangeError::UnknownNetwork(network.0));
        }
        set(&mut self.host_mut(host)?.networks, network.get(), plugged);
        Ok(())
    }

    /// The host must be one that can run VMs.
    pub(super) fn up(&self, host: HostIndex) -> Result<(), ChangeError> {
        let known = self.hosts.get(host.get()).ok_or(ChangeError::UnknownHost(host.0))?;
        if known.state.is_up() {
            Ok(())
        } else {
            Err(ChangeError::HostDown { host: known.id.as_ref().to_owned() })
        }
    }

    fn host_mut(&mut self, host: HostIndex) -> Result<&mut Host, ChangeError> {
        if host.get() >= self.hosts.len() {
            return Err(ChangeError::UnknownHost(host.0));
        }
        Ok(&mut Arc::make_mut(&mut self.hosts)[host.get()])
    }

    /// Everything that is wrong with a new host's description, with pointers into the host.
    fn check_new_host(&self, spec: &HostSpec) -> Result<(), ChangeError> {
        let mut defects = Vec::new();
        check_id(&mut defects, &spec.id);
        if self.find_host(&spec.id).is_some() {
            add(&mut defects, "/id", Fault::DuplicateId(spec.id.clone()));
        }
        check_range(&mut defects, "/memory_mib", spec.memory_mib, limits::MAX_AMOUNT);
        check_range(&mut defects, "/reserved_mib", spec.reserved_mib, limits::MAX_AMOUNT);
        check_range(&mut defects, "/cpu_level", spec.cpu_level, limits::MAX_CPU_LEVEL);
        if spec.reserved_mib > spec.memory_mib {
            let (reserved_mib, memory_mib) = (spec.reserved_mib, spec.memory_mib);
            add(&mut defects, "/reserved_mib", Fault::ReservedBeyondMemory { reserved_mib, memory_mib });
        }
        check_resources(&mut defects, &spec.resources);
        for (section, names) in [("/storages", &spec.storages), ("/networks", &spec.networks)] {
            for (entry, name) in names.iter().flatten().enumerate() {
                let pointer = alloc::format!("{section}/{entry}");
                if names.iter().flatten().take(entry).any(|earlier| earlier == name) {
                    add(&mut defects, &pointer, Fault::ListedTwice(name.clone()));
                }
                if bad_name(name) {
                    add(&mut defects, &pointer, Fault::BadId);
                }
            }
        }
        if spec.fault_domain.as_deref().is_some_and(bad_name) {
            add(&mut defects, "/fault_domain", Fault::BadId);
        }
        if defects.is_empty() { Ok(()) } else { Err(ChangeError::Defective(defects)) }
    }

    /// Storages and networks that come with a new host. Such a storage is its own until said otherwise: no
    /// other host has it.
    fn declare(&mut self, spec: &HostSpec) -> Result<(), ChangeError> {
        for name in spec.storages.iter().flatten() {
            if !self.storages.iter().any(|known| known.id == *name) {
                Arc::make_mut(&mut self.storages).push(Storage { id: name.clone(), shared: false });
            }
        }
        for name in spec.networks.iter().flatten() {
            if !self.networks.contains(name) {
                Arc::make_mut(&mut self.networks).push(name.clone());
            }
        }
        if self.storages.len() > limits::MAX_STORAGES {
            return Err(ChangeError::Full { what: "storages", most: limits::MAX_STORAGES });
        }
        if self.networks.len() > limits::MAX_NETWORKS {
            return Err(ChangeError::Full { what: "networks", most: limits::MAX_NETWORKS });
        }
        let (storages, networks) = (words(self.storages.len()), words(self.networks.len()));
        if self.hosts.iter().any(|host| host.storages.len() < storages || host.networks.len() < networks) {
            for host in Arc::make_mut(&mut self.hosts) {
                host.storages.resize(storages, 0);
                host.networks.resize(networks, 0);
            }
        }
        Ok(())
    }

    /// The index of a fault domain, new where none has the name; a host without one is its own.
    fn domain(&mut self, name: Option<&str>) -> DomainIndex {
        let known = name.and_then(|_| self.domains.iter().position(|domain| domain.as_deref() == name));
        DomainIndex::new(known.unwrap_or_else(|| {
            Arc::make_mut(&mut self.domains).push(name.map(Arc::from));
            self.domains.len() - 1
        }))
    }
}

fn bad_name(name: &str) -> bool {
    name.is_empty() || name.chars().count() > limits::MAX_ID_CHARS || name.chars().any(char::is_control)
}

fn words(size: usize) -> usize {
    size.div_ceil(64).max(1)
}

fn bits(size: usize, member: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut bits = vec![0; words(size)];
    for position in (0..size).filter(|&position| member(position)) {
        set(&mut bits, position, true);
    }
    bits
}

fn has(bits: &[u64], position: usize) -> bool {
    bits[position / 64] >> (position % 64) & 1 == 1
}

fn set(bits: &mut [u64], position: usize, member: bool) {
    let bit = 1 << (position % 64);
    if member {
        bits[position / 64] |= bit;
    } else {
        bits[position / 64] &= !bit;
    }
}
