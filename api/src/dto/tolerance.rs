//! The published verdict about a pool that the service keeps, and the verdict about one that is only supposed.
use super::verdict::{PlanAnswer, ToleranceAnswer};
use crate::served::Outlook;
use schemars::JsonSchema;
use serde::Serialize;

/// What is proven and refuted of a pool, and of which state of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublishedTolerance")]
pub struct PublishedTolerance<'a> {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: PlanAnswer<'a>,
    /// The pool's revision that it speaks of.
    pub revision: u64,
    /// When the newest event happened that it reflects.
    pub reflects: String,
    /// Whether the pool is still as it was then.
    pub up_to_date: bool,
    /// Whether more work is still being put into what is open.
    pub provisional: bool,
}

impl<'a> PublishedTolerance<'a> {
    /// The answer for a verdict, with the pool's present revision.
    pub fn new(outlook: &'a Outlook, revision: u64) -> Self {
        let elapsed_us = u64::try_from(outlook.took.as_micros()).unwrap_or(u64::MAX);
        Self {
            verdict: PlanAnswer::new(&outlook.pool, &outlook.assessment, elapsed_us),
            revision: outlook.revision,
            reflects: outlook.reflects.to_string(),
            up_to_date: outlook.revision == revision,
            provisional: outlook.provisional,
        }
    }
}

/// What would be proven and refuted of a pool with other restart priorities.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HypotheticalTolerance")]
pub struct HypotheticalTolerance<'a> {
    /// The verdict about the pool that is supposed.
    #[serde(flatten)]
    pub verdict: PlanAnswer<'a>,
    /// The pool's revision that the supposition starts from.
    pub revision: u64,
    /// The most failures that would be proven survivable under the pool's guarantee; null: not even none.
    pub most_proven: Option<u32>,
    /// The published bounds of the pool as it is; null where none are published of this revision.
    pub now: Option<ToleranceAnswer>,
}
