//! Certificates in files.
use super::trouble::Trouble;
use crate::{dto, source};
use flate2::{Compression, write::GzEncoder};
use lifeboat_model::Pool;
use lifeboat_model::certificate::Certificate;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a certificate, compressed if the name ends in `.gz`.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, pool: &Pool, certificate: &Certificate) -> Result<(), Trouble> {
    let unwritable = |source| Trouble::Unwritable { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(unwritable)?);
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let written = if packed {
        let mut encoder = GzEncoder::new(&mut file, Compression::default());
        written(pool, certificate, &mut encoder).and_then(|()| encoder.finish().map(|_| ()))
    } else {
        written(pool, certificate, &mut file)
    };
    written.and_then(|()| file.flush()).map_err(unwritable)
}

/// Reads a certificate about `pool`.
///
/// # Errors
/// If the file cannot be read, is no certificate, or speaks of another pool.
pub fn load(path: &Path, pool: &Pool) -> Result<Certificate, Trouble> {
    let document = source::read(path, source::MOST_FILE_BYTES)?;
    dto::certificate::read(&document, pool.id())
        .map_err(|source| Trouble::Certificate { path: path.to_owned(), source })
}

fn written(pool: &Pool, certificate: &Certificate, writer: &mut impl Write) -> io::Result<()> {
    dto::certificate::write(pool.id(), certificate, &mut *writer)?;
    writer.write_all(b"\n")
}
