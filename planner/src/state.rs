//! Where things are after some hosts failed and their items were placed. Small enough to copy: what is free, who
//! is alive, and where the items went that moved. Policies place items one by one in it.
use crate::problem::{Position, Problem, Rank};
use lifeboat_model::certificate::Policy;

/// A state of a problem.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Free by position and resource.
    pub(crate) free: Vec<i64>,
    /// Who is alive: a mask over positions.
    pub(crate) alive: Vec<u64>,
    /// Items that moved, with where they are now.
    pub(crate) placed: Vec<(Rank, Position)>,
}

impl Clone for State {
    fn clone(&self) -> Self {
        Self { free: self.free.clone(), alive: self.alive.clone(), placed: self.placed.clone() }
    }

    fn clone_from(&mut self, source: &Self) {
        self.free.clone_from(&source.free);
        self.alive.clone_from(&source.alive);
        self.placed.clone_from(&source.placed);
    }
}

impl State {
    /// The state before any failure.
    pub(crate) fn initial(problem: &Problem<'_>) -> Self {
        let mut alive = vec![0u64; problem.words];
        for position in 0..problem.hosts() {
            alive[position / 64] |= 1 << (position % 64);
        }
        Self { free: problem.free.clone(), alive, placed: Vec::new() }
    }

    /// Whether a position is alive.
    #[inline]
    pub(crate) fn is_alive(&self, position: Position) -> bool {
        self.alive[usize::from(position) / 64] >> (position % 64) & 1 == 1
    }

    /// Takes a host out; gives the ranks of the items on it, ascending, appended to `orphans`.
    pub(crate) fn fail(&mut self, problem: &Problem<'_>, position: Position, orphans: &mut Vec<Rank>) {
        self.alive[usize::from(position) / 64] &= !(1 << (position % 64));
        orphans.extend_from_slice(&problem.at_home[usize::from(position)]);
        let before = orphans.len();
        self.placed.retain(|&(rank, at)| {
            if at == position {
                orphans.push(rank);
            }
            at != position
        });
        if orphans.len() > before || before > problem.at_home[usize::from(position)].len() {
            orphans.sort_unstable();
        }
    }

    /// Whether a host can take an item.
    #[inline]
    pub(crate) fn can_take(&self, problem: &Problem<'_>, rank: Rank, position: usize) -> bool {
        let free = &self.free[position * problem.width..][..problem.width];
        if !fits(problem.demand_of(rank), free) {
            return false;
        }
        let (start, end) = problem.items[rank as usize].members;
        start == end || self.separable(problem, rank, position)
    }

    /// Whether no occupant of another colour keeps an item out of a host's domain.
    pub(crate) fn separable(&self, problem: &Problem<'_>, rank: Rank, position: usize) -> bool {
        let members = problem.members_of(rank);
        members.iter().all(|member| {
            // An item that affinity binds together and separation keeps apart has no place at all.
            if members.iter().any(|own| own.separation == member.separation && own.colour != member.colour) {
                return false;
            }
            let separation = &problem.separations[member.separation as usize];
            let domain = separation.domain[position];
            let stands = separation.occupants.iter().any(|occupant| {
                occupant.domain == domain
                    && occupant.colour != member.colour
                    && self.is_alive(occupant.position)
            });
            let moved = || {
                self.placed.iter().any(|&(other, at)| {
                    separation.domain[usize::from(at)] == domain
                        && problem
                            .members_of(other)
                            .iter()
                            .any(|o| o.separation == member.separation && o.colour != member.colour)
                })
            };
            !stands && !moved()
        })
    }

    /// Puts an item on a host.
    #[inline]
    pub(crate) fn put(&mut self, problem: &Problem<'_>, rank: Rank, position: usize) {
        for (left, &amount) in self.free[position * problem.width..].iter_mut().zip(problem.demand_of(rank)) {
            *left -= amount;
        }
        self.placed.push((rank, position as Position));
    }

    /// Takes the item that was put last off again.
    pub(crate) fn take_back(&mut self, problem: &Problem<'_>) -> Option<(Rank, Position)> {
        let (rank, position) = self.placed.pop()?;
        for (left, &amount) in
            self.free[usize::from(position) * problem.width..].iter_mut().zip(problem.demand_of(rank))
        {
            *left += amount;
        }
        Some((rank, position))
    }

