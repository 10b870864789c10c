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
pub mod clock;
pub mod config;
pub mod hypervisor;
pub mod warden;
pub mod wiring;
