//! A state: which hosts are alive, where every item is, and what is free. Moves are undone in reverse, so a
//! proof tree is walked without copying states.
use crate::Why;
use crate::budget::Budget;
use crate::problem::{Occupant, Place, Problem};
use alloc::{vec, vec::Vec};
use lifeboat_model::{HostIndex, HostSet};

/// An item that is placed nowhere yet.
const NOWHERE: u32 = u32::MAX;

/// A state of a problem.
pub(crate) struct State<'p> {
    pub(crate) problem: &'p Problem,
    pub(crate) alive: HostSet,
    /// What is free, by host and resource; of dead hosts what was free when they died.
    pub(crate) free: Vec<i64>,
    /// The host of each item; a dead host while the item waits for a place.
    at: Vec<u32>,
    /// By host, the items that were placed there, in the order of placing. Items at home are not among them.
    visitors: Vec<Vec<u32>>,
    trail: Vec<Move>,
}

/// An item was placed.
#[derive(Clone, Copy)]
struct Move {
    item: u32,
    from: u32,
    to: u32,
}

/// Why a host cannot take an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It is dead, no target, or not eligible.
    NotATarget,
    /// Some resource is short.
    NoRoom,
    /// An occupant of another colour is in its domain.
    Excluded,
}

impl<'p> State<'p> {
    /// The state before any failure.
    pub(crate) fn new(problem: &'p Problem) -> Self {
        Self {
            problem,
            alive: HostSet::full(problem.hosts),
            free: problem.free.clone(),
            at: problem.items.iter().map(|item| item.home.map_or(NOWHERE, |home| home as u32)).collect(),
            visitors: vec![Vec::new(); problem.hosts],
            trail: Vec::new(),
        }
    }

    pub(crate) fn is_alive(&self, host: usize) -> bool {
        self.alive.contains(HostIndex::new(host))
    }

    /// The host where the item is, dead or alive.
    #[inline]
    pub(crate) fn host_of(&self, item: usize) -> Option<usize> {
        Some(self.at[item]).filter(|&host| host != NOWHERE).map(|host| host as usize)
    }

    /// Lets a host fail.
    pub(crate) fn fail(&mut self, host: usize) {
        self.alive.remove(HostIndex::new(host));
    }

    /// Undoes [`Self::fail`].
    pub(crate) fn revive(&mut self, host: usize) {
        self.alive.insert(HostIndex::new(host));
    }

