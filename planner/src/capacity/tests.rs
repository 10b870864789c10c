//! Capacity against every placement on tiny pools.
use super::*;
use crate::fixture::{pool, protected, tiny_pools};
use crate::oracle;
use proptest::prelude::*;

fn counted(pool: &Pool, template: &VmSpec) -> Capacity {
    capacity_with(&oracle::assess, pool, template, None, 2000, &Limits::default()).expect("a right template")
}

#[test]
fn as_many_fit_as_the_survivors_of_any_one_host_can_hold() {
    let pool = pool(1, &[(6, &[]), (6, &[]), (6, &[])]);
    let answer = counted(&pool, &protected("web", 3));
    assert_eq!((answer.fits, answer.refuted), (Some(4), Some(5)), "two hosts of two slots each");
    assert_eq!(answer.placement.len(), 4);
    let plain = VmSpec { restart_priority: RestartPriority::Unprotected, ..protected("web", 3) };
    assert_eq!(counted(&pool, &plain).fits, Some(6), "nothing has to be restarted");
}

#[test]
fn a_pool_that_falls_short_has_room_for_none() {
    let answer = counted(&pool(1, &[(0, &[3]), (2, &[])]), &protected("web", 1));
    assert_eq!((answer.fits, answer.refuted), (None, None));
}

#[test]
fn a_vm_that_one_host_alone_could_run_does_not_fit_as_protected() {
    let template = VmSpec { allowed_hosts: Some(vec!["h0".into()]), ..protected("web", 1) };
    let answer = counted(&pool(0, &[(3, &[]), (3, &[])]), &template);
    assert_eq!((answer.fits, answer.refuted), (Some(0), Some(1)));
}

/// The most copies with which the target holds, by trying every placement.
fn by_force(pool: &Pool, template: &VmSpec, unprotectable: usize, most: u32) -> Option<u32> {
    let mut states: Vec<(Pool, HostIndex)> = vec![(pool.clone(), HostIndex(0))];
    let mut answer = None;
    for count in 0..=most {
        let holds = |pool: &Pool| {
            let assessment = oracle::assess(pool, &Limits::default());
            !assessment.overcommitted && assessment.unprotectable.len() <= unprotectable
        };
        if states.iter().any(|(pool, _)| holds(pool)) {
            answer = Some(count);
        }
        let mut next = Vec::new();
        for (state, last) in &states {
            // Copies are alike: they are placed in ascending order of hosts.
            for host in state.target_hosts().iter().filter(|host| host >= last) {
                let vm = Box::new(VmSpec { id: format!("copy{count}"), ..template.clone() });
                let after = state.with(&Change::StartNew { vm, host: Some(host) }).unwrap();
                let new = VmIndex::new(after.vms().len() - 1);
                let eligible = after.eligible_hosts(after.vm(new).profile).contains(host);
                if eligible && after.free()[host.get()] >= 0 {
                    next.push((after, host));
                }
            }
        }
        states = next;
    }
    answer
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn capacity_is_what_trying_every_placement_gives(pool in tiny_pools(), memory_mib in 2u64..6, plain in any::<bool>()) {
        let before = oracle::assess(&pool, &Limits::default());
        let total: i64 = pool.free().iter().map(|free| free.max(&0) / memory_mib as i64).sum();
        prop_assume!(!before.overcommitted && total <= 5 && pool.vms().len() + (total as usize) < 10);
        let mut template = protected("copy", memory_mib);
        if plain {
            template.restart_priority = RestartPriority::Unprotected;
        }
        let answer = counted(&pool, &template);
        let force = by_force(&pool, &template, before.unprotectable.len(), 6).expect("it holds as it is");
        let fits = answer.fits.expect("it holds as it is");
        prop_assert!(fits <= force, "{fits} > {force}");
        prop_assert!(answer.refuted.is_none_or(|refuted| refuted > force), "{:?} <= {force}", answer.refuted);
        // Spreading and closing in may miss the last copy where only one odd arrangement holds it.
        prop_assert!(fits + 1 >= force, "{fits} is far from {force}");
    }
}
