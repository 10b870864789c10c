//! The most that a host can hold of items with values: a knapsack. Two bounds: the fractional one, and the
//! exact one by lists of totals none of which another beats (Nemhauser and Ullmann), which is given up where
//! the lists get long.
use crate::Why;
use crate::budget::Budget;
use alloc::vec::Vec;

/// Totals kept at a time; beyond, the fractional bound stands.
const MOST_TOTALS: usize = 1 << 15;
/// Totals made for one host; beyond, the fractional bound stands.
const MOST_STEPS: usize = 1 << 23;

/// Items alike: what one takes up, what one is worth, how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alike {
    pub(crate) size: u128,
    pub(crate) value: u128,
    pub(crate) count: u128,
}

/// An upper bound: the best that a fraction of one item may be cut for, rounded down.
pub(crate) fn fractional(items: &[Alike], room: u128) -> u128 {
    let mut order: Vec<&Alike> = items.iter().filter(|alike| alike.size <= room && alike.value > 0).collect();
    // Values are at most 2^40; room, and with it every size that is left, is at most 64 · 2^40 · 2^40.
    order.sort_by(|a, b| more_valuable(a, b));
    let (mut left, mut worth) = (room, 0);
    for alike in order {
        let whole = left.checked_div(alike.size).map_or(alike.count, |fitting| alike.count.min(fitting));
        worth += whole * alike.value;
        left -= whole * alike.size;
        if whole < alike.count {
            return worth + alike.value * left / alike.size;
        }
    }
    worth
}

fn more_valuable(a: &Alike, b: &Alike) -> core::cmp::Ordering {
    (b.value * a.size).cmp(&(a.value * b.size))
}

/// The best exactly; none where that takes too long.
pub(crate) fn exact(items: &[Alike], room: u128, budget: &mut Budget) -> Result<Option<u128>, Why> {
    // (size, value), both strictly ascending: no total beats another.
    let mut totals: Vec<(u128, u128)> = alloc::vec![(0, 0)];
    let mut steps = 0;
    for alike in items.iter().filter(|alike| alike.size <= room && alike.value > 0) {
        // What takes up nothing is taken whole.
        let (copies, value) = match room.checked_div(alike.size) {
            None => (1, alike.value * alike.count),
            Some(fitting) => (alike.count.min(fitting), alike.value),
        };
        for _ in 0..copies {
            steps += totals.len();
            budget.spend(2 * totals.len())?;
            let before = totals.len();
            let merged = with_one_more(&totals, alike.size, value, room);
            let unchanged = merged.len() == before && merged == totals;
            totals = merged;
            if totals.len() > MOST_TOTALS || steps > MOST_STEPS {
                return Ok(None);
            }
            if unchanged {
                break;
            }
        }
    }
    Ok(totals.last().map(|&(_, value)| value))
}

/// The unbeaten totals of these with and without one more item.
fn with_one_more(totals: &[(u128, u128)], size: u128, value: u128, room: u128) -> Vec<(u128, u128)> {
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(2 * totals.len());
    let mut with =
        totals.iter().map(|&(s, v)| (s + size, v + value)).take_while(|&(s, _)| s <= room).peekable();
    let mut without = totals.iter().copied().peekable();
    loop {
        let next = match (with.peek(), without.peek()) {
            // Of two of one size the more valuable first: the other is then beaten.
            (Some(a), Some(b)) if (a.0, b.1) < (b.0, a.1) => with.next(),
            (_, Some(_)) => without.next(),
            (Some(_), None) => with.next(),
            (None, None) => return merged,
        };
        if let Some((s, v)) = next
            && merged.last().is_none_or(|&(_, best)| v > best)
        {
            merged.push((s, v));
        }
    }
}
