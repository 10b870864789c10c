//! Remedies, by hand and against every shorter sequence of steps on tiny pools.
use super::*;
use crate::admission::{impediments, newly_broken_rules};
use crate::fixture::{host, pool, protected, spec, tiny_pools, vm};
use crate::oracle;
use lifeboat_model::spec::{RestartPriority, StorageSpec};
use lifeboat_model::{HostIndex, VmIndex};
use proptest::prelude::*;

fn repaired(pool: &Pool) -> Repair {
    repair_with(&oracle::assess, pool, None, 2000, &Limits::default()).expect("no new target")
}

fn of_kind(repair: &Repair, kind: Kind) -> Option<&Remedy> {
    repair.remedies.iter().find(|remedy| remedy.kind == kind && remedy.restores_target)
}

fn changes(remedy: &Remedy) -> Vec<Change> {
    remedy.steps.iter().map(|step| step.change.clone()).collect()
}

fn holds(pool: &Pool) -> bool {
    !oracle::assess(pool, &Limits::default()).overcommitted
}

#[test]
fn one_migration_makes_the_slot_that_is_missing() {
    // h2's 4 has no place: two hosts have 2 free each. Moving a 2 from one to the other makes room for it.
    let pool = pool(1, &[(2, &[2]), (2, &[2]), (1, &[4])]);
    let repair = repaired(&pool);
    assert!(repair.falls_short);
    let remedy = of_kind(&repair, Kind::Migrate).expect("there is one");
    assert_eq!((remedy.steps.len(), remedy.certainty), (1, Certainty::Proven));
    assert_eq!(remedy.after.guaranteed.proven, Some(1));
    assert!(remedy.steps[0].under_way.is_some());
    let lowered = of_kind(&repair, Kind::LowerToBestEffort).expect("there is one");
    assert_eq!(changes(lowered), [Change::Protect { vm: vm(2), priority: RestartPriority::BestEffort }]);
    assert_eq!(lowered.certainty, Certainty::Proven);
    let memory = of_kind(&repair, Kind::AddMemory).expect("there is one");
    assert_eq!((memory.memory_mib, memory.certainty), (Some(2), Certainty::Proven));
    let more = of_kind(&repair, Kind::AddHost).expect("there is one");
    assert_eq!(more.memory_mib, Some(4));
}

#[test]
fn a_pool_that_holds_its_target_needs_nothing() {
    let repair = repaired(&pool(1, &[(4, &[2]), (2, &[4])]));
    assert!(!repair.falls_short);
    assert_eq!(repair.remedies, []);
}

#[test]
fn a_target_given_by_argument_is_the_one_that_is_reached() {
    let pool = pool(0, &[(2, &[]), (2, &[2]), (1, &[])]);
    let repair = repair_with(&oracle::assess, &pool, Some(2), 2000, &Limits::default()).unwrap();
    assert_eq!((repair.target, repair.falls_short), (2, true));
    assert_eq!(of_kind(&repair, Kind::AddMemory).unwrap().memory_mib, Some(1), "h2 must hold the 2");
}

#[test]
fn a_local_disk_is_moved_to_the_shared_storage() {
    let mut described = spec(0, &[(4, &[2]), (4, &[])]);
    described.storages.push(StorageSpec { id: "h0-disk".into(), shared: false });
    described.hosts[0].storages = Some(vec!["san".into(), "h0-disk".into()]);
    described.vms[0].storages = vec!["h0-disk".into()];
    let pool = Pool::new(&described).unwrap();
    let repair = repaired(&pool);
    assert_eq!(repair.remedies.len(), 1, "the target holds, but nothing protects the VM");
    let remedy = &repair.remedies[0];
    assert_eq!(remedy.steps[0].change.describe(&pool), "move the disks of v0 from h0-disk to san");
    assert!(!remedy.restores_target);
    assert_eq!(remedy.after.unprotectable, []);
}

#[test]
fn attaching_the_storage_restores_the_target() {
    let mut described = spec(1, &[(0, &[3]), (3, &[]), (1, &[])]);
    described.storages.push(StorageSpec { id: "nas".into(), shared: true });
    for (host, storages) in
        described.hosts.iter_mut().zip([vec!["san", "nas"], vec!["san"], vec!["san", "nas"]])
    {
        host.storages = Some(storages.into_iter().map(String::from).collect());
    }
    described.vms[0].storages = vec!["nas".into()];
    let pool = Pool::new(&described).unwrap();
    let remedy = of_kind(&repaired(&pool), Kind::MakeAgile).cloned().expect("there is one");
    assert_eq!(remedy.steps[0].change.describe(&pool), "attach storage nas to h1");
    assert_eq!((remedy.steps.len(), remedy.certainty), (1, Certainty::Proven));
}

