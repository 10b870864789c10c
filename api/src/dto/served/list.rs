//! A page of a list.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a list, and where the next one begins.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct List<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// To be given as `after` for the next page; null on the last one.
    pub next: Option<String>,
}
