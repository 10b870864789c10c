//! A changed pool is the pool that the changed description gives: each change is made to the pool and, by
//! other code, to its description, and both must show the same to everybody who asks.
mod draw;
mod edit;

use draw::{changes, pools, wild_vms};
use edit::edit;
use lifeboat_model::change::{Change, ChangeError, LeftBehind};
use lifeboat_model::pool::Sighting;
use lifeboat_model::spec::{Fault, HostSpec, HostState, RestartPriority, StorageSpec, VmSpec};
use lifeboat_model::{HostIndex, Pool, PoolSpec, StorageIndex, VmIndex};
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

#[test]
fn a_pool_as_it_was_seen_differs_from_the_document_in_places_and_states_only() {
    let protected = VmSpec { restart_priority: RestartPriority::Restart, host: Some("a".into()), ..vm("v") };
    let hosts = ["a", "b"].map(|id| HostSpec { id: id.into(), memory_mib: 8, ..HostSpec::default() });
    let spec = PoolSpec { id: "p".into(), hosts: hosts.into(), vms: vec![protected], ..PoolSpec::default() };
    let pool = Pool::new(&spec).unwrap();
    let (v, a, b) = (VmIndex(0), HostIndex(0), HostIndex(1));
    let on_b = Sighting { host: Some(b), migrating_to: None, should_run: true };
    let moved = pool.observed(&[HostState::Fenced, HostState::Live], &[on_b]);
    assert_eq!((moved.runs_on(v), moved.host(a).state), (Some(b), HostState::Fenced));
    let nowhere = pool.observed(&[HostState::Live; 2], &[Sighting { host: None, ..on_b }]);
    assert!(nowhere.is_pending(v));
    assert_eq!(nowhere.free(), [8, 8]);
    let as_it_was = Sighting { host: Some(a), should_run: false, ..on_b };
    assert_eq!(pool.observed(&[HostState::Live; 2], &[as_it_was]), pool);
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
