//! Whole pools in virtual time, in one process, from one seed: the product's own state machines and codecs in a
//! world whose clocks drift, whose networks split, whose disks tear and whose hosts lose power.
//!
//! A [`Scenario`] says what happens and what is expected; [`world`] lives through it; a [`Watch`] over all laws
//! sees every step; an [`Outcome`] says what was violated, what was unmet, and what happened in which order.
//!
//! ```text
//!   scenario ─► World ─┬─ schedule: a heap of what is due, ties by insertion
//!                      ├─ hosts: clock, power, agent, watchdog, hypervisor, coordinator
//!                      ├─ networks, statefile or etcd, store
//!                      └─► Happening ─► laws, trace ─► Outcome
//! ```
pub mod clock;
pub mod coverage;
pub mod disk;
pub mod documents;
pub mod draw;
pub mod etcd;
pub mod exhaustive;
pub mod happening;
pub mod invariant;
mod judge;
pub mod live;
pub mod minimise;
pub mod network;
pub mod planner;
pub mod random;
pub mod run;
pub mod scenario;
pub mod schedule;
mod threads;
pub mod time;
pub mod trace;
pub mod world;

pub use documents::{Documents, NoDocuments};
pub use happening::Happening;
pub use invariant::{Nobody, Observer, Violation, Watch};
pub use live::Live;
pub use run::{Outcome, RunError, run};
pub use scenario::Scenario;
pub use time::At;
