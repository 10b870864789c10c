//! Whether one failure set can be survived: a quick look that the what-if searches take before they ask for
//! an assessment. Rules between VMs are left out, so a "no" is certain and a "yes" is only a reason to look
//! closer.
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, HostSet, Pool, ProfileIndex, VmIndex};
use std::collections::BTreeMap;

/// What must be placed: VMs and where they may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) vm: VmIndex,
    pub(crate) demand: Vec<u64>,
    pub(crate) hosts: HostSet,
}

/// What the look showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// A place for each item, in the items' order.
    Yes(Vec<HostIndex>),
    /// There is none, for certain.
    No,
    /// Not settled within the limit.
    Unknown,
}

/// The items of a failure set, with the pending VMs, largest first. Whatever becomes of a pending VM, it must be
/// on a survivor in the end; one that no survivor could run is left out, since it may have become unprotectable.
pub(crate) fn items_of(pool: &Pool, failed: &HostSet) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut eligible: BTreeMap<ProfileIndex, HostSet> = BTreeMap::new();
    for vm in pool.vm_indices() {
        let state = pool.vm(vm);
        if state.restart_priority != RestartPriority::Restart {
            continue;
        }
        let pending = pool.is_pending(vm);
        let fails = pool.runs_on(vm).is_some_and(|home| failed.contains(home));
        if !pending && !fails {
            continue;
        }
        let mut hosts =
            eligible.entry(state.profile).or_insert_with(|| pool.eligible_hosts(state.profile)).clone();
        if let Some(home) = pool.runs_on(vm) {
            hosts.remove(home);
        }
        if hosts.is_empty() {
            // No other host could run it: unprotectable, and left out of the proof.
            continue;
        }
        hosts.subtract(failed);
        if !(pending && hosts.is_empty()) {
            items.push(Item { vm, demand: pool.demand_of(vm).to_vec(), hosts });
        }
    }
    items.sort_by(|a, b| b.demand.cmp(&a.demand).then(a.hosts.cmp(&b.hosts)).then(a.vm.cmp(&b.vm)));
    items
}

/// What is free on the survivors, by host and resource; failed hosts and those that take nothing have none.
pub(crate) fn room_after(pool: &Pool, failed: &HostSet) -> Vec<i64> {
    let width = pool.resources().len();
    let targets = pool.target_hosts();
    let mut room = pool.free();
    for host in pool.host_indices().filter(|&host| failed.contains(host) || !targets.contains(host)) {
        room[host.get() * width..][..width].fill(0);
    }
    room
}

/// Looks for a place for every item, trying at most `nodes` placements. Items that are alike must be adjacent.
pub(crate) fn fit(room: &[i64], width: usize, items: &[Item], nodes: u32) -> Fit {
    if too_much(room, width, items) {
        return Fit::No;
    }
    let mut search =
        Search { room: room.to_vec(), width, items, nodes, places: Vec::with_capacity(items.len()) };
    match search.place() {
        Some(true) => Fit::Yes(search.places),
        Some(false) => Fit::No,
        None => Fit::Unknown,
    }
}

/// Memory that plain best-fit leaves without a place: a measure of how far off the items are.
pub(crate) fn left_out_mib(room: &[i64], width: usize, items: &[Item]) -> u64 {
    let mut room = room.to_vec();
    let mut left_out = 0;
    for item in items {
        match places(&room, width, item).into_iter().min_by_key(|host| (room[host.get() * width], *host)) {
            Some(host) => take(&mut room, width, host, &item.demand, -1),
            None => left_out += item.demand[0].max(1),
        }
    }
    left_out
}

