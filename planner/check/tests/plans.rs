//! Restart plans written by hand: a right one passes, and each way to be wrong is named.
use lifeboat_check::{PlanFault, check_plan};
use lifeboat_model::plan::{Restart, RestartPlan, Unplaced};
use lifeboat_model::spec::{
    GroupSpec, HostSpec, HostState, PowerState, RestartPriority, Rule, RuleMode, VmSpec,
};
use lifeboat_model::verdict::ReasonCode;
use lifeboat_model::{GroupIndex, HostIndex, HostSet, Pool, PoolSpec, ResourceIndex, VmIndex};

fn h(position: usize) -> HostIndex {
    HostIndex::new(position)
}

fn v(position: usize) -> VmIndex {
    VmIndex::new(position)
}

/// h0 runs v0 (order 0), v1 (order 1), v2 (best effort) and v3 (unprotected), 2 each; h1 and h2 have 6 in all, h1
/// runs v4 of 2; v5 of 2 is pending.
fn spec() -> PoolSpec {
    use RestartPriority::{BestEffort, Restart, Unprotected};
    let host = |position: usize, memory_mib| HostSpec {
        id: format!("h{position}"),
        memory_mib,
        ..HostSpec::default()
    };
    let vm = |position: usize, at: Option<&str>, restart_priority, order| VmSpec {
        id: format!("v{position}"),
        memory_mib: 2,
        host: at.map(str::to_owned),
        restart_priority,
        order,
        should_run: at.is_none(),
        ..VmSpec::default()
    };
    PoolSpec {
        id: "plans".into(),
        hosts: vec![host(0, 8), host(1, 6), host(2, 6)],
        vms: vec![
            vm(0, Some("h0"), Restart, 0),
            vm(1, Some("h0"), Restart, 1),
            vm(2, Some("h0"), BestEffort, 0),
            vm(3, Some("h0"), Unprotected, 0),
            vm(4, Some("h1"), Restart, 0),
            vm(5, None, Restart, 0),
        ],
        ..PoolSpec::default()
    }
}

fn built(spec: &PoolSpec) -> Pool {
    Pool::new(spec).expect("a pool without defects")
}

fn restart(pool: &Pool, vm: usize, to: usize) -> Restart {
    let state = pool.vm(v(vm));
    Restart {
        vm: v(vm),
        from: pool.runs_on(v(vm)),
        to: h(to),
        order: state.order,
        priority: state.restart_priority,
    }
}

/// h0 fails, and these VMs go to these hosts, in this order.
fn plan(pool: &Pool, restarts: &[(usize, usize)]) -> RestartPlan {
    RestartPlan {
        failed: HostSet::of(pool.hosts().len(), [h(0)]),
        restarts: restarts.iter().map(|&(vm, to)| restart(pool, vm, to)).collect(),
        unplaced: Vec::new(),
        optimal: false,
    }
}

fn left_out(vm: usize) -> Unplaced {
    Unplaced { vm: v(vm), reason_code: ReasonCode::NotFound, reason: String::new() }
}

fn judge(spec: &PoolSpec, restarts: &[(usize, usize)]) -> Result<(), PlanFault> {
    let pool = built(spec);
    check_plan(&pool, &plan(&pool, restarts))
}

fn group(spec: &mut PoolSpec, rule: Rule, vms: &[usize]) {
    spec.groups.push(GroupSpec {
        id: format!("g{}", spec.groups.len()),
        rule,
        mode: RuleMode::Required,
        vms: vms.iter().map(|vm| format!("v{vm}")).collect(),
    });
}

/// A plan for [`spec`] that is right.
const RIGHT: [(usize, usize); 4] = [(0, 1), (5, 2), (1, 2), (2, 2)];

#[test]
fn a_right_plan_passes() {
    assert_eq!(judge(&spec(), &RIGHT), Ok(()));
    let mut preferred = spec();
    group(&mut preferred, Rule::AntiAffinity, &[1, 2]);
    preferred.groups[0].mode = RuleMode::Preferred;
    assert_eq!(judge(&preferred, &RIGHT), Ok(()));
}

