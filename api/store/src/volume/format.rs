//! Making a metadata volume, where nothing of anybody's is lost by it.
use super::geometry::{Geometry, SLOTS};
use super::header::Header;
use super::headers::Headers;
use super::signs::recognise;
use super::{BLOCK, Blocks, Device};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How much is looked at in one piece.
const PIECE: usize = 4 << 20;
/// How much of a device's beginning tells what it holds.
const BEGINNING: usize = 128 << 10;

/// Why a volume was not made.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It cannot be used at all.
    #[error("{place} cannot be made a metadata volume: {source}")]
    CannotUse {
        /// The device or file.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// It holds something.
    #[error(
        "{place} holds {what}: nothing was written; give another place, or say that this may be overwritten"
    )]
    NotEmpty {
        /// The device or file.
        place: String,
        /// What was found.
        what: String,
    },
}

/// Makes a volume for this pool on a region of a device or file; a file is made long enough. Unless `overwrite` is said, every byte of the
/// region must be zero, and nothing that is known may be at the beginning of the device.
///
/// # Errors
/// See [`FormatError`].
pub fn format(
    path: &Path,
    offset: u64,
    length: u64,
    pool: [u8; 16],
    overwrite: bool,
) -> Result<(), FormatError> {
    let place = path.display().to_string();
    let cannot = |source| FormatError::CannotUse { place: place.clone(), source };
    Geometry::of(length).map_err(|what| cannot(io::Error::new(io::ErrorKind::InvalidInput, what)))?;
    let device = Device::prepare(path, offset, length).map_err(cannot)?;
    if !overwrite && device.begins() > 0 {
        let mut start = vec![0; BEGINNING.min(device.begins() as usize) / BLOCK * BLOCK];
        device.read_start(&mut start).map_err(cannot)?;
        // A statefile before the volume is how both lie on one device.
        if let Some(what) = recognise(&start).filter(|what| what != "a statefile") {
            return Err(FormatError::NotEmpty { place, what: format!("{what} at its beginning") });
        }
    }
    format_on(&Arc::new(device), pool, overwrite, &place)
}

/// The same on whatever holds the region's blocks.
///
/// # Errors
/// See [`FormatError`].
pub fn format_on<B: Blocks + 'static>(
    blocks: &Arc<B>,
    pool: [u8; 16],
    overwrite: bool,
    place: &str,
) -> Result<(), FormatError> {
    let cannot = |source| FormatError::CannotUse { place: place.to_owned(), source };
    let length = blocks.len().map_err(cannot)?;
    let geometry =
        Geometry::of(length).map_err(|what| cannot(io::Error::new(io::ErrorKind::InvalidInput, what)))?;
    if !overwrite && let Some(what) = found(&**blocks).map_err(cannot)? {
        return Err(FormatError::NotEmpty { place: place.to_owned(), what });
    }
    let headers = Headers::new(Arc::clone(blocks) as Arc<dyn Blocks>, geometry, pool);
    for slot in 0..SLOTS {
        let header = Header {
            pool,
            slot_length: geometry.slot_length(),
            epoch: 0,
            generation: 0,
            sequence: 0,
            length: 0,
            // The slot that the first takeover takes as its source: an empty one.
            complete: slot == 0,
        };
        headers.write(slot, 0, &header).map_err(cannot)?;
    }
    Ok(())
}

/// What there is in a region; none: every byte is zero.
///
/// # Errors
/// If it cannot be read.
pub fn found(blocks: &dyn Blocks) -> io::Result<Option<String>> {
    let length = blocks.len()?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        let piece = &mut piece[..(PIECE as u64).min(length - at) as usize];
        blocks.read(at, piece)?;
        if at == 0
            && let Some(what) = recognise(piece)
        {
            return Ok(Some(what));
        }
        if let Some(position) = piece.iter().position(|byte| *byte != 0) {
            return Ok(Some(format!(
                "something unknown, {} bytes from the region's beginning",
                at + position as u64
            )));
        }
        at += piece.len() as u64;
    }
    Ok(None)
}
