//! The spelling of a segment of the channel.
//!
//! | offset | length | what |
//! | --- | --- | --- |
//! | 0 | 8 | the coordinator's term |
//! | 8 | 8 | boot of the agent's host |
//! | 16 | 4 | process of the agent |
//! | 20 | 8 | acknowledged: everything up to this number was received |
//! | 28 | 8 | number of the first payload |
//! | 36 | 2 | how many payloads |
//! | 38 | | the payloads: [payload] |
use crate::bytes::{Malformed, Reader, Writer};
use crate::channel::{Segment, Session};
use crate::wire::payload;
use crate::{Boot, Epoch, Process};
use alloc::vec::Vec;

/// What a segment takes beside its payloads.
pub const OVERHEAD: usize = 38;

/// The most payloads of a segment.
pub const MAX_PAYLOADS: usize = 4096;

/// How many bytes [`encode`] writes.
pub fn size(segment: &Segment) -> usize {
    OVERHEAD + segment.payloads.iter().map(payload::size).sum::<usize>()
}

/// Writes a segment.
pub fn encode(segment: &Segment, to: &mut Writer) {
    to.u64(segment.session.epoch.0);
    to.u64(segment.session.boot.0);
    to.u32(segment.session.process.0);
    to.u64(segment.acknowledged);
    to.u64(segment.first);
    to.count(segment.payloads.len());
    for payload in &segment.payloads {
        payload::encode(payload, to);
    }
}

/// Reads a segment.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(from: &mut Reader<'_>) -> Result<Segment, Malformed> {
    let session =
        Session { epoch: Epoch(from.u64()?), boot: Boot(from.u64()?), process: Process(from.u32()?) };
    let (acknowledged, first) = (from.u64()?, from.u64()?);
    let count = from.count(MAX_PAYLOADS, "the number of payloads")?;
    // The count alone reserves nothing: it may be a lie.
    let mut payloads = Vec::with_capacity(count.min(from.left() / payload::MIN));
    for _ in 0..count {
        payloads.push(payload::decode(from)?);
    }
    Ok(Segment { session, acknowledged, first, payloads })
}