#[test]
fn protected_vms_are_restarted_or_named_as_left_out() {
    let pool = built(&spec());
    let mut short = plan(&pool, &[(0, 1), (5, 2)]);
    assert_eq!(check_plan(&pool, &short), Err(PlanFault::Forgotten(v(1))));
    short.unplaced = vec![left_out(1)];
    assert_eq!(check_plan(&pool, &short), Ok(()));
    short.unplaced.push(left_out(0));
    assert_eq!(check_plan(&pool, &short), Err(PlanFault::Twice(v(0))));
    assert_eq!(judge(&spec(), &[(0, 1), (1, 2), (2, 2)]), Err(PlanFault::Forgotten(v(5))));
    assert_eq!(judge(&spec(), &[(0, 1), (5, 2), (1, 2), (1, 1)]), Err(PlanFault::Twice(v(1))));
}

#[test]
fn only_what_failed_or_waits_is_touched() {
    for vm in [3, 4] {
        let mut restarts = RIGHT.to_vec();
        restarts.push((vm, 1));
        assert_eq!(judge(&spec(), &restarts), Err(PlanFault::NotToRestart(v(vm))));
    }
    let mut idle = spec();
    idle.vms[5].should_run = false;
    assert_eq!(judge(&idle, &RIGHT), Err(PlanFault::NotToRestart(v(5))));
    idle.vms[5].host = Some("h0".into());
    idle.vms[5].power_state = Some(PowerState::Suspended);
    assert_eq!(judge(&idle, &RIGHT), Err(PlanFault::NotToRestart(v(5))));
}

#[test]
fn vms_are_described_as_the_pool_has_them() {
    let pool = built(&spec());
    let with = |change: &dyn Fn(&mut Restart)| {
        let mut plan = plan(&pool, &RIGHT);
        change(&mut plan.restarts[0]);
        check_plan(&pool, &plan)
    };
    let wrong = Err(PlanFault::Misdescribed(v(0)));
    assert_eq!(with(&|restart| restart.from = None), wrong);
    assert_eq!(with(&|restart| restart.from = Some(h(1))), wrong);
    assert_eq!(with(&|restart| restart.order = 7), wrong);
    assert_eq!(with(&|restart| restart.priority = RestartPriority::BestEffort), wrong);
    assert_eq!(with(&|restart| restart.to = h(9)), Err(PlanFault::OtherPool));
    assert_eq!(with(&|restart| restart.vm = v(99)), Err(PlanFault::OtherPool));
    let mut other = plan(&pool, &RIGHT);
    other.failed = HostSet::of(9, [h(0)]);
    assert_eq!(check_plan(&pool, &other), Err(PlanFault::OtherPool));
}

#[test]
fn vms_go_to_live_eligible_hosts_with_room() {
    let elsewhere = [(0, 0), (5, 2), (1, 2), (2, 2)];
    assert_eq!(judge(&spec(), &elsewhere), Err(PlanFault::NotEligible { vm: v(0), host: h(0) }));
    let mut disabled = spec();
    disabled.hosts[1].state = HostState::Disabled;
    assert_eq!(judge(&disabled, &RIGHT), Err(PlanFault::NotEligible { vm: v(0), host: h(1) }));
    let mut restricted = spec();
    restricted.vms[0].allowed_hosts = Some(vec!["h0".into(), "h2".into()]);
    assert_eq!(judge(&restricted, &RIGHT), Err(PlanFault::NotEligible { vm: v(0), host: h(1) }));
    let full = [(0, 1), (5, 1), (1, 1), (2, 2)];
    let memory = PlanFault::NoRoom { host: h(1), resource: ResourceIndex::MEMORY };
    assert_eq!(judge(&spec(), &full), Err(memory));
    let mut devices = spec();
    devices.hosts[1].resources = vec![("gpu".into(), 1)];
    devices.vms[0].resources = vec![("gpu".into(), 1)];
    assert_eq!(judge(&devices, &RIGHT), Ok(()));
    devices.vms[4].resources = vec![("gpu".into(), 3)];
    assert!(matches!(judge(&devices, &RIGHT), Err(PlanFault::NoRoom { .. })));
    // What is over full in devices still takes what asks for none.
    devices.vms[0].resources.clear();
    assert_eq!(judge(&devices, &RIGHT), Ok(()));
}