    /// The items on a host: those at home there (they leave a host only when it is dead), then those placed there.
    pub(crate) fn items_on(&self, host: usize) -> impl Iterator<Item = u32> + '_ {
        self.problem.at_home[host].iter().chain(&self.visitors[host]).copied()
    }

    /// Items placed on a host since the first state.
    pub(crate) fn visitors_of(&self, host: usize) -> &[u32] {
        &self.visitors[host]
    }

    /// Puts an item on a host, whether or not the host can take it.
    #[inline]
    pub(crate) fn place(&mut self, item: usize, host: usize) {
        let width = self.problem.width;
        self.trail.push(Move { item: item as u32, from: self.at[item], to: host as u32 });
        self.at[item] = host as u32;
        self.visitors[host].push(item as u32);
        for (left, &amount) in self.free[host * width..].iter_mut().zip(&self.problem.items[item].demand) {
            *left -= amount;
        }
    }

    /// How many moves were made.
    pub(crate) fn moves(&self) -> usize {
        self.trail.len()
    }

    /// Undoes moves until only the first `moves` are left.
    pub(crate) fn undo_to(&mut self, moves: usize) {
        while self.trail.len() > moves {
            self.undo();
        }
    }

    /// Undoes everything, and gives what was done for [`Self::redo`].
    pub(crate) fn undo_all(&mut self) -> Vec<(usize, usize)> {
        let done = self.trail.iter().map(|step| (step.item as usize, step.to as usize)).collect();
        self.undo_to(0);
        done
    }

    /// Does again what was done.
    pub(crate) fn redo(&mut self, moves: &[(usize, usize)]) {
        for &(item, host) in moves {
            self.place(item, host);
        }
    }

    fn undo(&mut self) {
        let Some(Move { item, from, to }) = self.trail.pop() else { return };
        let (width, host) = (self.problem.width, to as usize);
        let left = self.visitors[host].pop();
        debug_assert_eq!(left, Some(item));
        for (left, &amount) in
            self.free[host * width..].iter_mut().zip(&self.problem.items[item as usize].demand)
        {
            *left += amount;
        }
        self.at[item as usize] = from;
    }

    /// Whether the host has room: what the item does not ask for is never short.
    #[inline]
    pub(crate) fn fits(&self, item: usize, host: usize) -> bool {
        let width = self.problem.width;
        self.problem.items[item]
            .demand
            .iter()
            .zip(&self.free[host * width..])
            .all(|(&amount, &left)| amount == 0 || amount <= left)
    }

    /// The alive targets in the item's eligible set where no occupant excludes it, as words of hosts.
    #[inline]
    pub(crate) fn admitting(&self, item: usize, out: &mut Vec<u64>, budget: &mut Budget) -> Result<(), Why> {
        let item = &self.problem.items[item];
        let eligible = self.problem.eligible[item.class].words();
        out.clear();
        out.extend(eligible.iter().zip(self.alive.words()).map(|(eligible, alive)| eligible & alive));
        budget.spend(1 + out.len())?;
        for &(separation, colour) in &item.separations {
            let separation = &self.problem.separations[separation];
            let domains = &self.problem.domains[separation.domains];
            budget.spend(separation.occupants.len())?;
            for occupant in separation.occupants.iter().filter(|occupant| occupant.colour != colour) {
                if let Some(host) = self.living_place(occupant) {
                    budget.spend(out.len())?;
                    let taken = domains.hosts[domains.of[host] as usize].words();
                    for (word, taken) in out.iter_mut().zip(taken) {
                        *word &= !taken;
                    }
                }
            }
        }
        Ok(())
    }

    /// Where the occupant is, if on an alive host.
    pub(crate) fn living_place(&self, occupant: &Occupant) -> Option<usize> {
        match occupant.place {
            Place::Item(item) => self.host_of(item as usize),
            Place::Host(host) => Some(host),
        }
        .filter(|&host| self.is_alive(host))
    }

    /// Every host that can take the item now, ascending.
    pub(crate) fn takers(&self, item: usize, budget: &mut Budget) -> Result<Vec<usize>, Why> {
        let mut words = Vec::new();
        self.admitting(item, &mut words, budget)?;
        budget.spend(self.problem.hosts)?;
        Ok(members(&words).filter(|&host| self.fits(item, host)).collect())
    }

    /// Why the host cannot take the item now, if it cannot.
    pub(crate) fn obstacle(
        &self,
        item: usize,
        host: usize,
        budget: &mut Budget,
    ) -> Result<Option<Obstacle>, Why> {
        let eligible = &self.problem.eligible[self.problem.items[item].class];
        if !self.is_alive(host) || !eligible.contains(HostIndex::new(host)) {
            return Ok(Some(Obstacle::NotATarget));
        }
        let mut words = Vec::new();
        self.admitting(item, &mut words, budget)?;
        Ok(if !has(&words, host) {
            Some(Obstacle::Excluded)
        } else if self.fits(item, host) {
            None
        } else {
            Some(Obstacle::NoRoom)
        })
    }
}

/// Whether a host is in a set of words.
#[inline]
pub(crate) fn has(words: &[u64], host: usize) -> bool {
    words[host / 64] >> (host % 64) & 1 == 1
}

/// The hosts in a set of words, ascending.
pub(crate) fn members(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(position, &word)| {
        let mut rest = word;
        core::iter::from_fn(move || {
            (rest != 0).then(|| {
                let host = position * 64 + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                host
            })
        })
    })
}
