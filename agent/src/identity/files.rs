//! Files that are whole or not there, whatever happens while they are written: beside, flushed, renamed, directory flushed.
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The longest file that is read.
const MOST_BYTES: u64 = 16 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {fault}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What was tried.
    pub doing: &'static str,
    /// What came of it.
    #[source]
    pub fault: io::Error,
}

/// Makes a directory that is nobody else's to read, if it is not there.
///
/// # Errors
/// If it cannot be made.
pub fn make_private_directory(path: &Path) -> Result<(), FileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|fault| FileError {
        path: path.to_owned(),
        doing: "make the directory",
        fault,
    })
}

/// Reads a file of JSON; none if there is no such file.
///
/// # Errors
/// If it cannot be read, or says something else.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let fault = |doing| move |fault| FileError { path: path.to_owned(), doing, fault };
    let file = match File::open(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fault("open"))?,
    };
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).map_err(fault("read"))?;
    serde_json::from_slice(&text).map(Some).map_err(|wrong| fault("understand")(wrong.into()))
}

/// Writes a file of JSON; it is durable when this returns, and until then the old one is.
///
/// # Errors
/// If it cannot be written; the old one stands then.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let text = serde_json::to_vec_pretty(value).map_err(|wrong| FileError {
        path: path.to_owned(),
        doing: "spell",
        fault: wrong.into(),
    })?;
    write(path, &text)
}

/// Writes a file; it is durable when this returns, and until then the old one is.
///
/// # Errors
/// If it cannot be written; the old one stands then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let fault = |doing| move |fault| FileError { path: path.to_owned(), doing, fault };
    let beside = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(fault("open"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault("write"))?;
    fs::rename(&beside, path).map_err(fault("replace"))?;
    flush_directory_of(path).map_err(fault("flush the directory of"))
}

/// Removes a file durably; it is no fault if there is none.
///
/// # Errors
/// If it stays.
pub fn remove(path: &Path) -> Result<(), FileError> {
    let fault = |fault| FileError { path: path.to_owned(), doing: "remove", fault };
    match fs::remove_file(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(fault)?,
    }
    flush_directory_of(path).map_err(fault)
}

fn flush_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
