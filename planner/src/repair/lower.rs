//! VMs to take out of the proof, or off their hosts.
//!
//! *Lowering* the fewest is a hitting set: a witness names VMs that cannot all be placed, so one of them must be
//! lowered; the smallest set that hits every witness so far is tried, and either restores the target, and is
//! then the fewest, or brings a new witness.
use super::search::{Solution, fewest_steps};
use super::{Case, Certainty, Kind, Remedy, representatives};
use crate::fit::{Fit, fit, items_of, room_after};
use crate::judge::Judge;
use core::cmp::Reverse;
use lifeboat_model::change::Change;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::verdict::Witness;
use lifeboat_model::{HostSet, Pool, VmIndex};
use std::collections::BTreeMap;

/// VMs that are stopped together at most.
const MOST_STOPS: usize = 4;
/// VMs that are lowered together at most, and witnesses that are kept: one bit of a word each.
const MOST_LOWERED: usize = 64;

pub(super) fn fewest(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let mut to_hit: Vec<Vec<VmIndex>> = Vec::new();
    let mut certainty = Certainty::Proven;
    let mut lowered: Vec<VmIndex> = Vec::new();
    let mut witness = case.assessment.witness.clone();
    while !judge.exhausted() {
        let Some(Witness { vms, .. }) = witness.as_ref().filter(|w| !w.vms.is_empty()) else {
            return Vec::new();
        };
        if vms.iter().any(|vm| lowered.contains(vm)) {
            return Vec::new();
        }
        if !cannot_be_placed(case.pool, witness.as_ref().expect("it was there a line ago")) {
            certainty = Certainty::Found;
        }
        to_hit.push(vms.clone());
        lowered = if let Some(set) = hitting_set(case.pool, &to_hit) {
            set
        } else {
            // Too many witnesses for the exact search: one more VM, from the last of them.
            certainty = Certainty::Found;
            let last =
                to_hit.last().and_then(|vms| vms.iter().copied().min_by_key(|&vm| worth(case.pool, vm)));
            lowered.into_iter().chain(last).collect()
        };
        if lowered.len() > MOST_LOWERED || to_hit.len() > MOST_LOWERED {
            return Vec::new();
        }
        let changes: Vec<Change> =
            lowered.iter().map(|&vm| Change::Protect { vm, priority: RestartPriority::BestEffort }).collect();
        let Some(pool) = case.pool.with_all(&changes).ok() else {
            return Vec::new();
        };
        let (assessment, reached) = case.reached(judge, &pool);
        if reached {
            return vec![case.remedy(Kind::LowerToBestEffort, changes, certainty, &pool, &assessment)];
        }
        witness = assessment.witness;
    }
    Vec::new()
}

pub(super) fn fewest_stops(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let stops = |pool: &Pool| -> Vec<Change> {
        let runs = representatives(pool).into_iter().filter(|&vm| pool.runs_on(vm).is_some());
        runs.map(|vm| Change::Stop { vm }).collect()
    };
    let found = fewest_steps(case, judge, MOST_STOPS, &stops);
    let loss = |solution: &Solution| {
        let mut worths: Vec<_> = solution
            .steps
            .iter()
            .filter_map(
                |step| if let Change::Stop { vm } = step { Some(worth(case.pool, *vm)) } else { None },
            )
            .collect();
        worths.sort_unstable_by_key(|worth| Reverse(*worth));
        worths
    };
    let Some(solution) = found.solutions.into_iter().min_by_key(loss) else { return Vec::new() };
    let certainty = if found.fewest { Certainty::Proven } else { Certainty::Found };
    vec![case.remedy(Kind::Stop, solution.steps, certainty, &solution.pool, &solution.assessment)]
}

/// What it costs to go without a VM: protected ones most, then those restarted early, then the small ones
/// (a large one frees more).
fn worth(pool: &Pool, vm: VmIndex) -> (u8, Reverse<u32>, Reverse<u64>, VmIndex) {
    let state = pool.vm(vm);
    let priority = match state.restart_priority {
        RestartPriority::Unprotected => 0,
        RestartPriority::BestEffort => 1,
        RestartPriority::Restart => 2,
    };
    (priority, Reverse(state.order), Reverse(pool.demand_of(vm)[0]), vm)
}

/// Whether the witness's VMs cannot be placed even by a packer that knows no rules and moves every pending VM.
fn cannot_be_placed(pool: &Pool, witness: &Witness) -> bool {
    let failed = HostSet::of(pool.hosts().len(), witness.failed_hosts.iter().copied());
    let mut items = items_of(pool, &failed);
    items.retain(|item| witness.vms.contains(&item.vm));
    let room = room_after(pool, &failed);
    items.len() == witness.vms.len() && fit(&room, pool.resources().len(), &items, 20_000) == Fit::No
}

/// A smallest set with a member of each of these, of least worth; none where the search is too long. Of VMs
/// that hit the same sets one is enough, and one that hits fewer than another is never needed.
fn hitting_set(pool: &Pool, to_hit: &[Vec<VmIndex>]) -> Option<Vec<VmIndex>> {
    let mut hits: BTreeMap<VmIndex, u64> = BTreeMap::new();
    for (position, set) in to_hit.iter().enumerate().take(MOST_LOWERED) {
        for &vm in set {
            *hits.entry(vm).or_default() |= 1 << position;
        }
    }
    let mut best: BTreeMap<u64, VmIndex> = BTreeMap::new();
    for (vm, hit) in hits {
        let known = best.entry(hit).or_insert(vm);
        if worth(pool, vm) < worth(pool, *known) {
            *known = vm;
        }
    }
    let all: Vec<(u64, VmIndex)> = best.into_iter().collect();
    let covered = |hit: u64| all.iter().any(|&(other, _)| other != hit && other & hit == hit);
    let mut options: Vec<(u64, VmIndex)> = all.iter().copied().filter(|&(hit, _)| !covered(hit)).collect();
    options.sort_by_key(|&(_, vm)| worth(pool, vm));
    let everything = u64::MAX >> (64 - to_hit.len().clamp(1, 64));
    let mut steps = 200_000;
    (1..=to_hit.len()).find_map(|size| {
        let mut chosen = Vec::with_capacity(size);
        match hit(&options, everything, size, &mut chosen, &mut steps) {
            Some(true) => Some(Some(chosen)),
            Some(false) => None,
            None => Some(None),
        }
    })?
}

fn hit(
    options: &[(u64, VmIndex)],
    missed: u64,
    left: usize,
    chosen: &mut Vec<VmIndex>,
    steps: &mut u32,
) -> Option<bool> {
    *steps = steps.checked_sub(1)?;
    if missed == 0 {
        return Some(true);
    }
    if left == 0 {
        return Some(false);
    }
    let first = missed & missed.wrapping_neg();
    for &(hits, vm) in options.iter().filter(|(hits, _)| hits & first != 0) {
        chosen.push(vm);
        match hit(options, missed & !hits, left - 1, chosen, steps) {
            Some(false) => {
                chosen.pop();
            }
            settled => return settled,
        }
    }
    Some(false)
}
