//! A pool described anew is judged as the typed change that leads to the same pool, in whatever order its things stand.
use super::*;
use crate::admission::{Verdict, check_with};
use crate::fixture::{host, pool, spec, tiny_pools, vm};
use crate::oracle;
use lifeboat_model::change::Change;
use proptest::prelude::*;

fn compared(pool: &Pool, after: Pool) -> Admission {
    let limits = Limits::default();
    compare_with(&Judge::new(&oracle::assess, &limits, u32::MAX), pool, None, after)
}

fn checked(pool: &Pool, change: &Change) -> Admission {
    let limits = Limits::default();
    check_with(&Judge::new(&oracle::assess, &limits, u32::MAX), pool, None, change).expect("it can be")
}

/// The same pool with its hosts and VMs the other way round.
fn turned(pool: &Pool) -> Pool {
    let mut spec = pool.describe();
    spec.hosts.reverse();
    spec.vms.reverse();
    Pool::new(&spec).expect("it was sound")
}

#[test]
fn a_host_that_loses_what_runs_there_cannot_be_described_so() {
    let mut described = spec(0, &[(9, &[2]), (9, &[])]);
    described.vms[0].storages = vec!["san".into()];
    let before = Pool::new(&described).unwrap();
    described.hosts[0].storages = Some(vec![]);
    let answer = compared(&before, turned(&Pool::new(&described).unwrap()));
    assert_eq!(
        (answer.verdict, answer.reason.as_str()),
        (Verdict::CannotBeDone, "h0 cannot run it: storage san is not attached")
    );
    described.hosts[0].storages = None;
    described.hosts[0].memory_mib = 1;
    let answer = compared(&before, turned(&Pool::new(&described).unwrap()));
    assert_eq!(answer.reason, "h0 would be 1 MiB of memory short");
}

#[test]
fn a_vm_is_let_be_where_its_list_does_not_name_its_host_and_not_put_there() {
    let mut described = spec(0, &[(9, &[2]), (9, &[])]);
    let before = Pool::new(&described).unwrap();
    described.vms[0].allowed_hosts = Some(vec!["h1".into()]);
    let stays = compared(&before, Pool::new(&described).unwrap());
    assert_ne!(stays.verdict, Verdict::CannotBeDone, "{}", stays.reason);
    described.vms[0].host = Some("h1".into());
    described.vms[0].allowed_hosts = Some(vec!["h0".into()]);
    let goes = compared(&before, Pool::new(&described).unwrap());
    assert_eq!(goes.verdict, Verdict::CannotBeDone);
}

#[test]
fn what_fell_short_before_is_not_held_against_a_change() {
    let full = pool(0, &[(4, &[3]), (3, &[])]);
    let over = full.with(&Change::VmMemory { vm: vm(0), memory_mib: 9 }).unwrap();
    assert_eq!(compared(&over, turned(&over)).verdict, Verdict::Fine);
    let fuller = over.with(&Change::VmMemory { vm: vm(0), memory_mib: 10 }).unwrap();
    assert_eq!(compared(&over, turned(&fuller)).verdict, Verdict::CannotBeDone);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn order_of_description_decides_nothing(pool in tiny_pools(), v in 0u32..6, h in 0u16..4, kind in 0u8..5) {
        let change = match kind {
            0 => Change::Stop { vm: vm(v) },
            1 => Change::VmMemory { vm: vm(v), memory_mib: 3 },
            2 => Change::HostMemory { host: host(h), memory_mib: 4 },
            3 => Change::Target { host_failures_to_tolerate: 2 },
            _ => Change::Protect { vm: vm(v), priority: lifeboat_model::spec::RestartPriority::Restart },
        };
        if let Ok(after) = pool.with(&change) {
            let typed = checked(&pool, &change);
            let anew = compared(&pool, turned(&after));
            prop_assert_eq!(typed.verdict, anew.verdict, "{} / {}", typed.reason, anew.reason);
            prop_assert_eq!(typed.allowed, anew.allowed);
            prop_assert_eq!(typed.after.objective, anew.after.objective);
            prop_assert_eq!(typed.newly_unprotectable.len(), anew.newly_unprotectable.len());
            prop_assert_eq!(typed.newly_broken_rules.len(), anew.newly_broken_rules.len());
        }
    }

    #[test]
    fn nothing_that_is_allowed_lowers_the_objective(pool in tiny_pools(), other in tiny_pools()) {
        let answer = compared(&pool, other);
        if answer.allowed {
            prop_assert!(answer.after.objective <= answer.before.objective);
        } else if answer.verdict != Verdict::CannotBeDone {
            prop_assert!(answer.after.objective > answer.before.objective);
        }
    }
}
