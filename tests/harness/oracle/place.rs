//! The world after pending VMs are placed: items, colours, and every way to place the items of failed hosts.
use super::{State, World};

/// How many steps the oracle may still take; it gives up rather than run for ever.
#[derive(Debug)]
pub struct Budget(pub u64);

impl Budget {
    /// Takes one step; `None` where none is left.
    pub fn spend(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }
}

/// The world after pending VMs are placed.
#[derive(Clone, Debug)]
pub struct Settled<'w> {
    /// The world.
    pub world: &'w World,
    /// Where everything is.
    pub start: State,
    /// The items: VMs that are restarted together, each list ascending.
    pub items: Vec<Vec<usize>>,
    /// For each separation the colour of each VM that runs.
    pub colour: Vec<Vec<Option<usize>>>,
    /// Protected VMs, running now or after pending placement, that no host but their own could run.
    pub unprotectable: Vec<usize>,
}

impl<'w> Settled<'w> {
    /// The world after `placement`, which it must admit.
    pub fn new(world: &'w World, placement: &[(usize, usize)]) -> Self {
        let mut start = world.now();
        for &(vm, host) in placement {
            start.at[vm] = Some(host);
        }
        let elsewhere = |vm: usize| {
            (0..world.host_ids.len()).any(|host| world.vms[vm].eligible[host] && start.at[vm] != Some(host))
        };
        let protected = (0..world.vms.len()).filter(|&vm| world.vms[vm].protected);
        let unprotectable: Vec<usize> = protected
            .filter(|&vm| (start.at[vm].is_some() || world.vms[vm].pending) && !elsewhere(vm))
            .collect();
        let item_vms: Vec<usize> = (0..world.vms.len())
            .filter(|&vm| {
                let home = start.at[vm];
                world.vms[vm].protected
                    && home.is_some_and(|host| world.can_fail[host])
                    && !unprotectable.contains(&vm)
            })
            .collect();
        let colour = world
            .apart
            .iter()
            .map(|group| {
                let of = |vm: usize| start.at[vm].filter(|_| group.members.contains(&vm));
                (0..world.vms.len()).map(|vm| of(vm).map(|host| group.domain[host])).collect()
            })
            .collect();
        Self { world, items: merge(world, &start, &item_vms), start, colour, unprotectable }
    }

    /// What an item demands.
    pub fn demand(&self, item: usize) -> Vec<i64> {
        let mut sum = vec![0; self.world.room.first().map_or(1, Vec::len)];
        for &vm in &self.items[item] {
            for (total, demand) in sum.iter_mut().zip(&self.world.vms[vm].demand) {
                *total += demand;
            }
        }
        sum
    }

    /// The host of an item.
    pub fn host_of(&self, state: &State, item: usize) -> Option<usize> {
        state.at[self.items[item][0]]
    }

    /// Lets hosts fail; gives the new state, in which nothing is restarted yet, and the items to restart.
    pub fn fail(&self, state: &State, failed: &[usize]) -> (State, Vec<usize>) {
        let homeless = (0..self.items.len())
            .filter(|&item| self.host_of(state, item).is_some_and(|host| failed.contains(&host)))
            .collect();
        let mut after = state.clone();
        for &host in failed {
            after.alive[host] = false;
        }
        for at in &mut after.at {
            *at = at.filter(|host| !failed.contains(host));
        }
        (after, homeless)
    }

    /// Whether an item that runs nowhere can be started on a host.
    pub fn can_take(&self, state: &State, item: usize, host: usize) -> bool {
        let world = self.world;
        let vms = &self.items[item];
        state.alive[host]
            && world.takes[host]
            && vms.iter().all(|&vm| world.vms[vm].eligible[host])
            && world.has_room(state, host, &self.demand(item))
            && vms.iter().all(|&vm| self.may_join(state, vm, host))
    }

    /// Whether no separation keeps a VM off a host.
    fn may_join(&self, state: &State, vm: usize, host: usize) -> bool {
        let world = self.world;
        world.apart.iter().zip(&self.colour).filter(|(group, _)| group.members.contains(&vm)).all(
            |(group, colour)| {
                group.members.iter().filter(|&&other| colour[other] != colour[vm]).all(|&other| {
                    let migration_end = world.vms[other].migration_end.filter(|&end| state.alive[end]);
                    let ends = [state.at[other], migration_end];
                    ends.into_iter().flatten().all(|end| group.domain[end] != group.domain[host])
                })
            },
        )
    }

    /// Starts an item on a host.
    pub fn put(&self, state: &mut State, item: usize, host: Option<usize>) {
        for &vm in &self.items[item] {
            state.at[vm] = host;
        }
    }

    /// Whether all of `items`, which run nowhere, can be placed. `None` where the budget ran out.
    pub fn placeable(&self, state: &State, items: &[usize], budget: &mut Budget) -> Option<bool> {
        let mut found = false;
        self.each_placement(&mut state.clone(), items, budget, &mut |_, _| {
            found = true;
            Some(true)
        })?;
        Some(found)
    }

    /// Shows `visit` every state in which all of `items` are placed, until it says that it has seen enough.
    /// Gives whether it did; `None` where the budget ran out.
    pub fn each_placement(
        &self,
        state: &mut State,
        items: &[usize],
        budget: &mut Budget,
        visit: &mut dyn FnMut(&State, &mut Budget) -> Option<bool>,
    ) -> Option<bool> {
        budget.spend()?;
        let Some((&item, rest)) = items.split_first() else {
            return visit(state, budget);
        };
        for host in 0..self.world.host_ids.len() {
            if self.can_take(state, item, host) {
                self.put(state, item, Some(host));
                let enough = self.each_placement(state, rest, budget, visit);
                self.put(state, item, None);
                if enough? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

/// Items: VMs of one host that required affinity groups tie together, directly or through others, are one.
fn merge(world: &World, state: &State, vms: &[usize]) -> Vec<Vec<usize>> {
    let tied = |a: usize, b: usize| {
        state.at[a] == state.at[b]
            && world.together.iter().any(|group| group.contains(&a) && group.contains(&b))
    };
    let mut items: Vec<Vec<usize>> = Vec::new();
    for &vm in vms {
        let (with, without): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| item.iter().any(|&other| tied(other, vm)));
        items = without;
        let mut merged: Vec<usize> = with.into_iter().flatten().chain([vm]).collect();
        merged.sort_unstable();
        items.push(merged);
    }
    items.sort();
    items
}
