//! Where documents come from: a file or standard input, plain or gzip-compressed, never more than the caller
//! is ready to hold. Compression is seen from the first two bytes, whatever the name says.
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most that the command line unpacks a file to: 1 GiB. The largest pool that is planned for takes 30 MiB.
pub const MOST_FILE_BYTES: u64 = 1 << 30;

const GZIP: [u8; 2] = [0x1F, 0x8B];
/// What is set aside at once for what a compressed file claims to hold. A liar costs no more than this.
const MOST_TRUSTED: usize = 64 << 20;

/// Why a document could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file, or standard input, cannot be read.
    #[error("cannot read {}", name(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not unpack.
    #[error("cannot unpack {}", name(.path))]
    Unpack {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: UnpackError,
    },
}

/// Why bytes could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// There is more than the caller is ready to hold.
    #[error("it holds more than {most} bytes")]
    TooLarge {
        /// What the caller is ready to hold.
        most: u64,
    },
    /// The compressed data is damaged or cut short.
    #[error("the gzip data is damaged or cut short")]
    Damaged(#[source] io::Error),
}

/// The bytes of a file, unpacked; `-` is standard input.
///
/// # Errors
/// If it cannot be read or unpacked, or holds more than `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let packed = if path == Path::new("-") {
        bounded(io::stdin().lock(), Vec::new(), most)
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len().min(most);
        bounded(file, Vec::with_capacity(size as usize + 1), most)
    }
    .map_err(unreadable)?;
    unpack(packed, most).map_err(|source| SourceError::Unpack { path: path.to_owned(), source })
}

/// The bytes, unpacked if they are gzip-compressed.
///
/// # Errors
/// If they do not unpack, or to more than `most` bytes.
pub fn unpack(bytes: Vec<u8>, most: u64) -> Result<Vec<u8>, UnpackError> {
    let unpacked = if bytes.starts_with(&GZIP) {
        let room = Vec::with_capacity(claimed_size(&bytes).min(MOST_TRUSTED));
        bounded(MultiGzDecoder::new(bytes.as_slice()), room, most).map_err(UnpackError::Damaged)?
    } else {
        bytes
    };
    if unpacked.len() as u64 > most { Err(UnpackError::TooLarge { most }) } else { Ok(unpacked) }
}

/// What the last four bytes of gzip data say about the size of what is in it.
fn claimed_size(bytes: &[u8]) -> usize {
    // One byte more lets the reader see the end without growing the buffer.
    bytes.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize + 1)
}

/// All that a reader has, and no more than one byte beyond `most`.
fn bounded(reader: impl Read, mut room: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
    reader.take(most.saturating_add(1)).read_to_end(&mut room)?;
    Ok(room)
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    #[test]
    fn gzip_is_seen_from_its_first_bytes() {
        assert_eq!(unpack(packed(b"{}"), 100).expect("sound"), b"{}");
        assert_eq!(unpack(b"{}".to_vec(), 100).expect("sound"), b"{}");
    }

    #[test]
    fn several_members_are_one_document() {
        let both = [packed(b"{\"a\":"), packed(b"1}")].concat();
        assert_eq!(unpack(both, 100).expect("sound"), b"{\"a\":1}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_memory() {
        let bomb = packed(&vec![b' '; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert!(matches!(unpack(bomb, 1_000_000), Err(UnpackError::TooLarge { most: 1_000_000 })));
        assert!(matches!(unpack(vec![b' '; 101], 100), Err(UnpackError::TooLarge { most: 100 })));
    }

    #[test]
    fn data_that_is_cut_short_is_damaged() {
        let mut cut = packed(b"{\"format\":\"lifeboat.pool/v1\"}");
        cut.truncate(20);
        assert!(matches!(unpack(cut, 1000), Err(UnpackError::Damaged(_))));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/no/such/pool.json"), 100).expect_err("not there");
        assert_eq!(error.to_string(), "cannot read /no/such/pool.json");
    }
}
