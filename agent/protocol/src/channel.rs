//! A reliable, ordered channel for orders and reports between the coordinator of one term and the agent of one boot
//! and process. Datagrams are lost, doubled and reordered; the channel numbers, acknowledges and repeats. It
//! dies with the term: what was not delivered by then never will be.
//!
//! Both ends are the same machine. Payloads are numbered from 1. The sender has a *window* of payloads under way,
//! bounded in number and bytes; the receiver keeps those that came out of order, and says with each segment up to
//! where it has everything. New payloads go at once. If the oldest under way is not acknowledged in time, it is sent again
//! with what follows it, after a while that doubles as long as nothing is heard.
//!
//! ```text
//!   push ─► queue ─► window ─► next_segment ──────► receive ─► early ─► delivered
//!              ▲        │ deadline: again               │ owes an acknowledgement
//!              └────────┴──────────── receive ◄── next_segment
//! ```
//!
//! An inventory can be longer than a datagram. It goes in parts, each but the last a [`Payload::InventoryPart`], and comes
//! out whole: half an inventory would say that the other half does not run.
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use crate::order::{Order, Report, VmState};
use crate::{Boot, Epoch, Instant, Process};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use receiving::Receiving;
use sending::Sending;

/// What a channel carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Coordinator to agent.
    Order(Order),
    /// Agent to coordinator.
    Report(Report),
    /// A part of an inventory that more follows, and in the end a [`Report::Inventory`]. The channel cuts and joins;
    /// nobody else sees this.
    InventoryPart {
        /// VMs with their states.
        vms: Vec<(String, VmState)>,
    },
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

/// Payloads of one segment take at most this many bytes, a single long one apart: a datagram of few IP fragments, of
/// which one lost is all lost.
pub const SEGMENT_BYTES: usize = 8 * 1024;

/// The most payloads under way.
pub const WINDOW: u64 = 1024;

/// The most bytes of payloads under way, a single long one apart.
pub const WINDOW_BYTES: usize = 64 * 1024;

/// The most payloads that wait or are under way: orders for every VM of the largest host, or reports of a day without a
/// coordinator. More mean that the other end has been gone for long; a new session begins with an inventory.
pub const MAX_QUEUED: usize = 16_384;

/// The most VMs of an inventory.
pub const MAX_INVENTORY: usize = 65_536;

/// A segment is repeated after this long without an acknowledgement, then after twice that, and so on.
pub const FIRST_REPEAT: Duration = Duration::from_millis(200);

/// The longest pause between repetitions.
pub const LAST_REPEAT: Duration = Duration::from_secs(1);

/// The queue is full: nothing of what was pushed has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the channel's queue is full")]
pub struct Full;

/// One end of a channel.
#[derive(Clone, Debug)]
pub struct Channel {
    session: Session,
    sending: Sending,
    receiving: Receiving,
}

impl Channel {
    /// A channel on which nothing has been said.
    pub fn new(session: Session) -> Self {
        Self { session, sending: Sending::default(), receiving: Receiving::default() }
    }

    /// Which channel this is.
    pub const fn session(&self) -> Session {
        self.session
    }

    /// How many payloads wait or are under way, not yet acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.sending.unacknowledged()
    }

    /// Takes a payload, to be delivered at the other end once, after those that were pushed before.
    ///
    /// # Errors
    /// If too many are waiting.
    pub fn push(&mut self, payload: Payload) -> Result<(), Full> {
        match payload {
            Payload::Report(Report::Inventory { vms }) => self.sending.push_inventory(vms),
            other => self.sending.push_all([other].into()),
        }
    }

    /// Takes a segment and gives what has become deliverable, in order. A segment of another session has no effect.
    pub fn receive(&mut self, now: Instant, segment: Segment) -> Vec<Payload> {
        if segment.session != self.session {
            return Vec::new();
        }
        self.sending.acknowledged(now, segment.acknowledged);
        self.receiving.take(segment.first, segment.payloads)
    }

    /// The next segment to be sent now, to be called until there is none.
    pub fn next_segment(&mut self, now: Instant) -> Option<Segment> {
        let (first, payloads) = self.sending.next(now).or_else(|| {
            let nothing = (self.sending.next_new(), Vec::new());
            self.receiving.owes.then_some(nothing)
        })?;
        self.receiving.owes = false;
        Some(Segment { session: self.session, acknowledged: self.receiving.delivered, first, payloads })
    }

    /// When [`Self::next_segment`] is to be called again, if nothing happens before; a moment long past means now.
    pub fn deadline(&self) -> Option<Instant> {
        if self.receiving.owes || self.sending.has_new() {
            Some(Instant::default())
        } else {
            self.sending.repeat_at()
        }
    }
}
