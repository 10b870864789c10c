//! Where what lies in a statefile's region of 4 MiB, and the global section that says whose region it is.
//!
//! | block of 4,096 bytes | what |
//! | --- | --- |
//! | 0 | global section |
//! | 1 + 2 h, 2 + 2 h | the two copies of host h's record, for 64 hosts |
//! | 129 to 1022 | zero, kept for later versions |
//! | 1023 | the global section once more, for tools; no cycle reads it |
//!
//! A pool of n hosts reads its first 1 + 2 n blocks in one piece.
use super::checksum;
use crate::bytes::{Reader, Writer};
use crate::medium::{Fault, PoolId};
use alloc::{boxed::Box, vec};
use lifeboat_model::HostIndex;

/// Length of the region.
pub const REGION: usize = 4 << 20;
/// The unit of reading and writing.
pub const BLOCK: usize = 4096;
/// How many hosts a region has room for.
pub const MAX_HOSTS: usize = 64;
/// How many copies of its record each host alternates between.
pub const COPIES: usize = 2;
/// The version that this code reads and writes, of the region and of the records.
pub(super) const VERSION: u16 = 1;
/// Length of the global section; the rest of its block is zero.
pub(super) const GLOBAL: usize = 64;

const MAGIC: [u8; 8] = *b"LIFEBOAT";

/// A statefile has no room for so many hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a statefile has room for 1 to {MAX_HOSTS} hosts, not for {hosts}")]
pub struct NoRoom {
    /// How many were asked for.
    pub hosts: usize,
}

/// The whole region as it is when HA is enabled, for a pool that has `hosts` hosts then. To be written while no
/// agent uses the region, and read back.
///
/// # Errors
/// If there are too many hosts, or none.
pub fn format(pool: PoolId, hosts: usize) -> Result<Box<[u8]>, NoRoom> {
    if !(1..=MAX_HOSTS).contains(&hosts) {
        return Err(NoRoom { hosts });
    }
    let mut region = vec![0; REGION];
    let global = Global { pool, hosts }.encode();
    region[..GLOBAL].copy_from_slice(&global);
    region[REGION - BLOCK..][..GLOBAL].copy_from_slice(&global);
    Ok(region.into())
}

/// Where a copy of a host's record begins.
pub(super) const fn offset(host: HostIndex, copy: usize) -> usize {
    BLOCK * (1 + COPIES * host.get() + copy)
}

/// How much a pool of `hosts` hosts reads.
pub(super) const fn reach(hosts: usize) -> usize {
    BLOCK * (1 + COPIES * hosts)
}

/// What the global section says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Global {
    /// Whose region it is.
    pub(super) pool: PoolId,
    /// How many hosts the pool had when HA was enabled.
    pub(super) hosts: usize,
}

impl Global {
    pub(super) fn encode(self) -> [u8; GLOBAL] {
        let mut to = Writer::with_capacity(GLOBAL);
        to.raw(&MAGIC);
        to.u16(VERSION);
        to.u16(COPIES as u16);
        to.raw(&self.pool.0);
        to.u16(self.hosts as u16);
        to.u16(MAX_HOSTS as u16);
        to.u32(BLOCK as u32);
        to.u64(REGION as u64);
        let body = to.into_bytes();
        let mut section = [0; GLOBAL];
        section[4..][..body.len()].copy_from_slice(&body);
        let sum = checksum(&section[4..]);
        section[..4].copy_from_slice(&sum.to_le_bytes());
        section
    }

    /// Reads the section at the beginning of `bytes`.
    ///
    /// # Errors
    /// `Unreadable` if it is damaged, `Foreign` if there is none, or one of another version.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let section: &[u8; GLOBAL] = bytes.first_chunk().ok_or(Fault::Unreadable)?;
        if section.iter().all(|&byte| byte == 0) {
            return Err(Fault::Foreign);
        }
        let (sum, body) = section.split_at(4);
        if sum != checksum(body).to_le_bytes() {
            let ours = body.starts_with(&MAGIC);
            return Err(if ours { Fault::Unreadable } else { Fault::Foreign });
        }
        let global = Self::parse(body).ok_or(Fault::Foreign)?;
        // One spelling only: whatever this version does not know makes the section another version's.
        if global.encode() == *section { Ok(global) } else { Err(Fault::Foreign) }
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let mut from = Reader::new(body);
        if from.array().ok()? != MAGIC || from.u16().ok()? != VERSION || from.u16().ok()? != COPIES as u16 {
            return None;
        }
        let pool = PoolId(from.array().ok()?);
        let hosts = usize::from(from.u16().ok()?);
        (1..=MAX_HOSTS).contains(&hosts).then_some(Self { pool, hosts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: PoolId = PoolId(*b"0123456789abcdef");

    #[test]
    fn a_region_says_whose_it_is_at_both_ends() {
        let region = format(POOL, 3).expect("room");
        assert_eq!(region.len(), 4_194_304);
        assert_eq!(Global::decode(&region), Ok(Global { pool: POOL, hosts: 3 }));
        assert_eq!(Global::decode(&region[REGION - BLOCK..]), Ok(Global { pool: POOL, hosts: 3 }));
    }

    #[test]
    fn a_region_has_room_for_1_to_64_hosts() {
        assert_eq!(format(POOL, 0), Err(NoRoom { hosts: 0 }));
        assert_eq!(format(POOL, 65), Err(NoRoom { hosts: 65 }));
        assert!(
            offset(HostIndex(63), 1) + BLOCK <= REGION - BLOCK,
            "the last record ends before the last block"
        );
        assert_eq!(reach(64), offset(HostIndex(64), 0), "one read reaches exactly the records of the pool");
    }

    #[test]
    fn a_blank_a_foreign_and_a_damaged_section_are_told_apart() {
        assert_eq!(Global::decode(&[0; 64]), Err(Fault::Foreign));
        assert_eq!(Global::decode(&[7; 64]), Err(Fault::Foreign));
        let section = Global { pool: POOL, hosts: 3 }.encode();
        for at in 0..GLOBAL {
            for bit in 0..8 {
                let mut damaged = section;
                damaged[at] ^= 1 << bit;
                let fault = if (4..12).contains(&at) { Fault::Foreign } else { Fault::Unreadable };
                assert_eq!(Global::decode(&damaged), Err(fault), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_later_version_is_foreign() {
        for (at, value) in [(12, 2), (14, 3), (34, 65), (36, 1), (63, 1)] {
            let mut later = Global { pool: POOL, hosts: 3 }.encode();
            later[at] = value;
            let sum = checksum(&later[4..]);
            later[..4].copy_from_slice(&sum.to_le_bytes());
            assert_eq!(Global::decode(&later), Err(Fault::Foreign), "byte {at}");
        }
    }
}
