//! The best fully connected set, exactly: branch and bound over sets of hosts.
//!
//! The bound of a node: the hosts that may still join are put into classes, no two of a class being connected. At most
//! one of each class can join, so that no set among them is worth more than the best hosts of all classes together.
//! Classes are tried from the last to the first; the sum over those that remain bounds what is left to try. No two sets
//! are worth the same (ids decide), so that there is one answer.
use super::{Graph, Worth};
use alloc::vec::Vec;
use core::cmp::Reverse;
use lifeboat_model::{HostIndex, HostSet};

/// Groups of more hosts are left to the quick way: the search's depth is the size of the set that it finds.
const MOST_HOSTS: usize = 256;

/// The best fully connected set of `hosts`, at least as good as `known`; none if `work` does not suffice. What was
/// spent is deducted from `work`.
pub(super) fn best(graph: &Graph, hosts: &HostSet, known: &HostSet, work: &mut u64) -> Option<HostSet> {
    if hosts.len() <= 1 {
        return Some(hosts.clone());
    }
    if hosts.len() > MOST_HOSTS {
        return None;
    }
    let mut order: Vec<HostIndex> = hosts.iter().collect();
    order.sort_by_cached_key(|&host| Reverse(graph.rank(host)));
    let mut search = Search { graph, order, best: known.clone(), best_worth: graph.worth(known), work };
    let chosen = HostSet::empty(hosts.pool_size());
    let worth = Worth::nothing(hosts.pool_size());
    search.extend(&chosen, &worth, hosts.clone()).then_some(search.best)
}

struct Search<'a> {
    graph: &'a Graph,
    order: Vec<HostIndex>,
    best: HostSet,
    best_worth: Worth,
    work: &'a mut u64,
}

/// A host that may join, and a bound on what all up to it in the order of classes are worth together.
struct Choice {
    host: HostIndex,
    bound: Worth,
}

impl Search<'_> {
    /// Tries all sets that extend `chosen` by some of `open`, all of which are connected to all of `chosen`. Returns
    /// whether the work sufficed.
    fn extend(&mut self, chosen: &HostSet, worth: &Worth, mut open: HostSet) -> bool {
        let Some(left) = self.work.checked_sub(1) else { return false };
        *self.work = left;
        if open.is_empty() && *worth > self.best_worth {
            self.best = chosen.clone();
            self.best_worth = worth.clone();
        }
        for Choice { host, bound } in self.choices(&open).into_iter().rev() {
            if worth.plus(&bound) <= self.best_worth {
                break;
            }
            let mut with = chosen.clone();
            with.insert(host);
            let mut compatible = open.clone();
            compatible.intersect_with(self.graph.neighbours(host));
            if !self.extend(&with, &worth.with(self.graph.candidate(host)), compatible) {
                return false;
            }
            open.remove(host);
        }
        true
    }

    /// The hosts of `open`, class by class.
    fn choices(&self, open: &HostSet) -> Vec<Choice> {
        let mut classes: Vec<(HostSet, Vec<HostIndex>)> = Vec::new();
        for &host in self.order.iter().filter(|&&host| open.contains(host)) {
            let neighbours = self.graph.neighbours(host);
            match classes.iter_mut().find(|(class, _)| !class.intersects(neighbours)) {
                Some((class, members)) => {
                    class.insert(host);
                    members.push(host);
                }
                None => classes.push((HostSet::of(open.pool_size(), [host]), alloc::vec![host])),
            }
        }
        let mut bound = Worth::nothing(open.pool_size());
        let mut choices = Vec::with_capacity(open.len());
        for (_, members) in classes {
            // The order is by rank, so that the first of a class is its best.
            let best = members.first().expect("a class is made with its first host");
            bound = bound.with(self.graph.candidate(*best));
            choices.extend(members.into_iter().map(|host| Choice { host, bound: bound.clone() }));
        }
        choices
    }
}
