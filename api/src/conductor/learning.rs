//! What hosts say of themselves and of their VMs, in the pool's document. What operators have set (priorities, orders, rules, states)
//! stays as it is.
use super::machine::Learned;
use super::records::Definition;
use lifeboat_link::note::HostFacts;
use lifeboat_model::spec::{HostSpec, PoolSpec, PowerState, StorageSpec, VmSpec};
use lifeboat_model::{Defect, Pool};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The pool after something was learned of it, and what is logged of that; none: it was known already.
///
/// # Errors
/// If the pool would not be right: what was learned is left out.
pub fn learn(pool: &Pool, learned: &[&Learned]) -> Result<Option<(Pool, Vec<Logged>)>, Vec<Defect>> {
    let before = pool.describe();
    let mut spec = before.clone();
    let mut logged = Vec::new();
    for one in learned {
        match one {
            Learned::Host { host, facts } => logged.extend(host_says(&mut spec, host, facts)),
            Learned::Vm { host, definition, runs, released } => {
                logged.extend(vm_is(&mut spec, host, definition, *runs, released.as_ref()));
            }
            Learned::Found(_) | Learned::Certificate { .. } | Learned::Credentials { .. } => {}
        }
    }
    share(&mut spec);
    if spec == before {
        return Ok(None);
    }
    Ok(Some((Pool::new(&spec)?, logged)))
}

/// What is logged: the kind of event, and what there is to say.
pub type Logged = (&'static str, Value);

fn host_says(spec: &mut PoolSpec, id: &str, facts: &HostFacts) -> Option<Logged> {
    let position = spec.hosts.iter().position(|host| host.id == id);
    let known = position.map(|position| spec.hosts[position].clone());
    let mut storages = facts.storages.clone();
    let mut networks = facts.networks.clone();
    for names in [&mut storages, &mut networks] {
        names.sort();
        names.dedup();
    }
    let is = HostSpec {
        id: id.to_owned(),
        memory_mib: facts.memory_mib,
        reserved_mib: facts.reserved_mib.min(facts.memory_mib),
        storages: Some(storages.clone()),
        networks: Some(networks.clone()),
        resources: merged(known.as_ref().map_or(&[], |known| &known.resources), &facts.resources),
        ..known.clone().unwrap_or_default()
    };
    if known.as_ref() == Some(&is) {
        return None;
    }
    declare(spec, &storages, &networks);
    let kind = if let Some(position) = position {
        spec.hosts[position] = is;
        "host-changed"
    } else {
        spec.hosts.push(is);
        "host-added"
    };
    Some((kind, json!({"host": id})))
}

fn vm_is(
    spec: &mut PoolSpec,
    host: &str,
    definition: &Definition,
    runs: bool,
    released: Option<&Option<Vec<String>>>,
) -> Option<Logged> {
    let facts = &definition.facts;
    let position = spec.vms.iter().position(|vm| vm.id == facts.vm);
    let known = position.map(|position| spec.vms[position].clone());
    let mut is = known.clone().unwrap_or_else(|| VmSpec {
        id: facts.vm.clone(),
        host: runs.then(|| host.to_owned()),
        power_state: Some(if runs { PowerState::Running } else { PowerState::Halted }),
        ..VmSpec::default()
    });
    is.memory_mib = facts.memory_mib;
    is.overhead_mib = facts.overhead_mib;
    is.storages.clone_from(&facts.storages);
    is.networks.clone_from(&facts.networks);
    for names in [&mut is.storages, &mut is.networks] {
        names.sort();
        names.dedup();
    }
    is.resources = merged(&is.resources, &facts.resources);
    if !facts.bound_by.is_empty() {
        is.allowed_hosts = Some(vec![host.to_owned()]);
    } else if let Some(allowed) = released {
        is.allowed_hosts.clone_from(allowed);
    }
    if known.as_ref() == Some(&is) {
        return None;
    }
    declare(spec, &is.storages, &is.networks);
    let kind = if let Some(position) = position {
        spec.vms[position] = is;
        "vm-changed"
    } else {
        spec.vms.push(is);
        "vm-created"
    };
    Some((kind, json!({"vm": facts.vm, "host": host, "bound_by": facts.bound_by})))
}

/// What is told counts; what only an operator knows of, such as devices, stays.
fn merged(known: &[(String, u64)], told: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut all = known.to_vec();
    for (name, &amount) in told {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = amount,
            None => all.push((name.clone(), amount)),
        }
    }
    all
}

