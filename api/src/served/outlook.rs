//! What is known of a pool's tolerance, and of which state of it: the newest verdict that has been published. Whoever reads
//! it never waits for a search.
use jiff::Timestamp;
use lifeboat_model::Pool;
use lifeboat_planner::Assessment;
use std::sync::Arc;
use std::time::Duration;

/// A published verdict.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The pool that it speaks of.
    pub pool: Arc<Pool>,
    /// That pool's revision.
    pub revision: u64,
    /// When the newest event happened that it reflects.
    pub reflects: Timestamp,
    /// The verdict.
    pub assessment: Arc<Assessment>,
    /// How long the search took.
    pub took: Duration,
    /// Whether more work was still to be put into what is open when it was published.
    pub provisional: bool,
}
