//! The planner: proves how many host failures a pool survives, and plans the restarts.
//!
//! It is pure: no file, clock, socket or global state. Time enters as [`Limits::stop`], threads are used
//! inside [`assess`] alone and never change an answer.
pub mod admission;
pub mod assessment;
mod bound;
pub mod capacity;
pub mod explain;
mod facts;
mod fit;
#[cfg(test)]
mod fixture;
mod follow;
mod game;
mod judge;
pub mod limits;
#[cfg(test)]
mod oracle;
mod partial;
mod pending;
mod plain;
mod problem;
pub mod repair;
pub mod restart_plan;
mod rules;
mod search;
mod sequential;
mod simultaneous;
mod state;
mod witness;

pub use assessment::{Assessment, BrokenRule, OverFull, TargetStatus, assess, assess_at_once};
pub use limits::{Limits, Progress};
pub use restart_plan::{restart_plan, state_after};
