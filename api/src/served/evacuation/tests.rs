//! Plans of evacuations.
use super::*;
use lifeboat_model::spec::{GroupSpec, HostSpec, PoolSpec, Rule, RuleMode, StorageSpec, VmSpec};

fn host(id: &str, memory_mib: u64) -> HostSpec {
    HostSpec { id: id.into(), memory_mib, ..HostSpec::default() }
}

fn vm(id: &str, memory_mib: u64, host: &str) -> VmSpec {
    VmSpec { id: id.into(), memory_mib, host: Some(host.into()), ..VmSpec::default() }
}

fn planned(spec: &PoolSpec) -> (Pool, Evacuation) {
    let pool = Pool::new(spec).expect("sound");
    let plan = plan(&pool, HostIndex(0), &Limits::default()).expect("it is up");
    (pool, plan)
}

fn moves<'p>(pool: &'p Pool, plan: &Evacuation) -> Vec<(&'p str, &'p str)> {
    plan.moves.iter().map(|step| (pool.vm_id(step.vm), pool.host_id(step.to))).collect()
}

#[test]
fn every_vm_goes_somewhere_protected_ones_first() {
    let mut spec = PoolSpec {
        id: "p".into(),
        hosts: vec![host("a", 20), host("b", 6), host("c", 4)],
        vms: vec![vm("plain", 2, "a"), vm("late", 2, "a"), vm("first", 4, "a"), vm("there", 2, "b")],
        ..PoolSpec::default()
    };
    for (position, order) in [(1, 5), (2, 1)] {
        spec.vms[position].restart_priority = RestartPriority::Restart;
        spec.vms[position].order = order;
    }
    let (pool, plan) = planned(&spec);
    let names: Vec<&str> = plan.moves.iter().map(|step| pool.vm_id(step.vm)).collect();
    assert_eq!(names, ["first", "late", "plain"], "an unprotected VM blocks nothing and is moved last");
    assert!(plan.stuck.is_empty());
    let after = pool.with_all(&plan.ends()).expect("every migration can be made");
    assert!(after.free().iter().all(|free| *free >= 0), "nothing is over-full: {:?}", after.free());
}

#[test]
fn a_vm_that_no_host_can_take_is_named_with_the_reason() {
    let mut spec = PoolSpec {
        id: "p".into(),
        storages: vec![StorageSpec { id: "disk".into(), shared: false }],
        hosts: vec![host("a", 9), host("b", 4)],
        vms: vec![vm("local", 1, "a"), vm("big", 5, "a"), vm("small", 2, "a")],
        ..PoolSpec::default()
    };
    spec.hosts[0].storages = Some(vec!["disk".into()]);
    spec.hosts[1].storages = Some(vec![]);
    spec.vms[0].storages = vec!["disk".into()];
    let (pool, plan) = planned(&spec);
    assert_eq!(moves(&pool, &plan), [("small", "b")]);
    let stuck: Vec<(&str, &str)> =
        plan.stuck.iter().map(|stuck| (pool.vm_id(stuck.vm), stuck.reason.as_str())).collect();
    assert_eq!(stuck.len(), 2);
    assert!(stuck.contains(&("local", "b: storage disk is not attached")), "{stuck:?}");
}

#[test]
fn rules_hold_and_what_is_under_way_goes_where_it_goes() {
    let mut spec = PoolSpec {
        id: "p".into(),
        hosts: vec![host("a", 9), host("b", 9), host("c", 9)],
        vms: vec![vm("v", 2, "a"), vm("w", 2, "b"), vm("gone", 2, "a"), vm("comes", 1, "c")],
        ..PoolSpec::default()
    };
    spec.groups.push(GroupSpec {
        id: "apart".into(),
        rule: Rule::AntiAffinity,
        mode: RuleMode::Required,
        vms: vec!["v".into(), "w".into()],
    });
    spec.vms[2].migrating_to = Some("b".into());
    spec.vms[3].migrating_to = Some("a".into());
    let (pool, plan) = planned(&spec);
    assert_eq!(moves(&pool, &plan), [("gone", "b"), ("v", "c")]);
    assert!(plan.moves[0].under_way);
    assert_eq!(plan.arriving, [VmIndex(3)]);
}

#[test]
fn a_host_that_is_down_cannot_be_emptied() {
    let mut spec = PoolSpec { id: "p".into(), hosts: vec![host("a", 9)], ..PoolSpec::default() };
    spec.hosts[0].state = HostState::Dead;
    let pool = Pool::new(&spec).expect("sound");
    assert!(matches!(plan(&pool, HostIndex(0), &Limits::default()), Err(ChangeError::HostDown { .. })));
}
