//! What is shipped beside the program: the hook as libvirt runs it, against a service that answers as it is told, and the
//! unit as systemd reads it.
mod hook;
mod unit;

use std::path::PathBuf;

/// A file of `contrib/`.
fn contrib(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contrib").join(path)
}
