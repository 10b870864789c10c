//! What became of a change that was asked for.
use crate::dto::admission::AdmissionAnswer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// What became of a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Done")]
pub struct Done {
    /// Whether it is in force; false where it was only to be judged, or changed nothing.
    pub done: bool,
    /// Whether it is in force although it makes matters worse.
    pub forced: bool,
    /// The revision of the pool after it.
    pub revision: u64,
    /// How it was judged; null where it was not.
    #[schemars(with = "Option<AdmissionAnswer<'static>>")]
    pub admission: Option<Box<RawValue>>,
    /// The task that carries it out; null where nothing is left to do.
    pub task: Option<String>,
}

impl Done {
    /// A change that needed no judgement.
    pub fn unjudged(done: bool, revision: u64) -> Self {
        Self { done, forced: false, revision, admission: None, task: None }
    }
}
