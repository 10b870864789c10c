//! Every way to place some items, in a fixed order: item by item, each on every host that can take it,
//! ascending. The search keeps its own stack, so a long list of items cannot exhaust the thread's.
use crate::Why;
use crate::budget::Budget;
use crate::state::State;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Hosts to try that are kept at a time, over all items.
const MOST_KEPT: usize = 1 << 22;

/// A search for placements of items in order.
pub(crate) struct Placements<'i> {
    items: &'i [usize],
    /// For each item that is placed, and the one after, the hosts that are left to try, descending.
    untried: Vec<Vec<u16>>,
    /// How many they are together.
    kept: usize,
    /// The eligible sets of the items, those of later items first.
    classes: Vec<usize>,
    /// By item, how many of `classes` belong to it and the items after it; none where one of these is in a
    /// separation.
    classes_left: Vec<Option<usize>>,
    /// Whether placements that differ only by a swap of like hosts or like items are met once.
    once: bool,
    /// Moves made before the search.
    before: usize,
    /// Whether the search has begun.
    begun: bool,
    /// How often one item was placed on one host.
    tried: u64,
}

impl<'i> Placements<'i> {
    pub(crate) fn new(state: &State<'_>, items: &'i [usize], once: bool) -> Self {
        let (mut classes, mut seen, mut separated) = (Vec::new(), BTreeSet::new(), false);
        let mut classes_left = Vec::new();
        for &item in items.iter().rev().filter(|_| once) {
            let item = &state.problem.items[item];
            separated |= !item.separations.is_empty();
            if seen.insert(item.class) {
                classes.push(item.class);
            }
            classes_left.push((!separated).then_some(classes.len()));
        }
        classes_left.reverse();
        let (before, untried) = (state.moves(), Vec::new());
        Self { items, untried, kept: 0, classes, classes_left, once, before, begun: false, tried: 0 }
    }

    /// Goes on to the next placement of all items, which `state` then shows; false where there is none left, and
    /// `state` is as it was before the search. Refuses to try more than `most` placements of one item.
    pub(crate) fn next(
        &mut self,
        state: &mut State<'_>,
        most: u64,
        budget: &mut Budget,
    ) -> Result<bool, Why> {
        if self.begun {
            state.undo_to(self.before + self.untried.len().saturating_sub(1));
        } else {
            self.begun = true;
            if self.items.is_empty() {
                return Ok(true);
            }
            self.open(state, 0, budget)?;
        }
        while let Some(hosts) = self.untried.last_mut() {
            self.kept -= hosts.len();
            let next = hosts.pop();
            self.kept += hosts.len();
            let Some(host) = next.map(usize::from) else {
                self.untried.pop();
                state.undo_to(self.before + self.untried.len().saturating_sub(1));
                continue;
            };
            if self.tried == most {
                return Err(Why::SearchTooLong(most));
            }
            self.tried += 1;
            budget.spend(4 + state.problem.width)?;
            let depth = self.untried.len() - 1;
            state.place(self.items[depth], host);
            if depth + 1 == self.items.len() {
                return Ok(true);
            }
            self.open(state, depth + 1, budget)?;
        }
        Ok(false)
    }

    /// Notes the hosts to try for the item at `depth`.
    fn open(&mut self, state: &State<'_>, depth: usize, budget: &mut Budget) -> Result<(), Why> {
        let item = self.items[depth];
        let mut hosts = state.takers(item, budget)?;
        if self.once {
            if let Some(least) = self.least_host(state, depth) {
                hosts.retain(|&host| host >= least);
            }
            self.drop_like_hosts(state, depth, &mut hosts, budget)?;
        }
        self.kept += hosts.len();
        if self.kept > MOST_KEPT {
            return Err(Why::TooDeep);
        }
        self.untried.push(hosts.into_iter().rev().map(|host| host as u16).collect());
        Ok(())
    }

    /// Of two items of one kind that follow each other, the second goes no lower than the first: what a swap of
    /// the two would give is met too.
    fn least_host(&self, state: &State<'_>, depth: usize) -> Option<usize> {
        let previous = self.items[depth.checked_sub(1)?];
        let kind = state.problem.items[previous].kind?;
        let same = state.problem.items[self.items[depth]].kind == Some(kind);
        if same { state.host_of(previous) } else { None }
    }

    /// Of targets with the same free amounts that are in the eligible sets of the same items left, the lowest is
    /// enough, if no item left is in a separation.
    fn drop_like_hosts(
        &self,
        state: &State<'_>,
        depth: usize,
        hosts: &mut Vec<usize>,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        let problem = state.problem;
        let Some(left) = self.classes_left[depth] else { return Ok(()) };
        let classes = &self.classes[..left];
        let free = |host: usize| &state.free[host * problem.width..][..problem.width];
        let eligible = |host: usize, class: usize| {
            problem.eligible[class].contains(lifeboat_model::HostIndex::new(host))
        };
        let takers = hosts.clone();
        budget.spend(takers.len() * takers.len() * (problem.width + left / 64))?;
        let like = |&host: &usize, other: &usize| {
            free(host) == free(*other)
                && classes.iter().all(|&class| eligible(host, class) == eligible(*other, class))
        };
        hosts.retain(|host| !takers.iter().take_while(|other| *other < host).any(|other| like(host, other)));
        Ok(())
    }
}
