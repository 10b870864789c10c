//! The header of a slot: whose it is, which term's, and whether it was completed. One block:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..8 | `LBVOLUME` |
//! | 8..12 | format, 1 |
//! | 12..28 | pool id |
//! | 28..36 | length of a slot, as a check on the geometry |
//! | 36..44 | epoch |
//! | 44..52 | generation: how many takeovers there were |
//! | 52..60 | sequence: which writing of this header |
//! | 60..68 | length of the database |
//! | 68 | 0 claimed, 1 complete |
//! | 4064..4096 | SHA-256 of all before |
//!
//! Numbers are little-endian; the rest is zero.
use super::BLOCK;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"LBVOLUME";
const FORMAT: u32 = 1;
const DIGEST_AT: usize = BLOCK - 32;

/// What a slot's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) pool: [u8; 16],
    pub(super) slot_length: u64,
    pub(super) epoch: u64,
    pub(super) generation: u64,
    pub(super) sequence: u64,
    pub(super) length: u64,
    pub(super) complete: bool,
}

/// Why a block is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// Something else, or nothing.
    Other,
    /// It was one, and is damaged.
    Torn,
    /// A newer version's.
    Format(u32),
}

impl Header {
    /// Which of two slots was taken later.
    pub(super) fn order(&self) -> (u64, u64) {
        (self.epoch, self.generation)
    }

    /// As a block.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..8].copy_from_slice(MAGIC);
        block[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        block[12..28].copy_from_slice(&self.pool);
        let numbers = [self.slot_length, self.epoch, self.generation, self.sequence, self.length];
        for (place, number) in block[28..68].chunks_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        block[68] = u8::from(self.complete);
        let digest = Sha256::digest(&block[..DIGEST_AT]);
        block[DIGEST_AT..].copy_from_slice(&digest);
        block
    }

    /// From a block.
    pub(super) fn decode(block: &[u8]) -> Result<Self, NoHeader> {
        if block.len() != BLOCK || !block.starts_with(MAGIC) {
            return Err(NoHeader::Other);
        }
        if Sha256::digest(&block[..DIGEST_AT])[..] != block[DIGEST_AT..] {
            return Err(NoHeader::Torn);
        }
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&block[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let format = number(8) as u32;
        if format != FORMAT {
            return Err(NoHeader::Format(format));
        }
        let mut pool = [0; 16];
        pool.copy_from_slice(&block[12..28]);
        Ok(Self {
            pool,
            slot_length: number(28),
            epoch: number(36),
            generation: number(44),
            sequence: number(52),
            length: number(60),
            complete: block[68] == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            pool: [7; 16],
            slot_length: 1,
            epoch: 2,
            generation: 3,
            sequence: 4,
            length: 5,
            complete: true,
        }
    }

    #[test]
    fn a_header_is_what_it_was_after_being_written_and_read() {
        assert_eq!(Header::decode(&header().encode()), Ok(header()));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let whole = header().encode();
        for at in (0..80).chain(BLOCK - 33..BLOCK) {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            assert!(Header::decode(&torn).is_err(), "byte {at}");
        }
        assert_eq!(Header::decode(&[0; BLOCK]), Err(NoHeader::Other));
        assert_eq!(Header::decode(b"LBVOLUME"), Err(NoHeader::Other));
    }
}
