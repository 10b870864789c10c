//! The file itself: made whole or not at all, for its owner's eyes only.
use crate::StoreError;
use crate::redb::fault::into_fault;
use ::redb::{Builder, backends::FileBackend};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// For its owner's eyes only: tokens and the audit log are in it.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Tells apart what several threads of one process try.
static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

/// Makes the file of a store where there is none.
pub(super) fn make_if_missing(path: &Path, place: &str) -> Result<(), StoreError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => make(path, place),
        Err(source) => Err(StoreError::CannotOpen { what: place.to_owned(), source }),
    }
}

/// Opens it. One that is gone is not made again: what it held would be forgotten in silence.
pub(super) fn open(path: &Path, place: &str) -> Result<FileBackend, StoreError> {
    let file =
        open_existing(path).map_err(|source| StoreError::CannotOpen { what: place.to_owned(), source })?;
    FileBackend::new(file).map_err(|fault| into_fault(place, fault))
}

fn open_existing(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    }
    Ok(file)
}

/// Makes an empty store under another name, and gives it its own when it is whole: a crash leaves no half of one. If two
/// processes do so at once, one is first, and the other then finds its file in use.
fn make(path: &Path, place: &str) -> Result<(), StoreError> {
    let cannot = |source| StoreError::CannotOpen { what: place.to_owned(), source };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(directory).map_err(cannot)?;
    let new = beside(path);
    let _ = fs::remove_file(&new);
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE_FILE).open(&new);
    make_in(file.map_err(cannot)?).map_err(|fault| into_fault(place, fault))?;
    let linked = match fs::hard_link(&new, path) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(fault),
        _ => Ok(()),
    };
    fs::remove_file(&new).and(linked).map_err(cannot)?;
    // The directory's entry must be as durable as what is kept in the file.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(cannot)
}

fn make_in(file: File) -> Result<(), ::redb::DatabaseError> {
    Builder::new().create_with_backend(FileBackend::new(file)?)?.close()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".new-{}-{attempt}", std::process::id()));
    name.into()
}
