//! Admission, by hand where a case is known to go wrong elsewhere, and on tiny pools by brute force.
use super::*;
use crate::fixture::{host, pool, protected, spec, tiny_pools, vm};
use crate::oracle;
use lifeboat_model::change::LeftBehind;
use lifeboat_model::spec::{GroupSpec, HostState, PowerState, RestartPriority, Rule, RuleMode, VmSpec};
use proptest::prelude::*;

fn judged(pool: &Pool, change: &Change) -> Admission {
    let limits = Limits::default();
    check_with(&Judge::new(&oracle::assess, &limits, u32::MAX), pool, None, change)
        .expect("a change that can be")
}

fn forty() -> Pool {
    pool(1, &[(0, &[40, 5]), (45, &[])])
}

#[test]
fn a_migration_that_has_ended_is_not_counted_twice() {
    let ended = judged(&forty(), &Change::EndMigration { vm: vm(0), to: host(1) });
    assert_eq!((ended.verdict, ended.allowed), (Verdict::Fine, true), "{}", ended.reason);
    assert_eq!(ended.memory_after.hosts[0].free_mib, 40);
    assert_eq!(ended.memory_after.hosts[1].free_mib, 5);
}

#[test]
fn a_migration_under_way_is_counted_at_both_ends() {
    let under_way = judged(&forty(), &Change::BeginMigration { vm: vm(0), to: host(1) });
    assert_eq!(under_way.verdict, Verdict::BreaksTarget);
    assert_eq!(under_way.memory_after.hosts.iter().map(|h| h.free_mib).collect::<Vec<_>>(), [0, 5]);
    assert_eq!(under_way.after.guaranteed.refuted, Some(1));
    assert_eq!(under_way.reason, "tolerance would be 0 instead of 1, the target 1");
    assert!(!under_way.open);
}

#[test]
fn an_overcommitted_pool_is_still_guarded() {
    let short = pool(2, &[(4, &[3]), (3, &[3]), (3, &[])]);
    let start = |memory_mib| {
        let new = protected("new", memory_mib);
        judged(&short, &Change::StartNew { vm: Box::new(new), host: Some(host(0)) })
    };
    let erosion = start(4);
    assert!(erosion.before.overcommitted);
    assert_eq!(erosion.verdict, Verdict::MakesWorse, "tolerance falls from 1 to 0: {}", erosion.reason);
    assert_eq!(start(0).verdict, Verdict::Fine, "what makes nothing worse is not refused");
    let relief = judged(&short, &Change::Stop { vm: vm(0) });
    assert_eq!(relief.verdict, Verdict::Improves, "{}", relief.reason);
}

#[test]
fn a_change_that_makes_a_vm_unprotectable_is_refused_in_a_pool_with_room() {
    let mut described = spec(0, &[(9, &[1]), (9, &[])]);
    described.vms[0].storages = vec!["san".into()];
    let pool = Pool::new(&described).unwrap();
    let unplug = Change::UnplugStorage { host: host(1), storage: lifeboat_model::StorageIndex(0) };
    let answer = judged(&pool, &unplug);
    assert_eq!(answer.verdict, Verdict::MakesWorse);
    assert_eq!(answer.newly_unprotectable, [vm(0)]);
    assert_eq!(answer.reason, "no other host could run v0");
}

#[test]
fn a_host_in_maintenance_spends_one_failure_of_the_target() {
    let pool = pool(1, &[(4, &[]), (4, &[4]), (4, &[])]);
    let empty = Change::HostState { host: host(0), state: HostState::Maintenance };
    let answer = judged(&pool, &empty);
    assert_eq!((answer.verdict, answer.after.effective_target), (Verdict::Fine, 0));
    let disable = Change::HostState { host: host(0), state: HostState::Disabled };
    assert_eq!(judged(&pool, &disable).verdict, Verdict::Fine, "one live host is left for the 4");
    let two = Change::Target { host_failures_to_tolerate: 3 };
    assert_eq!(judged(&pool, &two).verdict, Verdict::BreaksTarget);
}

