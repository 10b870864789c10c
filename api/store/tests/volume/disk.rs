//! A shared disk in memory that can hold a write back and let it land much later, and that can lose power at a chosen operation, whereupon
//! what was not synced is there, or not, block by block, and the block in flight is torn.
use lifeboat_store::volume::{BLOCK, Blocks, SMALLEST_LENGTH};
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard};

/// A disk, of which clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

#[derive(Clone, Debug, Default)]
struct Platter {
    /// Blocks that are not zero.
    synced: BTreeMap<u64, Vec<u8>>,
    /// What was written since the last sync.
    pending: BTreeMap<u64, Vec<u8>>,
    operations: u64,
    power_until: Option<u64>,
    /// From this operation on writes are held back: acknowledged to nobody, and everything after fails.
    hold_from: Option<u64>,
    held: Vec<(u64, Vec<u8>)>,
    writes_fail: bool,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// The same content on another disk, with power for so many more writes and syncs; then what was not synced is there by chance.
    pub(crate) fn with_power_for(&self, operations: u64) -> Self {
        let platter = Platter { power_until: Some(operations), operations: 0, ..self.platter().clone() };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// What is there when the power is back.
    pub(crate) fn after_power_loss(&self, seed: u64) -> Self {
        let platter = self.platter();
        let mut chance = seed;
        let mut synced = platter.synced.clone();
        for (at, block) in &platter.pending {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match chance >> 62 {
                0 => drop(synced.insert(*at, block.clone())),
                // Torn: its first half is new.
                1 => {
                    let old = synced.entry(*at).or_insert_with(|| vec![0; BLOCK]);
                    old[..BLOCK / 2].copy_from_slice(&block[..BLOCK / 2]);
                }
                _ => {}
            }
        }
        Self(Arc::new(Mutex::new(Platter { synced, ..Platter::default() })))
    }

    /// From the write after so many operations on, a host's writes are held back and its calls fail, as if it hung and died.
    pub(crate) fn hold_from(&self, operations: u64) {
        let mut platter = self.platter();
        platter.hold_from = Some(platter.operations + operations);
    }

    /// The host that hung is gone: others use the disk. Its writes are under way still.
    pub(crate) fn release_others(&self) {
        self.platter().hold_from = None;
    }

    /// What was held back lands now.
    pub(crate) fn land(&self) -> usize {
        let mut platter = self.platter();
        let held = std::mem::take(&mut platter.held);
        let landed = held.len();
        for (at, block) in held {
            platter.synced.insert(at, block);
        }
        landed
    }

    /// Makes all writes fail, or not.
    pub(crate) fn fail_writes(&self, fail: bool) {
        self.platter().writes_fail = fail;
    }

    /// How many writes and syncs there were.
    pub(crate) fn operations(&self) -> u64 {
        self.platter().operations
    }

    /// Flips a bit.
    pub(crate) fn damage(&self, offset: u64) {
        let (block, byte) = (offset / BLOCK as u64 * BLOCK as u64, offset as usize % BLOCK);
        self.platter().synced.entry(block).or_insert_with(|| vec![0; BLOCK])[byte] ^= 1;
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("nobody panics with it")
    }

    fn change(&self) -> Result<MutexGuard<'_, Platter>> {
        let mut platter = self.platter();
        if platter.power_until.is_some_and(|until| platter.operations >= until) {
            return Err(Error::other("the power is gone"));
        }
        platter.operations += 1;
        Ok(platter)
    }
}

impl Blocks for Disk {
    fn len(&self) -> Result<u64> {
        Ok(SMALLEST_LENGTH)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        assert!(offset.is_multiple_of(BLOCK as u64) && out.len().is_multiple_of(BLOCK), "direct I/O");
        let platter = self.platter();
        for (number, block) in out.chunks_mut(BLOCK).enumerate() {
            let at = offset + (number * BLOCK) as u64;
            match platter.pending.get(&at).or_else(|| platter.synced.get(&at)) {
                Some(there) => block.copy_from_slice(there),
                None => block.fill(0),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        assert!(offset.is_multiple_of(BLOCK as u64) && bytes.len().is_multiple_of(BLOCK), "direct I/O");
        assert!(offset + bytes.len() as u64 <= SMALLEST_LENGTH, "within the region");
        let mut platter = self.change()?;
        if platter.writes_fail {
            return Err(Error::other("the disk takes no write"));
        }
        let blocks = bytes.chunks(BLOCK).zip((offset..).step_by(BLOCK));
        if platter.hold_from.is_some_and(|from| platter.operations > from) {
            platter.held.extend(blocks.map(|(block, at)| (at, block.to_vec())));
            return Err(Error::other("no answer"));
        }
        platter.pending.extend(blocks.map(|(block, at)| (at, block.to_vec())));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut platter = self.change()?;
        if platter.hold_from.is_some_and(|from| platter.operations > from) {
            return Err(Error::other("no answer"));
        }
        let pending = std::mem::take(&mut platter.pending);
        platter.synced.extend(pending);
        Ok(())
    }
}
