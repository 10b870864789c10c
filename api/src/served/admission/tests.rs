//! Nothing that is let through lowers the objective, however little work the judgement may take, or it says that this is not
//! settled; and a judgement does not depend on whether the verdict of the pool was known already.
use super::*;
use crate::served::Resource;
use lifeboat_model::spec::{HostSpec, PoolSpec, RestartPriority, SettingsSpec, VmSpec};
use lifeboat_planner::admission::Objective;
use proptest::prelude::*;

fn pools() -> impl Strategy<Value = Pool> {
    let hosts = prop::collection::vec(4u64..14, 2..5);
    let vms = prop::collection::vec((1u64..6, 0usize..5, 0u8..4), 1..8);
    (hosts, vms, 0u64..3).prop_map(|(hosts, vms, target)| {
        let spec = PoolSpec {
            id: "p".into(),
            settings: SettingsSpec { host_failures_to_tolerate: Some(target), ..SettingsSpec::default() },
            hosts: hosts
                .iter()
                .enumerate()
                .map(|(position, &memory_mib)| HostSpec {
                    id: format!("h{position}"),
                    memory_mib,
                    ..HostSpec::default()
                })
                .collect(),
            vms: vms
                .iter()
                .enumerate()
                .map(|(position, &(memory_mib, host, priority))| VmSpec {
                    id: format!("v{position}"),
                    memory_mib,
                    host: (host < hosts.len()).then(|| format!("h{host}")),
                    restart_priority: if priority == 0 {
                        RestartPriority::Unprotected
                    } else {
                        RestartPriority::Restart
                    },
                    ..VmSpec::default()
                })
                .collect(),
            ..PoolSpec::default()
        };
        Pool::new(&spec).expect("sound")
    })
}

fn wishes(pool: &Pool, kind: u8, vm: u32, host: u16) -> Wish {
    let (vm, host) = (VmIndex(vm % pool.vms().len() as u32), HostIndex(host % pool.hosts().len() as u16));
    match kind {
        0 => Change::Start { vm, host: Some(host) }.into(),
        1 => Change::Start { vm, host: None }.into(),
        2 => Change::EndMigration { vm, to: host }.into(),
        3 => Change::HostState { host, state: HostState::Disabled }.into(),
        4 => Change::Target { host_failures_to_tolerate: 2 }.into(),
        5 => Wish::Changes(vec![
            Change::Protect { vm, priority: RestartPriority::Restart },
            Change::VmMemory { vm, memory_mib: 4 },
        ]),
        6 => Edit::Remove(Resource::new(Kind::Vm, pool.vm_id(vm))).into(),
        7 => {
            let smaller = HostSpec { memory_mib: 5, ..pool.describe_host(host) };
            Edit::PutHost(Box::new(smaller)).into()
        }
        _ => Change::RemoveHost { host, vms: lifeboat_model::change::LeftBehind::Pending }.into(),
    }
}

fn effort(quick: u64, deep: Option<u64>) -> Effort {
    Effort { quick, deep, candidates: 2, remedies_ms: 0 }
}

fn objective(pool: &Pool) -> Objective {
    Objective::of(pool, &assess(pool, &Limits::default()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_that_is_let_through_lowers_the_objective(
        pool in pools(), kind in 0u8..9, vm in 0u32..8, host in 0u16..5, quick in 1u64..2000, deep in any::<bool>(), looked in any::<bool>()
    ) {
        let wish = wishes(&pool, kind, vm, host);
        let little = assess(&pool, &Limits { work: Some(1), ..Limits::default() });
        let known = looked.then_some(Known { assessment: &little, provisional: true });
        let effort = effort(quick, deep.then_some(100_000));
        if let Ok(judged) = judge(&pool, 1, known, &wish, &effort, &|| false) {
            let (before, after) = (objective(&pool), objective(&judged.pool));
            let answer: serde_json::Value = serde_json::from_str(judged.answer.get()).expect("an answer");
            let open = answer["open"].as_bool().expect("told");
            if judged.allowed && !open {
                prop_assert!(after <= before, "{:?}: {before:?} {after:?}", judged.verdict);
            }
            if deep && judged.verdict != Verdict::CannotBeDone {
                prop_assert_eq!(judged.allowed, after <= before, "{:?} {}", judged.verdict, judged.reason);
            }
        }
    }

    #[test]
    fn a_known_verdict_changes_no_judgement(pool in pools(), kind in 0u8..9, vm in 0u32..8, host in 0u16..5) {
        let wish = wishes(&pool, kind, vm, host);
        let assessment = assess(&pool, &Limits::default());
        let known = Known { assessment: &assessment, provisional: false };
        let effort = effort(100_000, None);
        let with = judge(&pool, 1, Some(known), &wish, &effort, &|| false);
        let without = judge(&pool, 1, None, &wish, &effort, &|| false);
        match (with, without) {
            (Ok(with), Ok(without)) => {
                prop_assert_eq!((with.verdict, with.host), (without.verdict, without.host));
                prop_assert_eq!(with.pool, without.pool);
            }
            (with, without) => prop_assert_eq!(with.is_err(), without.is_err()),
        }
    }
}