#[test]
fn a_start_without_a_host_goes_where_most_tolerance_remains() {
    // On h2 the new VM would take the only room for the 6; on h0 and h1 it does no harm, and h1 is emptier.
    let pool = pool(1, &[(5, &[6]), (5, &[]), (6, &[])]);
    let answer = judged(&pool, &Change::StartNew { vm: Box::new(protected("new", 2)), host: None });
    assert!(answer.allowed, "{}", answer.reason);
    let ranked: Vec<u16> = answer.candidates.iter().map(|candidate| candidate.host.0).collect();
    assert_eq!(ranked, [1, 0, 2]);
    assert_eq!(answer.suggested_host, Some(host(1)));
    assert_eq!(answer.candidates[2].verdict, Verdict::BreaksTarget);
    let plain = VmSpec { restart_priority: RestartPriority::Unprotected, ..protected("new", 2) };
    let unprotected = judged(&pool, &Change::StartNew { vm: Box::new(plain), host: None });
    assert_eq!(unprotected.suggested_host, Some(host(1)), "an unprotected VM takes room all the same");
    let big = judged(&pool, &Change::StartNew { vm: Box::new(protected("new", 7)), host: None });
    assert_eq!(
        (big.verdict, big.reason.as_str()),
        (Verdict::CannotBeDone, "no host that could run it has room")
    );
    assert_eq!(big.unfit.len(), 3);
    assert_eq!(big.unfit[0].impediments[0].describe(&big.pool_after), "h0 would be 2 MiB of memory short");
}

#[test]
fn what_is_tolerated_above_the_target_is_kept_whether_it_was_known_or_not() {
    // The target of 0 holds wherever the new VM starts. On h2, the emptiest, it would take the only room for the 5.
    let pool = pool(0, &[(0, &[5]), (4, &[]), (5, &[])]);
    let plain = VmSpec { restart_priority: RestartPriority::Unprotected, ..protected("new", 1) };
    let start = Change::StartNew { vm: Box::new(plain), host: None };
    let known = oracle::assess(&pool, &Limits::default());
    assert_eq!(known.tolerance.sequential.proven, Some(1));
    let limits = Limits::default();
    let judge = Judge::new(&oracle::assess, &limits, u32::MAX);
    let with = check_with(&judge, &pool, Some(&known), &start).expect("a change that can be");
    let without = check_with(&judge, &pool, None, &start).expect("a change that can be");
    assert_eq!((with.suggested_host, without.suggested_host), (Some(host(1)), Some(host(1))));
    let nearer = Limits { max_failures: Some(0), ..Limits::default() };
    let bounded = check_with(&Judge::new(&oracle::assess, &nearer, u32::MAX), &pool, None, &start);
    let bounded = bounded.expect("a change that can be");
    assert_eq!(
        bounded.suggested_host,
        Some(host(2)),
        "with no question above the target an even load decides"
    );
}

#[test]
fn what_is_not_worse_than_little_that_is_known_is_not_called_settled() {
    // Nobody has looked yet, before or after: the target may hold now and not then.
    let pool = pool(2, &[(5, &[3]), (4, &[]), (6, &[]), (3, &[4])]);
    let none =
        |pool: &Pool, limits: &Limits<'_>| oracle::assess(pool, &Limits { max_failures: Some(0), ..*limits });
    let gone = Change::RemoveHost { host: host(2), vms: LeftBehind::Pending };
    let limits = Limits::default();
    let answer = check_with(&Judge::new(&none, &limits, u32::MAX), &pool, None, &gone);
    let answer = answer.expect("a change that can be");
    assert_eq!((answer.verdict, answer.open), (Verdict::Fine, true), "{}", answer.reason);
    let settled = judged(&pool, &gone);
    assert_eq!((settled.verdict, settled.open), (Verdict::BreaksTarget, false), "{}", settled.reason);
}

