//! The two notions of tolerance by their definitions: every set at once, and the game in turn.
use super::State;
use super::place::{Budget, Settled};
use std::collections::BTreeMap;

impl Settled<'_> {
    /// Whether the hosts that fail at once can be survived.
    pub fn survives(&self, failed: &[usize], budget: &mut Budget) -> Option<bool> {
        let (state, items) = self.fail(&self.start, failed);
        self.placeable(&state, &items, budget)
    }

    /// The most hosts that may fail at once, whichever they are, liveness left aside.
    pub fn simultaneous(&self, budget: &mut Budget) -> Option<usize> {
        let hosts = self.hosts_that_can_fail();
        for n in 1..=hosts.len() {
            for failed in subsets(&hosts, n) {
                if !self.survives(&failed, budget)? {
                    return Some(n - 1);
                }
            }
        }
        Some(hosts.len())
    }

    /// The most hosts that may fail in turn, whichever they are and however restarts are placed well, liveness
    /// left aside.
    pub fn sequential(&self, budget: &mut Budget) -> Option<usize> {
        let mut known = BTreeMap::new();
        let mut n = 0;
        while n < self.world.failable() && self.wins(&self.start, n + 1, &mut known, budget)? {
            n += 1;
        }
        Some(n)
    }

    /// Whether any `k` more failures in turn are survived from `state`.
    pub fn survives_in_turn(&self, state: &State, k: usize, budget: &mut Budget) -> Option<bool> {
        self.wins(state, k, &mut BTreeMap::new(), budget)
    }

    fn wins(
        &self,
        state: &State,
        k: usize,
        known: &mut BTreeMap<(usize, State), bool>,
        budget: &mut Budget,
    ) -> Option<bool> {
        if k == 0 {
            return Some(true);
        }
        let key = (k, state.clone());
        if let Some(&answer) = known.get(&key) {
            return Some(answer);
        }
        let mut survived = true;
        for host in self.hosts_that_can_fail().into_iter().filter(|&host| state.alive[host]) {
            let (mut after, items) = self.fail(state, &[host]);
            let answer = self.each_placement(&mut after, &items, budget, &mut |placed, budget| {
                self.wins(placed, k - 1, known, budget)
            })?;
            if !answer {
                survived = false;
                break;
            }
        }
        known.insert(key, survived);
        Some(survived)
    }

    /// The hosts that can fail.
    pub fn hosts_that_can_fail(&self) -> Vec<usize> {
        (0..self.world.can_fail.len()).filter(|&host| self.world.can_fail[host]).collect()
    }
}

/// Every subset of `n` of the elements.
pub fn subsets(elements: &[usize], n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (position, &first) in elements.iter().enumerate() {
        for mut rest in subsets(&elements[position + 1..], n - 1) {
            rest.insert(0, first);
            all.push(rest);
        }
    }
    all
}
