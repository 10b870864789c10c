//! The spelling of a host's picture of itself, in heartbeats and in records on the medium.
//!
//! | offset | length | what |
//! | --- | --- | --- |
//! | 0 | 2 | host |
//! | 2 | 8 | boot |
//! | 10 | 4 | process |
//! | 14 | 1 | phase: 0 starting, 1 joining, 2 member, 3 leaving, 4 fencing itself, 5 fenced, 6 left |
//! | 15 | 1 | flags: 1 the medium works, 2 carrier, 4 disarmed |
//! | 16 | 8 | number of the newest configuration adopted |
//! | 24 | 8 | newest term resigned |
//! | 32 | 4 | newest key epoch held |
//! | 36 | 8 | memory of protected VMs, in MiB |
//! | 44 | 2 | n, at most 256 |
//! | 46 | 2 n | silence towards each host, in steps of 10 ms; 65,535 for ever |
//! | 46 + 2 n | 2 | m, at most 256; 0 unless a majority rules |
//! | 48 + 2 n | 2 m | how long ago the last heartbeat of each host arrived, in steps of 10 ms, rounded down |
use crate::bytes::{MAX_HOSTS, Malformed, Reader, Writer};
use crate::configuration::ConfigurationNumber;
use crate::status::{Phase, Silence, Status};
use crate::{Boot, Epoch, Process};
use alloc::vec::Vec;

const MEDIUM_WORKS: u8 = 1;
const CARRIER: u8 = 2;
const DISARMED: u8 = 4;

/// How many bytes [`encode`] writes.
pub fn size(status: &Status) -> usize {
    48 + 2 * status.silence.len().min(MAX_HOSTS) + 2 * status.heard.len().min(MAX_HOSTS)
}

/// Writes a status.
pub fn encode(status: &Status, to: &mut Writer) {
    debug_assert!(status.silence.len() <= MAX_HOSTS, "a pool has at most {MAX_HOSTS} hosts");
    to.host(status.host);
    to.u64(status.boot.0);
    to.u32(status.process.0);
    to.u8(phase_code(status.phase));
    let flags = [(status.medium_works, MEDIUM_WORKS), (status.carrier, CARRIER), (status.disarmed, DISARMED)];
    to.u8(flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
    to.u64(status.adopted.0);
    to.u64(status.resigned.0);
    to.u32(status.newest_key);
    to.u64(status.protected_memory_mib);
    for spans in [&status.silence, &status.heard] {
        to.count(spans.len().min(MAX_HOSTS));
        for span in spans.iter().take(MAX_HOSTS) {
            to.u16(span.0);
        }
    }
}

/// Reads a status.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(from: &mut Reader<'_>) -> Result<Status, Malformed> {
    let host = from.host()?;
    let boot = Boot(from.u64()?);
    let process = Process(from.u32()?);
    let phase = phase(from.u8()?)?;
    let flags = from.u8()?;
    if flags & !(MEDIUM_WORKS | CARRIER | DISARMED) != 0 {
        return Err(Malformed::OutOfRange { what: "a status flag" });
    }
    let adopted = ConfigurationNumber(from.u64()?);
    let resigned = Epoch(from.u64()?);
    let newest_key = from.u32()?;
    let protected_memory_mib = from.u64()?;
    let silence = spans(from)?;
    let heard = spans(from)?;
    Ok(Status {
        host,
        boot,
        process,
        phase,
        adopted,
        resigned,
        medium_works: flags & MEDIUM_WORKS != 0,
        carrier: flags & CARRIER != 0,
        disarmed: flags & DISARMED != 0,
        newest_key,
        protected_memory_mib,
        silence,
        heard,
    })
}

fn spans(from: &mut Reader<'_>) -> Result<Vec<Silence>, Malformed> {
    let hosts = from.count(MAX_HOSTS, "the number of hosts")?;
    let (pairs, _) = from.take(2 * hosts)?.as_chunks();
    Ok(pairs.iter().map(|pair| Silence(u16::from_le_bytes(*pair))).collect())
}

fn phase_code(phase: Phase) -> u8 {
    match phase {
        Phase::Starting => 0,
        Phase::Joining => 1,
        Phase::Member => 2,
        Phase::Leaving => 3,
        Phase::FencingSelf => 4,
        Phase::Fenced => 5,
        Phase::Left => 6,
    }
}

fn phase(code: u8) -> Result<Phase, Malformed> {
    Ok(match code {
        0 => Phase::Starting,
        1 => Phase::Joining,
        2 => Phase::Member,
        3 => Phase::Leaving,
        4 => Phase::FencingSelf,
        5 => Phase::Fenced,
        6 => Phase::Left,
        _ => return Err(Malformed::OutOfRange { what: "a phase" }),
    })
}
