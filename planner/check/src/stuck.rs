//! The stuck tests: linear inequalities under which no any-fit rule can get stuck, whichever candidates fail.
//! The lemma and its proof stand at [`lifeboat_model::certificate::StuckTests`]; names here are the lemma's.
mod tables;

use crate::Why;
use crate::budget::Budget;
use crate::policy::Rule;
use crate::problem::Problem;
use crate::state::State;
use crate::top::largest_sum;
use crate::tree::Claimed;
use alloc::{vec, vec::Vec};
use lifeboat_model::HostIndex;
use lifeboat_model::certificate::StuckTests;
use tables::{Group, Tables};

/// Sums that the tests of the root may keep, over all groups: 16 MiB.
const MOST_KEPT: usize = 1 << 20;

/// The stuck tests of one tree.
pub(crate) struct StuckTest<'p> {
    problem: &'p Problem,
    tables: Tables<'p>,
    /// The groups whose test the root does not pass for all failures, once asked for.
    open_at_root: Option<Vec<Open>>,
}

/// A group whose test does not hold with any multiplier.
struct Open {
    /// One of its items.
    item: usize,
    /// Whether one of its items is on a host, by host.
    on: Vec<bool>,
    /// By multiplier, the weight w of each candidate, by host (0 for others), and the bound G + min l·x.
    sides: Vec<(Vec<i128>, i128)>,
}

impl<'p> StuckTest<'p> {
    pub(crate) fn new(
        problem: &'p Problem,
        rule: &Rule,
        tests: &StuckTests,
        budget: &mut Budget,
    ) -> Result<Self, Why> {
        Ok(Self { problem, tables: Tables::new(problem, rule, tests, budget)?, open_at_root: None })
    }

    /// Whether no so many failures among the candidates can get an any-fit rule stuck.
    pub(crate) fn holds(&mut self, claimed: &Claimed<'_, '_>, budget: &mut Budget) -> Result<(), Why> {
        self.each_open(claimed, budget, &mut |open| Err(open.fails(claimed.node, claimed.state.problem)))
    }

    /// Whether, at the root, no set of the `failed` hosts and of so many of the candidates of `here` can get an
    /// any-fit rule stuck. `root` claims what the root does.
    pub(crate) fn holds_at_root(
        &mut self,
        root: &Claimed<'_, '_>,
        failed: &[usize],
        here: &Claimed<'_, '_>,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        if self.open_at_root.is_none() {
            let mut kept = Vec::new();
            let mut left = MOST_KEPT;
            self.each_open(root, budget, &mut |open| {
                let size = open.sides.len() * root.state.problem.hosts;
                left = left.checked_sub(size).ok_or(Why::Tests("too many groups fail at the root"))?;
                kept.push(open);
                Ok(())
            })?;
            self.open_at_root = Some(kept);
        }
        let candidates = if here.failures == 0 { &[] } else { here.candidates };
        for open in self.open_at_root.iter().flatten() {
            budget.spend(open.sides.len() * (2 + failed.len() + 4 * candidates.len()))?;
            if failed.iter().chain(candidates).any(|&host| open.on[host])
                && !open.sides.iter().any(|(weights, bound)| {
                    let sure: i128 = failed.iter().map(|&host| weights[host]).sum();
                    let mut may: Vec<(i128, bool)> =
                        candidates.iter().map(|&host| (weights[host], true)).collect();
                    sure + largest_sum(&mut may, here.failures).unwrap_or(0) < *bound
                })
            {
                return Err(open.fails(here.node, self.problem));
            }
        }
        Ok(())
    }

    /// Tells `open` of every group with an item on a candidate whose test holds with no multiplier.
    fn each_open(
        &mut self,
        claimed: &Claimed<'_, '_>,
        budget: &mut Budget,
        open: &mut dyn FnMut(Open) -> Result<(), Why>,
    ) -> Result<(), Why> {
        let mut candidate = vec![false; self.problem.hosts];
        for &host in claimed.candidates {
            candidate[host] = true;
        }
        // Where more failures may follow, what was placed before is not only larger items.
        let any_key = claimed.in_turn && claimed.failures > 1;
        for class in 0..self.tables.groups.len() {
            let eligible = &self.problem.eligible[class];
            budget.spend(self.problem.eligible.len() * eligible.words().len() + self.problem.hosts)?;
            let meets: Vec<bool> =
                self.problem.eligible.iter().map(|other| other.intersects(eligible)).collect();
            let mut swept =
                Swept { worth: vec![0; self.problem.hosts * self.tables.multipliers.len()], next: 0 };
            for group in 0..self.tables.groups[class].len() {
                let bucket = self.tables.groups[class][group].bucket;
                let lowest = if any_key { self.tables.buckets.len() - 1 } else { bucket };
                self.sweep(&mut swept, lowest, &meets, &candidate, claimed.state, budget)?;
                self.tables.prepare(class, lowest, &meets, budget)?;
                let group = &self.tables.groups[class][group];
                let Some(tested) = self.tested(group, &candidate, claimed.state, budget)? else { continue };
                if let Some(failing) = self.judge((class, group), lowest, tested, &swept, claimed, budget)? {
                    open(failing)?;
                }
            }
        }
        Ok(())
    }

