//! Certificates in files.
use super::file;
use super::trouble::Trouble;
use crate::{dto, source};
use lifeboat_model::Pool;
use lifeboat_model::certificate::Certificate;
use std::path::Path;

/// Writes a certificate, compressed if the name ends in `.gz`.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, pool: &Pool, certificate: &Certificate) -> Result<(), Trouble> {
    file::save(path, |writer| {
        dto::certificate::write(pool.id(), certificate, &mut *writer)?;
        writer.write_all(b"\n")
    })
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
