//! The adversarial cores have the property that they are there for, shown by trying everything.
use lifeboat_generate::{Family, Recipe, generate};
use lifeboat_model::Pool;
use lifeboat_model::spec::RestartPriority;
use std::collections::BTreeSet;

/// Free memory and protected VMs of each host that matters, in MiB.
#[derive(Clone)]
struct Tiny {
    free: Vec<i64>,
    on: Vec<Vec<i64>>,
}

fn tiny(family: Family, seed: u64) -> Tiny {
    let spec = generate(&Recipe::new(family, 5, 12, seed)).expect("in range");
    let pool = Pool::new(&spec).expect("valid");
    let mut on = vec![Vec::new(); 5];
    for vm in pool.vm_indices().filter(|&vm| pool.vm(vm).restart_priority == RestartPriority::Restart) {
        on[pool.runs_on(vm).expect("all run").get()].push(pool.demand_of(vm)[0] as i64);
    }
    for vms in &mut on {
        vms.sort_unstable_by(|a, b| b.cmp(a));
    }
    Tiny { free: pool.free(), on }
}

#[test]
fn advseq_survives_any_two_at_once_but_not_in_turn() {
    for seed in 0..40 {
        let tiny = tiny(Family::Advseq, seed);
        let alive: Vec<usize> = (0..5).collect();
        assert!(pairs().all(|pair| packs(&after(&tiny, &pair), &lost(&tiny, &pair))), "seed {seed}");
        assert!(!in_turn(&tiny, &alive, 2), "seed {seed}");
    }
}

#[test]
fn advunion_is_restarted_greedily_in_turn_but_not_together_although_it_fits() {
    for seed in 0..40 {
        let tiny = tiny(Family::Advunion, seed);
        assert!(pairs().all(|pair| packs(&after(&tiny, &pair), &lost(&tiny, &pair))), "seed {seed}");
        let together = pairs().filter(|pair| emptiest(&mut after(&tiny, pair), &lost(&tiny, pair)).is_none());
        assert!(together.count() > 0, "seed {seed}: greedy manages every pair at once");
    }
}

#[test]
fn advgreedy_has_the_packing_that_was_planted() {
    for seed in 0..40 {
        let spec = generate(&Recipe::new(Family::Advgreedy, 6, 16, seed).failures(2)).expect("in range");
        let pool = Pool::new(&spec).expect("valid");
        let free = pool.free();
        // The two sources have the most room; what they run is exactly what is free on the others.
        let mut hosts: Vec<usize> = (0..6).collect();
        hosts.sort_by_key(|&host| core::cmp::Reverse(free[host]));
        let planted: i64 = pool
            .vm_indices()
            .filter(|&vm| hosts[..2].contains(&pool.runs_on(vm).expect("all run").get()))
            .map(|vm| pool.demand_of(vm)[0] as i64)
            .sum();
        assert_eq!(planted, hosts[2..].iter().map(|&host| free[host]).sum::<i64>(), "seed {seed}");
    }
}

fn pairs() -> impl Iterator<Item = [usize; 2]> {
    (0..5).flat_map(|first| (first + 1..5).map(move |second| [first, second]))
}

/// What the survivors have; the failed have nothing.
fn after(tiny: &Tiny, failed: &[usize]) -> Vec<i64> {
    tiny.free.iter().enumerate().map(|(host, &free)| if failed.contains(&host) { -1 } else { free }).collect()
}

fn lost(tiny: &Tiny, failed: &[usize]) -> Vec<i64> {
    let mut lost: Vec<i64> = failed.iter().flat_map(|&host| tiny.on[host].iter().copied()).collect();
    lost.sort_unstable_by(|a, b| b.cmp(a));
    lost
}

fn packs(free: &[i64], sizes: &[i64]) -> bool {
    let Some((&first, rest)) = sizes.split_first() else { return true };
    (0..free.len()).filter(|&host| free[host] >= first).any(|host| {
        let mut left = free.to_vec();
        left[host] -= first;
        packs(&left, rest)
    })
}

/// Biggest first, each to the emptiest host.
fn emptiest(free: &mut [i64], sizes: &[i64]) -> Option<()> {
    for &size in sizes {
        let most = free.iter_mut().max_by_key(|free| **free)?;
        if *most < size {
            return None;
        }
        *most -= size;
    }
    Some(())
}

/// Whether some policy survives that many failures one after the other: for every host there is a placement
/// of its VMs from which the rest is survived.
fn in_turn(tiny: &Tiny, alive: &[usize], failures: usize) -> bool {
    failures == 0
        || alive.iter().all(|&failed| {
            let rest: Vec<usize> = alive.iter().copied().filter(|&host| host != failed).collect();
            let mut start = tiny.clone();
            let sizes = core::mem::take(&mut start.on[failed]);
            placements(&start, &rest, &sizes).iter().any(|next| {
                let next = Tiny { free: next.0.clone(), on: next.1.clone() };
                in_turn(&next, &rest, failures - 1)
            })
        })
}

type State = (Vec<i64>, Vec<Vec<i64>>);

/// All states that placing these sizes can lead to.
fn placements(from: &Tiny, alive: &[usize], sizes: &[i64]) -> BTreeSet<State> {
    let mut states = BTreeSet::from([(from.free.clone(), from.on.clone())]);
    for &size in sizes {
        states = states
            .iter()
            .flat_map(|(free, on)| {
                alive.iter().filter(|&&host| free[host] >= size).map(|&host| {
                    let (mut free, mut on) = (free.clone(), on.clone());
                    free[host] -= size;
                    on[host].push(size);
                    on[host].sort_unstable_by(|a, b| b.cmp(a));
                    (free, on)
                })
            })
            .collect();
    }
    states
}
