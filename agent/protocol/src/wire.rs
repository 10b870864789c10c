//! The datagram: a header in the clear, a message sealed with XChaCha20-Poly1305, a tag. All numbers are little-endian.
//!
//! | offset | length | what |
//! | --- | --- | --- |
//! | 0 | 2 | `LB` |
//! | 2 | 1 | version, 1 |
//! | 3 | 1 | network |
//! | 4 | 2 | sender |
//! | 6 | 2 | addressee |
//! | 8 | 4 | key epoch |
//! | 12 | 4 | the sender's process |
//! | 16 | 16 | pool |
//! | 32 | 8 | the sender's boot |
//! | 40 | 8 | sequence, not 0 |
//! | 48 | n | the message, encrypted |
//! | 48 + n | 16 | tag over header and message |
//!
//! The header is the associated data: nothing of it can be changed without the tag telling. docs/heartbeats.md takes an
//! example to pieces.
//!
//! # Why no nonce is used twice
//!
//! The nonce is not sent. It is 24 bytes: boot 8, process 4, sender 2, network 1, version 1, sequence 8. The fields have
//! fixed places, so that two datagrams have the same nonce only if they agree in all of them.
//!
//! Suppose that two different datagrams were sealed under one key with the same nonce. A key belongs to one pool
//! ([`crate::keyring`]), and in a pool a host's index belongs to one host; where another machine takes over an index, it
//! counts its boots on from where the former one was. They name the same boot, which the host's shell raises durably
//! before the agent sends anything in it, and the same process, which it raises with each start of the agent and of the
//! crash kernel's sender; so one process sealed both. In one process the sequence
//! comes from one counter, which rises before each sealing and has 64 bits: at a million datagrams a second it
//! lasts 584,000 years. So they had different sequences: a contradiction. (A datagram sent twice as it is, or
//! doubled by the network, is the same datagram.)
//!
//! A nonce drawn at random would need no such argument, but a source of randomness in the protocol, and 24 bytes more
//! in each datagram.
pub mod configuration;
pub mod evidence;
pub mod message;
pub mod payload;
pub mod segment;
pub mod status;

use crate::bytes::{Malformed, Reader, Writer};
use crate::keyring::Keyring;
use crate::medium::PoolId;
use crate::message::{Envelope, Message};
use crate::{Boot, HeartbeatNetwork, Process};
use alloc::boxed::Box;
use chacha20poly1305::{AeadInOut, Tag, XNonce};
use lifeboat_model::HostIndex;

/// The format that is spoken.
pub const VERSION: u8 = 1;

/// The longest datagram: what one UDP packet carries over IPv4 and IPv6, rounded down. A status or a configuration
/// of 256 hosts is far below it; [`crate::channel`] cuts what it carries to fit.
pub const MAX_DATAGRAM: usize = 60 * 1024;

const MAGIC: [u8; 2] = *b"LB";
const HEADER: usize = 48;
const TAG: usize = 16;

/// Why a datagram has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Shorter than a header and a tag, or longer than [`MAX_DATAGRAM`].
    #[error("a datagram of {length} bytes")]
    Length {
        /// How long it is.
        length: usize,
    },
    /// It does not begin as a datagram of ours does.
    #[error("not a datagram of this protocol")]
    NotOurs,
    /// Another version of the format.
    #[error("version {version} of the format")]
    Version {
        /// The version.
        version: u8,
    },
    /// Another pool's.
    #[error("from another pool")]
    OtherPool,
    /// Addressed to another host, or sent by this one.
    #[error("not for this host")]
    NotForMe,
    /// Sealed under a key that is not held.
    #[error("sealed under the unknown key epoch {epoch}")]
    UnknownKey {
        /// The key's epoch.
        epoch: u32,
    },
    /// The tag does not fit: forged, damaged, or sealed under another key of that epoch.
    #[error("not authentic")]
    NotAuthentic,
    /// Sealed by a holder of the key, and yet no message: a fault of its software.
    #[error("an authentic datagram that is no message")]
    Malformed(#[source] Malformed),
}

