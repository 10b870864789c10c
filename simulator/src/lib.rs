//! Whole pools in virtual time, in one process, from one seed: the product's own state machines and codecs in a
//! world whose clocks drift, whose networks split, whose disks tear and whose hosts lose power.
//!
//! A [`Scenario`] says what happens and what is expected; [`world`] lives through it; an [`Invariant`] watches
//! every step; an [`Outcome`] says what was violated, what was unmet, and what happened in which order.
//!
//! ```text
//!   scenario ─► World ─┬─ schedule: a heap of what is due, ties by insertion
//!                      ├─ hosts: clock, power, agent, watchdog, hypervisor, coordinator
//!                      ├─ networks, statefile or etcd, store
//!                      └─► Happening ─► invariants, trace ─► Outcome
//! ```
pub mod clock;
pub mod disk;
pub mod documents;
pub mod draw;
pub mod etcd;
pub mod happening;
pub mod invariant;
mod judge;
pub mod network;
pub mod planner;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod time;
pub mod trace;
pub mod world;

pub use documents::{Documents, NoDocuments};
pub use happening::Happening;
pub use invariant::{Invariant, Nobody, Observer, Violation};
pub use run::{Outcome, RunError, run};
pub use scenario::Scenario;
pub use time::At;
