//! The adversary: failure sets that a linear bound refutes outright. For a region that items cannot leave, a
//! resource and a threshold of size, "too much for the survivors" is a sum of one weight a host, so the worst set
//! of n hosts is the n heaviest. The general form of `bound::volume`, for eligible sets and several resources.
use super::work::Meter;
use crate::bound::top::{top_positions, top_sum};
use crate::problem::{Position, Problem};
use crate::state::State;

/// The smallest failure set of at most `most` hosts that some linear bound refutes.
pub(crate) fn smallest(problem: &Problem<'_>, most: usize, meter: &mut Meter<'_>) -> Option<Vec<Position>> {
    let root = State::initial(problem);
    let mut least = most + 1;
    let mut best: Option<Vec<i64>> = None;
    let mut scratch = Vec::new();
    let confined = if problem.classes <= MOST_CLASSES { problem.classes } else { 0 };
    for class in (0..confined).map(Some).chain([None]) {
        let region: Vec<u64> = if let Some(class) = class {
            problem.eligible_of(class as u32).to_vec()
        } else {
            if problem.classes == 1 {
                break;
            }
            (0..problem.words)
                .map(|w| (0..problem.classes).fold(0, |all, c| all | problem.eligible_of(c as u32)[w]))
                .collect()
        };
        meter.spend((problem.items.len() + problem.hosts() * 40) as u64 / 200);
        for resource in 0..problem.width {
            each_weighing(problem, &root, &region, resource, |weights, total| {
                while least > 1 && top_sum(weights, least - 1, &mut scratch) > total {
                    least -= 1;
                    best = Some(weights.to_vec());
                }
            });
        }
    }
    best.map(|weights| {
        let mut set: Vec<Position> =
            top_positions(&weights, least).into_iter().map(|column| problem.failable[column]).collect();
        set.sort_unstable_by_key(|&position| problem.host[usize::from(position)]);
        set
    })
}

/// Classes up to which each is tried as a region of its own.
const MOST_CLASSES: usize = 1_000;

/// Thresholds of size to try in a region.
const THRESHOLDS: usize = 32;

/// Calls `visit` with the weights (by candidate) and right side of each threshold's volume and count bound.
fn each_weighing(
    problem: &Problem<'_>,
    root: &State,
    region: &[u64],
    resource: usize,
    mut visit: impl FnMut(&[i64], i64),
) {
    let width = problem.width;
    let mut sizes: Vec<(i64, usize)> = Vec::new();
    for (column, &position) in problem.failable.iter().enumerate() {
        for &rank in &problem.at_home[usize::from(position)] {
            let size = problem.demand_of(rank)[resource];
            let eligible = problem.eligible_of(problem.items[rank as usize].class);
            if size > 0 && eligible.iter().zip(region).all(|(e, r)| e & !r == 0) {
                sizes.push((size, column));
            }
        }
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut thresholds: Vec<usize> = (0..sizes.len())
        .filter(|&index| sizes.get(index + 1).is_none_or(|next| next.0 != sizes[index].0))
        .collect();
    if thresholds.len() > THRESHOLDS {
        let step = thresholds.len().div_ceil(THRESHOLDS);
        let last = thresholds.len() - 1;
        thresholds = thresholds
            .iter()
            .enumerate()
            .filter(|&(place, _)| place % step == 0 || place == last)
            .map(|(_, &index)| index)
            .collect();
    }
    let room: Vec<i64> = (0..problem.targets)
        .map(|p| {
            let inside = region[p / 64] >> (p % 64) & 1 == 1 && root.is_alive(p as Position);
            if inside { root.free[p * width + resource].max(0) } else { 0 }
        })
        .collect();
    let mut volume = vec![0i64; problem.failable.len()];
    let mut count = vec![0i64; problem.failable.len()];
    let mut weights = vec![0i64; problem.failable.len()];
    let mut from = 0;
    for index in thresholds {
        for &(size, column) in &sizes[from..=index] {
            volume[column] += size;
            count[column] += 1;
        }
        from = index + 1;
        let size = sizes[index].0;
        for counted in [false, true] {
            let capacity = |room: i64| {
                if counted {
                    room / size
                } else if room >= size {
                    room
                } else {
                    0
                }
            };
            let load = if counted { &count } else { &volume };
            let mut total = 0;
            for room in &room {
                total += capacity(*room);
            }
            for (column, &position) in problem.failable.iter().enumerate() {
                weights[column] =
                    load[column] + room.get(usize::from(position)).map_or(0, |&room| capacity(room));
            }
            visit(&weights, total);
        }
    }
}
