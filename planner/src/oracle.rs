//! The slow, obvious assessment that the what-if modules are tested against: every failure set, every order,
//! every placement, by exhaustion. For pools of a handful of VMs without rules.
use crate::{Assessment, Limits, TargetStatus};
use lifeboat_model::agility::Agility;
use lifeboat_model::certificate::Certificate;
use lifeboat_model::plan::Unplaced;
use lifeboat_model::pool::LivenessLimit;
use lifeboat_model::spec::{Guarantee, RestartPriority};
use lifeboat_model::verdict::{Bounds, LimitedBy, Notion, ReasonCode, StoppedBy, Tolerance, Witness};
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};

#[derive(Clone)]
struct State {
    free: Vec<i64>,
    home: Vec<(VmIndex, HostIndex)>,
    alive: HostSet,
}

/// The whole truth about a tiny pool, up to `limits.max_failures`.
pub(crate) fn assess(pool: &Pool, limits: &Limits<'_>) -> Assessment {
    assert!(pool.groups().is_empty(), "the oracle knows no rules");
    let protected = |vm: &VmIndex| pool.vm(*vm).restart_priority == RestartPriority::Restart;
    let stuck: Vec<VmIndex> = pool
        .vm_indices()
        .filter(protected)
        .filter(|&vm| pool.runs_on(vm).is_some() || pool.is_pending(vm))
        .filter(|&vm| pool.agility(vm) == Agility::Unprotectable)
        .collect();
    let pending: Vec<VmIndex> =
        pool.vm_indices().filter(|&vm| pool.is_pending(vm) && !stuck.contains(&vm)).collect();
    let start =
        State { free: pool.free(), home: items(pool, &stuck), alive: HostSet::full(pool.hosts().len()) };
    let failable = pool.failable_hosts();
    let mut best: Option<(Tolerance, Vec<(VmIndex, HostIndex)>)> = None;
    for placed in placements(pool, &start, &pending) {
        let mut state = placed.clone();
        state.home.retain(|&(vm, home)| movable(pool, vm, home) && failable_with(&failable, home));
        let tolerance = tolerance(pool, &state, &failable, limits);
        let rank = |t: &Tolerance| match pool.settings().guarantee {
            Guarantee::Sequential => t.sequential.proven,
            Guarantee::Simultaneous => t.simultaneous.proven,
        };
        if best.as_ref().is_none_or(|(known, _)| rank(&tolerance) > rank(known)) {
            let at = pending.iter().map(|vm| (*vm, placed.home.iter().find(|(v, _)| v == vm).unwrap().1));
            best = Some((tolerance, at.collect()));
        }
    }
    let broken = best.is_none();
    let (tolerance, pending_placement) = best.unwrap_or((BROKEN, Vec::new()));
    let confined =
        pending_placement.iter().filter(|&&(vm, host)| !movable(pool, vm, host)).map(|&(vm, _)| vm);
    let mut unprotectable: Vec<VmIndex> = stuck.iter().copied().chain(confined).collect();
    unprotectable.sort_unstable();
    let bounds = match pool.settings().guarantee {
        Guarantee::Sequential => tolerance.sequential,
        Guarantee::Simultaneous => tolerance.simultaneous,
    };
    let target = pool.effective_target();
    let target_status = match bounds {
        Bounds { proven: Some(proven), .. } if proven >= target.min(failable.len() as u32) => {
            TargetStatus::Proven
        }
        Bounds { refuted: Some(refuted), .. } if refuted <= target => TargetStatus::Refuted,
        _ => TargetStatus::Open,
    };
    let unplaced =
        |vm: &VmIndex| Unplaced { vm: *vm, reason_code: ReasonCode::NotTogether, reason: String::new() };
    Assessment {
        pending_unplaced: if broken { pending.iter().map(unplaced).collect() } else { Vec::new() },
        protected: pool.vm_indices().filter(protected).count() as u32,
        unprotectable,
        over_full: Vec::new(),
        broken_rules: Vec::new(),
        target: pool.settings().host_failures_to_tolerate,
        effective_target: target,
        overcommitted: broken || target_status != TargetStatus::Proven,
        target_status,
        witness: witness(pool, &stuck, &pending, &pending_placement, bounds),
        certificate: Certificate::default(),
        work: 1,
        tolerance,
        pending_placement,
    }
}

