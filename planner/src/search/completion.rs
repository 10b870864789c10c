//! Bin completion: hosts are filled one after the other, each as full as the waste that is left allows. On tight
//! pools, where any-fit rules fail, few fillings waste so little, and the search is short. (After Korf's bin
//! completion, 2002, for hosts of different room; a found packing is what counts, so no dominance proof is needed.)
//! One resource that can bind, every item eligible everywhere.
use super::packing::Sequence;
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;

/// Fillings to try for one order of hosts.
const NODES: u32 = 40_000;
/// Orders of hosts to try.
const ROUNDS: usize = 12;

/// A packing of `items` by memory, if one is found; `effort` multiplies the orders of hosts that are tried.
pub(crate) fn search(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    effort: usize,
    meter: &mut Meter<'_>,
) -> Option<Vec<(Rank, Position)>> {
    let width = problem.width;
    let mut sizes: Vec<i64> = Vec::new();
    let mut of_size: Vec<Vec<Rank>> = Vec::new();
    for &rank in items {
        let size = problem.demand_of(rank)[0];
        if sizes.last() == Some(&size) {
            of_size.last_mut()?.push(rank);
        } else {
            sizes.push(size);
            of_size.push(vec![rank]);
        }
    }
    let mut hosts: Vec<(i64, Position)> = (0..problem.targets as Position)
        .filter(|&p| state.is_alive(p) && state.free[usize::from(p) * width] > 0)
        .map(|p| (state.free[usize::from(p) * width], p))
        .collect();
    let room: i64 = hosts.iter().map(|&(room, _)| room).sum();
    let volume: i64 = items.iter().map(|&rank| problem.demand_of(rank)[0]).sum();
    if volume > room {
        return None;
    }
    let mut random = Sequence(0x5851_f42d_4c95_7f2d);
    for round in 0..ROUNDS * effort {
        match round {
            0 => hosts.sort_unstable(),
            1 => hosts.sort_unstable_by(|a, b| b.cmp(a)),
            _ => {
                for index in (1..hosts.len()).rev() {
                    hosts.swap(index, (random.next() % (index as u64 + 1)) as usize);
                }
            }
        }
        let mut search = Completion {
            sizes: &sizes,
            left: of_size.iter().map(|ranks| ranks.len() as u32).collect(),
            rooms: hosts.iter().map(|&(room, _)| room).collect(),
            fillings: Vec::with_capacity(hosts.len()),
            nodes: NODES,
        };
        let found = search.fill_host(0, room - volume);
        if !meter.spend(u64::from(NODES - search.nodes) / 50 + 1) && !found {
            return None;
        }
        if found {
            return Some(assign(&hosts, &search.fillings, &of_size));
        }
    }
    None
}

/// Names the items of each filling.
fn assign(
    hosts: &[(i64, Position)],
    fillings: &[Vec<(usize, u32)>],
    of_size: &[Vec<Rank>],
) -> Vec<(Rank, Position)> {
    let mut next = vec![0usize; of_size.len()];
    let mut placed = Vec::new();
    for (&(_, position), filling) in hosts.iter().zip(fillings) {
        for &(size, count) in filling {
            for _ in 0..count {
                placed.push((of_size[size][next[size]], position));
                next[size] += 1;
            }
        }
    }
    placed
}

struct Completion<'c> {
    /// Distinct sizes, descending.
    sizes: &'c [i64],
    /// How many of each are left.
    left: Vec<u32>,
    rooms: Vec<i64>,
    /// By host: (size index, how many).
    fillings: Vec<Vec<(usize, u32)>>,
    nodes: u32,
}

impl Completion<'_> {
    /// Fills host `host` and all after it, wasting at most `waste`.
    fn fill_host(&mut self, host: usize, waste: i64) -> bool {
        if self.left.iter().all(|&left| left == 0) {
            return true;
        }
        if host == self.rooms.len() || self.nodes == 0 {
            return false;
        }
        let below: Vec<i64> = {
            let mut sum = 0;
            let mut below = vec![0; self.sizes.len() + 1];
            for size in (0..self.sizes.len()).rev() {
                sum += self.sizes[size] * i64::from(self.left[size]);
                below[size] = sum;
            }
            below
        };
        let mut filling = Vec::new();
        self.choose(host, 0, self.rooms[host], waste, &below, &mut filling)
    }

    /// Chooses how many of size `size` and smaller go into what is left of the host.
    fn choose(
        &mut self,
        host: usize,
        size: usize,
        room: i64,
        waste: i64,
        below: &[i64],
        filling: &mut Vec<(usize, u32)>,
    ) -> bool {
        if self.nodes == 0 {
            return false;
        }
        self.nodes -= 1;
        // Sizes that are too large for what is left are no choice.
        let mut size = size;
        while size < self.sizes.len() && (self.left[size] == 0 || self.sizes[size] > room) {
            size += 1;
        }
        if room - below[size] > waste {
            return false;
        }
        if size == self.sizes.len() {
            if room > waste {
                return false;
            }
            self.fillings.push(filling.clone());
            if self.fill_host(host + 1, waste - room) {
                return true;
            }
            self.fillings.pop();
            return false;
        }
        let most = i64::from(self.left[size]).min(room / self.sizes[size]) as u32;
        for count in (0..=most).rev() {
            if count > 0 {
                self.left[size] -= count;
                filling.push((size, count));
            }
            let rest = room - self.sizes[size] * i64::from(count);
            let found = self.choose(host, size + 1, rest, waste, below, filling);
            if found {
                return true;
            }
            if count > 0 {
                self.left[size] += count;
                filling.pop();
            }
        }
        false
    }
}
