//! Small pools, new VMs and changes, drawn at random: right ones mostly, and some that make no sense.
use lifeboat_model::change::{Change, LeftBehind};
use lifeboat_model::spec::{
    Guarantee, HostSpec, HostState, Medium, PowerState, RestartPriority, SettingsSpec, StorageSpec, VmSpec,
};
use lifeboat_model::{HostIndex, NetworkIndex, PoolSpec, StorageIndex, VmIndex};
use proptest::prelude::*;

const STORAGES: [&str; 3] = ["san", "nas", "disk"];
const NETWORKS: [&str; 2] = ["lan", "dmz"];

pub(crate) fn pools() -> impl Strategy<Value = PoolSpec> {
    let hosts = prop::collection::vec(hosts(), 1..4);
    let vms = prop::collection::vec((vms(), 0usize..6, 0usize..8, 0u8..5, any::<bool>()), 0..5);
    (hosts, vms, prop::collection::vec(any::<bool>(), 4)).prop_map(|(mut hosts, vms, members)| {
        for (position, host) in hosts.iter_mut().enumerate() {
            host.id = format!("h{position}");
        }
        let vms = vms.into_iter().enumerate().map(|(position, (vm, host, to, power, should_run))| {
            let host = hosts.get(host).map(|host| host.id.clone());
            let power_state = match (power, host.is_some()) {
                (0, _) => Some(PowerState::Suspended),
                (1, _) => Some(PowerState::Halted),
                (2, true) => Some(PowerState::Paused),
                _ => None,
            };
            let runs = host.is_some() && power > 1;
            let migrating_to =
                hosts.get(to).map(|to| to.id.clone()).filter(|to| runs && host.as_ref() != Some(to));
            VmSpec { id: format!("v{position}"), host, power_state, migrating_to, should_run, ..vm }
        });
        let etcd_members = hosts.iter().zip(members).filter(|(_, m)| *m).map(|(h, _)| h.id.clone()).collect();
        PoolSpec {
            id: "p".into(),
            settings: SettingsSpec { etcd_members, medium: Some(Medium::Etcd), ..SettingsSpec::default() },
            storages: STORAGES
                .iter()
                .map(|id| StorageSpec { id: (*id).into(), shared: *id != "disk" })
                .collect(),
            networks: NETWORKS.iter().map(|id| (*id).into()).collect(),
            vms: vms.collect(),
            hosts,
            groups: vec![],
        }
    })
}

fn hosts() -> impl Strategy<Value = HostSpec> {
    let state = prop_oneof![
        5 => Just(HostState::Live), 1 => Just(HostState::Disabled), 1 => Just(HostState::Maintenance),
        1 => Just(HostState::Dead), 1 => Just(HostState::Fenced)
    ];
    let storages = prop::option::of(prop::sample::subsequence(STORAGES.to_vec(), 0..=2));
    let networks = prop::sample::subsequence(NETWORKS.to_vec(), 0..=2);
    let domain = prop::option::of(prop::sample::select(vec!["r1", "r2"]));
    (0u64..9, state, storages, networks, domain, resources(), 0u64..3).prop_map(
        |(memory_mib, state, storages, networks, domain, resources, cpu_level)| HostSpec {
            id: String::new(),
            memory_mib,
            reserved_mib: memory_mib / 4,
            state,
            cpu_level,
            storages: storages.map(owned),
            networks: Some(owned(networks)),
            fault_domain: domain.map(String::from),
            resources,
        },
    )
}

fn vms() -> impl Strategy<Value = VmSpec> {
    let storages = prop::sample::subsequence(STORAGES.to_vec(), 0..=2);
    let networks = prop::sample::subsequence(NETWORKS.to_vec(), 0..=1);
    let allowed = prop::option::of(Just(vec!["h0".to_owned()]));
    (0u64..9, 0u64..2, 0u8..3, storages, networks, allowed, resources(), 0u64..3).prop_map(
        |(memory_mib, overhead_mib, priority, storages, networks, allowed_hosts, resources, level)| VmSpec {
            memory_mib,
            overhead_mib,
            restart_priority: [
                RestartPriority::Restart,
                RestartPriority::BestEffort,
                RestartPriority::Unprotected,
            ][priority as usize],
            storages: owned(storages),
            networks: owned(networks),
            allowed_hosts,
            resources,
            min_cpu_level: level,
            order: level,
            ..VmSpec::default()
        },
    )
}

