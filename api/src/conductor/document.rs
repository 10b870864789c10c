//! The coordinator's document, made from the pool's: hosts in the roster's order, VMs in the term's, and of what the coordinator
//! knows better (where VMs run, how hosts are, what should run) what its last document said. So a change of the pool's document
//! changes what it asks for, never what is so.
use super::names::Names;
use lifeboat_model::spec::{HostSpec, HostState, PoolSpec, PowerState, RestartPriority, VmSpec};
use lifeboat_model::{Defect, HostIndex, Pool, VmIndex};
use std::collections::BTreeMap;

/// The coordinator's document at the beginning of a term.
///
/// # Errors
/// If it would not be right.
pub fn begin(names: &mut Names, pool: &Pool) -> Result<Pool, Vec<Defect>> {
    made(names, pool, None, &|_| None)
}

/// The coordinator's document after the pool's has become `pool`. `before` is its last one of this term; where a VM that is new to
/// the term runs, `seen` says.
///
/// # Errors
/// If it would not be right: it then stays as it was.
pub fn follow(
    names: &mut Names,
    pool: &Pool,
    before: &Pool,
    seen: &dyn Fn(&str) -> Option<HostIndex>,
) -> Result<Pool, Vec<Defect>> {
    made(names, pool, Some(before), seen)
}

fn made(
    names: &mut Names,
    pool: &Pool,
    before: Option<&Pool>,
    seen: &dyn Fn(&str) -> Option<HostIndex>,
) -> Result<Pool, Vec<Defect>> {
    let mut spec = pool.describe();
    spec.hosts = hosts(names, std::mem::take(&mut spec.hosts), before);
    spec.settings.etcd_members = aliases(names, &spec.settings.etcd_members);
    let described = std::mem::take(&mut spec.vms);
    let known = names.vms().len();
    for vm in &described {
        names.number(&vm.id);
    }
    spec.vms = vms(names, described, before, known, seen);
    Pool::new(&spec)
}

fn hosts(names: &Names, described: Vec<HostSpec>, before: Option<&Pool>) -> Vec<HostSpec> {
    let described: BTreeMap<String, HostSpec> =
        described.into_iter().map(|host| (host.id.clone(), host)).collect();
    let of = |position: usize| {
        let index = HostIndex::new(position);
        let known = names.host_id(index).and_then(|id| described.get(id)).cloned();
        let mut host = known.unwrap_or_else(|| HostSpec {
            // Of which nobody has said anything, or who has left: it takes nothing.
            storages: Some(Vec::new()),
            networks: Some(Vec::new()),
            ..HostSpec::default()
        });
        names.alias(index).unwrap_or_default().clone_into(&mut host.id);
        host.state = match before.and_then(|before| before.hosts().get(position)) {
            Some(before) => before.state,
            None if host.state.is_up() => host.state,
            // That it is dead is for the pool to agree on.
            None => HostState::Live,
        };
        host
    };
    (0..names.hosts()).map(of).collect()
}

/// The VMs by number; those from `known` on are new to the term.
fn vms(
    names: &Names,
    described: Vec<VmSpec>,
    before: Option<&Pool>,
    known: usize,
    seen: &dyn Fn(&str) -> Option<HostIndex>,
) -> Vec<VmSpec> {
    let mut described: BTreeMap<String, VmSpec> =
        described.into_iter().map(|vm| (vm.id.clone(), vm)).collect();
    let alias = |name: &String| aliases(names, std::slice::from_ref(name)).pop();
    let of = |(position, id): (usize, &String)| {
        let stood = before
            .filter(|before| position < before.vms().len())
            .map(|before| before.describe_vm(VmIndex::new(position)));
        let Some(mut vm) = described.remove(id) else { return gone(id, stood.unwrap_or_default()) };
        vm.allowed_hosts = vm.allowed_hosts.map(|hosts| aliases(names, &hosts));
        match (stood, before) {
            (Some(stood), _) if position < known => {
                vm.host = stood.host;
                vm.power_state = stood.power_state;
                vm.migrating_to = stood.migrating_to;
                vm.should_run = stood.should_run;
            }
            (_, None) => {
                let held = vm.power_state.is_none_or(PowerState::holds_resources) && vm.host.is_some();
                vm.migrating_to = vm.migrating_to.as_ref().and_then(alias);
                vm.host = vm.host.as_ref().and_then(alias);
                if vm.host.is_none() && held {
                    // It ran on a host that has left the pool since.
                    (vm.power_state, vm.migrating_to, vm.should_run) = (Some(PowerState::Halted), None, true);
                }
            }
            (_, Some(_)) => {
                vm.migrating_to = None;
                vm.host = seen(id).and_then(|host| names.alias(host)).map(str::to_owned);
                vm.power_state =
                    Some(if vm.host.is_some() { PowerState::Running } else { PowerState::Halted });
            }
        }
        vm
    };
    names.vms().iter().enumerate().map(of).collect()
}