    /// Places items, in the order given, by a policy; `Err` with the first that has no host.
    pub(crate) fn place_all(
        &mut self,
        problem: &Problem<'_>,
        policy: &PositionPolicy,
        items: &[Rank],
    ) -> Result<(), Rank> {
        for &rank in items {
            let position = policy.choose(problem, self, rank).ok_or(rank)?;
            self.put(problem, rank, position);
        }
        Ok(())
    }

    /// The alive targets that can take an item, ascending by position.
    pub(crate) fn takers<'s>(
        &'s self,
        problem: &'s Problem<'_>,
        rank: Rank,
    ) -> impl Iterator<Item = usize> + 's {
        let eligible = problem.eligible_of(problem.items[rank as usize].class);
        Bits::new(eligible.iter().zip(&self.alive).map(|(a, b)| a & b))
            .filter(move |&position| self.can_take(problem, rank, position))
    }
}

/// Whether a demand fits what is free: a resource of which nothing is demanded never refuses.
#[inline]
pub(crate) fn fits(demand: &[i64], free: &[i64]) -> bool {
    demand.iter().zip(free).all(|(&demand, &free)| demand <= free || demand == 0)
}

/// The set bits of a sequence of words.
struct Bits<I> {
    words: I,
    base: usize,
    word: u64,
}

impl<I: Iterator<Item = u64>> Bits<I> {
    fn new(mut words: I) -> Self {
        let word = words.next().unwrap_or(0);
        Self { words, base: 0, word }
    }
}

impl<I: Iterator<Item = u64>> Iterator for Bits<I> {
    type Item = usize;
    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.word = self.words.next()?;
            self.base += 64;
        }
        let bit = self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(self.base + bit)
    }
}

/// A policy over positions.
#[derive(Clone, Debug)]
pub(crate) enum PositionPolicy {
    /// The first position that can take it.
    FirstFit,
    /// The least weighted room.
    BestFit,
    /// The most weighted room.
    WorstFit,
    /// The smallest block of a chain.
    BestBlock(Vec<i64>),
}

impl PositionPolicy {
    /// The policy as certificates spell it.
    pub(crate) fn spell(&self, problem: &Problem<'_>) -> Policy {
        match self {
            Self::FirstFit => problem.first_fit(),
            Self::BestFit => Policy::BestFit { weights: problem.weights.clone() },
            Self::WorstFit => Policy::WorstFit { weights: problem.weights.clone() },
            Self::BestBlock(chain) => {
                Policy::BestBlock { chain: chain.iter().map(|&slot| slot as u64).collect() }
            }
        }
    }

    /// The position that an item gets.
    #[inline]
    pub(crate) fn choose(&self, problem: &Problem<'_>, state: &State, rank: Rank) -> Option<usize> {
        let mut takers = state.takers(problem, rank);
        let room = |position: usize| {
            crate::problem::room(&state.free[position * problem.width..][..problem.width], &problem.weights)
        };
        let host = |position: usize| problem.host[position];
        match self {
            Self::FirstFit => takers.next(),
            Self::BestFit => takers.min_by_key(|&p| (room(p), host(p))),
            Self::WorstFit => takers.max_by_key(|&p| (room(p), core::cmp::Reverse(host(p)))),
            Self::BestBlock(chain) => {
                let class = chain.partition_point(|&slot| slot < problem.demand_of(rank)[0]);
                takers.min_by_key(|&p| (smallest_block(chain, class, state.free[p * problem.width]), host(p)))
            }
        }
    }
}

/// The least j ≥ class with a free block of size d_j; the number of sizes where there is none.
fn smallest_block(chain: &[i64], class: usize, free: i64) -> usize {
    let mut above = 0;
    let mut smallest = chain.len();
    for j in (class..chain.len()).rev() {
        let blocks = free.max(0) / chain[j];
        if blocks > above {
            smallest = j;
        }
        above = if j > 0 { blocks * (chain[j] / chain[j - 1]) } else { 0 };
    }
    smallest
}
