//! A mixed-integer program proposes a packing where rules, local search and exhaustion found none: several
//! resources, eligible sets, few items. The solver works in floating point, so it only proposes: what it says is
//! re-verified in integers, item by item, and its "infeasible" counts for nothing. It is stopped by nodes, not by
//! the clock, so that the same input gives the same answer.
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use good_lp::{Expression, ProblemVariables, SolverModel, Variable, constraint, variable};
use microlp::SolveOptions;

/// Up to this many yes-or-no choices the program is tried: beyond, it takes too long for one set.
const MOST_CHOICES: usize = 400;
/// Nodes of the solver's own branch and bound.
const NODES: u64 = 200;

/// A packing that the solver proposes and integers confirm.
pub(crate) fn propose(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    meter: &mut Meter<'_>,
) -> Option<Vec<(Rank, Position)>> {
    let takers: Vec<Vec<usize>> = items.iter().map(|&rank| state.takers(problem, rank).collect()).collect();
    let choices: usize = takers.iter().map(Vec::len).sum();
    if choices > MOST_CHOICES || takers.iter().any(Vec::is_empty) || !meter.spend(choices as u64 * 50) {
        return None;
    }
    let mut variables = ProblemVariables::new();
    let chosen: Vec<Vec<(usize, Variable)>> = takers
        .iter()
        .map(|hosts| hosts.iter().map(|&host| (host, variables.add(variable().binary()))).collect())
        .collect();
    let mut model = variables.minimise(Expression::from(0)).using(good_lp::microlp);
    for hosts in &chosen {
        let sum: Expression = hosts.iter().map(|&(_, choice)| choice).sum();
        model = model.with(constraint!(sum == 1));
    }
    for host in 0..problem.targets {
        for resource in 0..problem.width {
            let mut load = Expression::from(0);
            for (&rank, hosts) in items.iter().zip(&chosen) {
                if let Some(&(_, choice)) = hosts.iter().find(|&&(at, _)| at == host) {
                    load += choice * share(problem.demand_of(rank)[resource]);
                }
            }
            let room = share(state.free[host * problem.width + resource].max(0));
            model = model.with(constraint!(load <= room));
        }
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = model.as_inner().solve_with(options).ok()?.into_solution().ok()?;
    let mut values = solution.iter().map(|(_, value)| value);
    let mut trial = state.clone();
    let before = trial.placed.len();
    for (&rank, hosts) in items.iter().zip(&chosen) {
        // The solver has the choices in the order in which they were made here.
        let said: Vec<f64> = values.by_ref().take(hosts.len()).collect();
        let (&(host, _), _) = hosts.iter().zip(&said).find(|&(_, &value)| value > 0.5)?;
        if !trial.can_take(problem, rank, host) {
            return None;
        }
        trial.put(problem, rank, host);
    }
    Some(trial.placed.split_off(before))
}

/// An amount as the solver sees it: amounts are at most 2^40, which a double holds exactly.
#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52, and the answer is re-verified")]
fn share(amount: i64) -> f64 {
    amount as f64
}