/// New VMs, many of them wrong in one way or several.
pub(crate) fn wild_vms() -> impl Strategy<Value = VmSpec> {
    let names = || prop::collection::vec(prop::sample::select(vec!["san", "lan", "nope", "disk"]), 0..3);
    let ids = prop::sample::select(vec!["new", "", "v0", "a\tb"]);
    let amounts = || prop::sample::select(vec![0u64, 1, 1 << 20, (1 << 40) + 1]);
    let allowed = prop::option::of(prop::collection::vec(prop::sample::select(vec!["h0", "h9"]), 0..3));
    (ids, amounts(), amounts(), amounts(), names(), names(), allowed, resources()).prop_map(
        |(id, memory_mib, overhead_mib, order, storages, networks, allowed, resources)| VmSpec {
            id: id.into(),
            memory_mib,
            overhead_mib,
            order,
            storages: owned(storages),
            networks: owned(networks),
            allowed_hosts: allowed.map(owned),
            resources,
            ..VmSpec::default()
        },
    )
}

fn resources() -> impl Strategy<Value = Vec<(String, u64)>> {
    prop::sample::subsequence(vec!["a100", "gpu", "vcpus"], 0..=2)
        .prop_flat_map(|names| {
            let count = names.len();
            (Just(names), prop::collection::vec(0u64..3, count))
        })
        .prop_map(|(names, amounts)| owned(names).into_iter().zip(amounts).collect())
}

pub(crate) fn changes() -> impl Strategy<Value = Change> {
    let v = || (0u32..5).prop_map(VmIndex);
    let h = || (0u16..4).prop_map(HostIndex);
    let s = || (0u16..4).prop_map(StorageIndex);
    let n = || (0u16..3).prop_map(NetworkIndex);
    let state = prop::sample::select(vec![
        HostState::Live,
        HostState::Disabled,
        HostState::Maintenance,
        HostState::Dead,
        HostState::Fenced,
    ]);
    let priority = prop::sample::select(vec![RestartPriority::Restart, RestartPriority::BestEffort]);
    let added = (hosts(), any::<bool>()).prop_map(|(host, own)| {
        let mut storages = host.storages.clone().unwrap_or_default();
        storages.retain(|name| name != "disk");
        storages.extend(own.then(|| "h-new-disk".to_owned()));
        let networks = host.networks.clone().map(|mut names| {
            names.extend(own.then(|| "backup".to_owned()));
            names
        });
        Change::AddHost {
            host: Box::new(HostSpec { id: "h-new".into(), storages: Some(storages), networks, ..host }),
        }
    });
    let new_vm = (vms(), prop::option::of(h()))
        .prop_map(|(vm, host)| Change::StartNew { vm: Box::new(VmSpec { id: "v-new".into(), ..vm }), host });
    let moves = prop_oneof![
        (v(), prop::option::of(h())).prop_map(|(vm, host)| Change::Start { vm, host }),
        (v(), h()).prop_map(|(vm, to)| Change::BeginMigration { vm, to }),
        (v(), h()).prop_map(|(vm, to)| Change::EndMigration { vm, to }),
        v().prop_map(|vm| Change::AbortMigration { vm }),
        v().prop_map(|vm| Change::Stop { vm }),
        v().prop_map(|vm| Change::Suspend { vm }),
    ];
    let asks = prop_oneof![
        (v(), 0u64..9).prop_map(|(vm, memory_mib)| Change::VmMemory { vm, memory_mib }),
        (v(), resources()).prop_map(|(vm, resources)| Change::VmResources { vm, resources }),
        (v(), s(), s()).prop_map(|(vm, from, to)| Change::VmStorage { vm, from, to }),
        (v(), priority).prop_map(|(vm, priority)| Change::Protect { vm, priority }),
        (v(), 0u64..9).prop_map(|(vm, order)| Change::Order { vm, order, start_delay_s: 3 }),
        (0u64..4).prop_map(|host_failures_to_tolerate| Change::Target { host_failures_to_tolerate }),
        Just(Change::Guarantee { guarantee: Guarantee::Simultaneous }),
    ];
    let plugs = prop_oneof![
        (h(), s()).prop_map(|(host, storage)| Change::AttachStorage { host, storage }),
        (h(), s()).prop_map(|(host, storage)| Change::UnplugStorage { host, storage }),
        (h(), n()).prop_map(|(host, network)| Change::PlugNetwork { host, network }),
        (h(), n()).prop_map(|(host, network)| Change::UnplugNetwork { host, network }),
        (h(), 0u64..9).prop_map(|(host, memory_mib)| Change::HostMemory { host, memory_mib }),
    ];
    prop_oneof![
        3 => moves, 2 => asks, 2 => plugs, 1 => added, 1 => new_vm,
        1 => (h(), state).prop_map(|(host, state)| Change::HostState { host, state }),
        1 => (h(), any::<bool>()).prop_map(|(host, pending)| Change::RemoveHost {
            host, vms: if pending { LeftBehind::Pending } else { LeftBehind::Refuse },
        }),
    ]
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(String::from).collect()
}
