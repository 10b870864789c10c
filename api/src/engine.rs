//! All pools of the service, kept current: the shells around [`crate::served`].
//!
//! ```text
//!   facts, requests ─► Turn (one at a time a pool) ─► state, in memory ─► Writer ─► store ─► acknowledged
//!                                                        │      └─► Feed ─► log pages, SSE
//!                                                        └─► Solver ─► Outlook ─► alerts ─► Alarms
//! ```
//!
//! Changes of one pool are made one after the other; a change is in memory at once, and acknowledged when it is durable. Solvers
//! take the newest state there is, so a burst of events costs one search, and an older state is never published over a newer
//! one. Readers look at what is there: they wait neither for a search nor for the store.
pub mod audit;
pub mod feed;
pub mod once;
pub mod outward;
pub mod pool;
pub mod pools;
pub mod solver;
pub mod writer;

pub use audit::{AuditLog, AuditSettings};
pub use feed::{Entry, Feed};
pub use outward::Outward;
pub use pool::{Committed, PoolHandle, Transition, Turn};
pub use pools::{Engine, EngineError, EngineSettings};
