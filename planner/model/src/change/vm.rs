//! Changes to one VM: it starts, moves, stops, or asks for something else.
use super::{ChangeError, in_range};
use crate::pool::{DemandIndex, Profile, Vm};
use crate::spec::{Defect, Fault, PowerState, VmSpec};
use crate::{
    HostIndex, HostSet, NetworkIndex, Pool, ProfileIndex, ResourceIndex, StorageIndex, VmIndex, limits,
};
use alloc::{borrow::ToOwned, format, string::String, sync::Arc, vec::Vec};

impl Pool {
    pub(super) fn start_new(&mut self, spec: &VmSpec, host: Option<HostIndex>) -> Result<(), ChangeError> {
        if self.vms.len() == limits::MAX_VMS {
            return Err(ChangeError::Full { what: "VMs", most: limits::MAX_VMS });
        }
        if let Some(host) = host {
            self.up(host)?;
        }
        let profile = self.check_new_vm(spec)?;
        self.know_resources(spec.resources.iter().map(|(name, _)| name.as_str()))?;
        let demand = self.amounts(spec.memory_mib + spec.overhead_mib, &spec.resources);
        let vm = Vm {
            profile: self.intern_profile(Profile { resources: asked_besides_memory(&demand), ..profile }),
            demand: self.intern_demand(&demand),
            host,
            migrating_to: None,
            power_state: if host.is_some() { PowerState::Running } else { PowerState::Halted },
            restart_priority: spec.restart_priority,
            should_run: true,
            order: spec.order as u32,
            start_delay_s: spec.start_delay_s as u32,
            overhead_mib: spec.overhead_mib,
        };
        self.vms.push(vm);
        Arc::make_mut(&mut self.vm_ids).push(Arc::from(spec.id.as_str()));
        Ok(())
    }

    pub(super) fn start(&mut self, vm: VmIndex, host: Option<HostIndex>) -> Result<(), ChangeError> {
        self.vm_mut(vm)?;
        if let Some(runs_on) = self.runs_on(vm) {
            let (vm, host) = (self.vm_id(vm).to_owned(), self.host_id(runs_on).to_owned());
            return Err(ChangeError::AlreadyRuns { vm, host });
        }
        if let Some(host) = host {
            self.up(host)?;
        }
        let state = self.vm_mut(vm)?;
        state.host = host;
        state.migrating_to = None;
        state.should_run = true;
        if host.is_some() {
            state.power_state = PowerState::Running;
        } else if state.power_state.holds_resources() {
            // It was said to run on a host that is down: what it held is gone with that host.
            state.power_state = PowerState::Halted;
        }
        Ok(())
    }

    pub(super) fn begin_migration(&mut self, vm: VmIndex, to: HostIndex) -> Result<(), ChangeError> {
        self.can_move(vm, to)?;
        if let Some(end) = self.vm(vm).migrating_to {
            let (vm, to) = (self.vm_id(vm).to_owned(), self.host_id(end).to_owned());
            return Err(ChangeError::MigratesAlready { vm, to });
        }
        self.vm_mut(vm)?.migrating_to = Some(to);
        Ok(())
    }

    pub(super) fn end_migration(&mut self, vm: VmIndex, to: HostIndex) -> Result<(), ChangeError> {
        self.can_move(vm, to)?;
        if let Some(end) = self.vm(vm).migrating_to.filter(|&end| end != to) {
            let (vm, to) = (self.vm_id(vm).to_owned(), self.host_id(end).to_owned());
            return Err(ChangeError::MigratesAlready { vm, to });
        }
        let state = self.vm_mut(vm)?;
        state.host = Some(to);
        state.migrating_to = None;
        Ok(())
    }

    pub(super) fn abort_migration(&mut self, vm: VmIndex) -> Result<(), ChangeError> {
        if self.vm_mut(vm)?.migrating_to.take().is_none() {
            return Err(ChangeError::NotMigrating { vm: self.vm_id(vm).to_owned() });
        }
        Ok(())
    }

    /// The pool without a VM: nobody speaks of it any more. Later VMs move up by one index.
    ///
    /// # Errors
    /// If there is no such VM.
    pub fn without_vm(&self, vm: VmIndex) -> Result<Self, ChangeError> {
        if vm.get() >= self.vms().len() {
            return Err(ChangeError::UnknownVm(vm.0));
        }
        let mut pool = self.clone();
        pool.forget_vms(&[vm]);
        Ok(pool)
    }

    /// Takes VMs out, given by rising index: nobody speaks of them any more. Those behind them move up.
    pub fn forget_vms(&mut self, gone: &[VmIndex]) {
        if gone.is_empty() {
            return;
        }
        let is_gone = |index: usize| gone.binary_search(&VmIndex::new(index)).is_ok();
        let mut index = 0;
        self.vms.retain(|_| {
            index += 1;
            !is_gone(index - 1)
        });
        index = 0;
        Arc::make_mut(&mut self.vm_ids).retain(|_| {
            index += 1;
            !is_gone(index - 1)
        });
        if self.groups.is_empty() {
            return;
        }
        for group in Arc::make_mut(&mut self.groups) {
            group.vms.retain(|member| gone.binary_search(member).is_err());
            for member in &mut group.vms {
                *member = VmIndex::new(member.get() - gone.partition_point(|one| one < member));
            }
        }
    }

