//! The two-sided stuck test for first fit in a fixed order, best one that ascends by free memory. The theorem and its proof
//! stand at [`lifeboat_model::certificate::Closure::FixedOrder`]; names here are the theorem's.
use crate::Why;
use crate::budget::Budget;
use crate::policy::Choice;
use crate::slots::memory_decides;
use crate::top::largest_sum;
use crate::tree::Claimed;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Whether no so many failures among the candidates, at once or in turn, can get the policy stuck.
pub(crate) fn holds(claimed: &Claimed<'_, '_>, budget: &mut Budget) -> Result<(), Why> {
    let needs = |needs| Why::ClosureNeeds { node: claimed.node, needs };
    let Choice::First(order) = claimed.rule.choice() else {
        return Err(needs("the fixed-order test needs the first-fit policy"));
    };
    let items = memory_decides(claimed, budget)?;
    let state = claimed.state;
    let alive: Vec<usize> = order.iter().copied().filter(|&host| state.is_alive(host)).collect();
    let free: Vec<i64> = alive.iter().map(|&host| state.free[host * state.problem.width]).collect();
    budget.spend(items.len() * 32)?;
    let mut by_size: BTreeMap<i64, usize> = BTreeMap::new();
    for &(_, item) in &items {
        by_size.insert(state.problem.items[item].demand[0], item);
    }
    let test = Test { free: &free, loads: loads(claimed, &alive, &items), failures: claimed.failures };
    let sizes: Vec<i64> = by_size.keys().copied().collect();
    // Where (a) held for the size before, it mostly holds here: one try instead of a search.
    let mut guess = 0;
    for (position, &x) in sizes.iter().enumerate() {
        if !test.some_y(&sizes[..=position], x, &mut guess, budget)? {
            let vm = state.problem.items[by_size[&x]].vm;
            return Err(Why::TestFails { node: claimed.node, test: "fixed-order test", vm });
        }
    }
    Ok(())
}

/// The inequalities of one node.
struct Test<'a> {
    /// What alive targets have free, in the policy's order.
    free: &'a [i64],
    loads: Vec<Load>,
    failures: usize,
}

/// What is on one candidate.
struct Load {
    /// Its place among alive targets, if it is one.
    place: Option<usize>,
    /// Its sizes, ascending.
    sizes: Vec<i64>,
    /// The total of the sizes from a position on; one entry more than there are sizes.
    from: Vec<i64>,
}

impl Test<'_> {
    /// Whether there is a y among `sizes` (ascending, the last is x) with (a) and (b). The smaller y is, the more
    /// (a) asks and the less (b) asks: only the least y with (a) needs to be tried with (b).
    fn some_y(&self, sizes: &[i64], x: i64, guess: &mut usize, budget: &mut Budget) -> Result<bool, Why> {
        let a = |position: usize| self.sum_below(x, None, sizes[position]);
        let b = |position: usize| position == 0 || self.sum_below(x, Some(sizes[position]), i64::MIN);
        budget.spend(32 * self.loads.len() * (2 + sizes.len().ilog2() as usize))?;
        if a(*guess) && b(*guess) {
            return Ok(true);
        }
        let (mut low, mut high) = (0, sizes.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if a(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if low == sizes.len() {
            return Ok(false);
        }
        *guess = low;
        Ok(b(low))
    }

    /// For every S that holds an x: what survivors must have been given, were x stuck, exceeds what there is to
    /// give, the items ≥ `counted` of S less x. A survivor with f < x that comes before all with f ≥ x counts where
    /// `refused` is a size that some item below it refused.
    fn sum_below(&self, x: i64, refused: Option<i64>, counted: i64) -> bool {
        let first_large = self.free.iter().position(|&free| free >= x).unwrap_or(self.free.len());
        let given = |place: usize| -> i128 {
            let free = self.free[place];
            if free >= x {
                i128::from(free - x + 1)
            } else if place < first_large {
                refused.map_or(0, |y| i128::from((free - y + 2).max(0)))
            } else {
                0
            }
        };
        let all: i128 = (0..self.free.len()).map(given).sum();
        let mut weights: Vec<(i128, bool)> = self
            .loads
            .iter()
            .map(|load| {
                let start = load.sizes.partition_point(|&size| size < counted);
                let weight = load.place.map_or(0, given) + i128::from(load.from[start]);
                (weight, load.sizes.binary_search(&x).is_ok())
            })
            .collect();
        largest_sum(&mut weights, self.failures).is_none_or(|worst| worst < all + i128::from(x))
    }
}

fn loads(claimed: &Claimed<'_, '_>, alive_targets: &[usize], items: &[(usize, usize)]) -> Vec<Load> {
    let state = claimed.state;
    let mut sizes: BTreeMap<usize, Vec<i64>> =
        claimed.candidates.iter().map(|&host| (host, Vec::new())).collect();
    for &(host, item) in items {
        if let Some(sizes) = sizes.get_mut(&host) {
            sizes.push(state.problem.items[item].demand[0]);
        }
    }
    sizes
        .into_iter()
        .map(|(host, mut sizes)| {
            sizes.sort_unstable();
            let mut from = alloc::vec![0; sizes.len() + 1];
            for position in (0..sizes.len()).rev() {
                from[position] = from[position + 1] + sizes[position];
            }
            let place = alive_targets.iter().position(|&target| target == host);
            Load { place, sizes, from }
        })
        .collect()
}
