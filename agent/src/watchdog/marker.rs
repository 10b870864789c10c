//! Whether the watchdog was armed by an agent of this boot: a few bytes beside the socket, for the next process of the agent. It must know
//! whether it may feed a watchdog that runs already: one that an earlier process armed runs towards that one's deadline, and only a renewed
//! lease may move that.
use lifeboat_protocol::Boot;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// The marker; open, so that writing to it (in memory: `/run` is no disk) is all that is to be done.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    boot: Boot,
}

impl Marker {
    pub(super) fn open(run_directory: &Path, boot: Boot) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let path = run_directory.join("watchdog.armed");
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, boot })
    }

    /// Whether it was armed, and not switched off again, in this boot.
    pub(super) fn was_armed(&self) -> bool {
        let mut bytes = [0; 9];
        self.file.read_exact_at(&mut bytes, 0).is_ok() && bytes == self.bytes(true)
    }

    pub(super) fn note(&self, armed: bool) -> io::Result<()> {
        self.file.write_all_at(&self.bytes(armed), 0)
    }

    fn bytes(&self, armed: bool) -> [u8; 9] {
        let mut bytes = [u8::from(armed); 9];
        bytes[..8].copy_from_slice(&self.boot.0.to_le_bytes());
        bytes
    }
}
