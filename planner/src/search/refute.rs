//! Why one set of items cannot be packed into a state: too much volume or too many items for the hosts that
//! could take them, over every threshold of size and every confined class (Hall's condition), or too few domains
//! for members that must be apart. Each is a `Refutation` that the checker re-establishes from values alone.
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use lifeboat_model::certificate::Refutation;
use std::collections::BTreeMap;

/// A reason why `items` cannot all be placed, if a cheap one is found.
pub(crate) fn refute(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    meter: &mut Meter<'_>,
) -> Option<Refutation> {
    if items.is_empty() {
        return None;
    }
    if (0..problem.targets).all(|position| !state.is_alive(position as Position)) {
        return Some(Refutation::NoSurvivor);
    }
    if let Some(&rank) = items.iter().find(|&&rank| state.takers(problem, rank).next().is_none()) {
        let vm = problem.items[rank as usize].vm;
        return Some(Refutation::Exhaustion { items: vec![vm], nodes: 0 });
    }
    regions(problem, items)
        .into_iter()
        .find_map(|region| {
            meter.spend(2 + items.len() as u64 / 4);
            confined(problem, state, items, &region)
        })
        .or_else(|| pigeonhole(problem, state, items))
}

/// Sets of targets that some items cannot leave: all targets, each class, unions of two classes.
fn regions(problem: &Problem<'_>, items: &[Rank]) -> Vec<Vec<u64>> {
    let mut classes: Vec<u32> = items.iter().map(|&rank| problem.items[rank as usize].class).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut regions: Vec<Vec<u64>> = Vec::new();
    let mut whole = vec![0u64; problem.words];
    for &class in &classes {
        let region = problem.eligible_of(class).to_vec();
        for (whole, word) in whole.iter_mut().zip(&region) {
            *whole |= word;
        }
        if classes.len() <= MOST_CONFINED {
            regions.push(region);
        }
    }
    if (2..=MOST_PAIRED).contains(&classes.len()) {
        for (index, &a) in classes.iter().enumerate() {
            for &b in &classes[index + 1..] {
                regions.push(
                    problem.eligible_of(a).iter().zip(problem.eligible_of(b)).map(|(a, b)| a | b).collect(),
                );
            }
        }
    }
    regions.push(whole);
    regions.sort_unstable();
    regions.dedup();
    regions
        .sort_by_key(|region| core::cmp::Reverse(region.iter().map(|word| word.count_ones()).sum::<u32>()));
    regions
}

/// Each class is a region of its own for up to this many.
const MOST_CONFINED: usize = 400;

/// Unions of pairs are tried for up to this many classes.
const MOST_PAIRED: usize = 24;

/// Volume and count of the items that cannot leave a region, by resource and threshold.
fn confined(problem: &Problem<'_>, state: &State, items: &[Rank], region: &[u64]) -> Option<Refutation> {
    let width = problem.width;
    let inside = |class: u32| problem.eligible_of(class).iter().zip(region).all(|(e, r)| e & !r == 0);
    let held: Vec<Rank> =
        items.iter().copied().filter(|&rank| inside(problem.items[rank as usize].class)).collect();
    let hosts: Vec<usize> = (0..problem.targets)
        .filter(|&p| region[p / 64] >> (p % 64) & 1 == 1 && state.is_alive(p as Position))
        .collect();
    for resource in 0..width {
        let mut sizes: Vec<(i64, Rank)> = held
            .iter()
            .map(|&rank| (problem.demand_of(rank)[resource], rank))
            .filter(|&(size, _)| size > 0)
            .collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let room: Vec<i64> = hosts.iter().map(|&p| state.free[p * width + resource].max(0)).collect();
        let (mut volume, mut count) = (0i64, 0i64);
        for (index, &(size, _)) in sizes.iter().enumerate() {
            volume += size;
            count += 1;
            if sizes.get(index + 1).is_some_and(|&(next, _)| next == size) {
                continue;
            }
            let capacity: i64 = room.iter().filter(|&&room| room >= size).sum();
            let slots: i64 = room.iter().map(|&room| room / size).sum();
            if volume > capacity || count > slots {
                let counted = count > slots;
                let mut surrogate = vec![0; width];
                surrogate[resource] = 1;
                let mut values: Vec<_> = sizes[..=index]
                    .iter()
                    .map(|&(size, rank)| {
                        (problem.items[rank as usize].vm, if counted { 1 } else { size as u64 })
                    })
                    .collect();
                values.sort_unstable();
                return Some(Refutation::Values { surrogate, values });
            }
        }
    }
    None
}

/// Members of a separation that need more domains than they can have.
fn pigeonhole(problem: &Problem<'_>, state: &State, items: &[Rank]) -> Option<Refutation> {
    for (index, separation) in problem.separations.iter().enumerate() {
        // One member of each colour; its possible domains.
        let mut by_colour: BTreeMap<u16, (Rank, Vec<u16>)> = BTreeMap::new();
        for &rank in items {
            let Some(member) =
                problem.members_of(rank).iter().find(|member| member.separation as usize == index)
            else {
                continue;
            };
            let mut domains: Vec<u16> =
                state.takers(problem, rank).map(|position| separation.domain[position]).collect();
            domains.sort_unstable();
            domains.dedup();
            let entry = by_colour.entry(member.colour).or_insert_with(|| (rank, domains.clone()));
            if domains.len() < entry.1.len() {
                *entry = (rank, domains);
            }
        }
        if let Some(members) = hall_violator(&by_colour.into_values().collect::<Vec<_>>()) {
            let mut members: Vec<_> =
                members.into_iter().map(|rank| problem.items[rank as usize].vm).collect();
            members.sort_unstable();
            return Some(Refutation::Separation { group: separation.group, members });
        }
    }
    None
}

/// Members that together have fewer domains than there are of them, by augmenting paths (König).
fn hall_violator(members: &[(Rank, Vec<u16>)]) -> Option<Vec<Rank>> {
    let mut owner: BTreeMap<u16, usize> = BTreeMap::new();
    for member in 0..members.len() {
        let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
        let mut queue = vec![member];
        let mut end = None;
        let mut reached = vec![member];
        'search: while let Some(at) = queue.pop() {
            for &domain in &members[at].1 {
                if seen.contains_key(&domain) {
                    continue;
                }
                seen.insert(domain, at);
                match owner.get(&domain) {
                    None => {
                        end = Some(domain);
                        break 'search;
                    }
                    Some(&next) => {
                        reached.push(next);
                        queue.push(next);
                    }
                }
            }
        }
        let Some(mut domain) = end else {
            return Some(reached.into_iter().map(|index| members[index].0).collect());
        };
        loop {
            let at = seen[&domain];
            let before = owner.iter().find(|&(_, &owned)| owned == at).map(|(&domain, _)| domain);
            owner.insert(domain, at);
            if at == member {
                break;
            }
            domain = before.expect("a member that was reached through its domain owns one");
        }
    }
    None
}
