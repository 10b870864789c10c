//! The stuck test for every pool: several resources, eligible sets, separations, in any state. What it claims and
//! why it is true stands at `StuckTests` in the certificate format; this file evaluates it. Items are grouped by
//! *family* (class and separations) and bucket of key; a family's tests read one row of held amounts and one of
//! loads.
mod parameters;

use super::reach::Reach;
use super::top::{top_sum, top_sum_with_holder};
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use lifeboat_model::certificate::StuckTests;
use parameters::{exact_keys, geometric_keys, multipliers, reaches};
use std::collections::BTreeMap;

/// The tables of a problem that no failure changes.
pub(crate) struct Stuck {
    /// Lower boundaries of key, ascending; bucket 0 takes what is below the first but one.
    pub(crate) buckets: Vec<i64>,
    /// Multipliers by resource.
    pub(crate) multipliers: Vec<Vec<i64>>,
    /// Families of items.
    pub(crate) families: Vec<Family>,
    bucket_of: Vec<u16>,
    family_of: Vec<u32>,
    /// l·demand by multiplier and rank.
    value: Vec<Vec<i64>>,
    /// Whether items of one class can be on hosts of another, row-major.
    meets: Vec<bool>,
    /// Totals that memory sizes of a bucket and above form, by bucket; empty where totals are not rounded.
    reach: Vec<Reach>,
    /// All items' memory.
    all_memory: i64,
    /// More than all items are worth, by multiplier: what a host that never refuses counts as holding.
    beyond: Vec<i64>,
    /// Least l·v / v_d over items v of a bucket and above, by multiplier, bucket and resource.
    ratio: Vec<(i64, i64)>,
}

/// Items of one class and the same separations.
pub(crate) struct Family {
    /// The class.
    pub(crate) class: u32,
    separations: Vec<u32>,
    /// By bucket: the largest demand by resource, and the least l·demand by multiplier.
    groups: Vec<Option<Group>>,
}

struct Group {
    largest: Vec<i64>,
    least: Vec<i64>,
}

/// What may be placed before: only larger items (one batch), or anything (more failures may follow).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Items of at least the bucket's key: all failures at once, or the last of a row.
    Larger,
    /// Any item.
    Anything,
}

/// Classes up to which the tests are made.
const MOST_CLASSES: usize = 3_000;

impl Stuck {
    /// The tables of a problem.
    pub(crate) fn new(problem: &Problem<'_>) -> Self {
        let exact = exact_keys(problem);
        let buckets = exact.clone().unwrap_or_else(|| geometric_keys(problem));
        let bucket_of: Vec<u16> = problem
            .items
            .iter()
            .map(|item| buckets.partition_point(|&lo| lo <= item.key).saturating_sub(1) as u16)
            .collect();
        let multipliers = multipliers(problem);
        // Sums over the pool must fit; where they do not, the tests say nothing.
        let fits = multipliers.iter().all(|l| {
            let all: i128 = problem
                .demand
                .chunks_exact(problem.width)
                .map(|demand| {
                    l.iter().zip(demand).map(|(&l, &d)| i128::from(l) * i128::from(d)).sum::<i128>()
                })
                .sum();
            all * (problem.hosts() as i128 + 2) < 1 << 61
        });
        let value: Vec<Vec<i64>> = multipliers
            .iter()
            .map(|l| {
                let worth = |rank| if fits { dot(l, problem.demand_of(rank)) } else { 0 };
                (0..problem.items.len()).map(|rank| worth(rank as Rank)).collect()
            })
            .collect();
        // With more classes than that the tables would outgrow memory; the tests then say nothing.
        let classes = if fits && problem.classes <= MOST_CLASSES { problem.classes } else { 0 };
        let meets = (0..classes * classes)
            .map(|pair| {
                let (a, b) = (
                    problem.eligible_of((pair / classes) as u32),
                    problem.eligible_of((pair % classes) as u32),
                );
                a.iter().zip(b).any(|(a, b)| a & b != 0)
            })
            .collect();
        let mut stuck = Self {
            all_memory: problem.demand.chunks_exact(problem.width).map(|demand| demand[0]).sum(),
            beyond: value
                .iter()
                .map(|value| value.iter().fold(1, |sum: i64, &v| sum.saturating_add(v)))
                .collect(),
            multipliers,
            families: Vec::new(),
            family_of: Vec::new(),
            bucket_of,
            value,
            meets,
            reach: Vec::new(),
            ratio: Vec::new(),
            buckets,
        };
        stuck.group(problem);
        stuck.ratio(problem);
        if exact.is_some() && problem.weights[1..].iter().all(|&weight| weight == 0) {
            stuck.reach = reaches(problem, &stuck.buckets).unwrap_or_default();
        }
        stuck
    }

