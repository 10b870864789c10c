//! Bin completion: hosts are filled one after the other, each as full as the waste that is left allows. On tight
//! pools, where any-fit rules fail, few fillings waste so little, and the search is short. (After Korf's bin
//! completion, 2002, for hosts of different room and without its dominance rules: then what was tried in full is a
//! refutation too, `Refutation::Filling`.) Packings are found where one resource can bind and every item is eligible
//! everywhere; refutations hold everywhere, since they leave all else out of account.
use super::packing::Sequence;
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use lifeboat_model::certificate::Refutation;

/// Choices to make for one order of hosts.
const NODES: u64 = 40_000;
/// Orders of hosts to try.
const ROUNDS: usize = 12;

/// What the search found.
pub(crate) enum Completed {
    /// A packing.
    Placed(Vec<(Rank, Position)>),
    /// Every filling in some order of hosts was tried, and none places everything.
    Exhausted(Refutation),
    /// The limits came first.
    Open,
}

/// A packing of `items` by memory, if one is found; `effort` multiplies what is tried.
pub(crate) fn search(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    effort: u64,
    meter: &mut Meter<'_>,
) -> Completed {
    let width = problem.width;
    let mut sizes: Vec<i64> = Vec::new();
    let mut of_size: Vec<Vec<Rank>> = Vec::new();
    for &rank in items.iter().filter(|&&rank| problem.demand_of(rank)[0] > 0) {
        let size = problem.demand_of(rank)[0];
        match of_size.last_mut() {
            Some(ranks) if sizes.last() == Some(&size) => ranks.push(rank),
            _ => {
                sizes.push(size);
                of_size.push(vec![rank]);
            }
        }
    }
    if sizes.is_sorted_by(|a, b| a > b) {
        let mut hosts: Vec<(i64, Position)> = (0..problem.targets as Position)
            .filter(|&p| state.is_alive(p))
            .map(|p| (state.free[usize::from(p) * width].max(0), p))
            .collect();
        let waste = hosts.iter().map(|&(room, _)| room).sum::<i64>()
            - items.iter().map(|&rank| problem.demand_of(rank)[0]).sum::<i64>();
        let mut random = Sequence(0x5851_f42d_4c95_7f2d);
        for round in 0..ROUNDS * effort as usize {
            match round {
                0 => hosts.sort_unstable(),
                1 => hosts.sort_unstable_by(|a, b| b.cmp(a)),
                _ => shuffle(&mut hosts, &mut random),
            }
            let nodes = if round == 0 { NODES * effort * effort } else { NODES };
            let rooms = hosts.iter().map(|&(room, _)| room).collect();
            let left = of_size.iter().map(|ranks| ranks.len() as u32).collect();
            let mut search = Completion { sizes: &sizes, rooms, left, chosen: Vec::new(), nodes: 0 };
            let found = search.run(waste, nodes, meter);
            match found {
                Some(true) => {
                    return Completed::Placed(name(problem, items, &hosts, &search.chosen, &of_size));
                }
                Some(false) => {
                    let order = hosts.iter().map(|&(_, position)| problem.host[usize::from(position)]);
                    return Completed::Exhausted(Refutation::Filling { order: order.collect() });
                }
                None if meter.stopped().is_some() => return Completed::Open,
                None => {}
            }
        }
    }
    Completed::Open
}

fn shuffle(hosts: &mut [(i64, Position)], random: &mut Sequence) {
    for index in (1..hosts.len()).rev() {
        hosts.swap(index, (random.next() % (index as u64 + 1)) as usize);
    }
}

/// Names the items of each choice; items without memory go to any host.
fn name(
    problem: &Problem<'_>,
    items: &[Rank],
    hosts: &[(i64, Position)],
    chosen: &[Choice],
    of_size: &[Vec<Rank>],
) -> Vec<(Rank, Position)> {
    let mut next = vec![0usize; of_size.len()];
    let mut placed = Vec::with_capacity(items.len());
    for choice in chosen {
        for _ in 0..choice.count {
            placed.push((of_size[choice.size][next[choice.size]], hosts[choice.host].1));
            next[choice.size] += 1;
        }
    }
    let weightless = items.iter().copied().filter(|&rank| problem.demand_of(rank)[0] == 0);
    placed.extend(weightless.map(|rank| (rank, hosts[0].1)));
    placed
}

/// How many of one size go to one host.
struct Choice {
    host: usize,
    size: usize,
    count: u32,
    /// What was left of the host before.
    room: i64,
    /// What might be wasted before.
    waste: i64,
}

struct Completion<'c> {
    /// Distinct sizes, descending.
    sizes: &'c [i64],
    rooms: Vec<i64>,
    /// How many of each size are left.
    left: Vec<u32>,
    chosen: Vec<Choice>,
    nodes: u64,
}

impl Completion<'_> {
    /// Chooses, host by host and size by size, how many go there: the most first. `Some(true)`: everything is
    /// placed; `Some(false)`: nothing does; `None`: the limit came first. Keeps its own stack.
    fn run(&mut self, waste: i64, most: u64, meter: &mut Meter<'_>) -> Option<bool> {
        if waste < 0 {
            return Some(false);
        }
        let (mut host, mut size, mut room, mut waste) =
            (0, 0, self.rooms.first().copied().unwrap_or(0), waste);
        loop {
            self.nodes += 1;
            if self.nodes > most || (self.nodes.is_multiple_of(1024) && !meter.spend(10)) {
                return None;
            }
            while size < self.sizes.len() && (self.left[size] == 0 || self.sizes[size] > room) {
                size += 1;
            }
            if size < self.sizes.len() {
                let count = i64::from(self.left[size]).min(room / self.sizes[size]) as u32;
                self.left[size] -= count;
                self.chosen.push(Choice { host, size, count, room, waste });
                room -= self.sizes[size] * i64::from(count);
                size += 1;
                continue;
            }
            if room <= waste {
                if self.left.iter().all(|&left| left == 0) {
                    return Some(true);
                }
                if host + 1 < self.rooms.len() {
                    waste -= room;
                    host += 1;
                    size = 0;
                    room = self.rooms[host];
                    continue;
                }
            }
            // Back to the last choice of which one fewer can go there.
            let choice = loop {
                let Some(mut choice) = self.chosen.pop() else { return Some(false) };
                if choice.count > 0 {
                    choice.count -= 1;
                    self.left[choice.size] += 1;
                    break choice;
                }
            };
            (host, waste) = (choice.host, choice.waste);
            room = choice.room - self.sizes[choice.size] * i64::from(choice.count);
            size = choice.size + 1;
            self.chosen.push(choice);
        }
    }
}
