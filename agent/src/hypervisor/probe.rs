//! Whether a storage works: a thread of its own reads from it now and then. A read that is stuck stays stuck in that thread alone, and
//! means that the storage does not work.
use crate::clock;
use lifeboat_protocol::Instant;
use rustix::fs::{Mode, OFlags, open};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How often it is read.
const EVERY: Duration = Duration::from_secs(2);
/// A read that takes longer is stuck.
const STUCK: Duration = Duration::from_secs(10);
/// What is read at once, and where it lies in memory: what any device takes.
const BLOCK: usize = 4096;

/// Something that is read now and then.
#[derive(Debug)]
pub struct Probe {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    /// When the read under way began.
    reading_since: Option<Instant>,
    /// Since when it fails, and how.
    failing: Option<(Instant, String)>,
}

impl Probe {
    /// Begins to read.
    pub fn of(path: PathBuf) -> Self {
        let seen = Arc::new(Mutex::new(Seen { reading_since: Some(clock::now()), failing: None }));
        let watched = Arc::downgrade(&seen);
        if let Err(fault) = crate::thread::spawn("storage", move || watch(&path, &watched)) {
            tracing::error!(%fault, "no thread to look at a storage; it counts as stuck");
        }
        Self { seen }
    }

    /// Since when it does not work, and how; none: it works.
    pub fn failing(&self) -> Option<(Instant, String)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = seen.reading_since.filter(|since| clock::now().since(*since) >= STUCK);
        let stuck = stuck.map(|since| (since, "a read does not end".to_owned()));
        seen.failing.clone().or(stuck)
    }
}

fn watch(path: &Path, watched: &Weak<Mutex<Seen>>) {
    loop {
        {
            let Some(seen) = watched.upgrade() else { return };
            seen.lock().unwrap_or_else(PoisonError::into_inner).reading_since = Some(clock::now());
        }
        let read = read(path);
        {
            let Some(seen) = watched.upgrade() else { return };
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.reading_since = None;
            let since = seen.failing.take().map_or_else(clock::now, |(since, _)| since);
            seen.failing = read.err().map(|fault| (since, fault.to_string()));
        }
        clock::wait(EVERY);
    }
}

/// Reads past the kernel's memory of it where that is possible.
fn read(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        return fs::read_dir(path)?.take(1).try_for_each(|entry| entry.map(drop));
    }
    let direct = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECT;
    let file = match open(path, direct, Mode::empty()) {
        Err(rustix::io::Errno::INVAL) => File::open(path)?,
        opened => File::from(opened?),
    };
    let mut room = vec![0; 2 * BLOCK];
    let skip = room.as_ptr().align_offset(BLOCK);
    let block = room.get_mut(skip..skip + BLOCK).ok_or(io::ErrorKind::OutOfMemory)?;
    file.read_at(block, 0).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(probe: &Probe, wanted: bool) -> Option<String> {
        let end = clock::now() + Duration::from_secs(20);
        loop {
            let failing = probe.failing();
            if failing.is_some() == wanted || clock::now() > end {
                return failing.map(|(_, how)| how);
            }
            clock::wait(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_storage_that_goes_and_comes_back_is_seen_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mark");
        fs::write(&path, [7; 8192]).expect("it can be written");
        let probe = Probe::of(path.clone());
        assert_eq!(until(&probe, false), None);
        fs::remove_file(&path).expect("it can be removed");
        assert!(until(&probe, true).expect("it fails").contains("No such file"));
        fs::write(&path, [7; 8192]).expect("it can be written");
        assert_eq!(until(&probe, false), None);
    }

    #[test]
    fn a_directory_can_be_read_too() {
        let folder = tempfile::tempdir().expect("a folder");
        read(folder.path()).expect("it can be read");
    }

    #[test]
    fn a_read_that_does_not_end_means_that_the_storage_does_not_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let probe = Probe::of(folder.path().to_owned());
        let long_ago = clock::now() - Duration::from_secs(11);
        let seen = Seen { reading_since: Some(long_ago), failing: None };
        let stuck = Probe { seen: Arc::new(Mutex::new(seen)) };
        assert_eq!(stuck.failing().map(|(since, _)| since), Some(long_ago));
        assert_eq!(until(&probe, false), None);
    }
}
