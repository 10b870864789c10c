//! Refutations: why the items that wait for a place cannot all be placed.
use crate::Why;
use crate::budget::Budget;
use crate::placements::Placements;
use crate::policy::{MAX_WEIGHT, checked, weigh};
use crate::problem::Problem;
use crate::state::State;
use crate::values::{Alike, exact, fractional};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use lifeboat_model::certificate::{Refutation, Refuted};
use lifeboat_model::{GroupIndex, HostIndex, HostSet, VmIndex};

/// How deep cases may nest. Each level places an item; nobody enumerates further.
const MOST_DEPTH: usize = 256;
/// Entries of knapsacks whose exact bound is remembered.
const MOST_KEPT: usize = 1 << 18;

/// Whether the failure set is not survived from the state before any failure.
pub(crate) fn not_survived_at_once(
    problem: &Problem,
    refuted: &Refuted,
    budget: &mut Budget,
) -> Result<(), Why> {
    let mut state = State::new(problem);
    fails_at_once(&mut state, refuted, 0, problem.hosts, budget)
}

/// Whether these hosts, at most `most`, cannot fail at once and be survived from here, where `dead` failed before.
/// The state is left as it was.
pub(crate) fn fails_at_once(
    state: &mut State<'_>,
    refuted: &Refuted,
    dead: usize,
    most: usize,
    budget: &mut Budget,
) -> Result<(), Why> {
    let problem = state.problem;
    let ascending = refuted.failed.windows(2).all(|pair| pair[0] < pair[1]);
    let can_fail = |host: &HostIndex| {
        host.get() < problem.hosts && problem.failable.contains(*host) && state.is_alive(host.get())
    };
    if !ascending || refuted.failed.len() > most || !refuted.failed.iter().all(can_fail) {
        return Err(Why::FailureSet);
    }
    let mut waiting: Vec<usize> = Vec::new();
    for &host in &refuted.failed {
        waiting.extend(state.items_on(host.get()).map(|item| item as usize));
        state.fail(host.get());
    }
    waiting.sort_unstable();
    budget.spend(16 * waiting.len() + problem.hosts)?;
    let dead = dead + refuted.failed.len();
    let answer = Waiting { state, dead }.cannot_all_be_placed(&waiting, &refuted.refutation, 0, budget);
    for &host in &refuted.failed {
        state.revive(host.get());
    }
    answer
}

/// Whether the pending items cannot all be placed.
pub(crate) fn cannot_place_pending(
    problem: &Problem,
    refutation: &Refutation,
    budget: &mut Budget,
) -> Result<(), Why> {
    let mut state = State::new(problem);
    let waiting: Vec<usize> = (0..problem.items.len()).collect();
    Waiting { state: &mut state, dead: 0 }.cannot_all_be_placed(&waiting, refutation, 0, budget)
}

/// An item with a value: what it takes up, and who can take it.
struct Offer {
    size: u128,
    value: u128,
    takers: HostSet,
}

/// What a host is offered, those alike together.
fn alike(offers: &[Offer], host: HostIndex, budget: &mut Budget) -> Result<Vec<Alike>, Why> {
    budget.spend(8 * offers.len() + 16)?;
    let mut counts: BTreeMap<(u128, u128), u128> = BTreeMap::new();
    for offer in offers.iter().filter(|offer| offer.takers.contains(host)) {
        *counts.entry((offer.size, offer.value)).or_default() += 1;
    }
    Ok(counts.into_iter().map(|((size, value), count)| Alike { size, value, count }).collect())
}

/// A state in which items wait for a place.
struct Waiting<'s, 'p> {
    state: &'s mut State<'p>,
    /// Hosts that failed so far.
    dead: usize,
}

impl Waiting<'_, '_> {
    fn cannot_all_be_placed(
        &mut self,
        waiting: &[usize],
        refutation: &Refutation,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        match refutation {
            Refutation::Liveness => self.liveness(),
            Refutation::NoSurvivor => self.no_survivor(waiting),
            Refutation::Values { surrogate, values } => self.values(waiting, surrogate, values, budget),
            Refutation::Separation { group, members } => self.separation(waiting, *group, members, budget),
            Refutation::Exhaustion { items, nodes } => self.exhaustion(waiting, items, *nodes, budget),
            Refutation::Filling { order } => {
                crate::filling::never_places_all(self.state, waiting, order, budget)
            }
            Refutation::Cases { item, cases } => self.cases(waiting, *item, cases, depth, budget),
        }
    }

    fn liveness(&self) -> Result<(), Why> {
        let dead = self.dead as u32;
        match self.state.problem.liveness {
            Some(most) if dead > most => Ok(()),
            _ => Err(Why::LivenessHolds(dead)),
        }
    }

    fn no_survivor(&self, waiting: &[usize]) -> Result<(), Why> {
        let survivor = self.state.problem.targets.intersects(&self.state.alive);
        if survivor || waiting.is_empty() { Err(Why::SurvivorLeft) } else { Ok(()) }
    }

