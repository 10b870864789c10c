//! The slot theorem (`Policy::BestBlock` in the certificate format): where VM sizes, rounded up, form a chain in
//! which each divides the next, placing each VM on the smallest free block wastes nothing, in any order. It
//! proves the sequential notion as cheaply as the simultaneous one, and for sizes that are such a chain already
//! it is exact for both.
use super::top::top_sum;
use crate::plain::Plain;
use crate::problem::{Position, Problem};
use crate::state::State;

/// A chain, and the failures that it proves.
pub(crate) struct Slots {
    /// d₁ | d₂ | … | d_k.
    pub(crate) chain: Vec<u64>,
    /// Failures survived, at once or in any order and grouping.
    pub(crate) survived: usize,
}

/// The best chain found, for at most `most` failures.
pub(crate) fn best_chain(plain: &Plain, most: usize) -> Option<Slots> {
    let largest = plain.levels.last()?.hi;
    if plain.exact_sizes {
        let exact: Vec<i64> = plain.levels.iter().map(|level| level.hi).collect();
        if exact.windows(2).all(|pair| pair[1] % pair[0] == 0) {
            return Some(Slots::prove(plain, &exact, most));
        }
    }
    // Chains of doublings through each size of the upper octave: b, 2b, 4b … and b/2, b/4 … while even.
    let mut best: Option<Slots> = None;
    for level in plain.levels.iter().rev().take_while(|level| level.hi * 2 > largest) {
        let least = plain.levels[0].hi;
        let mut chain = vec![level.hi];
        while chain[0] % 2 == 0 && chain[0] / 2 >= least {
            chain.insert(0, chain[0] / 2);
        }
        while chain[chain.len() - 1] < largest {
            chain.push(chain[chain.len() - 1] * 2);
        }
        let found = Slots::prove(plain, &chain, most);
        if best.as_ref().is_none_or(|best| found.survived > best.survived) {
            best = Some(found);
        }
        if best.as_ref().is_some_and(|best| best.survived == most) {
            break;
        }
    }
    best
}

impl Slots {
    fn prove(plain: &Plain, chain: &[i64], most: usize) -> Self {
        let wide = plain.wide();
        let class: Vec<usize> =
            plain.levels.iter().map(|level| chain.partition_point(|&slot| slot < level.hi)).collect();
        let mut survived = most;
        let mut weights = vec![0i64; wide];
        let mut scratch = Vec::new();
        for (position, &slot) in chain.iter().enumerate() {
            weights.fill(0);
            for (level, &class) in class.iter().enumerate().filter(|&(_, &class)| class >= position) {
                let slots = chain[class] / slot;
                for (weight, &count) in weights.iter_mut().zip(plain.count_of(level)) {
                    *weight += slots * i64::from(count);
                }
            }
            if weights.iter().all(|&weight| weight == 0) {
                continue;
            }
            let mut total = 0;
            for (weight, &room) in weights.iter_mut().zip(&plain.room) {
                *weight += room / slot;
                total += room / slot;
            }
            while survived > 0 && top_sum(&weights, survived, &mut scratch) > total {
                survived -= 1;
            }
        }
        Self { chain: chain.iter().map(|&slot| slot as u64).collect(), survived }
    }
}

/// Whether the slot test holds for at most `k` further failures among `candidates` in this state of a plain
/// problem.
pub(crate) fn holds(
    problem: &Problem<'_>,
    state: &State,
    chain: &[i64],
    candidates: &[Position],
    k: usize,
    scratch: &mut Vec<i64>,
) -> bool {
    // demand[column][class]: slots of the class's own size that items on the column need.
    let mut need = vec![0i64; candidates.len() * chain.len()];
    for (column, &position) in candidates.iter().enumerate() {
        let moved = state.placed.iter().filter(|&&(_, at)| at == position).map(|&(rank, _)| rank);
        for rank in problem.at_home[usize::from(position)].iter().copied().chain(moved) {
            let class = chain.partition_point(|&slot| slot < problem.demand_of(rank)[0]);
            need[column * chain.len() + class] += 1;
        }
    }
    let room = |position: usize| state.free[position * problem.width].max(0);
    (0..chain.len()).all(|j| {
        let total: i64 = (0..problem.targets)
            .filter(|&position| state.is_alive(position as Position))
            .map(|position| room(position) / chain[j])
            .sum();
        let weights: Vec<i64> = candidates
            .iter()
            .enumerate()
            .map(|(column, &position)| {
                let own: i64 = (j..chain.len())
                    .map(|class| need[column * chain.len() + class] * (chain[class] / chain[j]))
                    .sum();
                let slots = if usize::from(position) < problem.targets {
                    room(usize::from(position)) / chain[j]
                } else {
                    0
                };
                own + slots
            })
            .collect();
        top_sum(&weights, k, scratch) <= total
    })
}
