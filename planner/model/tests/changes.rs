//! A changed pool is the pool that the changed description gives: each change is made to the pool and, by
//! other code, to its description, and both must show the same to everybody who asks.
use lifeboat_model::change::{Change, ChangeError, LeftBehind};
use lifeboat_model::spec::{
    Fault, Guarantee, HostSpec, HostState, Medium, PowerState, RestartPriority, SettingsSpec, StorageSpec,
    VmSpec,
};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, PoolSpec, StorageIndex, VmIndex};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_changed_pool_is_the_pool_of_the_changed_description(
        spec in pools(),
        changes in prop::collection::vec(changes(), 1..4),
    ) {
        let mut pool = Pool::new(&spec).expect("the generator makes right descriptions");
        let mut spec = spec;
        for change in changes {
            let Ok(next) = pool.with(&change) else { continue };
            edit(&mut spec, &pool, &change);
            let rebuilt = Pool::new(&spec).map_err(|d| TestCaseError::fail(format!("{change:?}: {d:?}")))?;
            prop_assert_eq!(view(&next), view(&rebuilt), "after {:?}", change);
            pool = next;
        }
    }

    #[test]
    fn a_refused_new_vm_is_one_that_the_document_would_be_refused_for(spec in pools(), vm in wild_vms()) {
        let pool = Pool::new(&spec).expect("the generator makes right descriptions");
        let answer = pool.with(&Change::StartNew { vm: Box::new(vm.clone()), host: None });
        let position = spec.vms.len();
        let mut edited = spec;
        edited.vms.push(VmSpec { host: None, power_state: None, should_run: true, migrating_to: None, ..vm });
        let section = format!("/vms/{position}");
        let expected: Result<_, BTreeSet<(String, Fault)>> = Pool::new(&edited).map(|pool| view(&pool)).map_err(|defects| {
            defects.into_iter().map(|d| (d.pointer.replacen(&section, "", 1), d.fault)).collect()
        });
        let answer = answer.map(|pool| view(&pool)).map_err(|error| match error {
            ChangeError::Defective(defects) => defects.into_iter().map(|d| (d.pointer, d.fault)).collect(),
            other => panic!("{other}"),
        });
        prop_assert_eq!(answer, expected);
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do_instead() {
    let spec = PoolSpec {
        id: "p".into(),
        storages: vec![StorageSpec { id: "local".into(), shared: false }],
        hosts: vec![
            HostSpec { id: "a".into(), storages: Some(vec!["local".into()]), ..HostSpec::default() },
            HostSpec { id: "b".into(), storages: Some(vec![]), ..HostSpec::default() },
            HostSpec { id: "c".into(), state: HostState::Dead, ..HostSpec::default() },
        ],
        vms: vec![VmSpec { id: "v".into(), host: Some("a".into()), ..VmSpec::default() }, vm("w")],
        ..PoolSpec::default()
    };
    let pool = Pool::new(&spec).unwrap();
    let (v, w, a, b, c) = (VmIndex(0), VmIndex(1), HostIndex(0), HostIndex(1), HostIndex(2));
    for (change, words) in [
        (Change::Start { vm: v, host: Some(b) }, "VM v already runs on a: migrate it, or stop it first"),
        (Change::Start { vm: w, host: Some(c) }, "host c is down: choose one that is up"),
        (Change::EndMigration { vm: w, to: b }, "VM w runs nowhere: start it first"),
        (Change::BeginMigration { vm: v, to: a }, "VM v is on a already: choose another host"),
        (Change::AbortMigration { vm: v }, "VM v is not being migrated: there is nothing to abort"),
        (Change::Suspend { vm: w }, "VM w runs nowhere: start it first"),
        (
            Change::RemoveHost { host: a, vms: LeftBehind::Refuse },
            "1 VM(s) still run on a, v among them: migrate or stop them",
        ),
        (
            Change::AttachStorage { host: b, storage: StorageIndex(0) },
            "storage local is not shared and is attached to a",
        ),
        (Change::Stop { vm: VmIndex(9) }, "the pool has no VM with index 9"),
        (
            Change::HostState { host: HostIndex(9), state: HostState::Live },
            "the pool has no host with index 9",
        ),
        (
            Change::Target { host_failures_to_tolerate: 2000 },
            "host_failures_to_tolerate 2000 is out of range",
        ),
    ] {
        let error = pool.with(&change).expect_err(words).to_string();
        assert!(error.starts_with(words), "{change:?}: {error}");
    }
    let moving = pool.with(&Change::BeginMigration { vm: v, to: b }).unwrap();
    assert!(moving.with(&Change::BeginMigration { vm: v, to: b }).is_err(), "one migration at a time");
    assert_eq!(moving.with(&Change::EndMigration { vm: v, to: b }).unwrap().runs_on(v), Some(b));
}

#[test]
fn the_vms_of_a_host_that_dies_are_pending_and_do_not_run_when_it_comes_back() {
    let protected = VmSpec { restart_priority: RestartPriority::Restart, host: Some("a".into()), ..vm("v") };
    let hosts = ["a", "b"].map(|id| HostSpec { id: id.into(), memory_mib: 8, ..HostSpec::default() });
    let spec = PoolSpec { id: "p".into(), hosts: hosts.into(), vms: vec![protected], ..PoolSpec::default() };
    let pool = Pool::new(&spec).unwrap();
    let (v, a) = (VmIndex(0), HostIndex(0));
    let dead = pool.with(&Change::HostState { host: a, state: HostState::Fenced }).unwrap();
    assert!(dead.is_pending(v));
    let back = dead.with(&Change::HostState { host: a, state: HostState::Live }).unwrap();
    assert!(back.is_pending(v), "a host that comes back is empty");
    assert_eq!(back.vm(v).host, None);
    let removed = pool.with(&Change::RemoveHost { host: a, vms: LeftBehind::Pending }).unwrap();
    assert!(removed.is_pending(v));
    assert!(!removed.failable_hosts().contains(a));
}

fn vm(id: &str) -> VmSpec {
    VmSpec { id: id.into(), memory_mib: 1, ..VmSpec::default() }
}

/// What a pool shows, by name: how it is interned does not count.
fn view(pool: &Pool) -> Vec<String> {
    let amounts = |amounts: &[u64]| -> BTreeMap<String, u64> {
        pool.resources()
            .iter()
            .cloned()
            .zip(amounts.iter().copied())
            .filter(|&(_, amount)| amount > 0)
            .collect()
    };
    let names = |words: &[u64], all: Vec<&str>| -> BTreeSet<String> {
        all.iter()
            .enumerate()
            .filter(|(i, _)| words[i / 64] >> (i % 64) & 1 == 1)
            .map(|(_, n)| (*n).into())
            .collect()
    };
    let host_name = |host: Option<HostIndex>| host.map(|host| pool.host_id(host).to_owned());
    let mut lines = vec![format!("{:?} {:?}", pool.settings(), pool.free().len() / pool.resources().len())];
    for host in pool.hosts() {
        let storages = names(&host.storages, pool.storages().iter().map(|s| s.id.as_str()).collect());
        let networks = names(&host.networks, pool.networks().iter().map(String::as_str).collect());
        let domain = pool.domain_name(host.fault_domain);
        let sharing = pool.hosts().iter().filter(|other| other.fault_domain == host.fault_domain).count();
        lines.push(format!(
            "{} {:?} {} {:?} {} {storages:?} {networks:?} {domain:?} {sharing}",
            host.id,
            amounts(&host.capacity),
            host.reserved_mib,
            host.state,
            host.cpu_level
        ));
    }
    for index in pool.vm_indices() {
        let vm = pool.vm(index);
        let profile = pool.profile(vm.profile);
        let storages: Vec<_> = profile.storages.iter().map(|s| &pool.storages()[s.get()].id).collect();
        let networks: BTreeSet<_> = profile.networks.iter().map(|n| &pool.networks()[n.get()]).collect();
        let resources: Vec<_> = profile.resources.iter().map(|r| &pool.resources()[r.get()]).collect();
        lines.push(format!(
            "{} {:?} {:?} {:?} {:?} {:?} {} {} {} {} {} {storages:?} {networks:?} {:?} {resources:?} {:?}",
            pool.vm_id(index),
            amounts(pool.demand_of(index)),
            host_name(vm.host),
            host_name(vm.migrating_to),
            vm.power_state,
            vm.restart_priority,
            vm.should_run,
            vm.order,
            vm.start_delay_s,
            vm.overhead_mib,
            profile.min_cpu_level,
            profile.allowed_hosts,
            pool.eligible_hosts(vm.profile)
        ));
    }
    for (storage, network) in pool.storages().iter().zip(pool.networks()) {
        lines.push(format!("{storage:?} {network}"));
    }
    lines
}

/// The same change, made to the description.
fn edit(spec: &mut PoolSpec, pool: &Pool, change: &Change) {
    let shared: Vec<String> = spec.storages.iter().filter(|s| s.shared).map(|s| s.id.clone()).collect();
    let host_name = |host: HostIndex| pool.host_id(host).to_owned();
    let storage_name = |storage: StorageIndex| pool.storages()[storage.get()].id.clone();
    let network_name = |network: NetworkIndex| pool.networks()[network.get()].clone();
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
            let networks = spec.hosts[host.get()].networks.as_mut().unwrap();
            if !networks.contains(&network_name(network)) {
                networks.push(network_name(network));
            }
        }
        Change::UnplugNetwork { host, network } => {
            spec.hosts[host.get()].networks.as_mut().unwrap().retain(|n| *n != network_name(network));
        }
        Change::Target { host_failures_to_tolerate } => {
            spec.settings.host_failures_to_tolerate = Some(host_failures_to_tolerate);
        }
        Change::Guarantee { guarantee } => spec.settings.guarantee = Some(guarantee),
    }
}

fn halt(vm: &mut VmSpec, was: PowerState) {
    (vm.host, vm.migrating_to) = (None, None);
    vm.power_state = Some(if was.holds_resources() { PowerState::Halted } else { was });
}

const STORAGES: [&str; 3] = ["san", "nas", "disk"];
const NETWORKS: [&str; 2] = ["lan", "dmz"];

fn pools() -> impl Strategy<Value = PoolSpec> {
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
fn wild_vms() -> impl Strategy<Value = VmSpec> {
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

fn changes() -> impl Strategy<Value = Change> {
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
