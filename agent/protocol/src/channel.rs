//! A reliable, ordered channel for orders and reports between the coordinator of one term and the agent of one boot
//! and process. Datagrams are lost, doubled and reordered; the channel numbers, acknowledges and repeats. It
//! dies with the term: what was not delivered by then never will be.
use crate::order::{Order, Report};
use crate::{Boot, Epoch, Process};
use alloc::vec::Vec;

/// What a channel carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Coordinator to agent.
    Order(Order),
    /// Agent to coordinator.
    Report(Report),
}

/// Which channel a segment belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The coordinator's term.
    pub epoch: Epoch,
    /// The boot of the agent's host.
    pub boot: Boot,
    /// The agent's process.
    pub process: Process,
}

/// One datagram's worth of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The channel.
    pub session: Session,
    /// Everything up to this number has been received by the sender of the segment.
    pub acknowledged: u64,
    /// Number of the first payload; the others follow.
    pub first: u64,
    /// Payloads in order; may be none.
    pub payloads: Vec<Payload>,
}
