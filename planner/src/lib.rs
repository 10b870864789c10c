//! The planner: proves how many host failures a pool survives, and plans the restarts.
//!
//! It is pure: no file, clock, socket or global state. Time enters as [`Limits::stop`], threads are used
//! inside [`assess`] alone and never change an answer.
pub mod assessment;
pub mod limits;
pub mod restart_plan;

pub use assessment::{Assessment, BrokenRule, OverFull, TargetStatus, assess};
pub use limits::{Limits, Progress};
pub use restart_plan::{restart_plan, state_after};