    fn values(
        &mut self,
        waiting: &[usize],
        surrogate: &[u64],
        values: &[(VmIndex, u64)],
        budget: &mut Budget,
    ) -> Result<(), Why> {
        let problem = self.state.problem;
        let weights = checked(problem, surrogate)?;
        if values.iter().any(|&(_, value)| value > MAX_WEIGHT) {
            return Err(Why::OutOfRange("a value"));
        }
        let items = self.named(waiting, values.iter().map(|&(vm, _)| vm), budget)?;
        let worth: u128 = values.iter().map(|&(_, value)| u128::from(value)).sum();
        let mut offers = Vec::new();
        for (&item, &(_, value)) in items.iter().zip(values).filter(|(_, (_, value))| *value > 0) {
            let size = weigh(&weights, &problem.items[item].demand) as u128;
            let takers = self.state.takers(item, budget)?.into_iter().map(HostIndex::new);
            offers.push(Offer { size, value: u128::from(value), takers: HostSet::of(problem.hosts, takers) });
        }
        let targets: Vec<HostIndex> =
            problem.targets.iter().filter(|host| self.state.is_alive(host.get())).collect();
        // The cheap bound first; the exact one host by host, as far as it is needed.
        let mut bounds = Vec::with_capacity(targets.len());
        for &host in &targets {
            bounds.push(fractional(&alike(&offers, host, budget)?, self.room(&weights, host)));
        }
        let mut room: u128 = bounds.iter().sum();
        let mut known: BTreeMap<(u128, Vec<Alike>), u128> = BTreeMap::new();
        let mut kept = 0;
        for (&host, bound) in targets.iter().zip(bounds) {
            if worth > room {
                break;
            }
            // Hosts that are offered the same and have the same room hold the same.
            let knapsack = (self.room(&weights, host), alike(&offers, host, budget)?);
            let best = match known.get(&knapsack) {
                Some(&best) => best,
                None => exact(&knapsack.1, knapsack.0, budget)?.unwrap_or(bound),
            };
            room -= bound - best;
            kept += knapsack.1.len();
            if kept < MOST_KEPT {
                known.insert(knapsack, best);
            }
        }
        if worth > room { Ok(()) } else { Err(Why::ValuesFit { worth, room }) }
    }

    /// What the host has free by the surrogate; where it is over full it has nothing.
    fn room(&self, weights: &[i128], host: HostIndex) -> u128 {
        let width = self.state.problem.width;
        let free = &self.state.free[host.get() * width..][..width];
        let positive: Vec<i64> = free.iter().map(|&amount| amount.max(0)).collect();
        weigh(weights, &positive) as u128
    }

    fn separation(
        &mut self,
        waiting: &[usize],
        group: GroupIndex,
        members: &[VmIndex],
        budget: &mut Budget,
    ) -> Result<(), Why> {
        let problem = self.state.problem;
        let refused = Why::NotSeparated(group);
        let separation = problem
            .separations
            .iter()
            .position(|separation| separation.group == group)
            .ok_or(refused.clone())?;
        let items = self.named(waiting, members.iter().copied(), budget)?;
        let mut colours = BTreeSet::new();
        let mut reachable = BTreeSet::new();
        let domains = &problem.domains[problem.separations[separation].domains];
        for item in items {
            let colour = problem.items[item]
                .separations
                .iter()
                .find(|(of, _)| *of == separation)
                .map(|(_, colour)| *colour);
            if !colour.is_some_and(|colour| colours.insert(colour)) {
                return Err(refused);
            }
            reachable.extend(self.state.takers(item, budget)?.into_iter().map(|host| domains.of[host]));
        }
        let (domains, members) = (reachable.len(), members.len());
        if domains < members { Ok(()) } else { Err(Why::DomainsLeft { domains, members }) }
    }

    fn exhaustion(
        &mut self,
        waiting: &[usize],
        items: &[VmIndex],
        nodes: u64,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        let items = self.named(waiting, items.iter().copied(), budget)?;
        let before = self.state.moves();
        let found = Placements::new(self.state, &items, true).next(self.state, nodes, budget)?;
        self.state.undo_to(before);
        if found { Err(Why::Placed) } else { Ok(()) }
    }

    fn cases(
        &mut self,
        waiting: &[usize],
        vm: VmIndex,
        cases: &[(HostIndex, Refutation)],
        depth: usize,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        if depth == MOST_DEPTH {
            return Err(Why::TooDeep);
        }
        let item = self.named(waiting, [vm].into_iter(), budget)?[0];
        let takers = self.state.takers(item, budget)?;
        if !takers.iter().copied().eq(cases.iter().map(|(host, _)| host.get())) {
            return Err(Why::Cases(vm));
        }
        budget.spend(waiting.len())?;
        let rest: Vec<usize> = waiting.iter().copied().filter(|&other| other != item).collect();
        for (host, refutation) in cases {
            let before = self.state.moves();
            self.state.place(item, host.get());
            self.cannot_all_be_placed(&rest, refutation, depth + 1, budget)?;
            self.state.undo_to(before);
        }
        Ok(())
    }

    /// The waiting items of these names, each named once.
    fn named(
        &self,
        waiting: &[usize],
        vms: impl Iterator<Item = VmIndex>,
        budget: &mut Budget,
    ) -> Result<Vec<usize>, Why> {
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        for vm in vms {
            budget.spend(32)?;
            let item = self.state.problem.item_named(vm).filter(|item| waiting.binary_search(item).is_ok());
            let item = item.filter(|&item| seen.insert(item)).ok_or(Why::NotToPlace(vm))?;
            items.push(item);
        }
        Ok(items)
    }
}
