//! What one delivery carries: an alert, a digest of many, word of what was lost, or a test.
use crate::digest::{Count, Digest, Line, Losses};
use crate::{Alert, Severity, bound};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What one delivery carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Message {
    /// One alert.
    Alert {
        /// The alert.
        alert: Alert,
    },
    /// Many alerts of a storm.
    Digest {
        /// What they were.
        digest: Digest,
    },
    /// Alerts that this channel could not tell.
    Losses {
        /// What they were.
        losses: Losses,
    },
    /// A test: nothing has happened.
    Test {
        /// The channel.
        channel: String,
        /// When it was asked for.
        at: Timestamp,
    },
}

impl Message {
    /// A test message for this channel.
    pub fn test(channel: &str, at: Timestamp) -> Self {
        Self::Test { channel: bound::line(channel, 255), at }
    }

    /// Its type, as documents spell it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Alert { .. } => "alert",
            Self::Digest { .. } => "digest",
            Self::Losses { .. } => "losses",
            Self::Test { .. } => "test",
        }
    }

    /// Its id: 32 hexadecimal digits made from what it says, so that a receiver knows a message that comes again.
    pub fn id(&self) -> String {
        let of_lines = |kind: &str, lines: &[Line], total: u64| {
            let ends = (lines.first(), lines.last());
            let (first, last) = (ends.0.map(Line::key), ends.1.map(Line::key));
            format!("{kind}\0{}\0{}\0{total}", first.unwrap_or_default(), last.unwrap_or_default())
        };
        let said = match self {
            Self::Alert { alert } => format!("alert\0{}", alert.key()),
            Self::Digest { digest } => {
                of_lines(&format!("digest\0{}", digest.from), &digest.lines, digest.total)
            }
            Self::Losses { losses } => {
                of_lines(&format!("losses\0{}", losses.from), &losses.lines, losses.total)
            }
            Self::Test { channel, at } => format!("test\0{channel}\0{at}"),
        };
        let mut id = String::with_capacity(32);
        for byte in Sha256::digest(said.as_bytes()).iter().take(16) {
            let _ = write!(id, "{byte:02x}");
        }
        id
    }

    /// How many alerts it tells of.
    pub fn alerts(&self) -> u64 {
        match self {
            Self::Alert { .. } => 1,
            Self::Digest { digest } => digest.total,
            Self::Losses { .. } | Self::Test { .. } => 0,
        }
    }

    /// How urgent it is: what the most urgent of its alerts is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Alert { alert } => alert.severity,
            Self::Digest { digest } => digest.severity,
            Self::Losses { .. } => Severity::Major,
            Self::Test { .. } => Severity::Info,
        }
    }

    /// When it happened, or the last of it.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Alert { alert } => alert.at,
            Self::Digest { digest } => digest.until,
            Self::Losses { losses } => losses.until,
            Self::Test { at, .. } => *at,
        }
    }

    /// Whether it tells of an end only.
    pub fn recovered(&self) -> bool {
        matches!(self, Self::Alert { alert } if alert.recovered)
    }

    /// The pool, where it is about one.
    pub fn pool(&self) -> Option<&str> {
        match self {
            Self::Alert { alert } => Some(&alert.pool),
            Self::Digest { digest } => one_pool(&digest.counts),
            Self::Losses { losses } => one_pool(&losses.counts),
            Self::Test { .. } => None,
        }
    }

    /// What it says, in one line.
    pub fn headline(&self) -> String {
        let many = |what: &str, total: u64, counts: &[Count]| {
            let kinds: Vec<String> =
                counts.iter().take(3).map(|count| format!("{} {}", count.number, count.kind)).collect();
            let more = if counts.len() > 3 { ", ..." } else { "" };
            let pool = one_pool(counts).map(|pool| format!("{pool}: ")).unwrap_or_default();
            format!("{pool}{total} {what}: {}{more}", kinds.join(", "))
        };
        let line = match self {
            Self::Alert { alert } => format!("{}: {}", alert.pool, alert.summary),
            Self::Digest { digest } => many("alerts", digest.total, &digest.counts),
            Self::Losses { losses } => many("alerts were not told here", losses.total, &losses.counts),
            Self::Test { channel, .. } => {
                format!("Lifeboat test message for channel {channel}: nothing has happened")
            }
        };
        bound::line(&line, 600)
    }
}

/// The pool, if all are of one.
fn one_pool(counts: &[Count]) -> Option<&str> {
    let first = counts.first()?.pool.as_str();
    counts.iter().all(|count| count.pool == first).then_some(first)
}
