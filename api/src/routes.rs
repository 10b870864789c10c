//! What each route does: takes the request apart, has the answer computed, and gives the same document as the
//! command line.
mod action;
pub(crate) mod admit;
pub(crate) mod alerts;
mod ask;
pub mod audit;
pub mod backup;
pub mod check;
mod conditions;
mod edits;
pub mod explain;
pub(crate) mod ha;
pub mod health;
pub(crate) mod host_actions;
pub(crate) mod leader;
mod listing;
pub(crate) mod metrics;
pub mod openapi;
pub mod plan;
pub mod pools;
mod question;
pub(crate) mod served_check;
pub(crate) mod tasks;
mod thing;
pub mod things;
pub mod tokens;
pub(crate) mod tolerance;
pub(crate) mod vm_actions;