    /// The parameters as certificates spell them.
    pub(crate) fn spell(&self) -> StuckTests {
        StuckTests {
            multipliers: self
                .multipliers
                .iter()
                .map(|l| l.iter().map(|&weight| weight as u64).collect())
                .collect(),
            buckets: self.buckets.iter().map(|&lo| lo as u64).collect(),
            rounded: !self.reach.is_empty(),
        }
    }

    /// The bucket of an item.
    pub(crate) fn bucket(&self, rank: Rank) -> usize {
        usize::from(self.bucket_of[rank as usize])
    }

    fn group(&mut self, problem: &Problem<'_>) {
        let mut index: BTreeMap<(u32, Vec<u32>), u32> = BTreeMap::new();
        for (rank, item) in problem.items.iter().enumerate() {
            let mut separations: Vec<u32> =
                problem.members_of(rank as Rank).iter().map(|member| member.separation).collect();
            separations.sort_unstable();
            separations.dedup();
            let next = self.families.len() as u32;
            let family = *index.entry((item.class, separations.clone())).or_insert(next);
            if family == next {
                let groups = (0..self.buckets.len()).map(|_| None).collect();
                self.families.push(Family { class: item.class, separations, groups });
            }
            self.family_of.push(family);
            let group = self.families[family as usize].groups[usize::from(self.bucket_of[rank])]
                .get_or_insert_with(|| Group {
                    largest: vec![0; problem.width],
                    least: vec![i64::MAX; self.multipliers.len()],
                });
            for (largest, &demand) in group.largest.iter_mut().zip(problem.demand_of(rank as Rank)) {
                *largest = demand.max(*largest);
            }
            for (least, value) in group.least.iter_mut().zip(&self.value) {
                *least = value[rank].min(*least);
            }
        }
    }

    fn ratio(&mut self, problem: &Problem<'_>) {
        let (width, deep) = (problem.width, self.buckets.len());
        self.ratio = vec![(1, 0); self.multipliers.len() * deep * width];
        for (m, value) in self.value.iter().enumerate() {
            for (rank, &value) in value.iter().enumerate() {
                for (resource, &demand) in problem.demand_of(rank as Rank).iter().enumerate() {
                    let cell = (m * deep + usize::from(self.bucket_of[rank])) * width + resource;
                    if demand > 0 && less(value, demand, self.ratio[cell]) {
                        self.ratio[cell] = (value, demand);
                    }
                }
            }
            for bucket in (0..deep.saturating_sub(1)).rev() {
                for resource in 0..width {
                    let cell = (m * deep + bucket) * width + resource;
                    let above = self.ratio[cell + width];
                    if above.1 > 0 && less(above.0, above.1, self.ratio[cell]) {
                        self.ratio[cell] = above;
                    }
                }
            }
        }
    }

