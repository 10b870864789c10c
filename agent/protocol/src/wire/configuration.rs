//! The spelling of a configuration, in datagrams and on the medium.
//!
//! | length | what |
//! | --- | --- |
//! | 8 | number, at most 2^48 |
//! | 2 | leader, below n |
//! | 8 | the leader's term, at most 2^48 |
//! | 8 | T in nanoseconds, 3 to 300 s |
//! | 4 | key epoch |
//! | 1 | flags: 1 braked, 2 disarmed |
//! | 8 | only if disarmed: for how long, in nanoseconds |
//! | 2 | n, at most 256 |
//! | 2 to 26 each | n hosts |
//!
//! A host is one byte of standing (0 out, 1 member, 2 being fenced, 3 being fenced and led, 4 fenced; plus 128 if
//! in quarantine), one byte that counts failures, and then: for a member, 8 boot and 8 the number of the configuration in which
//! it joined; for one being fenced the same, and 8 the term if it led; for a fenced one 8 boot and 1 kind of evidence.
use crate::bytes::{MAX_HOSTS, Malformed, Reader, Writer};
use crate::configuration::{Configuration, ConfigurationNumber, Disarm, HostEntry, Standing};
use crate::enable::TIMEOUTS;
use crate::wire::evidence;
use crate::{Boot, Epoch};
use alloc::vec::Vec;

const BRAKED: u8 = 1;
const DISARMED: u8 = 2;

const OUT: u8 = 0;
const MEMBER: u8 = 1;
const FENCING: u8 = 2;
const FENCING_LEADER: u8 = 3;
const FENCED: u8 = 4;
const QUARANTINED: u8 = 128;

/// The highest number of a configuration, and of a term. No pool gets there, and what counts on need not ask whether it can.
pub const MAX_NUMBER: u64 = 1 << 48;

/// The most bytes that [`encode`] writes for a pool of `hosts`.
pub const fn max_size(hosts: usize) -> usize {
    41 + 26 * hosts
}

/// Writes a configuration.
pub fn encode(configuration: &Configuration, to: &mut Writer) {
    debug_assert!(configuration.hosts.len() <= MAX_HOSTS, "a pool has at most {MAX_HOSTS} hosts");
    to.u64(configuration.number.0);
    to.host(configuration.leader);
    to.u64(configuration.epoch.0);
    to.duration(configuration.timeout);
    to.u32(configuration.key_epoch);
    let disarmed = if configuration.disarm.is_some() { DISARMED } else { 0 };
    to.u8(disarmed | if configuration.braked { BRAKED } else { 0 });
    if let Some(disarm) = configuration.disarm {
        to.duration(disarm.lasts);
    }
    to.count(configuration.hosts.len().min(MAX_HOSTS));
    for host in configuration.hosts.iter().take(MAX_HOSTS) {
        encode_host(host, to);
    }
}

/// Reads a configuration.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(from: &mut Reader<'_>) -> Result<Configuration, Malformed> {
    let number = ConfigurationNumber(decode_number(from)?);
    let leader = from.host()?;
    let epoch = Epoch(decode_number(from)?);
    let timeout = from.duration()?;
    if !TIMEOUTS.contains(&timeout) {
        return Err(Malformed::OutOfRange { what: "T" });
    }
    let key_epoch = from.u32()?;
    let flags = from.u8()?;
    if flags & !(BRAKED | DISARMED) != 0 {
        return Err(Malformed::OutOfRange { what: "a configuration flag" });
    }
    let disarm = if flags & DISARMED != 0 { Some(Disarm { lasts: from.duration()? }) } else { None };
    let count = from.count(MAX_HOSTS, "the number of hosts")?;
    if leader.get() >= count {
        return Err(Malformed::OutOfRange { what: "the leader" });
    }
    let mut hosts = Vec::with_capacity(count);
    for _ in 0..count {
        hosts.push(decode_host(from)?);
    }
    let braked = flags & BRAKED != 0;
    Ok(Configuration { number, leader, epoch, timeout, key_epoch, disarm, braked, hosts })
}

fn decode_number(from: &mut Reader<'_>) -> Result<u64, Malformed> {
    let number = from.u64()?;
    if number > MAX_NUMBER { Err(Malformed::OutOfRange { what: "a number" }) } else { Ok(number) }
}

fn encode_host(host: &HostEntry, to: &mut Writer) {
    let standing = match host.standing {
        Standing::Out => OUT,
        Standing::Member { .. } => MEMBER,
        Standing::Fencing { led: None, .. } => FENCING,
        Standing::Fencing { led: Some(_), .. } => FENCING_LEADER,
        Standing::Fenced { .. } => FENCED,
    };
    to.u8(standing | if host.quarantined { QUARANTINED } else { 0 });
    to.u8(host.failures);
    match host.standing {
        Standing::Out => {}
        Standing::Member { boot, joined } => {
            to.u64(boot.0);
            to.u64(joined.0);
        }
        Standing::Fencing { boot, joined, led } => {
            to.u64(boot.0);
            to.u64(joined.0);
            if let Some(epoch) = led {
                to.u64(epoch.0);
            }
        }
        Standing::Fenced { boot, evidence } => {
            to.u64(boot.0);
            to.u8(evidence::code(evidence));
        }
    }
}

fn decode_host(from: &mut Reader<'_>) -> Result<HostEntry, Malformed> {
    let code = from.u8()?;
    let failures = from.u8()?;
    let quarantined = code & QUARANTINED != 0;
    let standing = match code & !QUARANTINED {
        OUT => Standing::Out,
        MEMBER => {
            Standing::Member { boot: Boot(from.u64()?), joined: ConfigurationNumber(decode_number(from)?) }
        }
        fencing @ (FENCING | FENCING_LEADER) => Standing::Fencing {
            boot: Boot(from.u64()?),
            joined: ConfigurationNumber(decode_number(from)?),
            led: if fencing == FENCING_LEADER { Some(Epoch(decode_number(from)?)) } else { None },
        },
        FENCED => Standing::Fenced { boot: Boot(from.u64()?), evidence: evidence::kind(from.u8()?)? },
        _ => return Err(Malformed::OutOfRange { what: "a standing" }),
    };
    Ok(HostEntry { standing, failures, quarantined })
}
