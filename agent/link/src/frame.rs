//! Frames between an agent and the service beside it: 4 bytes of length, little-endian, one of kind, then the content, in the
//! protocol's own spelling where it has one. The agent starts the service and gives it one end of a pair of sockets as its standard
//! input; when either end is gone the other one knows that the process is.
//!
//! | kind | frame | content |
//! | --- | --- | --- |
//! | 1 | to the service: hello | JSON: roster, this host's index, its boot |
//! | 2 | begin | 8 term |
//! | 3 | probe | |
//! | 4 | agreed | the configuration |
//! | 5 | safe to replace | 2 host, 8 boot, 1 kind of evidence |
//! | 6 | report | 2 host, the payload |
//! | 7 | medium of a host | 2 host, 1 whether it works |
//! | 8 | silence | 2 host (this one: its medium's), 8 for how long, in nanoseconds |
//! | 9 | leader | 2 host and 1, or 2 nothing and 0 |
//! | 10 | keys | JSON: the heartbeat keys, the one in use first |
//! | 64 | from the service: answered | |
//! | 65 | order | 2 host, the payload |
//! | 66 | fence | 2 host |
//! | 67 | operator | JSON |
use lifeboat_model::HostIndex;
use lifeboat_protocol::bytes::{Malformed, Reader, Writer};
use lifeboat_protocol::channel::Payload;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::{Order, Report};
use lifeboat_protocol::wire::{configuration, evidence, payload};
use lifeboat_protocol::{Boot, Configuration, Epoch};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::join::PoolKey;
use crate::roster::Roster;

/// The longest frame: an inventory of the largest host.
const MOST_BYTES: usize = 8 << 20;
/// VMs of an inventory that go into one frame.
const INVENTORY_PART: usize = payload::MAX_PART;

/// From the agent to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum ToService {
    /// The first frame: who this host is.
    Hello(Box<Hello>),
    /// A term begins: open the store, nobody else can write to it any more.
    Begin {
        /// The term.
        epoch: Epoch,
    },
    /// Answer, if you are well.
    Probe,
    /// The agreed configuration is now this.
    Agreed(Box<Configuration>),
    /// A host is safe to replace. The agent has judged the evidence.
    Safe {
        /// The host.
        host: HostIndex,
        /// The boot that is over.
        boot: Boot,
        /// How that is known.
        kind: EvidenceKind,
    },
    /// A host reports.
    Report {
        /// Who.
        host: HostIndex,
        /// What.
        report: Report,
    },
    /// Whether the medium answers a host, as it says itself. Told when it changes.
    Medium {
        /// The host.
        host: HostIndex,
        /// Whether it works.
        works: bool,
    },
    /// A peer, or for this host itself the medium, has been silent for more than half of T.
    Silence {
        /// The peer, or this host.
        host: HostIndex,
        /// For how long.
        silent_for: Duration,
    },
    /// The heartbeat keys, the one in use first; told with the beginning of a term and whenever they change, for hosts that join.
    Keys(Vec<PoolKey>),
    /// Who leads; told to a service that follows, so that it can point there.
    Leader {
        /// The host, if there is one.
        host: Option<HostIndex>,
    },
}

/// Who this host is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Who belongs to the pool.
    pub roster: Roster,
    /// This host, by its position there.
    pub me: usize,
    /// This start of its operating system.
    pub boot: u64,
}

/// From the service to the agent.
#[derive(Clone, Debug, PartialEq)]
pub enum FromService {
    /// It is well.
    Answered,
    /// Send an order to a host.
    Order {
        /// The host.
        host: HostIndex,
        /// The order.
        order: Order,
    },
    /// Have a host fenced from outside.
    Fence {
        /// The host.
        host: HostIndex,
    },
    /// An operator wants something of the pool's agents.
    Operator(OperatorWish),
}

/// What operators want of the pool's agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OperatorWish {
    /// Nobody fences and nothing restarts for so long.
    Disarm {
        /// In seconds.
        lasts_s: u64,
    },
    /// The disarmed time ends.
    Arm,
    /// Another host leads.
    HandOver,
    /// The mass-failure brake is released.
    ReleaseBrake,
    /// A new heartbeat key, made by the agent itself.
    RotateKey,
    /// An operator's word that a host is dead.
    ConfirmDead {
        /// The host.
        host: usize,
        /// Against signs of life.
        forced: bool,
    },
}

