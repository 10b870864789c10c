//! What people are to be told, and for how long it goes on. An alert is an *episode*: it is raised once when its condition
//! begins to hold, and closed once when it holds no more. What holds is read from the pool and from its verdicts, never from
//! what was told before; so after a restart nothing is told twice and nothing is forgotten.
//!
//! ```text
//!   condition holds ──► raised ──► (acknowledged) ──► closed: it holds no more, or its subject is gone
//!        ▲                                               │
//!        └───────────────── a new episode ◄──────────────┘
//! ```
//! A condition can also be *unknown*: a verdict that is still being worked on raises nothing and closes nothing, unless it
//! refutes something.
mod book;
mod conditions;
mod kind;
#[cfg(test)]
mod tests;

pub use book::{Book, Level, News};
pub(crate) use conditions::{BY_VERDICT, proven_of as proven};
pub use conditions::{Finding, Holds, of_hosts, of_outlook};
pub use kind::{Kind, Severity};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
#[schemars(rename = "AlertSubject")]
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

/// One alert, as it is kept and sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Its number within the pool; later ones are higher.
    pub id: u64,
    /// What kind.
    pub kind: Kind,
    /// How urgent.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// When it was raised.
    #[schemars(with = "String")]
    pub raised_at: Timestamp,
    /// When it was over; null: it goes on.
    #[schemars(with = "Option<String>")]
    pub closed_at: Option<Timestamp>,
    /// Why it is over; null: it goes on.
    pub closed_because: Option<String>,
    /// Who has taken note of it; null: nobody.
    pub acknowledged: Option<Acknowledged>,
    /// What happened, in one line.
    pub summary: String,
    /// What is known beyond that.
    pub detail: String,
    /// What to do about it.
    pub next_step: String,
    /// What is known beyond that, for programs.
    pub data: Value,
}

/// Who has taken note of an alert, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl Alert {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}
