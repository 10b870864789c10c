//! The half of a channel that sends: a queue, of which the front is under way and repeated until it is acknowledged.
use super::{
    FIRST_REPEAT, Full, LAST_REPEAT, MAX_INVENTORY, MAX_QUEUED, Payload, SEGMENT_BYTES, WINDOW, WINDOW_BYTES,
};
use crate::Instant;
use crate::order::{Report, VmState};
use crate::wire::payload;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// What is to be sent, and what was sent and may be lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Sending {
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
    pub(super) fn next_new(&self) -> u64 {
        self.acknowledged + self.under_way as u64 + 1
    }

    /// How many payloads are not acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.queue.len()
    }

    /// When [`Self::next`] has something to repeat.
    pub(super) const fn repeat_at(&self) -> Option<Instant> {
        self.repeat_at
    }

    /// Takes all of them or none.
    pub(super) fn push_all(&mut self, payloads: Vec<Payload>) -> Result<(), Full> {
        if self.queue.len() + payloads.len() > MAX_QUEUED {
            return Err(Full);
        }
        self.queue.extend(payloads.into_iter().map(|payload| {
            let size = payload::size(&payload);
            (payload, size)
        }));
        Ok(())
    }

    /// Takes an inventory in parts, of which two go into one segment.
    pub(super) fn push_inventory(&mut self, vms: Vec<(String, VmState)>) -> Result<(), Full> {
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
    pub(super) fn acknowledged(&mut self, now: Instant, number: u64) {
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
    pub(super) fn next(&mut self, now: Instant) -> Option<(u64, Vec<Payload>)> {
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
        if !self.has_new() {
            return None;
        }
        let first = self.next_new();
        let payloads = self.payloads(self.under_way, self.under_way + self.room());
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

    /// Whether there is something new that the window has room for.
    pub(super) fn has_new(&self) -> bool {
        self.under_way < WINDOW as usize
            && self.queue.get(self.under_way).is_some_and(|(_, size)| {
                self.bytes_under_way == 0 || self.bytes_under_way + size <= WINDOW_BYTES
            })
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
