//! Small pools for tests: written by hand in a line, or generated tight enough that answers differ.
use lifeboat_model::spec::{
    Guarantee, HostSpec, HostState, PoolSpec, PowerState, RestartPriority, SettingsSpec, StorageSpec, VmSpec,
};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use proptest::prelude::*;

/// A pool from what each host has free and the sizes of the protected VMs that run there: hosts `h0`, `h1`, …,
/// VMs `v0`, `v1`, … in order.
pub(crate) fn spec(target: u64, hosts: &[(u64, &[u64])]) -> PoolSpec {
    let mut spec = PoolSpec {
        id: "tiny".into(),
        settings: SettingsSpec { host_failures_to_tolerate: Some(target), ..SettingsSpec::default() },
        storages: vec![StorageSpec { id: "san".into(), shared: true }],
        ..PoolSpec::default()
    };
    for (position, (free, sizes)) in hosts.iter().enumerate() {
        let memory_mib = free + sizes.iter().sum::<u64>();
        spec.hosts.push(HostSpec { id: format!("h{position}"), memory_mib, ..HostSpec::default() });
        for &memory_mib in *sizes {
            let id = format!("v{}", spec.vms.len());
            spec.vms.push(VmSpec { host: Some(format!("h{position}")), ..protected(&id, memory_mib) });
        }
    }
    spec
}

pub(crate) fn pool(target: u64, hosts: &[(u64, &[u64])]) -> Pool {
    Pool::new(&spec(target, hosts)).expect("written right")
}

pub(crate) fn protected(id: &str, memory_mib: u64) -> VmSpec {
    VmSpec { id: id.into(), memory_mib, restart_priority: RestartPriority::Restart, ..VmSpec::default() }
}

pub(crate) fn vm(position: u32) -> VmIndex {
    VmIndex(position)
}

pub(crate) fn host(position: u16) -> HostIndex {
    HostIndex(position)
}

/// Pools of two to four hosts and at most six VMs, with little room to spare: some local disks, some host
/// not live, some VMs pending, unprotected or best-effort.
pub(crate) fn tiny_pools() -> impl Strategy<Value = Pool> {
    let hosts = prop::collection::vec((0u64..7, 0u8..12), 2..5);
    let vms = prop::collection::vec((1u64..5, 0usize..5, 0u8..10, 0u8..8), 0..7);
    (hosts, vms, 0u64..3, any::<bool>()).prop_map(|(hosts, vms, target, at_once)| {
        let count = hosts.len();
        let mut spec = spec(target, &hosts.iter().map(|&(free, _)| (free, &[][..])).collect::<Vec<_>>());
        spec.settings.guarantee = at_once.then_some(Guarantee::Simultaneous);
        for (host, (_, state)) in spec.hosts.iter_mut().zip(&hosts) {
            let local = format!("{}-disk", host.id);
            spec.storages.push(StorageSpec { id: local.clone(), shared: false });
            host.storages = Some(vec!["san".into(), local]);
            match state {
                0 => host.state = HostState::Disabled,
                1 => host.state = HostState::Maintenance,
                2 => host.storages = Some(vec![]),
                _ => {}
            }
        }
        for (position, (memory_mib, at, priority, disk)) in vms.into_iter().enumerate() {
            let mut vm = protected(&format!("v{position}"), memory_mib);
            vm.restart_priority = match priority {
                0 => RestartPriority::BestEffort,
                1 => RestartPriority::Unprotected,
                _ => RestartPriority::Restart,
            };
            vm.order = u64::from(priority % 2);
            match (at < count, disk) {
                (true, 0) => vm.storages = vec![format!("h{at}-disk")],
                (_, 1 | 2) => vm.storages = vec!["san".into()],
                _ => {}
            }
            if at < count {
                vm.host = Some(format!("h{at}"));
                spec.hosts[at].memory_mib += memory_mib;
            } else {
                vm.should_run = true;
                vm.power_state = Some(PowerState::Halted);
            }
            spec.vms.push(vm);
        }
        Pool::new(&spec).expect("generated right")
    })
}
