//! What a full host holds, and what a host can hold, by level of a plain pool. `held` enters the certificates
//! (a host that refuses a VM holds at least that much), `capacity` the refutations (it can hold no more).
use super::reach::Reach;
use crate::plain::Plain;

/// By level and column, row-major by level.
#[expect(clippy::struct_field_names, reason = "`held` is the lemma's name for it")]
pub(crate) struct Held {
    /// The least total of VMs of the level and above on a host that refuses one of the level; 0 where such a VM
    /// does not fit even on the untouched host.
    pub(crate) held: Vec<i64>,
    /// The largest total of VMs of the level and above that fit the host.
    pub(crate) capacity: Vec<i64>,
    /// Whether totals were rounded to what sizes can form.
    pub(crate) rounded: bool,
}

impl Held {
    /// The tables of a plain pool. With few sizes totals are rounded to what sizes can form, descending from the
    /// largest size, so that each level sees the sizes at and above it.
    pub(crate) fn new(plain: &Plain) -> Self {
        let wide = plain.wide();
        let mut held = vec![0; plain.levels.len() * wide];
        let mut capacity = held.clone();
        let largest = plain.levels.last().map_or(0, |level| level.hi);
        let most = plain.room.iter().copied().max().unwrap_or(0) + largest;
        let mut reach = if plain.exact_sizes { Reach::new(plain.unit, most) } else { None };
        let rounded = reach.is_some();
        for (position, level) in plain.levels.iter().enumerate().rev() {
            if let Some(reach) = &mut reach {
                reach.add(level.lo);
            }
            let row = position * wide..(position + 1) * wide;
            for ((held, capacity), &room) in
                held[row.clone()].iter_mut().zip(&mut capacity[row]).zip(&plain.room)
            {
                if room >= level.hi {
                    let least = room - level.hi + 1;
                    *held = reach.as_ref().and_then(|reach| reach.at_least(least)).unwrap_or(least);
                }
                if room >= level.lo {
                    *capacity = reach.as_ref().map_or(room, |reach| reach.at_most(room));
                }
            }
        }
        Self { held, capacity, rounded }
    }
}
