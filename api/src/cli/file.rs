//! Files that verbs write.
use super::trouble::Trouble;
use flate2::{Compression, write::GzEncoder};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file, compressed if its name ends in `.gz`.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Trouble> {
    let unwritable = |source| Trouble::Unwritable { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(unwritable)?);
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let written = if packed {
        let mut encoder = GzEncoder::new(&mut file, Compression::default());
        content(&mut encoder).and_then(|()| encoder.finish().map(|_| ()))
    } else {
        content(&mut file)
    };
    written.and_then(|()| file.flush()).map_err(unwritable)
}
