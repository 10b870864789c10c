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
use crate::order::{Order, Report, VmState};
use crate::wire::payload;
use crate::{Boot, Epoch, Instant, Process};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

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
        self.sending.queue.len()
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
            self.sending.repeat_at
        }
    }
}

/// The half that sends.
#[derive(Clone, Debug, Default)]
struct Sending {
    /// Not yet acknowledged payloads with their sizes; the first has the number `acknowledged` + 1.
    queue: VecDeque<(Payload, usize)>,
    acknowledged: u64,
    /// How many of the queue are under way, and their bytes.
    under_way: usize,
    bytes_under_way: usize,
    /// When the oldest under way is sent again, and how long that pause is.
    repeat_at: Option<Instant>,
    pause: Duration,
    /// What was under way when something was last repeated: up to this number all may be lost.
    lost_up_to: u64,
}

impl Sending {
    /// Number of the first payload that is not under way.
    fn next_new(&self) -> u64 {
        self.acknowledged + self.under_way as u64 + 1
    }

    fn push_all(&mut self, payloads: Vec<Payload>) -> Result<(), Full> {
        if self.queue.len() + payloads.len() > MAX_QUEUED {
            return Err(Full);
        }
        self.queue.extend(payloads.into_iter().map(|payload| {
            let size = payload::size(&payload);
            (payload, size)
        }));
        Ok(())
    }

    fn push_inventory(&mut self, vms: Vec<(String, VmState)>) -> Result<(), Full> {
        if vms.len() > MAX_INVENTORY {
            return Err(Full);
        }
        let mut parts = Vec::new();
        let (mut part, mut bytes) = (Vec::new(), 0);
        for (vm, state) in vms {
            let size = payload::vm_size(&vm);
            if bytes + size > SEGMENT_BYTES / 2 {
                parts.push(Payload::InventoryPart { vms: core::mem::take(&mut part) });
                bytes = 0;
            }
            bytes += size;
            part.push((vm, state));
        }
        parts.push(Payload::Report(Report::Inventory { vms: part }));
        self.push_all(parts)
    }

    /// The other end has everything up to `number`. Numbers that were never sent are not believed.
    fn acknowledged(&mut self, now: Instant, number: u64) {
        let Some(count) = number.checked_sub(self.acknowledged) else { return };
        if count == 0 || count > self.under_way as u64 {
            return;
        }
        let bytes: usize = self.queue.drain(..count as usize).map(|(_, size)| size).sum();
        self.under_way -= count as usize;
        self.bytes_under_way -= bytes;
        self.acknowledged = number;
        self.pause = FIRST_REPEAT;
        self.repeat_at = match self.under_way {
            0 => None,
            // What followed the payload that was lost is likely to be lost as well.
            _ if number < self.lost_up_to => Some(now),
            _ => Some(now + FIRST_REPEAT),
        };
    }

    /// The payloads of the next segment, and the number of the first.
    fn next(&mut self, now: Instant) -> Option<(u64, Vec<Payload>)> {
        if self.repeat_at.is_some_and(|at| at <= now) { Some(self.repeat(now)) } else { self.advance(now) }
    }

    fn repeat(&mut self, now: Instant) -> (u64, Vec<Payload>) {
        self.lost_up_to = self.next_new() - 1;
        self.pause = (self.pause * 2).min(LAST_REPEAT);
        self.repeat_at = Some(now + self.pause);
        let payloads = self.payloads(0, self.under_way);
        (self.acknowledged + 1, payloads)
    }

    fn advance(&mut self, now: Instant) -> Option<(u64, Vec<Payload>)> {
        let first = self.next_new();
        let payloads = self.payloads(self.under_way, self.under_way + self.room());
        if payloads.is_empty() {
            return None;
        }
        let sent = self.queue.range(self.under_way..self.under_way + payloads.len());
        self.bytes_under_way += sent.map(|(_, size)| size).sum::<usize>();
        self.under_way += payloads.len();
        if self.repeat_at.is_none() {
            self.pause = FIRST_REPEAT;
            self.repeat_at = Some(now + self.pause);
        }
        Some((first, payloads))
    }

    /// How many new payloads the window has room for.
    fn room(&self) -> usize {
        let mut bytes = self.bytes_under_way;
        let new = self.queue.range(self.under_way..).take(WINDOW as usize - self.under_way);
        let fits = |(_, size): &&(Payload, usize)| {
            let alone = bytes == 0;
            bytes += size;
            alone || bytes <= WINDOW_BYTES
        };
        new.take_while(fits).count()
    }

    fn has_new(&self) -> bool {
        self.room() > 0
    }

    /// Payloads from the queue, as many as go into one segment, at least one.
    fn payloads(&self, from: usize, to: usize) -> Vec<Payload> {
        let mut bytes = 0;
        let fits = |(_, size): &&(Payload, usize)| {
            let alone = bytes == 0;
            bytes += size;
            alone || bytes <= SEGMENT_BYTES
        };
        self.queue.range(from..to).take_while(fits).map(|(payload, _)| payload.clone()).collect()
    }
}

/// The half that receives.
#[derive(Clone, Debug, Default)]
struct Receiving {
    /// Everything up to this number has been delivered.
    delivered: u64,
    /// Came before their turn, by number; all within the window.
    early: BTreeMap<u64, Payload>,
    /// Parts of an inventory whose last part has not come.
    inventory: Vec<(String, VmState)>,
    /// Whether payloads came since the last segment was sent.
    owes: bool,
}

impl Receiving {
    fn take(&mut self, first: u64, payloads: Vec<Payload>) -> Vec<Payload> {
        self.owes |= !payloads.is_empty();
        for (number, payload) in (first..).zip(payloads) {
            if number > self.delivered && number - self.delivered <= WINDOW {
                self.early.entry(number).or_insert(payload);
            }
        }
        let mut deliverable = Vec::new();
        while let Some(next) = self.early.first_entry() {
            // An inventory beyond all bounds, which our sender never sends, halts the channel: to cut it would say that
            // VMs do not run which do.
            if *next.key() != self.delivered + 1 || self.inventory.len() > MAX_INVENTORY {
                break;
            }
            self.delivered += 1;
            match next.remove() {
                Payload::InventoryPart { vms } => self.inventory.extend(vms),
                Payload::Report(Report::Inventory { vms }) => {
                    self.inventory.extend(vms);
                    let vms = core::mem::take(&mut self.inventory);
                    deliverable.push(Payload::Report(Report::Inventory { vms }));
                }
                other => deliverable.push(other),
            }
        }
        deliverable
    }
}
