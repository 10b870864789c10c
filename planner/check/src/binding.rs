//! Which resources can ever be short on a host. If memory does not refuse an item, the item and what was placed
//! before fit in the free memory together, so of another resource they demand at most what a fractional knapsack
//! of that memory holds; where so much is free, that resource refuses nobody.
use crate::Why;
use crate::budget::Budget;
use crate::problem::Problem;
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::{vec, vec::Vec};

/// Steps kept over all resources; beyond, every resource counts as one that can be short, which is sound.
const MOST_STEPS: usize = 1 << 20;

/// The knapsack of every resource.
pub(crate) struct Binding {
    /// By resource but memory; none where there would be too many steps.
    knapsacks: Vec<Option<Vec<Step>>>,
    /// Memory of all items.
    memory: i64,
}

/// Items alike, with all that give more of the resource for memory than they do.
struct Step {
    /// Memory of one of them.
    memory: i64,
    /// Amount of one of them.
    amount: i64,
    /// Memory of all before them.
    memory_before: i64,
    /// Amount of all before them.
    amount_before: i64,
    /// Memory of all up to and with them.
    memory_after: i64,
    /// Amount of all up to and with them.
    amount_after: i64,
}

impl Binding {
    pub(crate) fn new(problem: &Problem, budget: &mut Budget) -> Result<Self, Why> {
        let memory = problem.items.iter().map(|item| item.demand[0]).sum();
        let mut left = MOST_STEPS;
        let mut knapsacks = vec![None];
        for resource in 1..problem.width {
            budget.spend(16 * problem.items.len())?;
            let mut alike: BTreeMap<(i64, i64), i64> = BTreeMap::new();
            for item in problem.items.iter().filter(|item| item.demand[resource] > 0) {
                *alike.entry((item.demand[0], item.demand[resource])).or_default() += 1;
            }
            knapsacks.push(if alike.len() <= left {
                left -= alike.len();
                Some(steps(&alike))
            } else {
                None
            });
        }
        Ok(Self { knapsacks, memory })
    }

    /// Whether `resource` could ever be what keeps an item that demands `amount` from `host`.
    pub(crate) fn can_refuse(&self, state: &State<'_>, host: usize, resource: usize, amount: i64) -> bool {
        if amount == 0 {
            return false;
        }
        let free = &state.free[host * state.problem.width..][..state.problem.width];
        if resource == 0 {
            return self.memory > free[0];
        }
        self.most(resource, free[0]).is_none_or(|most| most > free[resource])
    }

    /// The most of `resource`, not memory, that items fitting in `memory` can demand; none: not known.
    fn most(&self, resource: usize, memory: i64) -> Option<i64> {
        let memory = memory.max(0);
        let steps = self.knapsacks[resource].as_ref()?;
        let whole = steps.partition_point(|step| step.memory_after <= memory);
        Some(match steps.get(whole) {
            None => steps.last().map_or(0, |step| step.amount_after),
            Some(step) => {
                let rest = i128::from(memory - step.memory_before);
                step.amount_before + (rest * i128::from(step.amount) / i128::from(step.memory)) as i64
            }
        })
    }
}

fn steps(alike: &BTreeMap<(i64, i64), i64>) -> Vec<Step> {
    let mut order: Vec<(&(i64, i64), &i64)> = alike.iter().collect();
    // Most amount for memory first; what needs no memory at all before everything.
    order.sort_by(|((memory_a, amount_a), _), ((memory_b, amount_b), _)| {
        (i128::from(*amount_b) * i128::from(*memory_a)).cmp(&(i128::from(*amount_a) * i128::from(*memory_b)))
    });
    let (mut memory_before, mut amount_before) = (0, 0);
    order
        .into_iter()
        .map(|(&(memory, amount), &count)| {
            let step = Step {
                memory,
                amount,
                memory_before,
                amount_before,
                memory_after: memory_before + memory * count,
                amount_after: amount_before + amount * count,
            };
            (memory_before, amount_before) = (step.memory_after, step.amount_after);
            step
        })
        .collect()
}