    /// Whether any-fit survives every set of at most `k` of the `candidates` in this state.
    pub(crate) fn holds(
        &self,
        problem: &Problem<'_>,
        state: &State,
        candidates: &[Position],
        k: usize,
        before: Before,
        buffers: &mut Buffers,
    ) -> bool {
        if candidates.is_empty() || k == 0 {
            return true;
        }
        if self.meets.is_empty() && problem.classes > 0 {
            return false;
        }
        let hint = buffers.hint.min(self.families.len().saturating_sub(1));
        let order = core::iter::once(hint).chain((0..self.families.len()).filter(move |&f| f != hint));
        for family in order {
            if !self.family_holds(problem, state, candidates, k, before, family, buffers) {
                buffers.hint = family;
                return false;
            }
        }
        true
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parameters of one test; a struct would only rename them"
    )]
    fn family_holds(
        &self,
        problem: &Problem<'_>,
        state: &State,
        candidates: &[Position],
        k: usize,
        before: Before,
        family: usize,
        buffers: &mut Buffers,
    ) -> bool {
        let deep = self.buckets.len();
        let wide = candidates.len();
        buffers.present.clear();
        buffers.present.resize(wide * deep, false);
        buffers.load.clear();
        buffers.load.resize(self.multipliers.len() * wide * deep, 0);
        let mut any = false;
        for (column, &position) in candidates.iter().enumerate() {
            let moved = state.placed.iter().filter(|&&(_, at)| at == position).map(|&(rank, _)| rank);
            for rank in problem.at_home[usize::from(position)].iter().copied().chain(moved) {
                let bucket = usize::from(self.bucket_of[rank as usize]);
                if self.family_of[rank as usize] as usize == family {
                    buffers.present[column * deep + bucket] = true;
                    any = true;
                }
                let class = problem.items[rank as usize].class as usize;
                if self.meets[class * problem.classes + self.families[family].class as usize] {
                    let bucket = if before == Before::Larger { bucket } else { 0 };
                    for (m, value) in self.value.iter().enumerate() {
                        buffers.load[(m * wide + column) * deep + bucket] += value[rank as usize];
                    }
                }
            }
        }
        if !any {
            return true;
        }
        // What affinity binds together may have no eligible host at all: nothing can be said for it.
        if problem.eligible_of(self.families[family].class).iter().all(|&word| word == 0) {
            return false;
        }
        for row in buffers.load.chunks_exact_mut(deep) {
            if before == Before::Larger {
                for bucket in (0..deep - 1).rev() {
                    row[bucket] += row[bucket + 1];
                }
            } else {
                let all = row[0];
                row.fill(all);
            }
        }
        (0..deep).rev().all(|bucket| {
            let present = (0..wide).any(|column| buffers.present[column * deep + bucket]);
            !present
                || (0..self.multipliers.len()).any(|m| {
                    let bound = self.weigh(problem, state, candidates, before, family, bucket, m, buffers);
                    let present = &buffers.present;
                    let holds = |column: usize| present[column * deep + bucket];
                    top_sum_with_holder(&buffers.weights, holds, k, &mut buffers.scratch)
                        .is_none_or(|sum| sum <= bound)
                })
        })
    }

    /// Fills the weights of one test and gives the largest sum that passes.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parameters of one test; a struct would only rename them"
    )]
    fn weigh(
        &self,
        problem: &Problem<'_>,
        state: &State,
        candidates: &[Position],
        before: Before,
        family: usize,
        bucket: usize,
        multiplier: usize,
        buffers: &mut Buffers,
    ) -> i64 {
        let deep = self.buckets.len();
        let wide = candidates.len();
        let family = &self.families[family];
        let group = family.groups[bucket].as_ref().expect("a present group was made");
        let from = if before == Before::Larger { bucket } else { 0 };
        buffers.held.clear();
        buffers.held.resize(problem.hosts(), 0);
        let mut total = 0;
        for position in 0..problem.targets {
            if problem.is_eligible(family.class, position) && state.is_alive(position as Position) {
                let held = self.held(problem, state, position, group, from, multiplier);
                buffers.held[position] = held;
                total += held;
            }
        }
        for &separation in &family.separations {
            total -= refusing(problem, separation as usize, &mut buffers.scratch, &buffers.held);
        }
        buffers.weights.clear();
        buffers.weights.extend(candidates.iter().enumerate().map(|(column, &position)| {
            buffers.held[usize::from(position)] + buffers.load[(multiplier * wide + column) * deep + bucket]
        }));
        total + group.least[multiplier] - 1
    }

    /// The least l·placed on a host that refuses an item of the group for want of room.
    fn held(
        &self,
        problem: &Problem<'_>,
        state: &State,
        position: usize,
        group: &Group,
        from: usize,
        multiplier: usize,
    ) -> i64 {
        let width = problem.width;
        let free = &state.free[position * width..][..width];
        let mut least: Option<i64> = None;
        for (resource, (&free_of, &largest)) in free.iter().zip(&group.largest).enumerate() {
            // Memory cannot refuse where all items together fit it.
            if largest == 0 || (resource == 0 && free_of >= self.all_memory) {
                continue;
            }
            if resource > 0 {
                let Some(curve) = &problem.curves[resource] else { continue };
                if curve.most(free[0]) <= free_of {
                    continue;
                }
            }
            let must = free_of - largest + 1;
            if must <= 0 {
                return 0;
            }
            let held = if resource == 0 && !self.reach.is_empty() {
                self.reach[from].at_least(must).unwrap_or(must)
            } else {
                let (value, demand) = self.ratio[(multiplier * self.buckets.len() + from) * width + resource];
                if demand == 0 {
                    continue;
                }
                let scaled =
                    (i128::from(must) * i128::from(value) + i128::from(demand) - 1) / i128::from(demand);
                scaled as i64
            };
            least = Some(least.map_or(held, |least| least.min(held)));
        }
        least.map_or(self.beyond[multiplier], |least| least.min(self.beyond[multiplier]))
    }

    /// The root's tests that `n` failures do not all pass, as weights by candidate.
    pub(crate) fn active_at_root(
        &self,
        problem: &Problem<'_>,
        state: &State,
        candidates: &[Position],
        n: usize,
    ) -> Active {
        let mut buffers = Buffers::default();
        let mut active = Active { wide: candidates.len(), groups: Vec::new() };
        let deep = self.buckets.len();
        if self.meets.is_empty() && problem.classes > 0 {
            active.groups.push(ActiveGroup { holds: vec![true; candidates.len()], tests: Vec::new() });
            return active;
        }
        for family in 0..self.families.len() {
            if self.family_holds(problem, state, candidates, n, Before::Larger, family, &mut buffers) {
                continue;
            }
            for bucket in 0..deep {
                let holds: Vec<bool> =
                    (0..candidates.len()).map(|c| buffers.present[c * deep + bucket]).collect();
                if !holds.iter().any(|&holds| holds) {
                    continue;
                }
                let mut tests = Vec::new();
                if problem.eligible_of(self.families[family].class).iter().all(|&word| word == 0) {
                    active.groups.push(ActiveGroup { holds, tests });
                    continue;
                }
                let passes = (0..self.multipliers.len()).any(|m| {
                    let bound = self.weigh(
                        problem,
                        state,
                        candidates,
                        Before::Larger,
                        family,
                        bucket,
                        m,
                        &mut buffers,
                    );
                    let sum = top_sum_with_holder(&buffers.weights, |c| holds[c], n, &mut buffers.scratch);
                    tests.push((buffers.weights.clone(), bound));
                    sum.is_none_or(|sum| sum <= bound)
                });
                if !passes {
                    active.groups.push(ActiveGroup { holds, tests });
                }
            }
        }
        active
    }
}

