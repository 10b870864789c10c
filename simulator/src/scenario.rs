//! A scenario: a pool, what happens to it and when, and what is expected of it. It is written in TOML
//! ([`Scenario::parse`]), or made in code, and printed again ([`Scenario::print`]) so that whatever was made in code
//! can be repeated from a file.
mod event;
mod expectation;
mod generate;
mod names;
mod print;
mod read;
mod settings;
#[cfg(test)]
mod tests;

pub use event::{Action, Event, FURTHER_WORDS, Hosts, WORDS};
pub use expectation::{ALERT_KINDS, Expectation, Expected, HostWord};
pub use generate::Generate;
pub use names::check_names;
pub use settings::{PoolSettings, WorldSettings};

use crate::documents::Documents;
use core::time::Duration;
use lifeboat_model::PoolSpec;
use std::path::PathBuf;

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The pool that it happens to.
    pub pool: PoolSource,
    /// What the scenario sets of the pool's settings, over those of its document.
    pub settings: PoolSettings,
    /// The world around it.
    pub world: WorldSettings,
    /// What happens, in the order of the file.
    pub events: Vec<Event>,
    /// What is expected, in the order of the file.
    pub expectations: Vec<Expectation>,
    /// When it ends; none: with the last expectation, or a while after the last event where there is none.
    pub end: Option<Duration>,
}

/// Where a scenario's pool comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolSource {
    /// A pool document, by a path relative to the scenario's file.
    File(PathBuf),
    /// Made on the spot.
    Generate(Generate),
    /// Described in code, or in the scenario itself: `document` is a pool document as a text.
    Document(Box<PoolSpec>),
}

/// What is wrong with a scenario, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, or a key or a type that no scenario has.
    #[error("{0}")]
    Unreadable(String),
    /// A part of it makes no sense.
    #[error("line {line}: {part}: {fault}")]
    Senseless {
        /// The line on which the part begins.
        line: usize,
        /// Which part, such as `event 2 (power-off)`.
        part: String,
        /// What is wrong.
        fault: String,
    },
    /// A name that the pool does not have.
    #[error("{part}: the pool has no {kind} {name:?}")]
    UnknownName {
        /// Which part.
        part: String,
        /// Host or VM.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

impl Scenario {
    /// A scenario in which nothing happens and nothing is expected.
    pub fn quiet(pool: PoolSource) -> Self {
        Self {
            pool,
            settings: PoolSettings::default(),
            world: WorldSettings::default(),
            events: Vec::new(),
            expectations: Vec::new(),
            end: None,
        }
    }

    /// Reads a scenario. Names of hosts and VMs are checked later, when the pool is known ([`check_names`]).
    ///
    /// # Errors
    /// The first thing that is wrong with it, and where.
    pub fn parse(text: &str, documents: &dyn Documents) -> Result<Self, ScenarioError> {
        read::scenario(text, documents)
    }

    /// Writes the scenario so that [`Self::parse`] reads the same again.
    pub fn print(&self, documents: &dyn Documents) -> String {
        print::scenario(self, documents)
    }

    /// When it ends, counted from when the pool has formed. Without expectations it goes on after the last event
    /// for as long as healing may take at most.
    pub fn ends(&self, timeout: Duration) -> Duration {
        let judged = self.expectations.iter().map(|expectation| expectation.by).max();
        let happened = self.events.iter().map(|event| event.at).max().unwrap_or_default();
        self.end.unwrap_or_else(|| {
            judged.unwrap_or(happened + 2 * timeout + Duration::from_secs(70)).max(happened)
        })
    }
}
