//! Whether the watchdog was armed by an agent of this boot, and until when the host was to live: a few bytes beside the socket, for the next process of the agent. It must know
//! whether it may feed a watchdog that runs already: one that an earlier process armed runs towards that one's deadline, and only a renewed
//! lease may move that.
use lifeboat_protocol::{Boot, Instant};
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
        self.deadline().is_some()
    }

    /// Until when the host was to live, if it was armed and not switched off again in this boot.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut bytes = [0; BYTES];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        let (boot, rest) = bytes.split_first_chunk::<8>()?;
        let (armed, deadline) = rest.split_first()?;
        let deadline = u64::from_le_bytes(deadline.try_into().ok()?);
        (u64::from_le_bytes(*boot) == self.boot.0 && *armed != 0).then(|| Instant::from_micros(deadline))
    }

    /// Notes until when the host is to live; none: the watchdog is off.
    pub(super) fn note(&self, deadline: Option<Instant>) -> io::Result<()> {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.boot.0.to_le_bytes());
        bytes[8] = u8::from(deadline.is_some());
        bytes[9..].copy_from_slice(&deadline.map_or(0, Instant::as_micros).to_le_bytes());
        self.file.write_all_at(&bytes, 0)
    }
}

const BYTES: usize = 17;
