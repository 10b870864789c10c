//! How much a channel holds, how often it tries, and when it gathers.
use crate::Severity;
use std::time::Duration;

/// What a channel tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Alerts milder than this are left out; none: none are.
    pub severity: Option<Severity>,
    /// The kinds told; empty: all. A `*` at the end stands for anything.
    pub kinds: Vec<String>,
    /// The pools told of; empty: all. A `*` at the end stands for anything.
    pub pools: Vec<String>,
    /// Whether ends are left out.
    pub without_recoveries: bool,
}

impl Filter {
    /// Whether the channel tells this alert.
    pub fn passes(&self, alert: &crate::Alert) -> bool {
        self.severity.is_none_or(|least| alert.severity >= least)
            && kinds(alert).any(|kind| matches_any(&self.kinds, kind))
            && matches_any(&self.pools, &alert.pool)
            && !(self.without_recoveries && alert.recovered)
    }
}

/// The kind of an alert; of an end, that of what it ends too.
fn kinds(alert: &crate::Alert) -> impl Iterator<Item = &str> {
    [Some(alert.kind.as_str()), alert.ends.as_deref()].into_iter().flatten()
}

fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        })
}

/// When alerts are gathered into a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// So many alerts in a window are told one by one; the rest are gathered.
    pub after: u32,
    /// The window's length; at its end the digest is sent.
    pub window: Duration,
    /// The most lines in a digest.
    pub lines: usize,
}

/// How failed deliveries are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// After so many attempts a message is given up.
    pub attempts: u32,
    /// The wait after the first failure; each further failure in a row doubles it.
    pub first: Duration,
    /// The longest wait, whatever the other side asks for.
    pub longest: Duration,
}

impl Retry {
    /// How long to wait after `failures` failures in a row, at least 1: half of it fixed, half drawn from the seed, so that
    /// many channels that fail together do not come back together.
    pub(crate) fn wait(&self, failures: u32, seed: u64, number: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let draw = mixed(seed ^ mixed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(failures)));
        let half = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX) / 2;
        whole.saturating_sub(Duration::from_millis(draw % half.saturating_add(1)))
    }
}

/// A number that looks like chance, by the finaliser of splitmix64.
fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// All that bounds an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What it takes.
    pub filter: Filter,
    /// When it gathers; none: never.
    pub storm: Option<Storm>,
    /// How it tries again.
    pub retry: Retry,
    /// How many messages wait at most.
    pub queue: usize,
}

#[cfg(test)]
mod tests {
    use super::{Retry, matches_any};
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_the_longest_and_lie_in_the_upper_half() {
        let retry = Retry { attempts: 9, first: Duration::from_secs(2), longest: Duration::from_mins(5) };
        for (failures, whole) in [(1, 2), (2, 4), (5, 32), (8, 256), (9, 300), (u32::MAX, 300)] {
            for number in 0..50 {
                let wait = retry.wait(failures, 7, number);
                let whole = Duration::from_secs(whole);
                assert!(wait <= whole && wait >= whole / 2, "{failures} failures: {wait:?}");
                assert_eq!(wait, retry.wait(failures, 7, number));
            }
        }
        let drawn: std::collections::BTreeSet<_> = (0..50).map(|number| retry.wait(5, 7, number)).collect();
        assert!(drawn.len() > 40, "{} different waits", drawn.len());
    }

    #[test]
    fn a_star_stands_for_any_ending() {
        let patterns = ["host-*".to_owned(), "overcommitted".to_owned()];
        assert!(matches_any(&patterns, "host-failed") && matches_any(&patterns, "overcommitted"));
        assert!(!matches_any(&patterns, "overcommitted-cleared") && matches_any(&[], "anything"));
    }
}
