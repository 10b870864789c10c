//! Booting all hosts of a pool anew while its VMs run on: in groups, each as large as it can be with every VM having its place elsewhere and
//! the pool's target proven meanwhile; hosts that are down for it count as failures, as maintenance does.
//!
//! ```text
//!   plan   which groups, and what moves where        the planner's word; nothing else decides what can be down together
//!   view   how the pool stands                       and whether all who say so agree
//!   run    what is to be done next                   pure: what is seen goes in, what to do comes out; kept in the store
//!   drive  does it, in the coordinator's process     the next term goes on from what is kept
//!
//!   host:  waiting ─► emptying ─► rebooting ─► back ─► done
//!                        └─────► taking-back ─► taken-back: the run was canceled, or stopped
//! ```
pub mod drive;
pub mod host;
pub mod plan;
pub mod run;
#[cfg(test)]
mod tests;
pub mod view;

pub use plan::{Group, Plan, Wish};
pub use run::{Run, RunState};
