//! What each route does: takes the request apart, has the answer computed, and gives the same document as the
//! command line.
mod action;
pub(crate) mod admit;
pub(crate) mod alerts;
pub mod check;
pub mod explain;
pub(crate) mod ha;
pub(crate) mod host_actions;
mod listing;
pub(crate) mod metrics;
pub mod openapi;
pub mod plan;
mod question;
pub(crate) mod served_check;
pub(crate) mod tasks;
pub(crate) mod tolerance;
pub(crate) mod vm_actions;