/// The fewest steps by trying all sequences.
fn fewest_by_force(pool: &Pool, most: usize, moves: &dyn Fn(&Pool) -> Vec<Change>) -> Option<usize> {
    let before = oracle::assess(pool, &Limits::default());
    let broken = !before.pending_unplaced.is_empty();
    let mut states = vec![pool.clone()];
    for steps in 1..=most {
        let mut next: Vec<Pool> = Vec::new();
        for state in &states {
            for change in moves(state) {
                let Ok(after) = state.with(&change) else { continue };
                if !impediments(state, &after, &change).is_empty() || next.contains(&after) {
                    continue;
                }
                let assessment = oracle::assess(&after, &Limits::default());
                let no_more = assessment.unprotectable.len() <= before.unprotectable.len();
                if !assessment.overcommitted && (broken || no_more) {
                    return Some(steps);
                }
                next.push(after);
            }
        }
        states = next;
    }
    None
}

fn all_migrations(pool: &Pool) -> Vec<Change> {
    let hosts = || (0..pool.hosts().len()).map(HostIndex::new);
    pool.vm_indices().flat_map(|vm| hosts().map(move |to| Change::EndMigration { vm, to })).collect()
}

fn all_stops(pool: &Pool) -> Vec<Change> {
    pool.vm_indices().filter(|&vm| pool.runs_on(vm).is_some()).map(|vm| Change::Stop { vm }).collect()
}

fn all_lowerings(pool: &Pool) -> Vec<Change> {
    let protected = |vm: &VmIndex| pool.vm(*vm).restart_priority == RestartPriority::Restart;
    let lower = |vm| Change::Protect { vm, priority: RestartPriority::BestEffort };
    pool.vm_indices().filter(protected).map(lower).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_remedy_restores_the_target_and_what_is_proven_fewest_is(pool in tiny_pools()) {
        prop_assume!(!holds(&pool));
        let repair = repaired(&pool);
        for remedy in repair.remedies.iter().filter(|remedy| remedy.restores_target) {
            let mut state = pool.clone();
            for change in changes(remedy) {
                let after = state.with(&change).unwrap();
                if remedy.kind == Kind::Migrate {
                    prop_assert_eq!(impediments(&state, &after, &change), vec![]);
                    prop_assert!(newly_broken_rules(&state, &after).is_empty());
                }
                state = after;
            }
            prop_assert!(holds(&state), "{:?} does not restore the target", remedy.kind);
        }
        for (kind, moves) in [
            (Kind::Migrate, &all_migrations as &dyn Fn(&Pool) -> Vec<Change>),
            (Kind::Stop, &all_stops),
            (Kind::LowerToBestEffort, &all_lowerings),
        ] {
            let force = fewest_by_force(&pool, if kind == Kind::Migrate { 2 } else { 3 }, moves);
            match of_kind(&repair, kind) {
                Some(remedy) if remedy.certainty == Certainty::Proven => {
                    let known = force.is_none_or(|force| force == remedy.steps.len());
                    prop_assert!(known, "{:?}: {:?} steps, {:?} by force", kind, changes(remedy), force);
                }
                Some(remedy) => prop_assert!(force.is_none_or(|force| force <= remedy.steps.len())),
                // The hitting set needs a witness; a sequential one names no VMs.
                None => prop_assert!(force.is_none() || kind == Kind::LowerToBestEffort, "{:?} missed", kind),
            }
        }
    }

    #[test]
    fn one_mebibyte_less_is_not_enough(pool in tiny_pools()) {
        prop_assume!(!holds(&pool));
        let repair = repaired(&pool);
        let grown = |host: HostIndex, amount: u64| {
            let memory_mib = pool.host(host).capacity[0] + amount;
            pool.with(&Change::HostMemory { host, memory_mib }).unwrap()
        };
        let force = (0..40).find(|&amount| pool.target_hosts().iter().any(|host| holds(&grown(host, amount))));
        prop_assert_eq!(of_kind(&repair, Kind::AddMemory).and_then(|remedy| remedy.memory_mib), force);
        let force = (0..40).find(|&amount| {
            holds(&pool.target_hosts().iter().fold(pool.clone(), |grown, host| {
                let memory_mib = pool.host(host).capacity[0] + amount;
                grown.with(&Change::HostMemory { host, memory_mib }).unwrap()
            }))
        });
        let times = pool.target_hosts().len() as u64;
        prop_assert_eq!(of_kind(&repair, Kind::AddMemoryEverywhere).and_then(|remedy| remedy.memory_mib), force.map(|f| f * times));
        if let Some(remedy) = of_kind(&repair, Kind::AddHost) {
            let Change::AddHost { host } = &remedy.steps[0].change else { panic!("a host is added") };
            if let Some(memory_mib) = host.memory_mib.checked_sub(1) {
                let smaller = Change::AddHost { host: Box::new(lifeboat_model::spec::HostSpec { memory_mib, ..(**host).clone() }) };
                prop_assert!(!holds(&pool.with(&smaller).unwrap()));
            }
        }
    }
}

#[test]
fn steps_are_ordered_so_that_the_worst_moment_is_best() {
    let described = spec(1, &[(2, &[2, 1]), (2, &[2]), (1, &[4]), (0, &[])]);
    let repair = repaired(&Pool::new(&described).unwrap());
    let remedy = of_kind(&repair, Kind::Migrate).expect("there is one");
    for step in &remedy.steps {
        assert!(step.after.is_some() && step.under_way.is_some());
    }
    assert_eq!(remedy.steps.last().unwrap().after.as_ref().unwrap().objective, remedy.after.objective);
    let _ = (host(0), protected("x", 1));
}