/// The most that hosts refusing by a separation may hold: the m − 1 largest domains.
fn refusing(problem: &Problem<'_>, separation: usize, scratch: &mut Vec<i64>, held: &[i64]) -> i64 {
    let separation = &problem.separations[separation];
    let mut sums: BTreeMap<u16, i64> = BTreeMap::new();
    for (position, &held) in held.iter().enumerate() {
        *sums.entry(separation.domain[position]).or_insert(0) += held;
    }
    let sums: Vec<i64> = sums.into_values().collect();
    top_sum(&sums, separation.members.saturating_sub(1), scratch)
}

/// Tests of the root that need a closer look.
pub(crate) struct Active {
    /// How many candidates.
    pub(crate) wide: usize,
    /// Groups whose test fails for the worst set.
    pub(crate) groups: Vec<ActiveGroup>,
}

/// One group: passes for a set where one of its tests does, or where no host of the set has an item of it.
pub(crate) struct ActiveGroup {
    /// Which candidates have an item of the group.
    pub(crate) holds: Vec<bool>,
    /// Weight by candidate, and the largest sum that passes; one for each multiplier.
    pub(crate) tests: Vec<(Vec<i64>, i64)>,
}

/// Memory that outlives one evaluation.
#[derive(Default)]
pub(crate) struct Buffers {
    present: Vec<bool>,
    load: Vec<i64>,
    held: Vec<i64>,
    weights: Vec<i64>,
    scratch: Vec<i64>,
    /// The family that failed last: it is likely to fail again, so it is tried first.
    hint: usize,
}

fn dot(a: &[i64], b: &[i64]) -> i64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Whether a / b < c.0 / c.1, where c.1 = 0 stands for infinity.
fn less(a: i64, b: i64, c: (i64, i64)) -> bool {
    c.1 == 0 || i128::from(a) * i128::from(c.1) < i128::from(c.0) * i128::from(b)
}