/// Volume in each resource, and counting: a host with f free holds at most ⌊f/x⌋ times x.
fn too_much(room: &[i64], width: usize, items: &[Item]) -> bool {
    let hosts = room.len() / width;
    for resource in 0..width {
        let asked: u64 = items.iter().map(|item| item.demand[resource]).sum();
        let there: u64 = (0..hosts).map(|host| room[host * width + resource].max(0) as u64).sum();
        if asked > there {
            return true;
        }
    }
    let mut sizes: Vec<u64> = items.iter().map(|item| item.demand[0]).filter(|&size| size > 0).collect();
    sizes.dedup();
    sizes.iter().any(|&size| {
        let asked: u64 = items.iter().map(|item| item.demand[0] / size).sum();
        let there: u64 = (0..hosts).map(|host| room[host * width].max(0) as u64 / size).sum();
        asked > there
    })
}

/// Hosts that can take the item now.
pub(crate) fn places(room: &[i64], width: usize, item: &Item) -> Vec<HostIndex> {
    let has_room = |host: &HostIndex| {
        let free = &room[host.get() * width..][..width];
        item.demand.iter().zip(free).all(|(&asked, &free)| asked == 0 || asked as i64 <= free)
    };
    item.hosts.iter().filter(has_room).collect()
}

pub(crate) fn take(room: &mut [i64], width: usize, host: HostIndex, demand: &[u64], sign: i64) {
    for (free, &amount) in room[host.get() * width..].iter_mut().zip(demand) {
        *free += sign * amount as i64;
    }
}

struct Search<'i> {
    room: Vec<i64>,
    width: usize,
    items: &'i [Item],
    nodes: u32,
    places: Vec<HostIndex>,
}

impl Search<'_> {
    /// Whether the rest can be placed; none: not settled.
    fn place(&mut self) -> Option<bool> {
        let position = self.places.len();
        let Some(item) = self.items.get(position) else { return Some(true) };
        let mut hosts = places(&self.room, self.width, item);
        hosts.sort_by_key(|host| (self.room[host.get() * self.width], *host));
        // Items that are alike may swap places: of two such, the later goes to no lower host.
        let twin = position.checked_sub(1).filter(|&before| alike(&self.items[before], item));
        let lowest = twin.map(|before| self.places[before]);
        for host in hosts.into_iter().filter(|host| lowest.is_none_or(|lowest| *host >= lowest)) {
            self.nodes = self.nodes.checked_sub(1)?;
            take(&mut self.room, self.width, host, &item.demand, -1);
            self.places.push(host);
            match self.place() {
                Some(false) => {
                    self.places.pop();
                    take(&mut self.room, self.width, host, &item.demand, 1);
                }
                settled => return settled,
            }
        }
        Some(false)
    }
}

fn alike(a: &Item, b: &Item) -> bool {
    a.demand == b.demand && a.hosts == b.hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{host, pool};

    fn look(pool: &Pool, failed: &[u16]) -> Fit {
        let failed = HostSet::of(pool.hosts().len(), failed.iter().map(|&h| host(h)));
        fit(&room_after(pool, &failed), pool.resources().len(), &items_of(pool, &failed), 1000)
    }

    #[test]
    fn the_packing_that_greedy_misses_is_found() {
        assert_eq!(
            look(&pool(1, &[(40, &[]), (30, &[]), (0, &[30, 20, 20])]), &[2]),
            Fit::Yes(vec![host(1), host(0), host(0)])
        );
    }

    #[test]
    fn what_cannot_fit_is_told_from_what_was_not_settled() {
        let tight = pool(1, &[(7, &[]), (7, &[]), (0, &[4, 4, 4])]);
        assert_eq!(look(&tight, &[2]), Fit::No, "three of size 4 in two hosts with one slot each");
        let failed = HostSet::of(3, [host(2)]);
        let odd = pool(1, &[(9, &[]), (9, &[]), (0, &[5, 4, 3, 3, 3])]);
        let items = items_of(&odd, &failed);
        assert_eq!(fit(&room_after(&odd, &failed), 1, &items, 2), Fit::Unknown);
        assert!(matches!(fit(&room_after(&odd, &failed), 1, &items, 100), Fit::Yes(_)));
    }
}
