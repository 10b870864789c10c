//! A bit of everything that a pool document can say: storages and networks that not every host has, local
//! disks, CPU levels, hosts that are disabled, in maintenance or dead, VMs that are pending, paused, halted or
//! on the move, overheads, start delays, and settings of all kinds. It starts from a pool with rules and
//! changes it bit by bit; no change ever adds load to a host without looking at what is free there.
use super::rules;
use crate::draw::Draw;
use crate::recipe::Recipe;
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::{
    Guarantee, HostSpec, HostState, Medium, PowerState, RestartPriority, StorageLoss, StorageSpec, VmSpec,
};
use std::collections::BTreeMap;

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let mut pool = rules::build(recipe, draw).finish(recipe);
    settings(&mut pool, draw);
    hosts(&mut pool, draw);
    let index = index(&pool);
    for vm in &mut pool.vms {
        let home = vm.host.as_ref().map_or(0, |id| index[id]);
        needs(vm, &pool.hosts[home], draw);
        life(vm, draw);
    }
    states(&mut pool, draw);
    migrations(&mut pool, draw);
    pool
}

/// The position of each host by its id.
fn index(pool: &PoolSpec) -> BTreeMap<String, usize> {
    pool.hosts.iter().enumerate().map(|(position, host)| (host.id.clone(), position)).collect()
}

fn settings(pool: &mut PoolSpec, draw: &mut Draw) {
    let settings = &mut pool.settings;
    settings.guarantee = Some(draw.pick(&[Guarantee::Sequential, Guarantee::Simultaneous]));
    settings.timeout_s = Some(draw.pick(&[5, 15, 30, 60]));
    match draw.below(6) {
        0 => {
            settings.medium = Some(Medium::Etcd);
            let members = if pool.hosts.len() >= 5 && draw.permille(500) { 5 } else { 3 };
            settings.etcd_members = pool.hosts.iter().take(members).map(|host| host.id.clone()).collect();
        }
        1 => settings.storage_loss = Some(StorageLoss::Majority),
        2 => settings.brake_permille = Some(draw.between(250, 600)),
        _ => {}
    }
}

/// Two shared storages and a local disk each, two networks, three CPU levels.
fn hosts(pool: &mut PoolSpec, draw: &mut Draw) {
    pool.networks = vec!["lan".to_owned(), "dmz".to_owned()];
    let shared = ["san1", "san2"].map(|id| StorageSpec { id: id.to_owned(), shared: true });
    let local = pool.hosts.iter().map(|host| StorageSpec { id: format!("{}-local", host.id), shared: false });
    pool.storages = shared.into_iter().chain(local).collect();
    for host in &mut pool.hosts {
        let mut storages = vec!["san1".to_owned(), format!("{}-local", host.id)];
        if draw.permille(850) {
            storages.push("san2".to_owned());
        }
        host.storages = Some(storages);
        if draw.permille(250) {
            host.networks = Some(vec!["lan".to_owned()]);
        }
        host.cpu_level = draw.weighted(&[(2, 1), (3, 3), (4, 2)]);
    }
}

/// What a VM asks of a host: never more than its own host has, and seldom what no other has.
fn needs(vm: &mut VmSpec, home: &HostSpec, draw: &mut Draw) {
    let attached = |name: &str| home.storages.as_ref().is_some_and(|list| list.iter().any(|id| id == name));
    vm.storages = vec!["san1".to_owned()];
    if attached("san2") && draw.permille(300) {
        vm.storages = vec!["san2".to_owned()];
    }
    if draw.permille(15) {
        vm.storages.push(format!("{}-local", home.id));
    }
    vm.networks = vec!["lan".to_owned()];
    if home.networks.is_none() && draw.permille(200) {
        vm.networks.push("dmz".to_owned());
    }
    if draw.permille(600) {
        vm.min_cpu_level = draw.between(2, home.cpu_level);
    }
    // What the hypervisor needs is taken from the VM's own memory, so that the sum stays.
    vm.overhead_mib = 64 + vm.memory_mib / 128;
    vm.memory_mib -= vm.overhead_mib;
    if vm.order > 0 && draw.permille(200) {
        vm.start_delay_s = draw.pick(&[5, 10, 30]);
    }
}

/// Most VMs run; some are paused, off, or should run and do not.
fn life(vm: &mut VmSpec, draw: &mut Draw) {
    match draw.below(100) {
        0 | 1 => vm.power_state = Some(PowerState::Paused),
        2 => vm.power_state = Some(PowerState::Halted),
        3 => vm.power_state = Some(PowerState::Suspended),
        4 => (vm.host, vm.power_state) = (None, Some(PowerState::Halted)),
        5 | 6 => {
            // Pending if it is protected.
            (vm.host, vm.power_state, vm.should_run) = (None, Some(PowerState::Halted), true);
        }
        _ => {}
    }
}

/// About one host in twelve is not simply live, whatever the pool's size; one or none is dead or fenced.
fn states(pool: &mut PoolSpec, draw: &mut Draw) {
    let hosts = pool.hosts.len();
    for _ in 0..hosts.div_ceil(12) {
        let host = draw.below(hosts);
        pool.hosts[host].state = draw.pick(&[HostState::Live, HostState::Disabled, HostState::Maintenance]);
    }
    if hosts >= 8 && draw.permille(350) {
        let host = draw.below(hosts);
        pool.hosts[host].state = draw.pick(&[HostState::Dead, HostState::Fenced]);
        let id = pool.hosts[host].id.clone();
        for vm in pool.vms.iter_mut().filter(|vm| vm.host.as_ref() == Some(&id)) {
            vm.should_run = vm.restart_priority == RestartPriority::Restart && draw.permille(500);
        }
    }
}

/// A few live migrations, to hosts with room for both ends.
fn migrations(pool: &mut PoolSpec, draw: &mut Draw) {
    let index = index(pool);
    let mut free = free(pool, &index);
    for vm in &mut pool.vms {
        let (moves, target) = (draw.permille(15), draw.below(pool.hosts.len()));
        let Some(home) = vm.host.as_ref().filter(|_| moves && runs(vm)).map(|id| index[id]) else { continue };
        let (need, to) = (demand(vm), &pool.hosts[target]);
        let allowed = vm.allowed_hosts.as_ref().is_none_or(|list| list.contains(&to.id));
        let live = pool.hosts[home].state.is_up() && to.state == HostState::Live;
        if allowed && live && home != target && need[0] <= free[target][0] && need[1] <= free[target][1] {
            free[target][0] -= need[0];
            free[target][1] -= need[1];
            vm.migrating_to = Some(to.id.clone());
        }
    }
}

fn runs(vm: &VmSpec) -> bool {
    vm.host.is_some() && vm.power_state.is_none_or(PowerState::holds_resources)
}

fn demand(vm: &VmSpec) -> [u64; 2] {
    [vm.memory_mib + vm.overhead_mib, vm.resources.iter().map(|&(_, amount)| amount).sum()]
}

fn free(pool: &PoolSpec, index: &BTreeMap<String, usize>) -> Vec<[u64; 2]> {
    let mut free: Vec<[u64; 2]> = pool
        .hosts
        .iter()
        .map(|host| {
            [host.memory_mib - host.reserved_mib, host.resources.iter().map(|&(_, amount)| amount).sum()]
        })
        .collect();
    for vm in pool.vms.iter().filter(|vm| runs(vm)) {
        if let Some(&home) = vm.host.as_ref().and_then(|id| index.get(id)) {
            let need = demand(vm);
            free[home][0] -= need[0];
            free[home][1] -= need[1];
        }
    }
    free
}
