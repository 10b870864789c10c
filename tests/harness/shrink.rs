//! Makes a failing pool small: takes away whatever can be taken away while it still fails.
use lifeboat_model::Pool;
use lifeboat_model::spec::{HostState, PoolSpec, SettingsSpec};

/// The smallest pool found that still fails, with what it says. `fails` says what is wrong with a pool, if
/// anything is.
pub fn shrink(spec: &PoolSpec, fails: &dyn Fn(&PoolSpec) -> Option<String>) -> (PoolSpec, String) {
    let mut smallest = spec.clone();
    let mut complaint = fails(spec).unwrap_or_default();
    loop {
        let better = smaller(&smallest)
            .into_iter()
            .filter(|candidate| Pool::new(candidate).is_ok())
            .find_map(|candidate| fails(&candidate).map(|complaint| (candidate, complaint)));
        match better {
            Some(found) => (smallest, complaint) = found,
            None => return (smallest, complaint),
        }
    }
}

/// Pools that are one step simpler.
fn smaller(spec: &PoolSpec) -> Vec<PoolSpec> {
    let mut simpler = Vec::new();
    let mut add = |change: &dyn Fn(&mut PoolSpec)| {
        let mut candidate = spec.clone();
        change(&mut candidate);
        if candidate != *spec {
            simpler.push(candidate);
        }
    };
    for vm in 0..spec.vms.len() {
        add(&|spec| {
            let id = spec.vms.remove(vm).id;
            spec.groups.iter_mut().for_each(|group| group.vms.retain(|member| *member != id));
        });
    }
    for host in 0..spec.hosts.len() {
        add(&|spec| remove_host(spec, host));
    }
    for group in 0..spec.groups.len() {
        add(&|spec| drop(spec.groups.remove(group)));
        for member in 0..spec.groups[group].vms.len() {
            add(&|spec| drop(spec.groups[group].vms.remove(member)));
        }
    }
    add(&|spec| spec.settings = SettingsSpec::default());
    for vm in 0..spec.vms.len() {
        add(&|spec| spec.vms[vm].migrating_to = None);
        add(&|spec| spec.vms[vm].allowed_hosts = None);
        add(&|spec| spec.vms[vm].resources.clear());
        add(&|spec| spec.vms[vm].storages.clear());
        add(&|spec| spec.vms[vm].networks.clear());
        add(&|spec| spec.vms[vm].min_cpu_level = 0);
        add(&|spec| spec.vms[vm].order = 0);
        add(&|spec| spec.vms[vm].overhead_mib = 0);
        add(&|spec| spec.vms[vm].memory_mib = spec.vms[vm].memory_mib.saturating_sub(1));
    }
    for host in 0..spec.hosts.len() {
        add(&|spec| spec.hosts[host].resources.clear());
        add(&|spec| spec.hosts[host].state = HostState::Live);
        add(&|spec| spec.hosts[host].fault_domain = None);
        add(&|spec| spec.hosts[host].storages = None);
        add(&|spec| spec.hosts[host].networks = None);
        add(&|spec| spec.hosts[host].cpu_level = 0);
        add(&|spec| spec.hosts[host].memory_mib = spec.hosts[host].memory_mib.saturating_sub(1));
        add(&|spec| {
            let host = &mut spec.hosts[host];
            host.memory_mib -= host.reserved_mib;
            host.reserved_mib = 0;
        });
    }
    simpler
}

fn remove_host(spec: &mut PoolSpec, host: usize) {
    let id = spec.hosts.remove(host).id;
    let gone: Vec<String> =
        spec.vms.iter().filter(|vm| vm.host.as_ref() == Some(&id)).map(|vm| vm.id.clone()).collect();
    spec.vms.retain(|vm| !gone.contains(&vm.id));
    for group in &mut spec.groups {
        group.vms.retain(|member| !gone.contains(member));
    }
    for vm in &mut spec.vms {
        vm.migrating_to = vm.migrating_to.take().filter(|to| *to != id);
        if let Some(allowed) = &mut vm.allowed_hosts {
            allowed.retain(|other| *other != id);
        }
    }
    spec.settings.etcd_members.retain(|member| *member != id);
}
