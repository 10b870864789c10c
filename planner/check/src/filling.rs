//! Filling hosts one after the other, by memory alone. What is left unused in all is known beforehand, so a filling
//! that wastes more than the rest of it cannot be part of a packing.
use crate::Why;
use crate::budget::Budget;
use crate::state::State;
use alloc::{vec, vec::Vec};
use lifeboat_model::HostIndex;

/// Whether no filling of the alive targets in this order places all the items.
pub(crate) fn never_places_all(
    state: &State<'_>,
    waiting: &[usize],
    order: &[HostIndex],
    budget: &mut Budget,
) -> Result<(), Why> {
    let problem = state.problem;
    let mut left_out = problem.targets.clone();
    left_out.intersect_with(&state.alive);
    if order.iter().any(|&host| host.get() >= problem.hosts || !left_out.remove(host)) || !left_out.is_empty()
    {
        return Err(Why::FillingOrder);
    }
    let rooms: Vec<i64> = order.iter().map(|host| state.free[host.get() * problem.width].max(0)).collect();
    let mut sizes: Vec<i64> =
        waiting.iter().map(|&item| problem.items[item].demand[0]).filter(|&size| size > 0).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let waste = rooms.iter().sum::<i64>() - sizes.iter().sum::<i64>();
    let hosts = Hosts { rooms: &rooms, sizes: &sizes };
    if waste >= 0 && (rooms.is_empty() || hosts.can_be_filled(waste, budget)?) {
        return Err(Why::FillingFits);
    }
    Ok(())
}

struct Hosts<'f> {
    rooms: &'f [i64],
    /// Sizes of the items, descending.
    sizes: &'f [i64],
}

impl Hosts<'_> {
    /// Walks through all fillings, host by host, each host's in descending order of its first item, then its
    /// second, and so on. Of items that are alike a later one is not taken where an earlier one was given back.
    fn can_be_filled(&self, waste: i64, budget: &mut Budget) -> Result<bool, Why> {
        let mut taken = vec![false; self.sizes.len()];
        let mut placed = 0;
        // What each host was given, by item, and what might be wasted when it was its turn.
        let mut given: Vec<Vec<usize>> = vec![Vec::new()];
        let mut wastes = vec![waste];
        let mut room = self.rooms[0];
        let mut next = 0;
        loop {
            budget.spend(2)?;
            let host = given.len() - 1;
            if let Some(item) = self.next_fitting(&taken, room, next, budget)? {
                taken[item] = true;
                placed += 1;
                given[host].push(item);
                room -= self.sizes[item];
                next = item + 1;
                continue;
            }
            if room <= wastes[host] {
                if placed == self.sizes.len() {
                    return Ok(true);
                }
                if host + 1 < self.rooms.len() {
                    wastes.push(wastes[host] - room);
                    given.push(Vec::new());
                    room = self.rooms[host + 1];
                    next = 0;
                    continue;
                }
            }
            // Give back the last item, of this host or of one before it, and go on behind all that are like it.
            loop {
                let host = given.len() - 1;
                if let Some(item) = given[host].pop() {
                    budget.spend(given[host].len())?;
                    taken[item] = false;
                    placed -= 1;
                    room = self.rooms[host] - given[host].iter().map(|&item| self.sizes[item]).sum::<i64>();
                    next = self.sizes.partition_point(|&size| size >= self.sizes[item]);
                    break;
                }
                given.pop();
                wastes.pop();
                if given.is_empty() {
                    return Ok(false);
                }
            }
        }
    }

    fn next_fitting(
        &self,
        taken: &[bool],
        room: i64,
        from: usize,
        budget: &mut Budget,
    ) -> Result<Option<usize>, Why> {
        let from = from.max(self.sizes.partition_point(|&size| size > room));
        let found = (from..self.sizes.len()).find(|&item| !taken[item]);
        budget.spend(found.unwrap_or(self.sizes.len()).saturating_sub(from))?;
        Ok(found)
    }
}
