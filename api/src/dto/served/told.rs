//! What became of events that were told.
use crate::error::ApiError;
use schemars::JsonSchema;
use serde::Serialize;

/// Refusals in one answer that are told in words; the others are told by code alone.
const MOST_WORDS: usize = 100;

/// What became of events. It is durable when it is answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "TellAnswer")]
pub struct TellAnswer {
    /// The revision of the pool after them.
    pub revision: u64,
    /// Events that were news.
    pub applied: usize,
    /// Events that said what was known already.
    pub known_already: usize,
    /// Events that make no sense for the pool, and were left out.
    pub refused: usize,
    /// What became of each, in the order in which they were told.
    pub outcomes: Vec<Outcome>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[schemars(rename = "TellOutcome")]
pub enum Outcome {
    /// It was news: the pool is as it says.
    Applied,
    /// It was no news.
    KnownAlready,
    /// It makes no sense for the pool.
    Refused {
        /// Why, as a code.
        code: &'static str,
        /// Why, in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

impl Outcome {
    /// An event that was refused.
    pub fn refused(error: &ApiError) -> Self {
        let problem = error.problem();
        Self::Refused { code: problem.code, detail: Some(problem.detail) }
    }
}

impl TellAnswer {
    /// The answer for these outcomes.
    pub fn new(revision: u64, mut outcomes: Vec<Outcome>) -> Self {
        let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|one| wanted(one)).count();
        let applied = count(|outcome| *outcome == Outcome::Applied);
        let known_already = count(|outcome| *outcome == Outcome::KnownAlready);
        let refused = outcomes.len() - applied - known_already;
        let details = outcomes.iter_mut().filter_map(|outcome| match outcome {
            Outcome::Refused { detail, .. } => Some(detail),
            Outcome::Applied | Outcome::KnownAlready => None,
        });
        details.skip(MOST_WORDS).for_each(|detail| *detail = None);
        Self { revision, applied, known_already, refused, outcomes }
    }
}
