//! What each route does: takes the request apart, has the answer computed, and gives the same document as the
//! command line.
pub(crate) mod admit;
pub mod check;
pub mod explain;
pub mod openapi;
pub mod plan;
mod question;