impl From<Malformed> for Rejected {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The datagram that carries a message, sealed under the sending key.
///
/// The caller has raised [`Envelope::sequence`] for it; see the head of this file.
///
/// # Panics
/// Never: the cipher takes 256 GiB.
pub fn seal(keys: &Keyring, pool: PoolId, envelope: &Envelope, message: &Message) -> Box<[u8]> {
    debug_assert!(envelope.sequence != 0, "the counter begins at 1");
    let (key_epoch, cipher) = keys.sealing();
    let mut writer = Writer::with_capacity(HEADER + message::size(message) + TAG);
    encode_header(pool, key_epoch, envelope, &mut writer);
    message::encode(message, &mut writer);
    let mut bytes = writer.into_bytes();
    let (header, body) = bytes.split_at_mut(HEADER);
    let tag = cipher
        .encrypt_inout_detached(&nonce(envelope), header, body.into())
        .expect("the cipher takes 256 GiB, a message is less than a MiB");
    bytes.extend_from_slice(&tag);
    debug_assert!(bytes.len() <= MAX_DATAGRAM, "whoever makes a message keeps to the limits of its parts");
    bytes.into_boxed_slice()
}

/// Checks, opens and reads a datagram that came to `me`, in place: its bytes are of no use afterwards.
///
/// It may be a repetition: that is for [`crate::replay`] to say. That it came on the network that the envelope names is for the
/// caller to check.
///
/// # Errors
/// If it must have no effect.
pub fn open(
    keys: &Keyring,
    pool: PoolId,
    me: HostIndex,
    bytes: &mut [u8],
) -> Result<(Envelope, Message), Rejected> {
    let length = bytes.len();
    if !(HEADER + TAG..=MAX_DATAGRAM).contains(&length) {
        return Err(Rejected::Length { length });
    }
    let (header, rest) = bytes.split_at_mut(HEADER);
    let (envelope, key_epoch) = decode_header(pool, me, header)?;
    let cipher = keys.opening(key_epoch).ok_or(Rejected::UnknownKey { epoch: key_epoch })?;
    let (body, tag) = rest.split_at_mut(length - HEADER - TAG);
    let tag = Tag::try_from(&*tag).map_err(|_| Rejected::Length { length })?;
    cipher
        .decrypt_inout_detached(&nonce(&envelope), header, body.into(), &tag)
        .map_err(|_| Rejected::NotAuthentic)?;
    // Only now does anything come from a holder of the key.
    if envelope.sequence == 0 {
        return Err(Malformed::OutOfRange { what: "a sequence" }.into());
    }
    let mut reader = Reader::new(body);
    let message = message::decode(&mut reader)?;
    reader.finish()?;
    Ok((envelope, message))
}

fn encode_header(pool: PoolId, key_epoch: u32, envelope: &Envelope, to: &mut Writer) {
    to.raw(&MAGIC);
    to.u8(VERSION);
    to.u8(envelope.network.0);
    to.host(envelope.from);
    to.host(envelope.to);
    to.u32(key_epoch);
    to.u32(envelope.process.0);
    to.raw(&pool.0);
    to.u64(envelope.boot.0);
    to.u64(envelope.sequence);
}

fn decode_header(pool: PoolId, me: HostIndex, header: &[u8]) -> Result<(Envelope, u32), Rejected> {
    let mut reader = Reader::new(header);
    if reader.array()? != MAGIC {
        return Err(Rejected::NotOurs);
    }
    let version = reader.u8()?;
    if version != VERSION {
        return Err(Rejected::Version { version });
    }
    let network = HeartbeatNetwork(reader.u8()?);
    let (from, to) = (reader.host()?, reader.host()?);
    let key_epoch = reader.u32()?;
    let process = Process(reader.u32()?);
    if reader.array()? != pool.0 {
        return Err(Rejected::OtherPool);
    }
    if to != me || from == me {
        return Err(Rejected::NotForMe);
    }
    let (boot, sequence) = (Boot(reader.u64()?), reader.u64()?);
    Ok((Envelope { from, boot, process, to, network, sequence }, key_epoch))
}

fn nonce(envelope: &Envelope) -> XNonce {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&envelope.boot.0.to_le_bytes());
    nonce[8..12].copy_from_slice(&envelope.process.0.to_le_bytes());
    nonce[12..14].copy_from_slice(&envelope.from.0.to_le_bytes());
    nonce[14] = envelope.network.0;
    nonce[15] = VERSION;
    nonce[16..].copy_from_slice(&envelope.sequence.to_le_bytes());
    nonce.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_that_differ_in_who_when_or_where_have_different_nonces() {
        let one = Envelope {
            from: HostIndex(1),
            boot: Boot(2),
            process: Process(3),
            to: HostIndex(4),
            network: HeartbeatNetwork(5),
            sequence: 6,
        };
        let others = [
            Envelope { from: HostIndex(0x101), ..one },
            Envelope { boot: Boot(0x102), ..one },
            Envelope { boot: Boot(2 << 56), ..one },
            Envelope { process: Process(0x103), ..one },
            Envelope { process: Process(3 << 24), ..one },
            Envelope { network: HeartbeatNetwork(6), ..one },
            Envelope { sequence: 0x106, ..one },
            Envelope { sequence: 6 << 56, ..one },
        ];
        for other in others {
            assert_ne!(nonce(&one), nonce(&other), "{other:?}");
        }
        assert_eq!(nonce(&one)[..], [2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 5, 1, 6, 0, 0, 0, 0, 0, 0, 0]);
    }
}