#[test]
fn lower_orders_come_first_and_best_effort_last() {
    assert_eq!(judge(&spec(), &[(1, 2), (0, 1), (5, 2), (2, 2)]), Err(PlanFault::OutOfOrder(v(0))));
    assert_eq!(judge(&spec(), &[(2, 2), (0, 1), (5, 2), (1, 2)]), Err(PlanFault::OutOfOrder(v(0))));
    assert_eq!(judge(&spec(), &[(5, 2), (0, 1), (1, 2), (2, 2)]), Ok(()));
}

#[test]
fn members_are_kept_apart() {
    let broken = |vm| Err(PlanFault::Rule { vm: v(vm), group: GroupIndex::new(0) });
    let with = |rule, vms: &[usize], change: &dyn Fn(&mut PoolSpec)| {
        let mut spec = spec();
        group(&mut spec, rule, vms);
        change(&mut spec);
        judge(&spec, &RIGHT)
    };
    let as_is = |_: &mut PoolSpec| ();
    // v4 runs on h1, where v0 is restarted; v1 and v5 meet on h2; v1 and v2 shared a host before.
    assert_eq!(with(Rule::AntiAffinity, &[0, 4], &as_is), broken(0));
    assert_eq!(with(Rule::AntiAffinity, &[1, 5], &as_is), broken(1));
    assert_eq!(with(Rule::AntiAffinity, &[1, 2], &as_is), Ok(()));
    assert_eq!(with(Rule::AntiAffinity, &[0, 1], &as_is), Ok(()));
    assert_eq!(with(Rule::Spread, &[0, 5], &as_is), Ok(()));
    let one_rack = |spec: &mut PoolSpec| {
        for host in [1, 2] {
            spec.hosts[host].fault_domain = Some("rack".into());
        }
    };
    assert_eq!(with(Rule::Spread, &[0, 5], &one_rack), broken(0));
    assert_eq!(with(Rule::Spread, &[0, 1], &one_rack), Ok(()));
    // The end of v4's migration is where v1 goes.
    let migrates = |spec: &mut PoolSpec| {
        spec.vms[4].migrating_to = Some("h2".into());
        spec.hosts[2].memory_mib = 8;
    };
    assert_eq!(with(Rule::AntiAffinity, &[1, 4], &migrates), broken(1));
}

#[test]
fn members_are_kept_together() {
    let with = |vms: &[usize], restarts: &[(usize, usize)]| {
        let mut spec = spec();
        group(&mut spec, Rule::Affinity, vms);
        judge(&spec, restarts)
    };
    let broken = |vm| Err(PlanFault::Rule { vm: v(vm), group: GroupIndex::new(0) });
    assert_eq!(with(&[1, 2], &RIGHT), Ok(()));
    assert_eq!(with(&[0, 1], &RIGHT), broken(1));
    // Apart before: let be. A pending one joins a member that runs, or is restarted.
    assert_eq!(with(&[0, 4], &RIGHT), Ok(()));
    assert_eq!(with(&[1, 4], &RIGHT), Ok(()));
    assert_eq!(with(&[4, 5], &RIGHT), broken(5));
    assert_eq!(with(&[4, 5], &[(0, 2), (5, 1), (1, 2), (2, 2)]), Ok(()));
    assert_eq!(with(&[1, 5], &RIGHT), Ok(()));
    // It may have been placed with a member whose host failed then: they are apart since.
    assert_eq!(with(&[0, 5], &RIGHT), Ok(()));
}
