//! The changes once more, made to the description by plain editing.
use lifeboat_model::change::Change;
use lifeboat_model::spec::{HostState, PowerState, StorageSpec, VmSpec};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, PoolSpec, StorageIndex, VmIndex};

/// The same change, made to the description.
pub(crate) fn edit(spec: &mut PoolSpec, pool: &Pool, change: &Change) {
    let host_name = |host: HostIndex| pool.host_id(host).to_owned();
    let storage_name = |storage: StorageIndex| pool.storages()[storage.get()].id.clone();
    match change.clone() {
        Change::StartNew { vm, host } => spec.vms.push(VmSpec {
            host: host.map(host_name),
            power_state: None,
            migrating_to: None,
            should_run: true,
            ..*vm
        }),
        Change::Start { vm, host } => {
            let vm = &mut spec.vms[vm.get()];
            vm.power_state = match (host, vm.power_state) {
                (Some(_), _) => Some(PowerState::Running),
                (None, Some(PowerState::Suspended)) => Some(PowerState::Suspended),
                (None, _) => Some(PowerState::Halted),
            };
            (vm.host, vm.migrating_to, vm.should_run) = (host.map(host_name), None, true);
        }
        Change::BeginMigration { vm, to } => spec.vms[vm.get()].migrating_to = Some(host_name(to)),
        Change::EndMigration { vm, to } => {
            let vm = &mut spec.vms[vm.get()];
            (vm.host, vm.migrating_to) = (Some(host_name(to)), None);
        }
        Change::AbortMigration { vm } => spec.vms[vm.get()].migrating_to = None,
        Change::Stop { vm } | Change::Suspend { vm } => {
            let holds = pool.vm(vm).power_state.holds_resources();
            let vm = &mut spec.vms[vm.get()];
            if holds {
                let suspends = matches!(change, Change::Suspend { .. });
                vm.power_state = Some(if suspends { PowerState::Suspended } else { PowerState::Halted });
            } else {
                vm.power_state.get_or_insert(PowerState::Halted);
            }
            (vm.host, vm.migrating_to, vm.should_run) = (None, None, false);
        }
        Change::VmMemory { vm, memory_mib } => spec.vms[vm.get()].memory_mib = memory_mib,
        Change::VmResources { vm, resources } => spec.vms[vm.get()].resources = resources,
        Change::VmStorage { vm, from, to } => {
            let storages = &mut spec.vms[vm.get()].storages;
            storages.retain(|s| *s != storage_name(from) && *s != storage_name(to));
            storages.push(storage_name(to));
        }
        Change::Protect { vm, priority } => spec.vms[vm.get()].restart_priority = priority,
        Change::Order { vm, order, start_delay_s } => {
            (spec.vms[vm.get()].order, spec.vms[vm.get()].start_delay_s) = (order, start_delay_s);
        }
        Change::Target { host_failures_to_tolerate } => {
            spec.settings.host_failures_to_tolerate = Some(host_failures_to_tolerate);
        }
        Change::Guarantee { guarantee } => spec.settings.guarantee = Some(guarantee),
        _ => edit_host(spec, pool, change),
    }
}

fn edit_host(spec: &mut PoolSpec, pool: &Pool, change: &Change) {
    let shared: Vec<String> = spec.storages.iter().filter(|s| s.shared).map(|s| s.id.clone()).collect();
    let host_name = |host: HostIndex| pool.host_id(host).to_owned();
    let storage_name = |storage: StorageIndex| pool.storages()[storage.get()].id.clone();
    let network_name = |network: NetworkIndex| pool.networks()[network.get()].clone();
    match change.clone() {
        Change::HostState { host, state } => {
            let was_up = spec.hosts[host.get()].state.is_up();
            spec.hosts[host.get()].state = state;
            let id = host_name(host);
            for (position, vm) in spec.vms.iter_mut().enumerate() {
                let here = vm.host.as_ref() == Some(&id);
                if was_up && !state.is_up() {
                    vm.should_run |= pool.runs_on(VmIndex::new(position)) == Some(host);
                    vm.migrating_to = vm.migrating_to.take().filter(|to| *to != id);
                }
                if !was_up && state.is_up() && here {
                    halt(vm, pool.vm(VmIndex::new(position)).power_state);
                }
            }
        }
        Change::RemoveHost { host, .. } => {
            spec.hosts[host.get()].state = HostState::Fenced;
            let id = host_name(host);
            spec.settings.etcd_members.retain(|member| *member != id);
            for (position, vm) in spec.vms.iter_mut().enumerate() {
                let index = VmIndex::new(position);
                vm.should_run |= pool.runs_on(index) == Some(host);
                vm.migrating_to = vm.migrating_to.take().filter(|to| *to != id);
                if vm.host.as_ref() == Some(&id) {
                    halt(vm, pool.vm(index).power_state);
                }
            }
        }
        Change::AddHost { host } => {
            for name in host.storages.iter().flatten() {
                if !spec.storages.iter().any(|s| s.id == *name) {
                    spec.storages.push(StorageSpec { id: name.clone(), shared: false });
                }
            }
            for name in host.networks.iter().flatten() {
                if !spec.networks.contains(name) {
                    spec.networks.push(name.clone());
                }
            }
            spec.hosts.push(*host);
        }
        Change::HostMemory { host, memory_mib } => spec.hosts[host.get()].memory_mib = memory_mib,
        Change::AttachStorage { host, storage } => {
            let storages = spec.hosts[host.get()].storages.get_or_insert(shared);
            if !storages.contains(&storage_name(storage)) {
                storages.push(storage_name(storage));
            }
        }
        Change::UnplugStorage { host, storage } => {
            spec.hosts[host.get()].storages.get_or_insert(shared).retain(|s| *s != storage_name(storage));
        }
        Change::PlugNetwork { host, network } => {
            let networks = spec.hosts[host.get()].networks.get_or_insert_default();
            if !networks.contains(&network_name(network)) {
                networks.push(network_name(network));
            }
        }
        Change::UnplugNetwork { host, network } => {
            spec.hosts[host.get()].networks.get_or_insert_default().retain(|n| *n != network_name(network));
        }
        _ => unreachable!("a change to a VM or to the settings"),
    }
}

fn halt(vm: &mut VmSpec, was: PowerState) {
    (vm.host, vm.migrating_to) = (None, None);
    vm.power_state = Some(if was.holds_resources() { PowerState::Halted } else { was });
}
