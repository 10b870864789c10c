//! The agent on a host: a shell around the liveness protocol, small enough to read in an afternoon.
//!
//! ```text
//!   sockets, links ─► net ──┐                                 ┌─► net ─► datagrams
//!   disk or etcd ─► medium ─┼─► liveness (the protocol) ──────┼─► medium
//!   hypervisor ─► warden ───┤   one thread, never behind      ├─► watchdog, fence
//!   service ─► coordinator ─┤   a disk or a hypervisor        ├─► warden ─► hypervisor
//!   operators ─► socket ────┘                                 └─► coordinator ─► service
//! ```
//!
//! Each arrow is a queue ([`wiring`]). The thread in the middle holds the lease and feeds the watchdog: it makes no call that can wait for
//! a disk, a hypervisor, or another process. Whatever can wait has a thread of its own, and when that is stuck, the protocol sees silence
//! and acts on it.
pub mod bare;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod coordinator;
pub mod doctor;
pub mod enrol;
pub mod fence;
pub mod hypervisor;
pub mod identity;
pub mod links;
pub mod liveness;
pub mod medium;
pub mod membership;
pub mod monitor;
pub mod net;
pub mod notes;
pub mod process;
pub mod run;
pub mod socket;
#[expect(unsafe_code, reason = "what the kernel offers and no crate offers safely, in one place")]
pub mod sys;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod thread;
pub mod warden;
pub mod watchdog;
pub mod wiring;
