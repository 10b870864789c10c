//! A slot as redb's file. redb reads and writes pages, which are blocks here, but for its head, which it writes in part: then
//! the rest of the block is read, or remembered from the last time.
//!
//! A file that grows doubles its length, and redb fills it from below. So it may think its file longer than the slot is, up to
//! four times: only what it *writes* beyond is refused, as a full disk would. The length that redb last set is in the slot's header, and
//! durable before redb builds on it.
use super::geometry::Geometry;
use super::header::Header;
use super::headers::Headers;
use super::{BLOCK, Blocks};
use ::redb::StorageBackend;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many blocks that were written in part are remembered.
const REMEMBERED: usize = 16;
/// How much is zeroed at a time.
const PIECE: usize = 1 << 20;

/// A slot, of which clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Slot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    blocks: Arc<dyn Blocks>,
    headers: Headers,
    slot: usize,
    begins: u64,
    room: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How long redb thinks it is.
    length: u64,
    /// The header, once the slot is complete, and which copy of it counts.
    header: Option<(Header, usize)>,
    /// Blocks that were written in part.
    remembered: BTreeMap<u64, Vec<u8>>,
    /// Whether anything failed.
    failed: bool,
}

impl Slot {
    /// A slot that is being filled with a new database: nothing of it counts yet.
    pub(super) fn making(headers: &Headers, slot: usize) -> Self {
        Self::new(headers, slot, 0, None)
    }

    /// A slot that this epoch has taken over; none: a later one has it now, also when that one is complete.
    ///
    /// # Errors
    /// If its header cannot be read.
    pub(super) fn complete(headers: &Headers, slot: usize, epoch: u64) -> Result<Option<Self>> {
        let found = headers.read()?[slot];
        if !found.header.complete || found.header.epoch != epoch {
            return Ok(None);
        }
        Ok(Some(Self::new(headers, slot, found.header.length, Some((found.header, found.copy)))))
    }

    fn new(headers: &Headers, slot: usize, length: u64, header: Option<(Header, usize)>) -> Self {
        let geometry: Geometry = headers.geometry;
        let state = State { length, header, remembered: BTreeMap::new(), failed: false };
        Self(Arc::new(Inner {
            blocks: Arc::clone(&headers.blocks),
            headers: headers.clone(),
            slot,
            begins: geometry.slot(slot),
            room: geometry.slot_length(),
            state: Mutex::new(state),
        }))
    }

    /// The length of a database that was made, when all of it is durable.
    pub(super) fn made(&self) -> Result<u64> {
        self.0.blocks.sync()?;
        let state = self.state();
        if state.failed || state.length == 0 {
            Err(Error::other("the disk failed to take the new database"))
        } else {
            Ok(state.length)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What it protects is put right before anything that could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noting<T>(&self, done: Result<T>) -> Result<T> {
        if done.is_err() {
            self.state().failed = true;
        }
        done
    }

    fn full(&self) -> Error {
        let what = format!(
            "the metadata volume is full: a term has {} MiB of it; remove what is not needed, or back up, make a larger one, and restore",
            self.0.room >> 20
        );
        Error::new(ErrorKind::StorageFull, what)
    }

    fn read_blocks(&self, first: u64, out: &mut [u8]) -> Result<()> {
        let there = self.0.room.saturating_sub(first).min(out.len() as u64) as usize;
        let (inside, beyond) = out.split_at_mut(there);
        // Nothing was ever written there.
        beyond.fill(0);
        if inside.is_empty() { Ok(()) } else { self.0.blocks.read(self.0.begins + first, inside) }
    }

    fn write_bytes(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = offset
            .checked_add(data.len() as u64)
            .filter(|end| *end <= self.0.room)
            .ok_or_else(|| self.full())?;
        let block = BLOCK as u64;
        let (first, last) = (offset / block * block, end.next_multiple_of(block));
        // Held while it writes, so that two writes into one block do not undo one another.
        let mut state = self.state();
        if first == offset && last == end {
            self.0.blocks.write(self.0.begins + first, data)?;
            state.remembered.retain(|at, _| *at < first || *at >= last);
            return Ok(());
        }
        let mut whole = vec![0; (last - first) as usize];
        match state.remembered.get(&first) {
            Some(remembered) if last - first == block => whole.copy_from_slice(remembered),
            _ => self.read_blocks(first, &mut whole)?,
        }
        whole[(offset - first) as usize..][..data.len()].copy_from_slice(data);
        if let Err(fault) = self.0.blocks.write(self.0.begins + first, &whole) {
            // Nobody knows what is there now.
            state.remembered.clear();
            return Err(fault);
        }
        state.remembered.retain(|at, _| *at < first || *at >= last);
        if last - first == block {
            if state.remembered.len() >= REMEMBERED {
                state.remembered.pop_first();
            }
            state.remembered.insert(first, whole);
        }
        Ok(())
    }

    /// Makes it longer or shorter. What is new is zero.
    fn resize(&self, length: u64) -> Result<()> {
        if length > self.0.room.saturating_mul(4) {
            return Err(self.full());
        }
        let mut state = self.state();
        let block = BLOCK as u64;
        let (mut at, end) = (
            state.length.next_multiple_of(block).min(self.0.room),
            length.next_multiple_of(block).min(self.0.room),
        );
        let zeros = vec![0; PIECE];
        while at < end {
            let piece = &zeros[..PIECE.min((end - at) as usize)];
            self.0.blocks.write(self.0.begins + at, piece)?;
            at += piece.len() as u64;
        }
        if length > state.length {
            // Its last block may have had something behind the old end; redb's lengths are whole pages, so it has not.
            debug_assert!(state.length.is_multiple_of(block), "redb's pages are blocks");
        }
        if let Some((header, copy)) = state.header {
            self.0.blocks.sync()?;
            let header = Header { length, sequence: header.sequence + 1, ..header };
            self.0.headers.write(self.0.slot, copy, &header)?;
            state.header = Some((header, copy));
        }
        state.remembered.retain(|at, _| *at < length);
        state.length = length;
        Ok(())
    }
}

impl StorageBackend for Slot {
    fn len(&self) -> Result<u64> {
        Ok(self.state().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.state().length {
            return Err(Error::new(ErrorKind::UnexpectedEof, "beyond the end of the database"));
        }
        let block = BLOCK as u64;
        let (first, last) = (offset / block * block, end.next_multiple_of(block));
        if first == offset && last == end {
            return self.noting(self.read_blocks(first, out));
        }
        let mut whole = vec![0; (last - first) as usize];
        self.noting(self.read_blocks(first, &mut whole))?;
        out.copy_from_slice(&whole[(offset - first) as usize..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.noting(self.resize(len))
    }

    fn sync_data(&self) -> Result<()> {
        self.noting(self.0.blocks.sync())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.noting(self.write_bytes(offset, data))
    }
}
