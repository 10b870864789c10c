//! The best partial restart: the most VMs of the lowest order, then of the next, and so on.
use super::State;
use super::place::{Budget, Settled};
use std::collections::BTreeMap;

/// How many VMs of each order are restarted, the lowest order first.
pub type ByOrder = Vec<usize>;

impl Settled<'_> {
    /// The orders of all items, ascending, each once.
    pub fn orders(&self) -> Vec<u64> {
        let mut orders: Vec<u64> = self.items.iter().flatten().map(|&vm| self.world.vms[vm].order).collect();
        orders.sort_unstable();
        orders.dedup();
        orders
    }

    /// How many VMs of each order are among `vms`.
    pub fn by_order(&self, vms: impl IntoIterator<Item = usize>) -> ByOrder {
        let mut count: BTreeMap<u64, usize> = self.orders().into_iter().map(|order| (order, 0)).collect();
        for vm in vms {
            *count.entry(self.world.vms[vm].order).or_default() += 1;
        }
        count.into_values().collect()
    }

    /// The best that can be restarted when these hosts fail at once; items are restarted whole or not at all.
    pub fn best(&self, failed: &[usize], budget: &mut Budget) -> Option<ByOrder> {
        let (mut state, items) = self.fail(&self.start, failed);
        let mut best = self.by_order([]);
        self.improve(&mut state, &items, &mut Vec::new(), &mut best, budget)?;
        Some(best)
    }

    fn improve(
        &self,
        state: &mut State,
        rest: &[usize],
        placed: &mut Vec<usize>,
        best: &mut ByOrder,
        budget: &mut Budget,
    ) -> Option<()> {
        budget.spend()?;
        let all_placed = self.by_order(placed.iter().chain(rest).flat_map(|&item| self.items[item].clone()));
        if all_placed <= *best {
            return Some(());
        }
        let Some((&item, rest)) = rest.split_first() else {
            *best = all_placed;
            return Some(());
        };
        for host in 0..self.world.host_ids.len() {
            if self.can_take(state, item, host) {
                self.put(state, item, Some(host));
                placed.push(item);
                self.improve(state, rest, placed, best, budget)?;
                placed.pop();
                self.put(state, item, None);
            }
        }
        self.improve(state, rest, placed, best, budget)
    }
}
