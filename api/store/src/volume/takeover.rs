//! A takeover: a new term's own copy of what the last one left. The head of [`crate::volume`] says why this is safe.
use super::geometry::SLOTS;
use super::header::Header;
use super::headers::{Found, Headers};
use super::slot::Slot;
use super::{BLOCK, unavailable};
use crate::StoreError;
use crate::redb::RedbStore;
use std::io::{Error, ErrorKind, Result};

/// How much is copied at a time.
const PIECE: u64 = 4 << 20;

/// Makes this epoch's slot; says which one it is.
pub(super) fn take_over(
    headers: &Headers,
    epoch: u64,
    place: &str,
) -> std::result::Result<usize, StoreError> {
    let found = headers.read().map_err(|fault| cannot_read(place, fault))?;
    let highest = headers.highest_epoch().map_err(|fault| unavailable(place, &fault))?;
    // Before the first term there is nobody to be mistaken for.
    if epoch < highest || (epoch == highest && epoch > 0) {
        return Err(StoreError::Superseded);
    }
    let complete = (0..SLOTS).filter(|slot| found[*slot].header.complete);
    let source = complete.max_by_key(|slot| found[*slot].header.order());
    let Some(source) = source else {
        return Err(StoreError::Damaged(format!("{place}: no slot of it is complete")));
    };
    let target = (0..SLOTS).filter(|slot| *slot != source).min_by_key(|slot| found[*slot].header.order());
    let target = target.unwrap_or((source + 1) % SLOTS);
    let generation = found.iter().map(|found| found.header.generation).max().unwrap_or_default() + 1;
    let claim = Header {
        pool: headers.pool,
        slot_length: headers.geometry.slot_length(),
        epoch,
        generation,
        sequence: found[target].header.sequence + 1,
        length: 0,
        complete: false,
    };
    headers.write(target, found[target].copy, &claim).map_err(|fault| unavailable(place, &fault))?;
    let length = fill(headers, found[source], source, target, place)?;
    let done = Header { sequence: claim.sequence + 1, length, complete: true, ..claim };
    headers.write(target, found[target].copy, &done).map_err(|fault| unavailable(place, &fault))?;
    tracing::info!(place, epoch, source, slot = target, bytes = length, "took the metadata volume over");
    Ok(target)
}

/// Fills the target with what the source has, or with an empty database where there is none yet; durable when it returns.
fn fill(
    headers: &Headers,
    found: Found,
    source: usize,
    target: usize,
    place: &str,
) -> std::result::Result<u64, StoreError> {
    let length = found.header.length;
    if length > 0 {
        copy(headers, source, target, length).map_err(|fault| unavailable(place, &fault))?;
        return Ok(length);
    }
    // Made before the slot counts as complete: a database that is half made is none.
    let making = Slot::making(headers, target);
    let bytes = making.clone();
    drop(RedbStore::on(move || Ok(bytes.clone()), place)?);
    making.made().map_err(|fault| unavailable(place, &fault))
}

fn copy(headers: &Headers, source: usize, target: usize, length: u64) -> Result<()> {
    // The database may think itself longer than a slot: see `slot.rs`.
    let bytes = length.next_multiple_of(BLOCK as u64).min(headers.geometry.slot_length());
    let mut piece = vec![0; PIECE.min(bytes) as usize];
    let mut at = 0;
    while at < bytes {
        let piece = &mut piece[..PIECE.min(bytes - at) as usize];
        headers.blocks.read(headers.geometry.slot(source) + at, piece)?;
        headers.blocks.write(headers.geometry.slot(target) + at, piece)?;
        at += piece.len() as u64;
    }
    headers.blocks.sync()
}

fn cannot_read(place: &str, fault: Error) -> StoreError {
    match fault.kind() {
        ErrorKind::InvalidData => StoreError::Damaged(format!("{place}: {fault}")),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::InvalidInput => {
            StoreError::CannotOpen { what: place.to_owned(), source: fault }
        }
        _ => unavailable(place, &fault),
    }
}

/// What is wrong with the region itself.
pub(super) fn cannot(place: &str, what: String) -> StoreError {
    StoreError::CannotOpen { what: place.to_owned(), source: Error::new(ErrorKind::InvalidInput, what) }
}
