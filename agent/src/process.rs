//! Processes that outlive the agent, named so that no other one is taken for them: by number and by the moment of their start.
use crate::identity::files::{self, FileError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A process and the moment of its start, as the kernel counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessId {
    pid: i32,
    started: u64,
}

/// A process that runs, or has ended and was not waited for.
#[derive(Debug)]
pub struct Running {
    handle: OwnedFd,
    id: ProcessId,
}

impl ProcessId {
    /// The process of that number, now.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        let started = started(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, started })
    }

    /// Notes it in a file.
    ///
    /// # Errors
    /// Those of the file.
    pub fn note(&self, path: &Path) -> io::Result<()> {
        files::write_json(path, self).map_err(|FileError { fault, .. }| fault)
    }

    /// Its number.
    pub fn pid(self) -> i32 {
        self.pid
    }

    /// Its handle; none if it is gone.
    pub fn running(self) -> Option<Running> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // The number may have been given anew since it was noted; from here on the handle stands for one process.
        (started(self.pid) == Some(self.started)).then_some(Running { handle, id: self })
    }
}

impl Running {
    /// The process that a file notes, if it runs.
    pub fn noted(path: &Path) -> Option<Self> {
        files::read_json::<ProcessId>(path).ok().flatten()?.running()
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.id.pid
    }

    /// Kills it.
    ///
    /// # Errors
    /// If this process may not. One that has ended already is no error.
    pub fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    /// Has it stand still, until it is killed.
    ///
    /// # Errors
    /// As [`Running::kill`].
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until it has ended: all its threads, so that none of its writes is under way. Says whether it has within that time.
    pub fn ended_within(&self, span: Duration) -> bool {
        let timeout = Timespec::try_from(span).ok();
        let mut handle = [PollFd::new(&self.handle, PollFlags::IN)];
        loop {
            match poll(&mut handle, timeout.as_ref()) {
                Err(Errno::INTR) => {}
                found => return found.is_ok_and(|count| count > 0),
            }
        }
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// When a process started, in ticks since the boot: field 22 of `/proc/PID/stat`, after a name that can hold anything but its end.
fn started(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_known_by_its_start_and_not_by_its_number_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep is there");
        let id = ProcessId::of(child.id()).expect("it runs");
        let other = ProcessId { started: id.started + 1, ..id };
        assert!(other.running().is_none(), "an earlier one of that number");
        let running = id.running().expect("it runs");
        assert!(!running.ended_within(Duration::ZERO));
        running.kill().expect("it is ours");
        assert!(running.ended_within(Duration::from_secs(10)));
        child.wait().expect("it was ours to wait for");
        assert!(id.running().is_none());
    }
}
