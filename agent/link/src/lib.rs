//! What an agent and the coordinator say to one another beside the liveness protocol.
//!
//! Every host has an agent, and beside it the service, which the agent starts. Between the two is a pair of sockets that nobody
//! else has an end of; what goes over it are [`frame`]s. Between the coordinator and the agents of *other* hosts the protocol carries
//! orders and reports, and among them [`note`]s, into which it does not look: what a VM is made of, what a host has, who belongs to
//! the pool ([`roster`]). How a host comes into a pool, and back when it was away, is in [`join`]; what it is known by, in [`certificate`].
//!
//! ```text
//!   service ◄── frames ──► agent ◄── sealed datagrams: orders, reports, notes ──► agent ◄── frames ──► service
//!   (leads)                                                                                          (follows)
//! ```
pub mod certificate;
pub mod frame;
pub mod join;
pub mod note;
pub mod roster;

pub use frame::{FromService, ToService};
pub use join::{Founding, Invitation, JoinAnswer, JoinRequest};
pub use note::{OrderNote, ReportNote};
pub use roster::Roster;