const BROKEN: Tolerance = {
    let none = Bounds { proven: None, refuted: Some(0), stopped_by: None };
    Tolerance { simultaneous: none, sequential: none, limited_by: LimitedBy::Capacity }
};

fn failable_with(failable: &HostSet, home: HostIndex) -> bool {
    failable.contains(home)
}

fn movable(pool: &Pool, vm: VmIndex, home: HostIndex) -> bool {
    let mut eligible = pool.eligible_hosts(pool.vm(vm).profile);
    eligible.remove(home);
    !eligible.is_empty()
}

fn items(pool: &Pool, stuck: &[VmIndex]) -> Vec<(VmIndex, HostIndex)> {
    pool.vm_indices()
        .filter(|vm| pool.vm(*vm).restart_priority == RestartPriority::Restart && !stuck.contains(vm))
        .filter_map(|vm| Some((vm, pool.runs_on(vm)?)))
        .collect()
}

/// Every way to place these VMs.
fn placements(pool: &Pool, state: &State, vms: &[VmIndex]) -> Vec<State> {
    let Some((&vm, rest)) = vms.split_first() else { return vec![state.clone()] };
    let width = pool.resources().len();
    let mut all = Vec::new();
    for host in pool.eligible_hosts(pool.vm(vm).profile).iter().filter(|&host| state.alive.contains(host)) {
        let free = &state.free[host.get() * width..][..width];
        if pool.demand_of(vm).iter().zip(free).any(|(&d, &f)| d > 0 && d as i64 > f) {
            continue;
        }
        let mut next = state.clone();
        for (left, &amount) in next.free[host.get() * width..].iter_mut().zip(pool.demand_of(vm)) {
            *left -= amount as i64;
        }
        next.home.push((vm, host));
        all.extend(placements(pool, &next, rest));
    }
    all
}

fn fail(state: &State, set: &HostSet) -> (State, Vec<VmIndex>) {
    let mut next = state.clone();
    next.alive.subtract(set);
    next.home.retain(|(_, home)| !set.contains(*home));
    (next, state.home.iter().filter(|(_, home)| set.contains(*home)).map(|&(vm, _)| vm).collect())
}

fn survives_in_turn(pool: &Pool, state: &State, failable: &HostSet, failures: u32) -> bool {
    subsets(failable).iter().filter(|set| !set.is_empty() && set.len() as u32 <= failures).all(|set| {
        if !set.is_subset_of(&state.alive) {
            return true;
        }
        let (next, vms) = fail(state, set);
        let left = failures - set.len() as u32;
        placements(pool, &next, &vms).iter().any(|after| survives_in_turn(pool, after, failable, left))
    })
}

fn survives_at_once(pool: &Pool, state: &State, failable: &HostSet, failures: u32) -> bool {
    subsets(failable).iter().filter(|set| set.len() as u32 <= failures).all(|set| {
        let (next, vms) = fail(state, set);
        !placements(pool, &next, &vms).is_empty()
    })
}

fn subsets(of: &HostSet) -> Vec<HostSet> {
    let members: Vec<HostIndex> = of.iter().collect();
    let pick =
        |bits: u32| members.iter().enumerate().filter(move |(i, _)| bits >> i & 1 == 1).map(|(_, &h)| h);
    (0..1u32 << members.len()).map(|bits| HostSet::of(of.pool_size(), pick(bits))).collect()
}

