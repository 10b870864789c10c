//! What is known of a pool's tolerance, and of which state of it: the newest verdict that has been published. Whoever reads
//! it never waits for a search.
use jiff::Timestamp;
use lifeboat_model::Pool;
use lifeboat_model::verdict::Bounds;
use lifeboat_planner::Assessment;
use serde_json::{Value, json};
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

impl Outlook {
    /// What the log says of a verdict that says something else than the one before it.
    pub fn news(&self, before: Option<&Self>) -> Option<Value> {
        let says = |outlook: &Self| {
            let assessment = &outlook.assessment;
            let bounds = |bounds: Bounds| json!({"proven": bounds.proven, "refuted": bounds.refuted});
            json!({
                "simultaneous": bounds(assessment.tolerance.simultaneous),
                "sequential": bounds(assessment.tolerance.sequential),
                "effective_target": assessment.effective_target,
                "overcommitted": assessment.overcommitted,
            })
        };
        let mut data = says(self);
        if before.is_some_and(|before| says(before) == data) {
            return None;
        }
        data["revision"] = self.revision.into();
        data["provisional"] = self.provisional.into();
        Some(data)
    }
}
