//! Choices from a seed, in the shapes that schedules need.
use crate::draw::{Concern, Draw};
use core::time::Duration;

/// A stream of choices.
#[derive(Clone, Debug)]
pub(super) struct Choice(Draw);

impl Choice {
    /// The stream of `seed` for one part of a random scenario, so that parts do not disturb one another.
    pub(super) fn new(seed: u64, part: u32) -> Self {
        Self(Draw::new(seed, Concern::Scenario(part)))
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.0.chance(percent * 10_000)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.between(low as u64, high as u64) as usize
    }

    /// A span of whole tens of milliseconds: short to print, fine enough for every boundary.
    pub(super) fn span(&mut self, low_ms: u64, high_ms: u64) -> Duration {
        Duration::from_millis(self.0.between(low_ms / 10, high_ms / 10) * 10)
    }

    /// One of `choices`, which are not empty.
    pub(super) fn pick<C: Clone>(&mut self, choices: &[C]) -> C {
        choices[self.between(0, choices.len() - 1)].clone()
    }

    /// One of `choices`, each as likely as its weight says.
    pub(super) fn weighted<C: Clone>(&mut self, choices: &[(u32, C)]) -> C {
        let all: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.between(0, all as usize - 1) as u32;
        for (weight, choice) in choices {
            if rest < *weight {
                return choice.clone();
            }
            rest -= weight;
        }
        choices[choices.len() - 1].1.clone()
    }

    /// All of `from`, in any order.
    pub(super) fn shuffled<C: Clone>(&mut self, from: &[C]) -> Vec<C> {
        let mut out = from.to_vec();
        for position in (1..out.len()).rev() {
            out.swap(position, self.between(0, position));
        }
        out
    }

    /// `count` different ones of `from`, in any order.
    pub(super) fn some_of<C: Clone>(&mut self, from: &[C], count: usize) -> Vec<C> {
        let mut out = self.shuffled(from);
        out.truncate(count);
        out
    }
}