/// Why no frame can be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other end is gone.
    #[error("the other end is gone")]
    Closed,
    /// The socket fails.
    #[error("the socket to the other end fails")]
    Io(#[from] io::Error),
    /// The other end is another version, or no such program.
    #[error("not a frame of this version")]
    Malformed(#[from] Malformed),
    /// JSON that says something else.
    #[error("not a frame of this version")]
    Json(#[from] serde_json::Error),
    /// Longer than a frame can be.
    #[error("a frame of {0} bytes")]
    TooLong(usize),
}

const HELLO: u8 = 1;
const BEGIN: u8 = 2;
const PROBE: u8 = 3;
const AGREED: u8 = 4;
const SAFE: u8 = 5;
const REPORT: u8 = 6;
const MEDIUM: u8 = 7;
const SILENCE: u8 = 8;
const LEADER: u8 = 9;
const KEYS: u8 = 10;
const ANSWERED: u8 = 64;
const ORDER: u8 = 65;
const FENCE: u8 = 66;
const OPERATOR: u8 = 67;

/// A frame that can be written and read.
pub trait Frame: Sized {
    /// Its bytes without the length.
    fn encode(&self) -> Vec<u8>;
    /// Reads it from its bytes without the length.
    ///
    /// # Errors
    /// If they are none.
    fn decode(bytes: &[u8]) -> Result<Self, FrameError>;
}

/// Writes a frame.
///
/// # Errors
/// Those of the socket.
pub fn write<F: Frame>(to: &mut impl Write, frame: &F) -> io::Result<()> {
    let body = frame.encode();
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    // One call, so that frames of several threads do not mix.
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    to.write_all(&bytes)
}

/// Reads a frame; waits for it.
///
/// # Errors
/// If there is none, or what comes is none.
pub fn read<F: Frame>(from: &mut impl Read) -> Result<F, FrameError> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => return Err(FrameError::Closed),
        read => read?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if !(1..=MOST_BYTES).contains(&length) {
        return Err(FrameError::TooLong(length));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    F::decode(&body)
}

impl Frame for ToService {
    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(64);
        match self {
            Self::Hello(hello) => {
                to.u8(HELLO);
                to.raw(&serde_json::to_vec(hello).unwrap_or_default());
            }
            Self::Begin { epoch } => {
                to.u8(BEGIN);
                to.u64(epoch.0);
            }
            Self::Probe => to.u8(PROBE),
            Self::Agreed(agreed) => {
                to.u8(AGREED);
                configuration::encode(agreed, &mut to);
            }
            Self::Safe { host, boot, kind } => {
                to.u8(SAFE);
                to.host(*host);
                to.u64(boot.0);
                to.u8(evidence::code(*kind));
            }
            Self::Report { host, report } => encode_report(*host, report, &mut to),
            Self::Medium { host, works } => {
                to.u8(MEDIUM);
                to.host(*host);
                to.flag(*works);
            }
            Self::Silence { host, silent_for } => {
                to.u8(SILENCE);
                to.host(*host);
                to.duration(*silent_for);
            }
            Self::Keys(keys) => {
                to.u8(KEYS);
                to.raw(&serde_json::to_vec(keys).unwrap_or_default());
            }
            Self::Leader { host } => {
                to.u8(LEADER);
                to.host(host.unwrap_or(HostIndex(0)));
                to.flag(host.is_some());
            }
        }
        to.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut from = Reader::new(bytes);
        Ok(match from.u8()? {
            HELLO => Self::Hello(serde_json::from_slice(&bytes[1..])?),
            BEGIN => Self::Begin { epoch: Epoch(from.u64()?) },
            PROBE => Self::Probe,
            AGREED => Self::Agreed(Box::new(configuration::decode(&mut from)?)),
            SAFE => {
                let (host, boot) = (from.host()?, Boot(from.u64()?));
                Self::Safe { host, boot, kind: evidence::kind(from.u8()?)? }
            }
            REPORT => Self::Report { host: from.host()?, report: decode_report(&mut from)? },
            MEDIUM => Self::Medium { host: from.host()?, works: from.flag("whether a medium works")? },
            SILENCE => Self::Silence { host: from.host()?, silent_for: from.duration()? },
            KEYS => Self::Keys(serde_json::from_slice(&bytes[1..])?),
            LEADER => {
                let host = from.host()?;
                Self::Leader { host: from.flag("whether there is a leader")?.then_some(host) }
            }
            _ => return Err(Malformed::OutOfRange { what: "a kind of frame" }.into()),
        })
    }
}

fn encode_report(host: HostIndex, report: &Report, to: &mut Writer) {
    to.u8(REPORT);
    to.host(host);
    // An inventory can have more VMs than a payload of the protocol: here it goes in parts of one frame.
    if let Report::Inventory { vms } = report {
        let parts: Vec<_> = vms.chunks(INVENTORY_PART).collect();
        let (last, before) = parts.split_last().map_or((&[][..], &[][..]), |(last, before)| (*last, before));
        for part in before {
            payload::encode(&Payload::InventoryPart { vms: part.to_vec() }, to);
        }
        payload::encode(&Payload::Report(Report::Inventory { vms: last.to_vec() }), to);
    } else {
        payload::encode(&Payload::Report(report.clone()), to);
    }
}

fn decode_report(from: &mut Reader<'_>) -> Result<Report, FrameError> {
    let mut all = Vec::new();
    loop {
        match payload::decode(from)? {
            Payload::InventoryPart { vms } => all.extend(vms),
            Payload::Report(Report::Inventory { vms }) => {
                all.extend(vms);
                return Ok(Report::Inventory { vms: all });
            }
            Payload::Report(report) => return Ok(report),
            Payload::Order(_) => return Err(Malformed::OutOfRange { what: "a report" }.into()),
        }
    }
}

impl Frame for FromService {
    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(64);
        match self {
            Self::Answered => to.u8(ANSWERED),
            Self::Order { host, order } => {
                to.u8(ORDER);
                to.host(*host);
                payload::encode(&Payload::Order(order.clone()), &mut to);
            }
            Self::Fence { host } => {
                to.u8(FENCE);
                to.host(*host);
            }
            Self::Operator(wish) => {
                to.u8(OPERATOR);
                to.raw(&serde_json::to_vec(wish).unwrap_or_default());
            }
        }
        to.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut from = Reader::new(bytes);
        Ok(match from.u8()? {
            ANSWERED => Self::Answered,
            ORDER => {
                let host = from.host()?;
                match payload::decode(&mut from)? {
                    Payload::Order(order) => Self::Order { host, order },
                    _ => return Err(Malformed::OutOfRange { what: "an order" }.into()),
                }
            }
            FENCE => Self::Fence { host: from.host()? },
            OPERATOR => Self::Operator(serde_json::from_slice(&bytes[1..])?),
            _ => return Err(Malformed::OutOfRange { what: "a kind of frame" }.into()),
        })
    }
}

#[cfg(test)]
mod tests;