/// A VM that is the pool's no more keeps its number: it is off, and nobody restarts it.
fn gone(id: &str, stood: VmSpec) -> VmSpec {
    VmSpec {
        id: id.to_owned(),
        host: None,
        power_state: Some(PowerState::Halted),
        migrating_to: None,
        should_run: false,
        restart_priority: RestartPriority::Unprotected,
        storages: Vec::new(),
        networks: Vec::new(),
        allowed_hosts: None,
        ..stood
    }
}

/// What the coordinator calls those of these hosts that belong to the pool.
fn aliases(names: &Names, hosts: &[String]) -> Vec<String> {
    let alias = |id: &String| names.alias(names.host(id)?).map(str::to_owned);
    hosts.iter().filter_map(alias).collect()
}

/// The document of a pool that nobody has described yet.
pub fn first(id: &str, timeout_s: u64) -> PoolSpec {
    let mut spec = PoolSpec { id: id.to_owned(), ..PoolSpec::default() };
    spec.settings.timeout_s = Some(timeout_s);
    spec
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;

    fn host(id: &str) -> HostSpec {
        HostSpec { id: id.to_owned(), memory_mib: 8192, ..HostSpec::default() }
    }

    fn vm(id: &str, on: Option<&str>) -> VmSpec {
        VmSpec { id: id.to_owned(), memory_mib: 512, host: on.map(str::to_owned), ..VmSpec::default() }
    }

    fn pool(hosts: &[&str], vms: Vec<VmSpec>) -> Pool {
        let hosts = hosts.iter().map(|id| host(id)).collect();
        Pool::new(&PoolSpec { id: "prod".to_owned(), hosts, vms, ..PoolSpec::default() }).expect("a pool")
    }

    #[test]
    fn hosts_stand_in_the_rosters_order_and_those_of_no_roster_are_left_out() {
        let mut names = Names::of(&roster(&["h1", "h2", "h3"]));
        let mut db = vm("db", Some("other"));
        db.allowed_hosts = Some(vec!["other".to_owned(), "h3".to_owned()]);
        let served = pool(&["h3", "other", "h1"], vec![db, vm("web", Some("h3"))]);
        let document = begin(&mut names, &served).expect("right");
        let ids: Vec<&str> = document.hosts().iter().map(|host| &*host.id).collect();
        assert_eq!(ids, ["h1", "h2", "h3"]);
        assert_eq!(document.host(HostIndex::new(1)).capacity[0], 0, "nothing is known of h2");
        assert_eq!(document.runs_on(VmIndex::new(0)), None);
        assert_eq!(document.runs_on(VmIndex::new(1)), Some(HostIndex::new(2)));
        assert_eq!(document.describe_vm(VmIndex::new(0)).allowed_hosts, Some(vec!["h3".to_owned()]));
    }

    #[test]
    fn a_vm_that_is_gone_keeps_its_number_and_a_new_one_gets_the_next() {
        let mut names = Names::of(&roster(&["h1"]));
        let before = begin(&mut names, &pool(&["h1"], vec![vm("a", Some("h1")), vm("b", None)]));
        let before = before.expect("right");
        let served = pool(&["h1"], vec![vm("c", Some("h1")), vm("b", None), vm("d", Some("h1"))]);
        let seen = |vm: &str| (vm == "c").then(|| HostIndex::new(0));
        let document = follow(&mut names, &served, &before, &seen).expect("right");
        let ids: Vec<&str> = document.vm_indices().map(|vm| document.vm_id(vm)).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert_eq!(document.runs_on(VmIndex::new(0)), None);
        assert_eq!(document.runs_on(VmIndex::new(2)), Some(HostIndex::new(0)));
        assert_eq!(document.runs_on(VmIndex::new(3)), None, "nobody has seen it there");
    }

    #[test]
    fn where_vms_run_and_how_hosts_are_is_no_wish() {
        let mut names = Names::of(&roster(&["h1", "h2"]));
        let before = begin(&mut names, &pool(&["h1", "h2"], vec![vm("a", Some("h1"))]));
        let before = before.expect("right");
        let mut served = pool(&["h1", "h2"], vec![vm("a", Some("h2"))]).describe();
        served.hosts[0].state = HostState::Fenced;
        served.vms[0].restart_priority = RestartPriority::Restart;
        let served = Pool::new(&served).expect("a pool");
        let document = follow(&mut names, &served, &before, &|_| None).expect("right");
        assert_eq!(document.runs_on(VmIndex::new(0)), Some(HostIndex::new(0)));
        assert_eq!(document.host(HostIndex::new(0)).state, HostState::Live);
        assert_eq!(document.vm(VmIndex::new(0)).restart_priority, RestartPriority::Restart);
    }
}
