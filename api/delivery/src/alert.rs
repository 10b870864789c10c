//! What is told: one alert, as it comes from the service.
use crate::bound;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How urgent an alert is. Later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nothing to do.
    Info,
    /// Look at it in working hours.
    Warning,
    /// Something that was promised is not kept any more, or a host is lost: look at it now.
    Major,
    /// VMs are down, or may be lost with the next failure: get up.
    Critical,
}

impl Severity {
    /// All, the mildest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Major, Self::Critical];

    /// As documents spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
pub enum Subject {
    /// The pool as a whole.
    Pool,
    /// A host.
    Host(String),
    /// A VM.
    Vm(String),
    /// A rule between VMs.
    Group(String),
}

impl Subject {
    /// The kind of thing, as documents spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Host(_) => "host",
            Self::Vm(_) => "vm",
            Self::Group(_) => "group",
        }
    }

    /// Its name; the pool's is told with the pool.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Pool => None,
            Self::Host(id) | Self::Vm(id) | Self::Group(id) => Some(id),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            None => f.write_str(self.kind()),
            Some(id) => write!(f, "{} {id}", self.kind()),
        }
    }
}

/// One alert: something began, or something ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id; unique within its pool. The end of an episode may have the id that the episode began with, and then has
    /// `recovered` set.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// Since when the episode goes on, or went on until now; absent where it began with this alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The pool.
    pub pool: String,
    /// The kind, like `overcommitted`.
    pub kind: String,
    /// Of an end: the kind of what it ends, where its own is another (`overcommitted-cleared` ends `overcommitted`). Channels that
    /// tell the one tell the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// How urgent. A recovery has the severity of what it ends, so that whoever heard of the one hears of the other.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Whether it tells of an end, and there is nothing more to do.
    #[serde(default)]
    pub recovered: bool,
    /// What happened, in one line.
    pub summary: String,
    /// What is known beyond that, for people; several lines perhaps, or empty.
    #[serde(default)]
    pub detail: String,
    /// What to do about it, for somebody who has just been woken: a command to begin with, at best. Several lines perhaps.
    #[serde(default)]
    pub next_step: String,
    /// What is known beyond that, for programs.
    #[serde(default)]
    pub data: serde_json::Value,
}

impl Alert {
    /// What makes it the same alert as another.
    pub(crate) fn key(&self) -> String {
        let phase = if self.recovered { "recovered" } else { "raised" };
        format!("{}\0{}\0{phase}", self.pool, self.id)
    }

    /// The same, cut to what every channel can carry: ids and kinds to 255 bytes, the summary to one line of 500, the detail to
    /// 8 KiB, the next step to 2 KiB, the data to 8 KiB.
    pub(crate) fn bounded(mut self) -> Self {
        for name in [&mut self.id, &mut self.pool, &mut self.kind] {
            *name = bound::line(name, 255);
        }
        if let Subject::Host(id) | Subject::Vm(id) | Subject::Group(id) = &mut self.subject {
            *id = bound::line(id, 255);
        }
        self.summary = bound::line(&self.summary, 500);
        self.ends = self.ends.map(|kind| bound::line(&kind, 255));
        self.detail = bound::text(&self.detail, 8 * 1024);
        self.next_step = bound::text(&self.next_step, 2 * 1024);
        let length = serde_json::to_vec(&self.data).map_or(usize::MAX, |bytes| bytes.len());
        if length > 8 * 1024 {
            self.data = serde_json::json!({ "left_out": "more than 8 KiB: ask the service" });
        }
        self
    }
}
