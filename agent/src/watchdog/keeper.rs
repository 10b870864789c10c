//! A process that keeps the watchdog's device open while the agent is not there. When the last descriptor of a watchdog is closed
//! without the magic letter, the kernel leaves it running, but feeds it once more: an agent that dies just before its lease ends would so
//! get a whole timeout on top, and its VMs would run after others had taken them for dead. So the last descriptor is never the agent's.
//!
//! The next process of the agent fetches the descriptor from there (`pidfd_getfd`): the device can be opened only once.
use super::WatchdogError;
use crate::clock;
use crate::process::{ProcessId, Running};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the program is told to be a keeper.
const WORD: &str = "hold-watchdog";
/// How long until another one is started.
const AGAIN: Duration = Duration::from_secs(1);
/// What a keeper holds is its standard input.
const ITS_DESCRIPTOR: i32 = 0;

/// Where a keeper is noted.
fn note(run_directory: &Path) -> PathBuf {
    run_directory.join("watchdog.keeper")
}

/// The device that a keeper of this boot holds, if there is one.
///
/// # Errors
/// If there is one, and it cannot be had from there.
pub(super) fn fetch(device: &Path, run_directory: &Path) -> Result<Option<OwnedFd>, WatchdogError> {
    let noted = Running::noted(&note(run_directory)).filter(|keeper| holds(keeper.pid(), device));
    // An agent that was killed between starting its keeper and noting it has left one all the same.
    let Some(running) = noted.or_else(|| found(device)) else { return Ok(None) };
    match pidfd_getfd(&running, ITS_DESCRIPTOR, PidfdGetfdFlags::empty()) {
        Ok(held) => Ok(Some(held)),
        Err(Errno::SRCH | Errno::BADF) => Ok(None),
        Err(errno) => Err(WatchdogError::Kept { pid: running.pid(), fault: errno.into() }),
    }
}

/// Ends the keeper that is noted, if there is one: nothing needs it.
pub(super) fn end(run_directory: &Path) {
    if let Some(keeper) = Running::noted(&note(run_directory)) {
        let _ = keeper.kill();
    }
}

/// A process that holds the device as a keeper does.
fn found(device: &Path) -> Option<Running> {
    let processes =
        std::fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let keeper = processes.filter(|pid| is_keeper(*pid)).find(|pid| holds(*pid, device))?;
    ProcessId::of(u32::try_from(keeper).ok()?).ok()?.running()
}

fn is_keeper(pid: i32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).nth(1) == Some(WORD.as_bytes())
}

/// Whether that is what a process has as its standard input.
fn holds(pid: i32, device: &Path) -> bool {
    let held = std::fs::read_link(format!("/proc/{pid}/fd/{ITS_DESCRIPTOR}"));
    held.is_ok_and(|held| device.canonicalize().is_ok_and(|device| device == held))
}

/// Starts a keeper of this device.
pub(super) fn start(device: impl AsFd, run_directory: &Path) -> io::Result<()> {
    let held = device.as_fd().try_clone_to_owned()?;
    let run_directory = run_directory.to_owned();
    let mut child = begin(&held, &run_directory)?;
    // It outlives this process; should it not, another one takes its place.
    crate::thread::spawn("watchdog-keeper", move || {
        loop {
            let ended = child.wait();
            tracing::error!(
                ?ended,
                "the process that keeps the watchdog open has ended; another one is started"
            );
            child = loop {
                clock::wait(AGAIN);
                match begin(&held, &run_directory) {
                    Ok(child) => break child,
                    Err(fault) => tracing::error!(%fault, "nobody keeps the watchdog open beside this agent"),
                }
            };
        }
    })?;
    Ok(())
}

fn begin(held: &OwnedFd, run_directory: &Path) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.arg(WORD).stdin(Stdio::from(held.try_clone()?)).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.current_dir("/").spawn()?;
    ProcessId::of(child.id())?.note(&note(run_directory))?;
    Ok(child)
}

/// What a keeper does.
pub(crate) fn hold() -> ! {
    loop {
        rustix::event::pause();
    }
}
