//! The planner: proves how many host failures a pool survives, and plans the restarts.
//!
//! It is pure: no file, clock, socket or global state. Time enters as [`Limits::stop`], threads are used
//! inside [`assess`] alone and never change an answer.
pub mod assessment;
mod bound;
pub mod limits;
mod plain;
mod problem;
pub mod restart_plan;
mod search;
mod sequential;
mod state;

pub use assessment::{Assessment, BrokenRule, OverFull, TargetStatus, assess};
pub use limits::{Limits, Progress};
pub use restart_plan::{restart_plan, state_after};
