//! Cases that are known to go wrong elsewhere, or once went wrong here, each by name.
//!
//! Most are about the planner that this field measures itself by: a greedy packing tried in sequence, with a crude
//! bound for larger pools, memory only, free memory clamped at 0, and one VM on a local disk that switches its
//! guards off. Tiny ones are judged in full against the oracle besides.
mod conservative;
mod reference;
mod state;

use lifeboat_model::spec::PoolSpec;
use lifeboat_model::{HostIndex, HostSet, Pool};
use lifeboat_planner::{Assessment, Limits, assess, restart_plan};
use lifeboat_tests::judge::judge;
use lifeboat_tests::oracle::{Budget, Settled, World};

/// Builds and assesses a pool.
fn assessed(spec: &PoolSpec) -> (Pool, Assessment) {
    let pool = Pool::new(spec).expect("a pool without defects");
    let answer = assess(&pool, &Limits { work: Some(5_000_000), ..Limits::default() });
    (pool, answer)
}

/// Asserts the exact tolerance at once and in turn, and for a tiny pool everything that the oracle can judge.
fn tolerates(spec: &PoolSpec, at_once: u32, in_turn: u32) -> (Pool, Assessment) {
    if spec.hosts.len() <= 6 {
        let world = World::new(spec);
        let mut budget = Budget(10_000_000);
        let placements = world.pending_placements(&mut budget).expect("a tiny pool");
        let truths = placements.iter().map(|placement| {
            let settled = Settled::new(&world, placement);
            settled.simultaneous(&mut budget).zip(settled.sequential(&mut budget)).expect("a tiny pool")
        });
        let best = truths.max_by_key(|&(at_once, in_turn)| (in_turn, at_once));
        assert_eq!(best, Some((at_once as usize, in_turn as usize)), "by the oracle");
    }
    let (pool, answer) = assessed(spec);
    let found = (answer.tolerance.simultaneous, answer.tolerance.sequential);
    assert_eq!((found.0.proven, found.1.proven), (Some(at_once), Some(in_turn)), "{found:?}");
    let hosts = pool.failable_hosts().len() as u32;
    let next = |proven: u32| (proven < hosts).then_some(proven + 1);
    assert_eq!((found.0.refuted, found.1.refuted), (next(at_once), next(in_turn)), "{found:?}");
    if spec.hosts.len() <= 6 {
        judge(spec).expect("all promises kept");
    }
    (pool, answer)
}

/// The hosts to which the VMs go when these hosts fail, by VM; all must find a place.
fn restarts(pool: &Pool, answer: &Assessment, failed: &[usize]) -> Vec<(u32, u16)> {
    let set = HostSet::of(pool.hosts().len(), failed.iter().map(|&host| HostIndex::new(host)));
    let plan = restart_plan(pool, &set, answer, &Limits { work: Some(5_000_000), ..Limits::default() });
    assert_eq!(plan.unplaced, vec![], "{failed:?}");
    let mut restarts: Vec<(u32, u16)> =
        plan.restarts.iter().map(|restart| (restart.vm.0, restart.to.0)).collect();
    restarts.sort_unstable();
    restarts
}
