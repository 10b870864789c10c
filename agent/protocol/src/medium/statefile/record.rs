//! A host's record: a header of 64 bytes that tells whether there is anything new, and a body. The rest of the
//! block of 4,096 bytes is zero and means nothing.
//!
//! | offset | length | what |
//! | --- | --- | --- |
//! | 0 | 4 | CRC-32C of bytes 4 to `length` |
//! | 4 | 4 | `LBHR` |
//! | 8 | 2 | version, 1 |
//! | 10 | 2 | `length` of header and body |
//! | 12 | 2 | host |
//! | 14 | 2 | flags: 1 a block of Paxos follows, 2 it has accepted a value |
//! | 16 | 16 | pool id |
//! | 32 | 8 | boot |
//! | 40 | 4 | process |
//! | 44 | 4 | zero |
//! | 48 | 8 | sequence: rises with each record of the host, over processes and boots |
//! | 56 | 8 | number of the newest configuration that the host knows to be decided; 0 for none |
//! | 64 | | status |
//! | | | that configuration, if there is one |
//! | | 30 | block of Paxos, if flagged: its number (8); promised ballot (22) |
//! | | | if flagged: accepted ballot (22), accepted configuration |
//!
//! A ballot is its counter (8), host (2), boot (8), process (4). A block of a number that the record says is decided is
//! left out.
use super::checksum;
use super::layout::{BLOCK, MAX_HOSTS, VERSION};
use super::paxos::{Ballot, Block, Owner};
use crate::bytes::{Malformed, Reader, Writer};
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::medium::{Fault, PoolId};
use crate::status::Status;
use crate::wire;
use crate::{Boot, Process};
use alloc::boxed::Box;
use lifeboat_model::HostIndex;

/// Length of the header.
pub(super) const HEADER: usize = 64;
/// The header as it is spelt.
pub(super) type RawHeader = [u8; HEADER];

const MAGIC: [u8; 4] = *b"LBHR";
const HAS_BLOCK: u16 = 1;
const HAS_ACCEPTED: u16 = 2;

/// What dates a record: a later one of the same host is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) boot: Boot,
    pub(super) process: Process,
    pub(super) sequence: u64,
}

/// A header whose record is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stamp: Stamp,
    /// The newest decided number.
    pub(super) decided: ConfigurationNumber,
    host: HostIndex,
    length: usize,
    flags: u16,
}

/// One copy of a record, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// Never written.
    Blank,
    /// Being written, torn, or damaged.
    Torn,
    /// Whole.
    Whole(Header),
}

/// What is to be written, but for the decided configuration, which is spelt once and kept.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) pool: PoolId,
    pub(super) sequence: u64,
    pub(super) status: &'a Status,
    pub(super) decided: ConfigurationNumber,
    /// The spelling of that configuration; empty if there is none.
    pub(super) spelt: &'a [u8],
    pub(super) block: Option<&'a Block>,
}

/// Spells a record as one block.
pub(super) fn encode(draft: &Draft<'_>) -> Box<[u8]> {
    let accepted = draft.block.and_then(|block| block.accepted.as_ref());
    let has_block = if draft.block.is_some() { HAS_BLOCK } else { 0 };
    let has_accepted = if accepted.is_some() { HAS_ACCEPTED } else { 0 };
    let mut to = Writer::with_capacity(BLOCK);
    to.raw(&[0; 4]);
    to.raw(&MAGIC);
    to.u16(VERSION);
    to.u16(0);
    to.host(draft.status.host);
    to.u16(has_block | has_accepted);
    to.raw(&draft.pool.0);
    to.u64(draft.status.boot.0);
    to.u32(draft.status.process.0);
    to.u32(0);
    to.u64(draft.sequence);
    to.u64(draft.decided.0);
    wire::status::encode(draft.status, &mut to);
    to.raw(draft.spelt);
    if let Some(block) = draft.block {
        to.u64(block.number.0);
        encode_ballot(block.promised, &mut to);
    }
    if let Some((ballot, value)) = accepted {
        encode_ballot(*ballot, &mut to);
        wire::configuration::encode(value, &mut to);
    }
    let mut bytes = to.into_bytes();
    let length = bytes.len();
    debug_assert!(length <= BLOCK, "a record of 64 hosts fits, see the test");
    bytes.resize(BLOCK, 0);
    bytes[10..12].copy_from_slice(&(length as u16).to_le_bytes());
    let sum = checksum(&bytes[4..length]);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes.into()
}

/// The header of a block that was read.
pub(super) fn raw_header(block: &[u8]) -> &RawHeader {
    block.first_chunk().expect("what is read is cut into blocks, which are longer than a header")
}

