//! The service's process and the threads around it.
use crate::config::Config;
use crate::context::Context;
use crate::process::{ProcessId, Running};
use crate::wiring::ToCoordinator;
use lifeboat_link::frame::{self, FrameError};
use lifeboat_link::{FromService, ToService};
use rustix::fd::OwnedFd;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Frames that wait for a service that is slow.
const MOST_WAITING: usize = 8192;
/// How long the end of a killed process is waited for before that is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// A service that was started.
#[derive(Debug)]
pub(super) struct Service {
    start: u64,
    handle: Running,
    frames: SyncSender<ToService>,
    socket: UnixStream,
}

impl Service {
    /// Starts the service, with one end of a pair of sockets as its standard input.
    pub(super) fn begin(context: &Context, start: u64) -> io::Result<Self> {
        let (program, arguments) =
            context.config.service.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program);
        // What systemd says to the agent, and hears of it, is not the service's.
        command.args(arguments).stdin(Stdio::from(OwnedFd::from(theirs))).env_remove("NOTIFY_SOCKET");
        let mut child = command.spawn()?;
        spare_less(child.id());
        // Our copy of its end goes with this: else its end of the pair would not close with the process.
        drop(command);
        let surrounded = Self::surround(context, start, &child, ours);
        if surrounded.is_err() {
            child.kill()?;
        }
        wait_in_thread(context, start, child)?;
        surrounded
    }

    fn surround(context: &Context, start: u64, child: &Child, socket: UnixStream) -> io::Result<Self> {
        let id = ProcessId::of(child.id())?;
        id.note(&note(&context.config))?;
        let handle = id.running().ok_or(io::ErrorKind::NotFound)?;
        let (frames, waiting) = sync_channel(MOST_WAITING);
        let (to, from) = (socket.try_clone()?, socket.try_clone()?);
        crate::thread::spawn("to-service", move || write(to, &waiting))?;
        let outlet = context.outlets.coordinator.clone();
        let hand_on = move |frame| outlet.send(ToCoordinator::Said { start, frame }).is_ok();
        crate::thread::spawn("from-service", move || read(from, hand_on))?;
        Ok(Self { start, handle, frames, socket })
    }

    /// Which start it is.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn pid(&self) -> i32 {
        self.handle.pid()
    }

    /// Tells it something; says whether it still takes anything.
    pub(super) fn tell(&self, frame: ToService) -> bool {
        match self.frames.try_send(frame) {
            Err(TrySendError::Full(_)) => false,
            // The end of one that is gone is known, or will be in a moment.
            Ok(()) | Err(TrySendError::Disconnected(_)) => true,
        }
    }

    /// Kills it; its end is told by [`ToCoordinator::Gone`].
    pub(super) fn kill(&self) {
        if let Err(fault) = self.handle.kill() {
            tracing::error!(%fault, pid = self.pid(), "the service cannot be killed");
        }
    }
}

impl Drop for Service {
    /// Whatever still reads or writes here ends with it.
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Ends a service that an earlier process of the agent has left, and waits until nothing of it is under way.
pub(super) fn end_orphan(config: &Config) {
    if let Some(orphan) = Running::noted(&note(config)) {
        tracing::warn!(pid = orphan.pid(), "an earlier agent has left its service; it is killed");
        if let Err(fault) = orphan.kill() {
            tracing::error!(%fault, pid = orphan.pid(), "it cannot be killed; it ends when it finds its socket closed");
        }
        while !orphan.ended_within(PATIENCE) {
            tracing::warn!(
                pid = orphan.pid(),
                "the earlier service has not ended: its storage does not answer it"
            );
        }
    }
    flush(config.service.volume.as_deref());
}

/// The agent is the last process that the kernel kills for want of memory; the service, which can be had anew, is not.
fn spare_less(pid: u32) {
    if let Err(fault) = fs::write(format!("/proc/{pid}/oom_score_adj"), "-500") {
        tracing::debug!(%fault, pid, "the service is spared by the kernel as the agent is");
    }
}

fn wait_in_thread(context: &Context, start: u64, mut child: Child) -> io::Result<()> {
    let outlet = context.outlets.coordinator.clone();
    let (volume, noted) = (context.config.service.volume.clone(), note(&context.config));
    crate::thread::spawn("wait-service", move || {
        let how = child.wait().map_or_else(|fault| fault.to_string(), |status| status.to_string());
        flush(volume.as_deref());
        let _ = fs::remove_file(noted);
        let _ = outlet.send(ToCoordinator::Gone { start, how });
    })?;
    Ok(())
}

/// Nothing of a dead process is left in this kernel's memory after this.
fn flush(volume: Option<&Path>) {
    let Some(volume) = volume else { return };
    let flushed = OpenOptions::new().write(true).open(volume).and_then(|volume| volume.sync_all());
    if let Err(fault) = flushed {
        // What could not be written now is given up by the kernel: it never will be.
        tracing::error!(volume = %volume.display(), %fault, "the metadata volume cannot be flushed");
    }
}

fn write(mut to: UnixStream, waiting: &Receiver<ToService>) {
    while let Ok(frame) = waiting.recv() {
        if frame::write(&mut to, &frame).is_err() {
            return;
        }
    }
}

fn read(from: UnixStream, hand_on: impl Fn(FromService) -> bool) {
    let mut from = BufReader::new(from);
    loop {
        match frame::read::<FromService>(&mut from) {
            Ok(frame) => {
                if !hand_on(frame) {
                    return;
                }
            }
            Err(FrameError::Closed | FrameError::Io(_)) => return,
            Err(fault) => {
                tracing::error!(%fault, "the service does not speak this agent's language; are both of one version?");
                // What cannot be understood is ended from its own side: it finds its socket closed.
                let _ = from.get_ref().shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Where the service's process is noted.
fn note(config: &Config) -> PathBuf {
    config.host.run_directory.join("service.pid")
}