    /// Tests a group with each multiplier in turn; what stands where none does.
    fn judge(
        &self,
        (class, group): (usize, &Group),
        lowest: usize,
        tested: Tested,
        swept: &Swept,
        claimed: &Claimed<'_, '_>,
        budget: &mut Budget,
    ) -> Result<Option<Open>, Why> {
        let multipliers = self.tables.multipliers.len();
        let mut sides = Vec::with_capacity(multipliers);
        // An item bound to others may have no eligible host at all: then nothing can be said for it.
        if self.problem.eligible[class].is_empty() {
            return Ok(Some(Open { item: tested.item, on: tested.on, sides }));
        }
        for l in 0..multipliers {
            budget.spend(self.problem.hosts * (8 + 4 * self.problem.width))?;
            let held = self.held(class, l, lowest, &tested.largest, claimed);
            let mut bound = held.iter().sum::<i128>() + i128::from(tested.least_worth[l]);
            for &separation in &group.separations {
                bound -= self.refused_by_rule(separation, &held, claimed.state, budget)?;
            }
            let mut weights = vec![0; self.problem.hosts];
            for &host in claimed.candidates {
                weights[host] = held[host] + swept.worth[host * multipliers + l];
            }
            let mut of_candidates: Vec<(i128, bool)> =
                claimed.candidates.iter().map(|&host| (weights[host], tested.on[host])).collect();
            if largest_sum(&mut of_candidates, claimed.failures).is_none_or(|worst| worst < bound) {
                return Ok(None);
            }
            sides.push((weights, bound));
        }
        Ok(Some(Open { item: tested.item, on: tested.on, sides }))
    }

    /// Adds the worth of the items on candidates down to bucket `lowest`.
    fn sweep(
        &self,
        swept: &mut Swept,
        lowest: usize,
        meets: &[bool],
        candidate: &[bool],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        while swept.next <= lowest {
            let ranks = self.tables.buckets[swept.next].ranks.clone();
            swept.next += 1;
            budget.spend(ranks.len() * (1 + self.tables.multipliers.len()))?;
            for &item in &self.tables.by_rank[ranks] {
                let item = item as usize;
                let Some(host) = state.host_of(item).filter(|&host| candidate[host]) else { continue };
                if meets[self.problem.items[item].class] {
                    for (l, multiplier) in self.tables.multipliers.iter().enumerate() {
                        swept.worth[host * self.tables.multipliers.len() + l] +=
                            i128::from(multiplier.worth[item]);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the test of a group is about: its items on candidates; none where there is none.
    fn tested(
        &self,
        group: &Group,
        candidate: &[bool],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<Option<Tested>, Why> {
        budget.spend(group.items.len() * (1 + self.problem.width))?;
        let mut tested: Option<Tested> = None;
        for &item in &group.items {
            let item = item as usize;
            let Some(host) = state.host_of(item).filter(|&host| candidate[host]) else { continue };
            let demand = &self.problem.items[item].demand;
            let tested = tested.get_or_insert_with(|| Tested {
                item,
                largest: demand.clone(),
                least_worth: vec![i64::MAX; self.tables.multipliers.len()],
                on: vec![false; self.problem.hosts],
            });
            tested.on[host] = true;
            for (largest, &amount) in tested.largest.iter_mut().zip(demand) {
                *largest = amount.max(*largest);
            }
            for (least, multiplier) in tested.least_worth.iter_mut().zip(&self.tables.multipliers) {
                *least = multiplier.worth[item].min(*least);
            }
        }
        Ok(tested)
    }

    /// held(r) for every alive target r of the eligible set, 0 for other hosts.
    fn held(
        &self,
        class: usize,
        l: usize,
        lowest: usize,
        largest: &[i64],
        claimed: &Claimed<'_, '_>,
    ) -> Vec<i128> {
        let (problem, state) = (self.problem, claimed.state);
        let mut held = vec![0; problem.hosts];
        for host in problem.eligible[class].iter().map(HostIndex::get).filter(|&host| state.is_alive(host)) {
            let free = &state.free[host * problem.width..][..problem.width];
            // No host can have been given more than there is: one that never refuses counts as if it had.
            held[host] = (0..problem.width)
                .filter(|&resource| claimed.binding.can_refuse(state, host, resource, largest[resource]))
                .filter_map(|resource| match free[resource] - largest[resource] + 1 {
                    threshold @ 1.. => self.tables.least_worth(class, lowest, l, resource, threshold),
                    _ => Some(0),
                })
                .fold(self.tables.multipliers[l].beyond, i128::min);
        }
        held
    }

    /// The most that hosts hold which a separation can make refuse: one domain for each occupant but the item.
    fn refused_by_rule(
        &self,
        separation: usize,
        held: &[i128],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<i128, Why> {
        let separation = &self.problem.separations[separation];
        let domains = &self.problem.domains[separation.domains];
        budget.spend(separation.occupants.len() + 2 * self.problem.hosts)?;
        let others =
            separation.occupants.iter().filter(|occupant| state.living_place(occupant).is_some()).count() - 1;
        let mut sums = vec![0; domains.hosts.len()];
        for (host, &held) in held.iter().enumerate() {
            sums[domains.of[host] as usize] += held;
        }
        sums.sort_unstable_by(|a, b| b.cmp(a));
        Ok(sums.iter().take(others).sum())
    }
}

impl Open {
    fn fails(&self, node: usize, problem: &Problem) -> Why {
        Why::TestFails { node, test: "stuck test", vm: problem.items[self.item].vm }
    }
}

/// What the items on each candidate are worth, from the highest bucket down.
struct Swept {
    /// By host and multiplier.
    worth: Vec<i128>,
    /// The next bucket to add.
    next: usize,
}

/// The items of a group that are on candidates.
struct Tested {
    /// One of them.
    item: usize,
    /// The most that one demands, by resource.
    largest: Vec<i64>,
    /// The least that one is worth, by multiplier.
    least_worth: Vec<i64>,
    /// Whether one is on a host.
    on: Vec<bool>,
}