/// Looks at a copy of `host`'s record: the header and the checksum, not the body.
///
/// # Errors
/// `Foreign` if it is whole, but another pool's or of another version.
pub(super) fn examine(block: &[u8], pool: PoolId, host: HostIndex) -> Result<Copy, Fault> {
    let header = raw_header(block);
    if header.iter().all(|&byte| byte == 0) {
        return Ok(Copy::Blank);
    }
    let length = usize::from(u16::from_le_bytes([header[10], header[11]]));
    let Some(covered) = block.get(4..length).filter(|_| length >= HEADER) else { return Ok(Copy::Torn) };
    if header[4..8] != MAGIC || header[..4] != checksum(covered).to_le_bytes() {
        return Ok(Copy::Torn);
    }
    if header[8..10] != VERSION.to_le_bytes() || header[16..32] != pool.0 {
        return Err(Fault::Foreign);
    }
    // A whole record in another host's place was written astray: nothing is known of what ought to be here.
    if header[12..14] != host.0.to_le_bytes() {
        return Ok(Copy::Torn);
    }
    Ok(parse_header(header, length).map_or(Copy::Torn, Copy::Whole))
}

fn parse_header(header: &RawHeader, length: usize) -> Result<Header, Malformed> {
    let flags = u16::from_le_bytes([header[14], header[15]]);
    let mut from = Reader::new(&header[32..]);
    let boot = Boot(from.u64()?);
    let process = Process(from.u32()?);
    let reserved = from.u32()?;
    let stamp = Stamp { boot, process, sequence: from.u64()? };
    let decided = ConfigurationNumber(from.u64()?);
    if reserved != 0 || flags > 3 || flags == HAS_ACCEPTED {
        return Err(Malformed::OutOfRange { what: "a flag of a record" });
    }
    let host = HostIndex(u16::from_le_bytes([header[12], header[13]]));
    Ok(Header { stamp, decided, host, length, flags })
}

/// What a whole record says.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) status: Status,
    /// The newest decided configuration, if it was asked for.
    pub(super) decided: Option<Configuration>,
    pub(super) block: Option<Block>,
}

/// Reads the body of a record whose header was found whole. The decided configuration is taken only if it is newer than
/// `known`.
///
/// # Errors
/// If the body is not what an encoder of ours writes.
pub(super) fn decode(block: &[u8], header: &Header, known: ConfigurationNumber) -> Result<Body, Malformed> {
    let body = block.get(HEADER..header.length).ok_or(Malformed::Truncated)?;
    let mut from = Reader::new(body);
    let status = wire::status::decode(&mut from)?;
    let header_says = (header.host, header.stamp.boot, header.stamp.process);
    if (status.host, status.boot, status.process) != header_says {
        return Err(Malformed::OutOfRange { what: "the host or boot of a record" });
    }
    if header.decided <= known && header.flags & HAS_BLOCK == 0 {
        return Ok(Body { status, decided: None, block: None });
    }
    let decided = if header.decided.0 == 0 { None } else { Some(decode_configuration(&mut from)?) };
    if decided.as_ref().is_some_and(|decided| decided.number != header.decided) {
        return Err(Malformed::OutOfRange { what: "the number of a decided configuration" });
    }
    let block =
        if header.flags & HAS_BLOCK == 0 { None } else { Some(decode_block(&mut from, header.flags)?) };
    from.finish()?;
    Ok(Body { status, decided: decided.filter(|decided| decided.number > known), block })
}

fn decode_block(from: &mut Reader<'_>, flags: u16) -> Result<Block, Malformed> {
    let number = ConfigurationNumber(from.u64()?);
    let promised = decode_ballot(from)?;
    let accepted = if flags & HAS_ACCEPTED == 0 {
        None
    } else {
        let ballot = decode_ballot(from)?;
        let value = decode_configuration(from)?;
        if value.number != number || ballot > promised {
            return Err(Malformed::OutOfRange { what: "an accepted value" });
        }
        Some((ballot, value))
    };
    Ok(Block { number, promised, accepted })
}

fn decode_configuration(from: &mut Reader<'_>) -> Result<Configuration, Malformed> {
    let configuration = wire::configuration::decode(from)?;
    // What is read is published again, and must fit.
    if configuration.hosts.len() > MAX_HOSTS {
        return Err(Malformed::OutOfRange { what: "the number of hosts" });
    }
    Ok(configuration)
}

fn encode_ballot(ballot: Ballot, to: &mut Writer) {
    to.u64(ballot.counter);
    to.host(ballot.by.host);
    to.u64(ballot.by.boot.0);
    to.u32(ballot.by.process.0);
}

fn decode_ballot(from: &mut Reader<'_>) -> Result<Ballot, Malformed> {
    let counter = from.u64()?;
    let by = Owner { host: from.host()?, boot: Boot(from.u64()?), process: Process(from.u32()?) };
    Ok(Ballot { counter, by })
}
