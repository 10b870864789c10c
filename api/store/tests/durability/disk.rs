//! A disk that loses power at a chosen operation: what was not synced may be there, or not, or in part, sector by sector.
use lifeboat_store::StoreError;
use redb::StorageBackend;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk, of which clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// What survives for certain.
    synced: Vec<u8>,
    /// What is read, as long as there is power.
    cached: Vec<u8>,
    /// What was done since the last sync, in its order.
    pending: Vec<Pending>,
    operations: u64,
    power_until: u64,
    full: bool,
    sync_fails: bool,
}

#[derive(Clone, Debug)]
enum Pending {
    Length(usize),
    Sector { at: usize, bytes: Vec<u8> },
}

/// What happens to what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// Nothing of it is there.
    Everything,
    /// All of it is there.
    Nothing,
    /// Each sector is there or not, and so is each change of the length, by chance.
    Some(u64),
}

impl Disk {
    /// Of these bytes, with power for so many operations that change something.
    pub(crate) fn of(bytes: Vec<u8>, power_until: u64) -> Self {
        let platter = Platter { synced: bytes.clone(), cached: bytes, power_until, ..Platter::default() };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// What opens it for a store.
    pub(crate) fn source(&self) -> impl Fn() -> std::result::Result<Self, StoreError> + use<> {
        let disk = self.clone();
        move || Ok(disk.clone())
    }

    /// Makes it full, or not: nothing more can be written to it.
    pub(crate) fn fill(&self, full: bool) {
        self.platter().full = full;
    }

    /// Makes the next sync fail, once.
    pub(crate) fn fail_one_sync(&self) {
        self.platter().sync_fails = true;
    }

    /// How many operations changed something.
    pub(crate) fn operations(&self) -> u64 {
        self.platter().operations
    }

    /// What is there when power comes back.
    pub(crate) fn after(&self, loss: Loss) -> Vec<u8> {
        let platter = self.platter();
        let mut bytes = platter.synced.clone();
        let mut chance = match loss {
            Loss::Some(seed) => seed,
            Loss::Everything | Loss::Nothing => 0,
        };
        for pending in &platter.pending {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let there = match loss {
                Loss::Everything => false,
                Loss::Nothing => true,
                Loss::Some(_) => chance >> 63 == 0,
            };
            if there {
                pending.apply(&mut bytes);
            }
        }
        bytes
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("nobody panics with it")
    }

    fn change(&self) -> Result<MutexGuard<'_, Platter>> {
        let mut platter = self.platter();
        if platter.operations >= platter.power_until {
            return Err(Error::other("the power is gone"));
        }
        platter.operations += 1;
        Ok(platter)
    }

    fn enlarge(&self) -> Result<MutexGuard<'_, Platter>> {
        let platter = self.change()?;
        if platter.full { Err(ErrorKind::StorageFull.into()) } else { Ok(platter) }
    }
}

impl Pending {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Sector { at, bytes: sector } => {
                // Where the file was not made longer, there is nowhere to be.
                let end = bytes.len().min(at + sector.len());
                if *at < end {
                    bytes[*at..end].copy_from_slice(&sector[..end - at]);
                }
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.platter().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let platter = self.platter();
        let from = platter.cached.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(from.ok_or_else(|| Error::other("beyond the end"))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut platter = self.enlarge()?;
        let pending = Pending::Length(len as usize);
        pending.apply(&mut platter.cached);
        platter.pending.push(pending);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut platter = self.change()?;
        if std::mem::take(&mut platter.sync_fails) {
            return Err(Error::other("the disk is worn out"));
        }
        let platter = &mut *platter;
        platter.synced.clone_from(&platter.cached);
        platter.pending.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut platter = self.enlarge()?;
        let mut at = offset as usize;
        let mut rest = data;
        while !rest.is_empty() {
            let (sector, beyond) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            let pending = Pending::Sector { at, bytes: sector.to_vec() };
            pending.apply(&mut platter.cached);
            platter.pending.push(pending);
            (at, rest) = (at + sector.len(), beyond);
        }
        Ok(())
    }
}
