//! The service beside an agent: it follows until its agent says that a term begins here, then opens the pool's store, serves the pool,
//! and runs the coordinator that restarts its VMs.
//!
//! ```text
//!             standard input: a unix socket                          HTTP
//!   agent ◄──────── frames ────────► Shell (a thread) ◄──── Ask ──── routes ─────► Engine
//!                                      │      ▲                                      ▲
//!                                   Machine   └────────── Document ────────── Keeper (a task)
//!                                (pure: the coordinator, names, orders)   facts, pictures, alerts
//! ```
//! Evidence that nobody else can write to the store is the agent's business: the service never campaigns against its agent's word. When
//! the socket closes the process ends at once; the agent kills it where it does not.
pub mod ask;
pub mod authority;
pub mod choices;
pub mod document;
pub mod enrolment;
pub mod findings;
pub mod keeper;
pub mod learning;
pub mod link;
pub mod machine;
pub mod names;
pub mod orders;
pub mod picture;
pub mod planner;
pub mod records;
pub mod rosters;
pub mod rotation;
pub mod shell;
pub mod sightings;
pub mod term;

pub use ask::{Ask, AskError};
pub use shell::Conductor;