    /// Also takes back a start that still waits for a place.
    pub(super) fn stop(&mut self, vm: VmIndex, into: PowerState) -> Result<(), ChangeError> {
        let state = self.vm_mut(vm)?;
        let stops = state.power_state.holds_resources();
        if into == PowerState::Suspended && !stops {
            return Err(ChangeError::NotRunning { vm: self.vm_id(vm).to_owned() });
        }
        if stops {
            state.power_state = into;
        }
        state.host = None;
        state.migrating_to = None;
        state.should_run = false;
        Ok(())
    }

    pub(super) fn set_vm_memory(&mut self, vm: VmIndex, memory_mib: u64) -> Result<(), ChangeError> {
        self.vm_mut(vm)?;
        in_range("memory_mib", memory_mib, 0, limits::MAX_AMOUNT / 2)?;
        let mut demand = self.demand_of(vm).to_vec();
        demand[0] = memory_mib + self.vm(vm).overhead_mib;
        let demand = self.intern_demand(&demand);
        self.vm_mut(vm)?.demand = demand;
        Ok(())
    }

    pub(super) fn set_vm_resources(
        &mut self,
        vm: VmIndex,
        resources: &[(String, u64)],
    ) -> Result<(), ChangeError> {
        self.vm_mut(vm)?;
        let mut defects = Vec::new();
        check_resources(&mut defects, resources);
        if !defects.is_empty() {
            return Err(ChangeError::Defective(defects));
        }
        self.know_resources(resources.iter().map(|(name, _)| name.as_str()))?;
        let demand = self.amounts(self.demand_of(vm)[0], resources);
        let asked =
            Profile { resources: asked_besides_memory(&demand), ..self.profile(self.vm(vm).profile).clone() };
        let (demand, profile) = (self.intern_demand(&demand), self.intern_profile(asked));
        let state = self.vm_mut(vm)?;
        (state.demand, state.profile) = (demand, profile);
        Ok(())
    }

    pub(super) fn move_disks(
        &mut self,
        vm: VmIndex,
        from: StorageIndex,
        to: StorageIndex,
    ) -> Result<(), ChangeError> {
        self.vm_mut(vm)?;
        if to.get() >= self.storages.len() || from.get() >= self.storages.len() {
            return Err(ChangeError::UnknownStorage(to.0.max(from.0)));
        }
        let mut profile = self.profile(self.vm(vm).profile).clone();
        let Some(position) = profile.storages.iter().position(|&storage| storage == from) else {
            let storage = self.storages[from.get()].id.clone();
            return Err(ChangeError::StorageNotNeeded { vm: self.vm_id(vm).to_owned(), storage });
        };
        profile.storages[position] = to;
        profile.storages.sort_unstable();
        profile.storages.dedup();
        let profile = self.intern_profile(profile);
        self.vm_mut(vm)?.profile = profile;
        Ok(())
    }

    pub(super) fn set_order(
        &mut self,
        vm: VmIndex,
        order: u64,
        start_delay_s: u64,
    ) -> Result<(), ChangeError> {
        let state = self.vm_mut(vm)?;
        in_range("order", order, 0, limits::MAX_ORDER)?;
        in_range("start_delay_s", start_delay_s, 0, limits::MAX_START_DELAY_S)?;
        (state.order, state.start_delay_s) = (order as u32, start_delay_s as u32);
        Ok(())
    }

    pub(super) fn vm_mut(&mut self, vm: VmIndex) -> Result<&mut Vm, ChangeError> {
        self.vms.get_mut(vm.get()).ok_or(ChangeError::UnknownVm(vm.0))
    }

    /// A VM moves only from where it runs to another host that is up.
    fn can_move(&self, vm: VmIndex, to: HostIndex) -> Result<(), ChangeError> {
        if vm.get() >= self.vms.len() {
            return Err(ChangeError::UnknownVm(vm.0));
        }
        self.up(to)?;
        match self.runs_on(vm) {
            None => Err(ChangeError::NotRunning { vm: self.vm_id(vm).to_owned() }),
            Some(home) if home == to => Err(ChangeError::SameHost {
                vm: self.vm_id(vm).to_owned(),
                host: self.host_id(to).to_owned(),
            }),
            Some(_) => Ok(()),
        }
    }

