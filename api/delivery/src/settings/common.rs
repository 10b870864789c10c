//! What channels of every kind have in common: what they tell, when they gather, how they try again.
use super::Faults;
use crate::Severity;
use crate::limits::{Filter, Retry, Storm};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a channel tells: `only = { … }`. Without it: everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnlySettings {
    /// Alerts milder than this are left out: `info`, `warning`, `major` or `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The kinds told; a `*` at the end stands for anything: `["host-*", "overcommitted*"]`. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The pools told of, in the same way. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
    /// Whether ends are told too. Default true.
    pub recoveries: bool,
}

impl Default for OnlySettings {
    /// Everything.
    fn default() -> Self {
        Self { severity: None, kinds: Vec::new(), pools: Vec::new(), recoveries: true }
    }
}

impl OnlySettings {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            severity: self.severity,
            kinds: self.kinds.clone(),
            pools: self.pools.clone(),
            without_recoveries: !self.recoveries,
        }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        for (key, patterns) in [("only.kinds", &self.kinds), ("only.pools", &self.pools)] {
            if patterns.len() > 100 {
                faults.add(key, "has more than 100 entries");
            }
            for pattern in patterns {
                if pattern.trim_end_matches('*').contains('*') || pattern.is_empty() {
                    faults.add(key, format!("{pattern:?}: a `*` may stand at the end only"));
                }
            }
        }
    }
}

/// When alerts are gathered into one message: `digest = { … }`. Mail gathers unless told otherwise; other kinds do where this is
/// given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DigestSettings {
    /// Whether to gather at all. Default true.
    pub on: bool,
    /// So many alerts in a window are told one by one; the rest are gathered. 0 to 1000, default 5.
    pub after: u32,
    /// The window's length in seconds; the digest is sent at its end. 1 to 3600, default 60.
    pub window_s: u64,
    /// The most alerts that a digest shows in a line of their own; all are counted. 0 to 100, default 20.
    pub lines: usize,
}

impl Default for DigestSettings {
    fn default() -> Self {
        Self { on: true, after: 5, window_s: 60, lines: 20 }
    }
}

impl DigestSettings {
    pub(super) fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    pub(super) fn storm(&self) -> Option<Storm> {
        let window = Duration::from_secs(self.window_s);
        self.on.then_some(Storm { after: self.after, window, lines: self.lines })
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.range("digest.after", u64::from(self.after), 0, 1000);
        faults.range("digest.window_s", self.window_s, 1, 3600);
        faults.range("digest.lines", self.lines as u64, 0, 100);
    }
}

/// How what failed is tried again, and how much waits: `retry = { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// After so many attempts a message is given up. 1 to 1000; default 20, which is about three quarters of an hour with the
    /// other defaults, and 3 for commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Seconds to wait after the first failure; each further failure doubles it, and up to a half is taken off by chance. 1 to 3600,
    /// default 2.
    pub first_s: u64,
    /// The longest wait in seconds, also where the other side asks for a longer one. 1 to 86400, default 300.
    pub longest_s: u64,
    /// The most messages that wait. Beyond, the oldest of the mildest is dropped, and the drop is told. 1 to 10000, default 1000.
    pub queue: usize,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { attempts: None, first_s: 2, longest_s: 300, queue: 1000 }
    }
}

impl RetrySettings {
    pub(super) fn retry(&self, attempts_unless_set: u32) -> Retry {
        Retry {
            attempts: self.attempts.unwrap_or(attempts_unless_set),
            first: Duration::from_secs(self.first_s),
            longest: Duration::from_secs(self.longest_s),
        }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.range("retry.attempts", u64::from(self.attempts.unwrap_or(1)), 1, 1000);
        faults.range("retry.first_s", self.first_s, 1, 3600);
        faults.range("retry.longest_s", self.longest_s, self.first_s.max(1), 86_400);
        faults.range("retry.queue", self.queue as u64, 1, 10_000);
    }
}
