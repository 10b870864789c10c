//! Chance, from one seed: one stream for each concern, so that one more draw in one place changes nothing in
//! another, and a scenario with one event less stays comparable.
use core::time::Duration;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What chance decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// What clocks show at the beginning, and their rates.
    Clocks,
    /// Delay, loss and doubling of datagrams.
    Network,
    /// Latency, tearing and loss of what the medium is asked.
    Medium,
    /// How long it takes to kill a host's VMs.
    Killing,
    /// Keys.
    Keys,
    /// What the makers of random scenarios draw; further ones of theirs count from here.
    Scenario(u32),
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Draw {
    stream: ChaCha8Rng,
}

impl Draw {
    /// The stream of `concern` under `seed`.
    pub fn new(seed: u64, concern: Concern) -> Self {
        let number = match concern {
            Concern::Clocks => 1,
            Concern::Network => 2,
            Concern::Medium => 3,
            Concern::Killing => 4,
            Concern::Keys => 5,
            Concern::Scenario(further) => 64 + u64::from(further),
        };
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(number);
        Self { stream }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if low >= high { low } else { self.stream.random_range(low..=high) }
    }

    /// A span from `low` to `high`, both included, to the microsecond.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        Duration::from_micros(self.between(low.as_micros() as u64, high.as_micros() as u64))
    }

    /// True in so many of a million cases.
    pub fn chance(&mut self, in_a_million: u32) -> bool {
        in_a_million > 0 && self.stream.random_range(0..1_000_000) < in_a_million
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.fill(&mut bytes[..]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_concerns_do_not_share_their_draws() {
        let draws = |concern| {
            let mut draw = Draw::new(7, concern);
            (0..8).map(|_| draw.between(0, u64::MAX - 1)).collect::<Vec<_>>()
        };
        assert_eq!(draws(Concern::Network), draws(Concern::Network));
        assert_ne!(draws(Concern::Network), draws(Concern::Medium));
        assert_ne!(draws(Concern::Scenario(0)), draws(Concern::Scenario(1)));
    }
}