/// Storages and networks that nobody has named before. A storage is its host's own until a second host has it too.
fn declare(spec: &mut PoolSpec, storages: &[String], networks: &[String]) {
    for name in storages {
        if !spec.storages.iter().any(|known| known.id == *name) {
            spec.storages.push(StorageSpec { id: name.clone(), shared: false });
        }
    }
    for name in networks {
        if !spec.networks.contains(name) {
            spec.networks.push(name.clone());
        }
    }
}

fn share(spec: &mut PoolSpec) {
    for storage in &mut spec.storages {
        let has = |host: &&HostSpec| host.storages.iter().flatten().any(|name| *name == storage.id);
        storage.shared |= spec.hosts.iter().filter(has).count() > 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifeboat_link::note::VmFacts;
    use lifeboat_model::spec::{HostState, RestartPriority};

    fn empty() -> Pool {
        Pool::new(&PoolSpec { id: "p".to_owned(), ..PoolSpec::default() }).expect("a pool")
    }

    fn host(id: &str, storages: &[&str]) -> Learned {
        let storages = storages.iter().map(|&name| name.to_owned()).collect();
        let facts = HostFacts {
            memory_mib: 4096,
            storages,
            networks: vec!["lan".to_owned()],
            ..HostFacts::default()
        };
        Learned::Host { host: id.to_owned(), facts: Box::new(facts) }
    }

    fn vm(id: &str, on: &str, bound_by: &[&str], runs: bool) -> Learned {
        let facts = VmFacts {
            vm: id.to_owned(),
            memory_mib: 512,
            storages: vec!["san".to_owned()],
            bound_by: bound_by.iter().map(|&why| why.to_owned()).collect(),
            ..VmFacts::default()
        };
        let definition = Box::new(Definition { facts, ..Definition::default() });
        Learned::Vm { host: on.to_owned(), definition, runs, released: bound_by.is_empty().then_some(None) }
    }

    fn after(pool: &Pool, learned: &[Learned]) -> Pool {
        let learned: Vec<&Learned> = learned.iter().collect();
        learn(pool, &learned).expect("right").expect("news").0
    }

    #[test]
    fn a_pool_comes_to_be_from_what_its_hosts_say() {
        let pool =
            after(&empty(), &[host("h1", &["san", "own"]), host("h2", &["san"]), vm("db", "h1", &[], true)]);
        let spec = pool.describe();
        let shared: Vec<(&str, bool)> =
            spec.storages.iter().map(|storage| (&*storage.id, storage.shared)).collect();
        assert_eq!(shared, [("own", false), ("san", true)]);
        assert_eq!(spec.vms[0].host.as_deref(), Some("h1"));
        assert_eq!(spec.vms[0].restart_priority, RestartPriority::Unprotected);
        assert!(learn(&pool, &[&host("h2", &["san"])]).expect("right").is_none(), "it is known already");
    }

    #[test]
    fn what_operators_have_set_stays() {
        let mut spec = after(&empty(), &[host("h1", &["san"]), vm("db", "h1", &[], true)]).describe();
        spec.hosts[0].state = HostState::Disabled;
        spec.vms[0].restart_priority = RestartPriority::Restart;
        spec.vms[0].order = 3;
        spec.hosts[0].resources = vec![("gpu".to_owned(), 2)];
        spec.vms[0].resources = vec![("gpu".to_owned(), 1)];
        let pool = Pool::new(&spec).expect("a pool");
        let spec = after(&pool, &[host("h1", &["san", "new"]), vm("db", "h1", &["a local CD-ROM"], true)])
            .describe();
        assert_eq!(spec.hosts[0].state, HostState::Disabled);
        let resources = (&*spec.hosts[0].resources, &*spec.vms[0].resources);
        assert_eq!(resources, (&[("gpu".to_owned(), 2)][..], &[("gpu".to_owned(), 1)][..]));
        assert_eq!((spec.vms[0].restart_priority, spec.vms[0].order), (RestartPriority::Restart, 3));
        assert_eq!(spec.vms[0].allowed_hosts, Some(vec!["h1".to_owned()]));
        let freed = after(&Pool::new(&spec).expect("a pool"), &[vm("db", "h1", &[], true)]);
        assert_eq!(freed.describe().vms[0].allowed_hosts, None);
    }

    #[test]
    fn what_makes_no_pool_is_refused() {
        assert!(learn(&empty(), &[&host("", &[])]).is_err());
    }
}
