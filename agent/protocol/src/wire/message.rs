//! The spelling of a message: one byte for its kind, then its content.
//!
//! | kind | message | content |
//! | --- | --- | --- |
//! | 1 | heartbeat | 8 echo, 8 boot and 4 process that the echo speaks of, 1 flags (1 vouches, 2 disarmed), 8 only if disarmed: the time left in nanoseconds, then a [status] |
//! | 2 | configuration | a [configuration] |
//! | 3 | segment | a [segment] of the channel |
//! | 4 | notice | 2 host and 8 boot that it speaks of, 1 kind of [evidence] |
//! | 5 | new key | 4 key epoch, 32 key |
use super::{configuration, evidence, segment, status};
use crate::bytes::{Malformed, Reader, Writer};
use crate::evidence::EvidenceKind;
use crate::message::{Heartbeat, Message, NewKey, Notice};
use crate::{Boot, Process};
use alloc::boxed::Box;

const HEARTBEAT: u8 = 1;
const CONFIGURATION: u8 = 2;
const SEGMENT: u8 = 3;
const NOTICE: u8 = 4;
const NEW_KEY: u8 = 5;

const VOUCHES: u8 = 1;
const DISARMED: u8 = 2;

/// How many bytes [`encode`] writes: exact for what is frequent, at least that for a configuration.
pub fn size(message: &Message) -> usize {
    match message {
        Message::Heartbeat(heartbeat) => {
            let disarmed = if heartbeat.disarmed_for.is_some() { 8 } else { 0 };
            22 + disarmed + status::size(&heartbeat.status)
        }
        Message::Configuration(configuration) => 1 + configuration::max_size(configuration.hosts.len()),
        Message::Segment(segment) => 1 + segment::size(segment),
        Message::Notice(_) => 12,
        Message::NewKey(_) => 37,
    }
}

/// Writes a message.
pub fn encode(message: &Message, to: &mut Writer) {
    match message {
        Message::Heartbeat(heartbeat) => {
            to.u8(HEARTBEAT);
            encode_heartbeat(heartbeat, to);
        }
        Message::Configuration(configuration) => {
            to.u8(CONFIGURATION);
            configuration::encode(configuration, to);
        }
        Message::Segment(segment) => {
            to.u8(SEGMENT);
            segment::encode(segment, to);
        }
        Message::Notice(notice) => {
            to.u8(NOTICE);
            to.host(notice.about);
            to.u64(notice.boot.0);
            to.u8(evidence::code(notice.kind));
        }
        Message::NewKey(new) => {
            to.u8(NEW_KEY);
            to.u32(new.key_epoch);
            to.raw(&new.key);
        }
    }
}

/// Reads a message, in the clear: only [`super::open`] knows whom it is from.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(from: &mut Reader<'_>) -> Result<Message, Malformed> {
    Ok(match from.u8()? {
        HEARTBEAT => Message::Heartbeat(Box::new(decode_heartbeat(from)?)),
        CONFIGURATION => Message::Configuration(Box::new(configuration::decode(from)?)),
        SEGMENT => Message::Segment(segment::decode(from)?),
        NOTICE => Message::Notice(decode_notice(from)?),
        NEW_KEY => Message::NewKey(NewKey { key_epoch: from.u32()?, key: from.array()? }),
        _ => return Err(Malformed::OutOfRange { what: "a kind of message" }),
    })
}

fn encode_heartbeat(heartbeat: &Heartbeat, to: &mut Writer) {
    to.u64(heartbeat.echo);
    let (boot, process) = heartbeat.echo_of;
    to.u64(boot.0);
    to.u32(process.0);
    let disarmed = if heartbeat.disarmed_for.is_some() { DISARMED } else { 0 };
    to.u8(disarmed | if heartbeat.vouches { VOUCHES } else { 0 });
    if let Some(left) = heartbeat.disarmed_for {
        to.duration(left);
    }
    status::encode(&heartbeat.status, to);
}

fn decode_heartbeat(from: &mut Reader<'_>) -> Result<Heartbeat, Malformed> {
    let echo = from.u64()?;
    let echo_of = (Boot(from.u64()?), Process(from.u32()?));
    let flags = from.u8()?;
    if flags & !(VOUCHES | DISARMED) != 0 {
        return Err(Malformed::OutOfRange { what: "a heartbeat flag" });
    }
    let vouches = flags & VOUCHES != 0;
    let disarmed_for = if flags & DISARMED != 0 { Some(from.duration()?) } else { None };
    let status = status::decode(from)?;
    Ok(Heartbeat { status, echo, echo_of, vouches, disarmed_for })
}

/// What only an observer can conclude is not told: it is refused here, so that nothing behind has to ask.
fn decode_notice(from: &mut Reader<'_>) -> Result<Notice, Malformed> {
    let about = from.host()?;
    let boot = Boot(from.u64()?);
    match evidence::kind(from.u8()?)? {
        EvidenceKind::LeaseExpired | EvidenceKind::Rebooted => {
            Err(Malformed::OutOfRange { what: "a notice's kind" })
        }
        kind => Ok(Notice { about, boot, kind }),
    }
}
