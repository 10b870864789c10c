//! The pool of README.md's first command: made by the generator, dressed as a pool in production is, with racks,
//! restart orders, database pairs that must stay apart, a lab VM on a local disk, best-effort batch work.
use lifeboat_generate::{Family, Recipe, generate};
use lifeboat_model::spec::{
    GroupSpec, PoolSpec, RestartPriority, Rule, RuleMode, SettingsSpec, StorageSpec, VmSpec,
};
use std::collections::BTreeMap;

/// The example pool: 64 hosts, 2,048 VMs.
///
/// # Panics
/// If the generator refuses the recipe.
pub fn spec() -> PoolSpec {
    let recipe = Recipe::new(Family::Hetero, 64, 2048, 7).failures(3).slack(30);
    let mut spec = generate(&recipe).expect("a recipe that fits its family");
    spec.id = "prod-a".into();
    spec.settings = SettingsSpec { host_failures_to_tolerate: Some(2), ..SettingsSpec::default() };
    name_hosts(&mut spec);
    name_vms(&mut spec);
    keep_database_pairs_apart(&mut spec);
    put_the_lab_on_a_local_disk(&mut spec);
    spec
}

/// Hosts h01 to h64, eight to a rack.
fn name_hosts(spec: &mut PoolSpec) {
    let mut names = BTreeMap::new();
    for (position, host) in spec.hosts.iter_mut().enumerate() {
        let name = format!("h{:02}", position + 1);
        names.insert(std::mem::replace(&mut host.id, name.clone()), name);
        host.fault_domain = Some(format!("rack-{}", position / 8 + 1));
    }
    for vm in &mut spec.vms {
        vm.host = vm.host.take().map(|host| names[&host].clone());
    }
}

/// Of the protected VMs one in twenty is a database and starts first; the others are batch work, restarted when there
/// is room.
fn name_vms(spec: &mut PoolSpec) {
    for (position, vm) in spec.vms.iter_mut().enumerate() {
        let protected = vm.restart_priority == RestartPriority::Restart;
        let (kind, order) = match position % 20 {
            _ if !protected => ("batch", 3),
            0 => ("db", 0),
            1..=8 => ("app", 1),
            _ => ("web", 2),
        };
        vm.id = format!("{kind}-{position:04}");
        vm.order = order;
        if !protected {
            vm.restart_priority = RestartPriority::BestEffort;
        }
    }
}

/// The first databases of the pool, in pairs that run on two hosts, must not meet on one.
fn keep_database_pairs_apart(spec: &mut PoolSpec) {
    let databases: Vec<&VmSpec> = spec.vms.iter().filter(|vm| vm.id.starts_with("db")).collect();
    let pairs = databases.chunks_exact(2).filter(|pair| pair[0].host != pair[1].host).take(12);
    spec.groups = pairs
        .enumerate()
        .map(|(number, pair)| GroupSpec {
            id: format!("db-pair-{:02}", number + 1),
            rule: Rule::AntiAffinity,
            mode: RuleMode::Required,
            vms: pair.iter().map(|vm| vm.id.clone()).collect(),
        })
        .collect();
}

/// One application has its disk where no other host can reach it.
fn put_the_lab_on_a_local_disk(spec: &mut PoolSpec) {
    let Some(lab) = spec.vms.iter_mut().find(|vm| vm.id.starts_with("app")) else { return };
    lab.id = "lab-0001".into();
    lab.restart_priority = RestartPriority::Restart;
    let home = lab.host.clone();
    let disk = home.as_deref().map(|host| format!("{host}-local")).unwrap_or_default();
    lab.storages = vec![disk.clone()];
    spec.storages = vec![
        StorageSpec { id: "san1".into(), shared: true },
        StorageSpec { id: disk.clone(), shared: false },
    ];
    for host in spec.hosts.iter_mut().filter(|host| Some(&host.id) == home.as_ref()) {
        host.storages = Some(vec!["san1".into(), disk.clone()]);
    }
}
