//! Many alerts in one: how many of each kind, and the first lines.
use crate::{Alert, Severity, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The most kinds that are counted apart; beyond, alerts are counted as `other`.
const MOST_COUNTS: usize = 64;
/// The most lines that word of losses has.
const LOSS_LINES: usize = 20;

/// An alert in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The alert's id.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The pool.
    pub pool: String,
    /// The kind.
    pub kind: String,
    /// How urgent.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Whether it tells of an end.
    #[serde(default)]
    pub recovered: bool,
    /// What happened.
    pub summary: String,
}

impl Line {
    fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id.clone(),
            at: alert.at,
            pool: alert.pool.clone(),
            kind: alert.kind.clone(),
            severity: alert.severity,
            subject: alert.subject.clone(),
            recovered: alert.recovered,
            summary: alert.summary.clone(),
        }
    }

    pub(crate) fn key(&self) -> String {
        format!("{}\0{}\0{}", self.pool, self.id, self.recovered)
    }
}

/// How many alerts there were of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The pool.
    pub pool: String,
    /// The kind; `other` for those beyond the first 64.
    pub kind: String,
    /// How urgent.
    pub severity: Severity,
    /// How many.
    pub number: u64,
}

/// Many alerts of a storm in one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// When the earliest happened.
    pub from: Timestamp,
    /// When the latest happened.
    pub until: Timestamp,
    /// How many they are.
    pub total: u64,
    /// How urgent the most urgent of them is.
    pub severity: Severity,
    /// How many of each kind, the most urgent kinds first.
    pub counts: Vec<Count>,
    /// The first of them, the most urgent before the others; as many as the channel's settings say.
    pub lines: Vec<Line>,
}

impl Digest {
    pub(crate) fn of(alert: &Alert) -> Self {
        Self {
            from: alert.at,
            until: alert.at,
            total: 0,
            severity: alert.severity,
            counts: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Counts an alert in, and keeps its line while it is among the first `most`.
    pub(crate) fn add(&mut self, alert: &Alert, most: usize) {
        let line = Line::of(alert);
        self.add_lines(&[line], &[count_of(alert, 1)], alert.at, alert.at, most);
    }

    fn add_lines(
        &mut self,
        lines: &[Line],
        counts: &[Count],
        from: Timestamp,
        until: Timestamp,
        most: usize,
    ) {
        self.from = self.from.min(from);
        self.until = self.until.max(until);
        for count in counts {
            self.total += count.number;
            self.severity = self.severity.max(count.severity);
            add_count(&mut self.counts, count);
        }
        for line in lines {
            let place = self.lines.partition_point(|kept| kept.severity >= line.severity);
            self.lines.insert(place, line.clone());
        }
        self.lines.truncate(most);
    }

    /// How many have no line.
    pub fn left_out(&self) -> u64 {
        self.total - (self.lines.len() as u64).min(self.total)
    }
}

/// Alerts that a channel could not tell: dropped from a full queue, refused, or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// When the earliest of them happened.
    pub from: Timestamp,
    /// When the latest happened.
    pub until: Timestamp,
    /// How many they are.
    pub total: u64,
    /// How many of each kind, the most urgent kinds first.
    pub counts: Vec<Count>,
    /// The first of them, the most urgent before the others.
    pub lines: Vec<Line>,
    /// Why the last of them was lost.
    pub why: String,
}

impl Losses {
    /// The losses before, if any, with those of `digest`.
    pub(crate) fn with(before: Option<Self>, digest: &Digest, why: &str) -> Self {
        let mut all = before.map_or_else(
            || Digest { total: 0, counts: Vec::new(), lines: Vec::new(), ..digest.clone() },
            |losses| Digest {
                from: losses.from,
                until: losses.until,
                total: losses.total,
                severity: Severity::Info,
                counts: losses.counts,
                lines: losses.lines,
            },
        );
        all.add_lines(&digest.lines, &digest.counts, digest.from, digest.until, LOSS_LINES);
        let Digest { from, until, total, counts, lines, .. } = all;
        Self { from, until, total, counts, lines, why: why.to_owned() }
    }

    /// These, and later ones.
    pub(crate) fn and(self, later: &Self) -> Self {
        let digest = Digest {
            from: later.from,
            until: later.until,
            total: later.total,
            severity: Severity::Info,
            counts: later.counts.clone(),
            lines: later.lines.clone(),
        };
        Self::with(Some(self), &digest, &later.why)
    }

    /// How many have no line.
    pub fn left_out(&self) -> u64 {
        self.total - (self.lines.len() as u64).min(self.total)
    }
}

fn count_of(alert: &Alert, number: u64) -> Count {
    Count { pool: alert.pool.clone(), kind: alert.kind.clone(), severity: alert.severity, number }
}

fn add_count(counts: &mut Vec<Count>, more: &Count) {
    let same =
        |count: &Count| count.kind == more.kind && count.pool == more.pool && count.severity == more.severity;
    if let Some(count) = counts.iter_mut().find(|count| same(count)) {
        count.number += more.number;
    } else if counts.len() < MOST_COUNTS {
        counts.push(more.clone());
    } else if let Some(other) = counts.iter_mut().find(|count| count.kind == "other") {
        other.number += more.number;
        other.severity = other.severity.max(more.severity);
    } else {
        counts.push(Count { pool: "several".to_owned(), kind: "other".to_owned(), ..more.clone() });
    }
    counts.sort_by_key(|count| (Reverse(count.severity), Reverse(count.number)));
}
