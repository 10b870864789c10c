//! The restart policies: which host an item gets. A second, plain reading of
//! [`lifeboat_model::certificate::Policy`].
use crate::Why;
use crate::budget::Budget;
use crate::problem::Problem;
use crate::state::{State, has, members};
use alloc::{vec, vec::Vec};
use core::cmp::Reverse;
use lifeboat_model::certificate::Policy;
use lifeboat_model::{HostIndex, limits};

/// The largest weight or multiplier that a certificate may have.
pub(crate) const MAX_WEIGHT: u64 = limits::MAX_AMOUNT;

/// A policy, checked and made ready.
pub(crate) struct Rule {
    choice: Choice,
    /// The key of every item.
    pub(crate) key: Vec<i128>,
    /// The items in the order in which they are placed: key descending, then lowest VM.
    pub(crate) by_rank: Vec<u32>,
    /// The position of each item in that order.
    pub(crate) rank: Vec<u32>,
    /// The ranks of the items at home on each host, ascending.
    home_ranks: Vec<Vec<u32>>,
}

/// How the host is chosen among those that can take the item.
pub(crate) enum Choice {
    /// The first in this order.
    First(Vec<usize>),
    /// The least weighted free.
    Best(Vec<i128>),
    /// The most weighted free.
    Worst(Vec<i128>),
    /// The smallest block.
    Block(Chain),
}

/// Sizes each of which divides the next.
pub(crate) struct Chain {
    pub(crate) sizes: Vec<i64>,
    /// The class of each item.
    pub(crate) class: Vec<u8>,
}

impl Rule {
    /// Checks a policy and makes it ready.
    pub(crate) fn new(problem: &Problem, policy: &Policy, budget: &mut Budget) -> Result<Self, Why> {
        budget.spend(problem.items.len() * (problem.width + 16))?;
        let (choice, weights) = match policy {
            Policy::FirstFit { weights, order } => {
                (Choice::First(targets_once(problem, order)?), checked(problem, weights)?)
            }
            Policy::BestFit { weights } => {
                let weights = checked(problem, weights)?;
                (Choice::Best(weights.clone()), weights)
            }
            Policy::WorstFit { weights } => {
                let weights = checked(problem, weights)?;
                (Choice::Worst(weights.clone()), weights)
            }
            Policy::BestBlock { chain } => {
                let mut memory = vec![0; problem.width];
                memory[0] = 1;
                (Choice::Block(Chain::new(problem, chain)?), memory)
            }
        };
        let key: Vec<i128> = problem.items.iter().map(|item| weigh(&weights, &item.demand)).collect();
        let mut by_rank: Vec<u32> = (0..problem.items.len() as u32).collect();
        by_rank.sort_unstable_by_key(|&item| (Reverse(key[item as usize]), item));
        let mut rank = vec![0; by_rank.len()];
        for (position, &item) in by_rank.iter().enumerate() {
            rank[item as usize] = position as u32;
        }
        let home_ranks = problem
            .at_home
            .iter()
            .map(|items| {
                let mut ranks: Vec<u32> = items.iter().map(|&item| rank[item as usize]).collect();
                ranks.sort_unstable();
                ranks
            })
            .collect();
        Ok(Self { choice, key, by_rank, rank, home_ranks })
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Adds the ranks of the items on a host, in no order.
    pub(crate) fn ranks_on(&self, state: &State<'_>, host: usize, ranks: &mut Vec<u32>) {
        ranks.extend(&self.home_ranks[host]);
        ranks.extend(state.visitors_of(host).iter().map(|&item| self.rank[item as usize]));
    }

    /// Adds the ranks of the items at home on a host, ascending.
    pub(crate) fn ranks_at_home(&self, host: usize, ranks: &mut Vec<u32>) {
        ranks.extend(&self.home_ranks[host]);
    }

    /// Places the items of these ranks, ascending. The item that finds no place, if any.
    pub(crate) fn place_all(
        &self,
        state: &mut State<'_>,
        ranks: &[u32],
        budget: &mut Budget,
    ) -> Result<Option<usize>, Why> {
        let mut scores = self.scores(state, budget)?;
        let mut admitting = Vec::with_capacity(state.problem.hosts.div_ceil(64));
        let mut last = None;
        for &rank in ranks {
            let item = self.by_rank[rank as usize] as usize;
            state.admitting(item, &mut admitting, budget)?;
            let Some(host) = self.choose(state, item, &admitting, &scores, &mut last, budget)? else {
                return Ok(Some(item));
            };
            state.place(item, host);
            self.rescore(state, &mut scores, host);
        }
        Ok(None)
    }

    fn choose(
        &self,
        state: &State<'_>,
        item: usize,
        admitting: &[u64],
        scores: &[i128],
        last: &mut Option<(u32, usize)>,
        budget: &mut Budget,
    ) -> Result<Option<usize>, Why> {
        let fitting = || members(admitting).filter(|&host| state.fits(item, host));
        if let Choice::First(order) = &self.choice {
            // Hosts that refused an item of this kind a moment ago refuse this one too: they have not gained.
            let kind = state.problem.items[item].kind;
            let start = last.filter(|&(last, _)| Some(last) == kind).map_or(0, |(_, position)| position);
            let found = (start..order.len())
                .find(|&position| has(admitting, order[position]) && state.fits(item, order[position]));
            budget.spend(1 + found.unwrap_or(order.len()) - start)?;
            *last = kind.zip(found);
            return Ok(found.map(|position| order[position]));
        }
        budget.spend(state.problem.hosts)?;
        Ok(match &self.choice {
            Choice::First(_) | Choice::Best(_) => fitting().min_by_key(|&host| (scores[host], host)),
            Choice::Worst(_) => fitting().min_by_key(|&host| (Reverse(scores[host]), host)),
            Choice::Block(chain) => {
                let class = u32::from(chain.class[item]);
                // Shifting out the smaller blocks leaves the least that will do lowest; no bit: none, last.
                fitting().min_by_key(|&host| ((scores[host] as u128 >> class).trailing_zeros(), host))
            }
        })
    }

    /// What the choice looks at, by host: weighted free, or which blocks there are.
    fn scores(&self, state: &State<'_>, budget: &mut Budget) -> Result<Vec<i128>, Why> {
        if matches!(self.choice, Choice::First(_)) {
            return Ok(Vec::new());
        }
        let mut scores = vec![0; state.problem.hosts];
        budget.spend(state.problem.hosts * state.problem.width)?;
        for host in state.problem.targets.iter().map(HostIndex::get).filter(|&host| state.is_alive(host)) {
            self.rescore(state, &mut scores, host);
        }
        Ok(scores)
    }

    fn rescore(&self, state: &State<'_>, scores: &mut [i128], host: usize) {
        let free = &state.free[host * state.problem.width..][..state.problem.width];
        match &self.choice {
            Choice::First(_) => {}
            Choice::Best(weights) | Choice::Worst(weights) => scores[host] = weigh(weights, free),
            Choice::Block(chain) => scores[host] = chain.blocks(free[0]),
        }
    }
}

impl Chain {
    fn new(problem: &Problem, chain: &[u64]) -> Result<Self, Why> {
        let ends = chain.first().zip(chain.last());
        let Some((&first, &last)) = ends else { return Err(Why::Policy("the chain is empty")) };
        if first == 0 || last > 1 << 60 {
            return Err(Why::OutOfRange("a size of the chain"));
        }
        if chain.windows(2).any(|pair| pair[0] >= pair[1] || pair[1] % pair[0] != 0) {
            return Err(Why::Policy("each size of the chain must divide the next, which is larger"));
        }
        let sizes: Vec<i64> = chain.iter().map(|&size| size as i64).collect();
        let mut class = Vec::with_capacity(problem.items.len());
        for item in &problem.items {
            let least = sizes.partition_point(|&size| size < item.demand[0]);
            if least == sizes.len() {
                return Err(Why::Policy("the chain ends below the largest item"));
            }
            class.push(least as u8);
        }
        Ok(Self { sizes, class })
    }