fn tolerance(pool: &Pool, state: &State, failable: &HostSet, limits: &Limits<'_>) -> Tolerance {
    let hosts = failable.len() as u32;
    let most = limits.max_failures.unwrap_or(hosts).min(hosts);
    let cap: Option<(u32, LivenessLimit)> = pool.liveness_limit();
    let bounds = |survives: &dyn Fn(u32) -> bool| {
        let proven = (0..=most).take_while(|&n| n == 0 || survives(n)).last().expect("0 is survived");
        let refuted = if proven < most { Some(proven + 1) } else { None };
        let proven = cap.map_or(proven, |(cap, _)| proven.min(cap));
        let refuted = match (refuted, cap) {
            (Some(refuted), Some((cap, _))) => Some(refuted.min(cap + 1)),
            (None, Some((cap, _))) if cap < most => Some(cap + 1),
            (refuted, _) => refuted,
        };
        let stopped_by = (refuted.is_none() && proven < hosts).then_some(StoppedBy::Max);
        Bounds { proven: Some(proven), refuted, stopped_by }
    };
    Tolerance {
        simultaneous: bounds(&|n| survives_at_once(pool, state, failable, n)),
        sequential: bounds(&|n| survives_in_turn(pool, state, failable, n)),
        limited_by: LimitedBy::Capacity,
    }
}

/// The first smallest failure set that cannot be survived at once, and a smallest set of its VMs.
fn witness(
    pool: &Pool,
    stuck: &[VmIndex],
    pending: &[VmIndex],
    placed: &[(VmIndex, HostIndex)],
    bounds: Bounds,
) -> Option<Witness> {
    let refuted = bounds.refuted?;
    let mut state =
        State { free: pool.free(), home: items(pool, stuck), alive: HostSet::full(pool.hosts().len()) };
    let width = pool.resources().len();
    for &(vm, host) in placed {
        for (left, &amount) in state.free[host.get() * width..].iter_mut().zip(pool.demand_of(vm)) {
            *left -= amount as i64;
        }
        if movable(pool, vm, host) {
            state.home.push((vm, host));
        }
    }
    let mut answer = Witness {
        notion: Notion::Sequential,
        failures: refuted,
        failed_hosts: Vec::new(),
        vms: Vec::new(),
        resource: None,
        reason_code: ReasonCode::NotTogether,
        reason: "by exhaustion".into(),
    };
    for set in subsets(&pool.failable_hosts()).into_iter().filter(|set| set.len() as u32 <= refuted) {
        let (next, vms) = fail(&state, &set);
        let vms = if refuted == 0 { pending.to_vec() } else { vms };
        if placements(pool, &next, &vms).is_empty() {
            let smallest = (1u32..1 << vms.len())
                .map(|bits| {
                    vms.iter()
                        .enumerate()
                        .filter(|(i, _)| bits >> i & 1 == 1)
                        .map(|(_, &vm)| vm)
                        .collect::<Vec<_>>()
                })
                .filter(|part| placements(pool, &next, part).is_empty())
                .min_by_key(Vec::len);
            answer.notion = Notion::Simultaneous;
            answer.failed_hosts = set.iter().collect();
            answer.vms = smallest.expect("all of them cannot be placed");
            answer.vms.sort_unstable();
            break;
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use crate::admission::{Objective, Standing};
    use crate::fixture::tiny_pools;
    use crate::{Limits, TargetStatus};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What the what-if modules read of an assessment is the same from the planner as from brute force,
        /// wherever the planner settles the question.
        #[test]
        fn the_planner_and_brute_force_give_changes_the_same_ground(pool in tiny_pools(), most in 0u32..5) {
            let limits = Limits { max_failures: Some(most), ..Limits::default() };
            let (planner, force) = (crate::assess(&pool, &limits), super::assess(&pool, &limits));
            let (seen, truth) = (Standing::of(&pool, &planner), Standing::of(&pool, &force));
            prop_assert_eq!(seen.unprotectable, truth.unprotectable);
            prop_assert_eq!(seen.effective_target, truth.effective_target);
            prop_assert_eq!(planner.pending_unplaced.is_empty(), force.pending_unplaced.is_empty());
            // Where pending VMs are put is a matter of search: there the planner may find less.
            let shortfall = |a| Objective::of(&pool, a).shortfall;
            prop_assert!(shortfall(&planner) >= shortfall(&force));
            if force.pending_placement.is_empty() && planner.target_status != TargetStatus::Open {
                prop_assert_eq!(planner.target_status, force.target_status, "{:?}", planner.tolerance);
                prop_assert_eq!(planner.overcommitted, force.overcommitted);
                prop_assert_eq!(shortfall(&planner), shortfall(&force));
            }
        }
    }
}