#[test]
fn how_far_a_pool_falls_short_may_be_open_where_it_is_certain_that_it_does() {
    let pool = pool(2, &[(4, &[3]), (3, &[3]), (3, &[])]);
    let mut assessment = oracle::assess(&pool, &Limits::default());
    assert_eq!(assessment.target_status, TargetStatus::Refuted);
    assert!(!Standing::of(&pool, &assessment).is_open(), "all is known");
    assessment.tolerance.sequential.proven = Some(0);
    assert!(Standing::of(&pool, &assessment).is_open(), "1 is neither proven nor refuted");
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_the_reason() {
    let mut described = spec(0, &[(9, &[2]), (1, &[])]);
    described.vms[0].storages = vec!["san".into()];
    described.hosts[0].storages = Some(vec!["san".into()]);
    described.hosts[1].storages = Some(vec![]);
    let pool = Pool::new(&described).unwrap();
    let answer = judged(&pool, &Change::EndMigration { vm: vm(0), to: host(1) });
    assert_eq!(answer.verdict, Verdict::CannotBeDone);
    let reason = "h1 cannot run it: storage san is not attached; h1 would be 1 MiB of memory short";
    assert_eq!(answer.reason, reason);
    let grow = judged(&pool, &Change::VmMemory { vm: vm(0), memory_mib: 12 });
    assert_eq!(
        (grow.verdict, grow.reason.as_str()),
        (Verdict::CannotBeDone, "h0 would be 1 MiB of memory short")
    );
}

#[test]
fn a_rule_that_a_change_breaks_is_named_and_no_such_host_is_suggested() {
    let mut described = spec(0, &[(9, &[2]), (1, &[])]);
    described.vms.push(VmSpec { power_state: Some(PowerState::Halted), ..protected("new", 1) });
    let vms = vec!["v0".into(), "new".into()];
    described.groups.push(GroupSpec {
        id: "apart".into(),
        rule: Rule::AntiAffinity,
        mode: RuleMode::Required,
        vms,
    });
    let pool = Pool::new(&described).unwrap();
    let start = Change::Start { vm: vm(1), host: Some(host(0)) };
    let broken = newly_broken_rules(&pool, &pool.with(&start).unwrap());
    assert_eq!(broken.len(), 1);
    assert_eq!((broken[0].first, broken[0].second), (vm(0), vm(1)));
}

#[test]
fn memory_is_told_apart_by_restart_priority() {
    let mut described = spec(0, &[(9, &[2, 3, 4]), (1, &[])]);
    described.vms[1].restart_priority = RestartPriority::BestEffort;
    described.vms[2].restart_priority = RestartPriority::Unprotected;
    described.vms[2].overhead_mib = 1;
    described.vms[2].migrating_to = Some("h1".into());
    let report = MemoryReport::of(&Pool::new(&described).unwrap());
    let [first, second] = report.hosts[..] else { panic!("two hosts") };
    assert_eq!(
        (first.protected_mib, first.best_effort_mib, first.unprotected_mib, first.free_mib),
        (2, 3, 5, 8)
    );
    assert_eq!((second.unprotected_mib, second.free_mib), (5, -4));
    assert_eq!((report.pool.unprotected_mib, report.pool.free_mib), (10, 4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn stopping_a_vm_and_raising_memory_are_never_refused_for_tolerance(pool in tiny_pools(), v in 0u32..6, h in 0u16..4) {
        if (v as usize) < pool.vms().len() && pool.runs_on(vm(v)).is_some() {
            let stop = judged(&pool, &Change::Stop { vm: vm(v) });
            prop_assert!(stop.allowed, "{}", stop.reason);
        }
        if (h as usize) < pool.hosts().len() {
            let memory_mib = pool.host(host(h)).capacity[0] + 3;
            let more = judged(&pool, &Change::HostMemory { host: host(h), memory_mib });
            prop_assert!(more.allowed, "{}", more.reason);
        }
    }

    #[test]
    fn a_change_and_its_reverse_are_not_both_an_improvement(pool in tiny_pools(), v in 0u32..6, h in 0u16..4) {
        if (v as usize) < pool.vms().len() && (h as usize) < pool.hosts().len() {
            let Some(home) = pool.runs_on(vm(v)) else { return Ok(()) };
            let Ok(there) = pool.with(&Change::EndMigration { vm: vm(v), to: host(h) }) else { return Ok(()) };
            let forth = judged(&pool, &Change::EndMigration { vm: vm(v), to: host(h) });
            let back = judged(&there, &Change::EndMigration { vm: vm(v), to: home });
            prop_assert_eq!(forth.before.objective.cmp(&forth.after.objective), back.after.objective.cmp(&back.before.objective));
            prop_assert!(!(forth.verdict == Verdict::Improves && back.verdict == Verdict::Improves));
        }
    }

    #[test]
    fn the_suggested_host_is_no_worse_than_any_other(pool in tiny_pools(), memory_mib in 1u64..5) {
        let new = || Box::new(protected("new", memory_mib));
        let answer = judged(&pool, &Change::StartNew { vm: new(), host: None });
        for h in pool.target_hosts().iter() {
            let there = judged(&pool, &Change::StartNew { vm: new(), host: Some(h) });
            if there.verdict != Verdict::CannotBeDone {
                prop_assert!(answer.after.objective <= there.after.objective);
                prop_assert!(answer.candidates.iter().any(|candidate| candidate.host == h));
            }
        }
    }
}