    /// Bit j: the mixed radix of `free` has a block of size j to spare.
    fn blocks(&self, free: i64) -> i128 {
        let mut rest = free.max(0);
        let mut blocks = 0;
        for (j, &size) in self.sizes.iter().enumerate().rev() {
            if rest >= size {
                blocks |= 1 << j;
                rest %= size;
            }
        }
        blocks
    }
}

/// Σ weights · amounts. At most 64 · 2^40 · 2^57.
pub(crate) fn weigh(weights: &[i128], amounts: &[i64]) -> i128 {
    weights.iter().zip(amounts).map(|(&weight, &amount)| weight * i128::from(amount)).sum()
}

/// One weight a resource, none too large.
pub(crate) fn checked(problem: &Problem, weights: &[u64]) -> Result<Vec<i128>, Why> {
    if weights.len() != problem.width {
        return Err(Why::OutOfRange("the number of weights"));
    }
    if weights.iter().any(|&weight| weight > MAX_WEIGHT) {
        return Err(Why::OutOfRange("a weight"));
    }
    Ok(weights.iter().map(|&weight| i128::from(weight)).collect())
}

fn targets_once(problem: &Problem, order: &[HostIndex]) -> Result<Vec<usize>, Why> {
    let mut left = problem.targets.clone();
    for &host in order {
        if host.get() >= problem.hosts || !left.remove(host) {
            return Err(Why::Policy("the order is not every target once"));
        }
    }
    if !left.is_empty() {
        return Err(Why::Policy("the order is not every target once"));
    }
    Ok(order.iter().map(|host| host.get()).collect())
}
