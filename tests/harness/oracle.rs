//! The oracle: tiny pools answered by trying everything.
//!
//! [`World`] is a described pool in plain vectors; [`State`] is where every VM is and which hosts are alive.
//! [`pending`] lists every placement of the pending VMs, [`Settled`] is the world after one of them, and its
//! methods try every failure set and every placement. All is recomputed from scratch at every step.
pub mod best;
pub mod game;
pub mod pending;
pub mod place;
pub mod world;

pub use place::{Budget, Settled};
pub use world::{State, World};
