//! Processes of this host, found in /proc and ended for certain. A process is held by a descriptor from the moment when it was
//! recognised, so that none that later got the same number is ever hit.
use super::command::wait_for;
use crate::clock;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// A process that cannot be mistaken for another.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    held: OwnedFd,
}

/// When a process began, in the kernel's ticks since the boot; none: there is no such process, or it is over and unreaped.
pub fn began(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    // The name is in brackets and can have any characters in it.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(began)
}

/// The process group of a process; none: it has none that could be named.
pub fn group(pid: Pid) -> Option<Pid> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    // Processes of the kernel, and of outside this namespace, are in group 0.
    Pid::from_raw(text.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?.parse().ok()?)
}

/// Whether a process of that number lives; one that waits to be reaped does not.
pub fn alive(pid: Pid) -> bool {
    began(pid).is_some()
}

/// What a process was started with.
pub fn arguments(pid: Pid) -> Vec<String> {
    strings(&format!("/proc/{}/cmdline", pid.as_raw_pid()))
}

/// What a process was given as environment.
pub fn environment(pid: Pid) -> Vec<String> {
    strings(&format!("/proc/{}/environ", pid.as_raw_pid()))
}

fn strings(path: &str) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// All processes that are so, ours excepted. Recognised only once they are held.
pub fn such(is: impl Fn(Pid) -> bool) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let ours = rustix::process::getpid();
    pids.filter(|pid| *pid != ours).filter_map(|pid| Process::of(pid, &is)).collect()
}

impl Process {
    /// Holds a process if it is so.
    pub fn of(pid: Pid, is: impl Fn(Pid) -> bool) -> Option<Self> {
        if !is(pid) {
            return None;
        }
        let held = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        (is(pid) && alive(pid)).then_some(Self { pid, held })
    }

    /// Waits for its end; says whether it came.
    pub fn ends_within(&self, longest: Duration) -> bool {
        let until = clock::now() + longest;
        loop {
            let mut ready = [PollFd::new(&self.held, PollFlags::IN)];
            if wait_for(&mut ready, until.since(clock::now())).is_err() {
                return false;
            }
            if !ready[0].revents().is_empty() {
                return true;
            }
            if clock::now() >= until {
                return false;
            }
        }
    }

    /// Kills it, without waiting.
    pub fn kill(&self) {
        match pidfd_send_signal(&self.held, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(fault) => tracing::warn!(pid = self.pid.as_raw_pid(), %fault, "a process cannot be killed"),
        }
    }
}

/// Kills them all, and says whether all are gone in time. A process is gone when the kernel has let go of its memory and files,
/// so that what it wrote has ended.
pub fn end_all(processes: &[Process], longest: Duration) -> bool {
    for process in processes {
        process.kill();
    }
    let until = clock::now() + longest;
    processes.iter().all(|process| process.ends_within(until.since(clock::now())))
}

/// The number in a pid file.
pub fn pid_in(file: &Path) -> Option<Pid> {
    Pid::from_raw(fs::read_to_string(file).ok()?.trim().parse().ok()?)
}
