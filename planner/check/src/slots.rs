//! The slot test: no failures get the smallest-block policy stuck. The theorem and its proof stand at
//! [`lifeboat_model::certificate::Policy::BestBlock`]; names here are the theorem's.
use crate::Why;
use crate::budget::Budget;
use crate::policy::Choice;
use crate::top::largest_sum;
use crate::tree::Claimed;
use alloc::{vec, vec::Vec};
use lifeboat_model::HostIndex;

/// Whether no so many failures among the candidates, at once or in turn, can get the policy stuck.
pub(crate) fn holds(claimed: &Claimed<'_, '_>, budget: &mut Budget) -> Result<(), Why> {
    let Choice::Block(chain) = claimed.rule.choice() else {
        return Err(Why::ClosureNeeds {
            node: claimed.node,
            needs: "the slot test needs the best-block policy",
        });
    };
    let items = memory_decides(claimed, budget)?;
    let Some(&(_, some_item)) = items.first() else { return Ok(()) };
    let (state, width, levels) = (claimed.state, claimed.state.problem.width, chain.sizes.len());
    budget.spend(levels * (2 * state.problem.hosts + claimed.candidates.len()))?;
    // demanded[j]: M_j, first of class exactly j, in pieces of size j.
    let mut demanded = vec![vec![0i128; levels]; state.problem.hosts];
    for &(host, item) in &items {
        demanded[host][usize::from(chain.class[item])] += 1;
    }
    for of_host in &mut demanded {
        for j in (0..levels.saturating_sub(1)).rev() {
            of_host[j] += of_host[j + 1] * i128::from(chain.sizes[j + 1] / chain.sizes[j]);
        }
    }
    for (j, &size) in chain.sizes.iter().enumerate() {
        let pieces = |host: usize| -> i128 {
            let target = state.problem.targets.contains(HostIndex::new(host)) && state.is_alive(host);
            if target { i128::from(state.free[host * width].max(0) / size) } else { 0 }
        };
        let all: i128 = (0..state.problem.hosts).map(pieces).sum();
        let mut weights: Vec<(i128, bool)> =
            claimed.candidates.iter().map(|&host| (pieces(host) + demanded[host][j], true)).collect();
        if largest_sum(&mut weights, claimed.failures).is_some_and(|worst| worst > all) {
            let vm = state.problem.items[some_item].vm;
            return Err(Why::TestFails { node: claimed.node, test: "slot test", vm });
        }
    }
    Ok(())
}

/// The items on candidates with their hosts, if memory alone decides where they can go: each is eligible on
/// every alive target, in no separation, and no other resource can ever be short.
pub(crate) fn memory_decides(
    claimed: &Claimed<'_, '_>,
    budget: &mut Budget,
) -> Result<Vec<(usize, usize)>, Why> {
    let needs = |needs| Why::ClosureNeeds { node: claimed.node, needs };
    let (state, problem) = (claimed.state, claimed.state.problem);
    let mut alive_targets = problem.targets.clone();
    alive_targets.intersect_with(&state.alive);
    budget.spend(problem.eligible.len() * (1 + alive_targets.words().len()))?;
    let everywhere: Vec<bool> =
        problem.eligible.iter().map(|eligible| alive_targets.is_subset_of(eligible)).collect();
    let mut items = Vec::new();
    let mut largest = vec![0; problem.width];
    for &host in claimed.candidates {
        for item in state.items_on(host) {
            let item = item as usize;
            budget.spend(2 + problem.width)?;
            items.push((host, item));
            let lowered = &problem.items[item];
            if !everywhere[lowered.class] {
                return Err(needs("every item must be eligible on every target"));
            }
            if !lowered.separations.is_empty() {
                return Err(needs("no rule may keep the items apart"));
            }
            for (largest, &amount) in largest.iter_mut().zip(&lowered.demand) {
                *largest = amount.max(*largest);
            }
        }
    }
    budget.spend(alive_targets.len() * problem.width * 8)?;
    for host in alive_targets.iter().map(HostIndex::get) {
        if (1..problem.width)
            .any(|resource| claimed.binding.can_refuse(state, host, resource, largest[resource]))
        {
            return Err(needs("no resource but memory may be short anywhere"));
        }
    }
    Ok(items)
}
