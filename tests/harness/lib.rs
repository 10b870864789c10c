//! What the tests of the whole product share: an oracle that answers tiny pools by brute force, a generator of
//! tiny pools that hug the boundary between survivable and not, and a shrinker that makes a failing pool small.
//!
//! Nothing here is clever. The oracle re-implements the meaning of ARCHITECTURE.md's "What is proven" from a
//! described pool ([`lifeboat_model::spec::PoolSpec`]) with its own, plainest possible code: it calls no function
//! of the model, the planner or the checker, so that a misunderstanding in one of them cannot hide in the other.
pub mod by_hand;
pub mod certificate;
pub mod clock;
pub mod draw;
pub mod example_pool;
pub mod judge;
pub mod oracle;
pub mod program;
pub mod report;
pub mod shared;
pub mod shrink;
pub mod tiny;
pub mod truth;
