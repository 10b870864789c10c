//! The headers of all slots as they are on the disk: read together, written one copy after the other.
use super::geometry::{COPIES, Geometry, SLOTS};
use super::header::{Header, NoHeader};
use super::{BLOCK, Blocks};
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Access to the region.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    pub(super) blocks: Arc<dyn Blocks>,
    pub(super) geometry: Geometry,
    pub(super) pool: [u8; 16],
}

/// What was read of one slot's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The newest copy that is whole.
    pub(super) header: Header,
    /// Which one it is. The other one is written first, so that one is whole always.
    pub(super) copy: usize,
}

/// Whose volume this is.
pub(super) fn pool_of(blocks: &dyn Blocks) -> Result<[u8; 16]> {
    let mut block = vec![0; BLOCK];
    for copy in 0..COPIES {
        blocks.read(Geometry::header(0, copy), &mut block)?;
        if let Ok(header) = Header::decode(&block) {
            return Ok(header.pool);
        }
    }
    Err(none_here())
}

fn none_here() -> Error {
    Error::new(ErrorKind::NotFound, "it holds no metadata volume: `lifeboat-agent init` makes one")
}

impl Headers {
    pub(super) fn new(blocks: Arc<dyn Blocks>, geometry: Geometry, pool: [u8; 16]) -> Self {
        Self { blocks, geometry, pool }
    }

    /// Every copy of every header, whatever pool it is of.
    fn copies(&self) -> Result<[[std::result::Result<Header, NoHeader>; COPIES]; SLOTS]> {
        let mut all = [[Err(NoHeader::Other); COPIES]; SLOTS];
        let mut bytes = vec![0; SLOTS * BLOCK];
        for copy in 0..COPIES {
            self.blocks.read(Geometry::header(0, copy), &mut bytes)?;
            for (of_slot, block) in all.iter_mut().zip(bytes.chunks(BLOCK)) {
                of_slot[copy] = Header::decode(block);
            }
        }
        Ok(all)
    }

    /// The header of each slot.
    ///
    /// # Errors
    /// If they cannot be read; `InvalidData` if they are not those of this pool's volume, with what they are.
    pub(super) fn read(&self) -> Result<[Found; SLOTS]> {
        let copies = self.copies()?;
        let wrong = |what: String| Error::new(ErrorKind::InvalidData, what);
        if copies.iter().flatten().all(|copy| *copy == Err(NoHeader::Other)) {
            return Err(none_here());
        }
        let mut found = Vec::with_capacity(SLOTS);
        for (slot, copies) in copies.iter().enumerate() {
            let whole = copies
                .iter()
                .enumerate()
                .filter_map(|(copy, header)| header.ok().map(|header| (copy, header)));
            let newest = whole.max_by_key(|(_, header)| (header.order(), header.complete, header.sequence));
            let Some((copy, header)) = newest else {
                if let Some(NoHeader::Format(format)) = copies
                    .iter()
                    .find_map(|copy| copy.err().filter(|fault| matches!(fault, NoHeader::Format(_))))
                {
                    return Err(wrong(format!("it has format {format}, of a newer version")));
                }
                return Err(wrong(format!("neither copy of the header of slot {slot} can be read")));
            };
            if header.pool != self.pool {
                return Err(Error::new(
                    ErrorKind::PermissionDenied,
                    "it belongs to another pool, or to an earlier life of this one",
                ));
            }
            if header.slot_length != self.geometry.slot_length() {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "it was made with slots of {} MiB, and the length that is configured gives {} MiB",
                        header.slot_length >> 20,
                        self.geometry.slot_length() >> 20
                    ),
                ));
            }
            found.push(Found { header, copy });
        }
        found.try_into().map_err(|_| wrong("a slot is missing".to_owned()))
    }

    /// The highest epoch that any copy of a header has, be it late, or half-made.
    pub(super) fn highest_epoch(&self) -> Result<u64> {
        let copies = self.copies()?;
        let of_pool =
            copies.iter().flatten().filter_map(|copy| copy.ok().filter(|header| header.pool == self.pool));
        of_pool.map(|header| header.epoch).max().ok_or_else(|| Error::other("its headers are gone"))
    }

    /// Writes a slot's header, both copies, each durable before the next; `copy` holds what counts until then.
    pub(super) fn write(&self, slot: usize, copy: usize, header: &Header) -> Result<()> {
        let block = header.encode();
        for copy in [(copy + 1) % COPIES, copy] {
            self.blocks.write(Geometry::header(slot, copy), &block)?;
            self.blocks.sync()?;
        }
        Ok(())
    }
}
