//! How much anybody gets: so many requests a second on average, and a burst of so many at once.
//!
//! One number is kept for each key: when its bucket will be full again. (This is the *generic cell rate algorithm*:
//! a leaky bucket without a timer.) A bucket that is full already says nothing that a key without one does not, so it is
//! thrown away whenever room is wanted; if there is none left all the same, newcomers share one bucket. So a stranger who
//! calls from a million addresses takes no more memory than the bound, and cannot push anybody's number out.
use std::collections::BTreeMap;
use std::time::Duration;

/// Buckets by key. Times are counted from any moment that stays the same.
#[derive(Debug)]
pub struct Rate<K> {
    /// What one request costs.
    cost: Duration,
    /// How far ahead of time a bucket may be.
    burst: Duration,
    /// Keys at most.
    most: usize,
    full_at: BTreeMap<K, Duration>,
    /// The bucket of those for whom there is no room.
    shared: Duration,
}

impl<K: Ord> Rate<K> {
    /// Buckets of `burst` requests that fill with `per_second`; at most `most` of them.
    pub fn new(per_second: u32, burst: u32, most: usize) -> Self {
        let cost = Duration::from_secs(1) / per_second.max(1);
        Self { cost, burst: cost * burst.max(1), most, full_at: BTreeMap::new(), shared: Duration::ZERO }
    }

    /// Takes one request out of the bucket of `key`.
    ///
    /// # Errors
    /// How long until there is one to take.
    pub fn take(&mut self, key: K, now: Duration) -> Result<(), Duration> {
        if self.full_at.len() >= self.most && !self.full_at.contains_key(&key) {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let crowded = self.full_at.len() >= self.most && !self.full_at.contains_key(&key);
        let full_at =
            if crowded { &mut self.shared } else { self.full_at.entry(key).or_insert(Duration::ZERO) };
        let next = (*full_at).max(now) + self.cost;
        match next.checked_sub(now + self.burst) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full_at = next;
                Ok(())
            }
        }
    }

    /// Keys that are kept.
    pub fn len(&self) -> usize {
        self.full_at.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.full_at.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate_holds() {
        let mut rate = Rate::new(10, 3, 8);
        let taken: Vec<bool> =
            [0, 0, 0, 0, 99, 100, 100, 199, 200].map(|at| rate.take("a", ms(at)).is_ok()).to_vec();
        assert_eq!(taken, [true, true, true, false, false, true, false, false, true]);
        assert_eq!(rate.take("a", ms(210)), Err(ms(90)));
    }

    #[test]
    fn over_a_long_time_nobody_gets_more_than_burst_and_rate() {
        let mut rate = Rate::new(50, 20, 8);
        let taken = (0..10_000).filter(|at| rate.take("a", ms(*at)).is_ok()).count();
        assert!((20 + 499..=20 + 500).contains(&taken), "{taken}");
    }

    #[test]
    fn one_who_takes_too_much_costs_nobody_else() {
        let mut rate = Rate::new(1, 1, 8);
        assert!(rate.take("greedy", ms(0)).is_ok() && rate.take("greedy", ms(1)).is_err());
        assert!(rate.take("modest", ms(1)).is_ok());
    }

    #[test]
    fn a_million_keys_take_no_more_room_than_the_bound_and_push_nobody_out() {
        let mut rate = Rate::new(1, 2, 100);
        for key in 0..100 {
            assert!(rate.take(key, ms(0)).is_ok() && rate.take(key, ms(0)).is_ok());
        }
        let newcomers = (100..100_000).filter(|key| rate.take(*key, ms(1)).is_ok()).count();
        assert_eq!((rate.len(), newcomers), (100, 2), "newcomers share one bucket");
        assert!(rate.take(5, ms(1)).is_err(), "who was throttled still is");
        assert!(rate.take(200_000, ms(5000)).is_ok() && rate.len() == 1, "full buckets make room");
    }
}