    /// Everything that is wrong with a new VM's description, with pointers into the VM; else its profile, as
    /// far as it does not depend on resources.
    fn check_new_vm(&self, spec: &VmSpec) -> Result<Profile, ChangeError> {
        let mut defects = Vec::new();
        check_id(&mut defects, &spec.id);
        if self.find_vm(&spec.id).is_some() {
            add(&mut defects, "/id", Fault::DuplicateId(spec.id.clone()));
        }
        for (field, value, high) in [
            ("/memory_mib", spec.memory_mib, limits::MAX_AMOUNT / 2),
            ("/overhead_mib", spec.overhead_mib, limits::MAX_AMOUNT / 2),
            ("/order", spec.order, limits::MAX_ORDER),
            ("/start_delay_s", spec.start_delay_s, limits::MAX_START_DELAY_S),
            ("/min_cpu_level", spec.min_cpu_level, limits::MAX_CPU_LEVEL),
        ] {
            check_range(&mut defects, field, value, high);
        }
        check_resources(&mut defects, &spec.resources);
        let storages = resolve(&mut defects, "/storages", &spec.storages, Fault::UnknownStorage, |name| {
            self.storages.iter().position(|storage| storage.id == name).map(StorageIndex::new)
        });
        let networks = resolve(&mut defects, "/networks", &spec.networks, Fault::UnknownNetwork, |name| {
            self.networks.iter().position(|network| network == name).map(NetworkIndex::new)
        });
        let allowed_hosts = spec.allowed_hosts.as_ref().map(|names| {
            let find = |name: &str| self.find_host(name);
            let hosts = resolve(&mut defects, "/allowed_hosts", names, Fault::UnknownHost, find);
            HostSet::of(self.hosts.len(), hosts)
        });
        if !defects.is_empty() {
            return Err(ChangeError::Defective(defects));
        }
        let min_cpu_level = spec.min_cpu_level as u32;
        Ok(Profile { min_cpu_level, storages, networks, allowed_hosts, resources: Vec::new() })
    }

    fn intern_demand(&mut self, demand: &[u64]) -> DemandIndex {
        let width = self.resources.len();
        let known = self.demands.chunks_exact(width).position(|known| known == demand);
        let position = known.unwrap_or_else(|| {
            Arc::make_mut(&mut self.demands).extend_from_slice(demand);
            self.demands.len() / width - 1
        });
        DemandIndex(position as u32)
    }

    fn intern_profile(&mut self, profile: Profile) -> ProfileIndex {
        let known = self.profiles.iter().position(|known| *known == profile);
        let position = known.unwrap_or_else(|| {
            Arc::make_mut(&mut self.profiles).push(profile);
            self.profiles.len() - 1
        });
        ProfileIndex(position as u32)
    }
}

fn asked_besides_memory(demand: &[u64]) -> Vec<ResourceIndex> {
    (1..demand.len()).filter(|&resource| demand[resource] > 0).map(ResourceIndex::new).collect()
}

pub(super) fn add(defects: &mut Vec<Defect>, pointer: &str, fault: Fault) {
    defects.push(Defect { pointer: pointer.to_owned(), fault });
}

pub(super) fn check_id(defects: &mut Vec<Defect>, id: &str) {
    let characters = id.chars().count();
    if characters == 0 || characters > limits::MAX_ID_CHARS || id.chars().any(char::is_control) {
        add(defects, "/id", Fault::BadId);
    }
}

pub(super) fn check_range(defects: &mut Vec<Defect>, pointer: &str, value: u64, high: u64) {
    if value > high {
        add(defects, pointer, Fault::OutOfRange { value, low: 0, high });
    }
}

pub(super) fn check_resources(defects: &mut Vec<Defect>, resources: &[(String, u64)]) {
    for (position, (name, amount)) in resources.iter().enumerate() {
        let pointer = format!("/resources/{}", name.replace('~', "~0").replace('/', "~1"));
        if name == crate::pool::MEMORY {
            add(defects, &pointer, Fault::MemoryAsResource);
            continue;
        }
        if name.is_empty()
            || name.chars().count() > limits::MAX_ID_CHARS
            || name.chars().any(char::is_control)
        {
            add(defects, &pointer, Fault::BadId);
        }
        if resources[..position].iter().any(|(earlier, _)| earlier == name) {
            add(defects, &pointer, Fault::ListedTwice(name.clone()));
        }
        check_range(defects, &pointer, *amount, limits::MAX_AMOUNT);
    }
}

/// The indices of a list of names, ascending.
pub(super) fn resolve<I: Copy + Ord>(
    defects: &mut Vec<Defect>,
    section: &str,
    names: &[String],
    unknown: fn(String) -> Fault,
    find: impl Fn(&str) -> Option<I>,
) -> Vec<I> {
    let mut indices = Vec::with_capacity(names.len());
    for (entry, name) in names.iter().enumerate() {
        match find(name) {
            Some(index) if indices.contains(&index) => {
                add(defects, &format!("{section}/{entry}"), Fault::ListedTwice(name.clone()));
            }
            Some(index) => indices.push(index),
            None => add(defects, &format!("{section}/{entry}"), unknown(name.clone())),
        }
    }
    indices.sort_unstable();
    indices
}
