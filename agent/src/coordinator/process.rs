//! The service's process and the threads around it.
use super::remains::Remains;
use crate::clock;
use crate::context::Context;
use crate::process::{ProcessId, Running};
use crate::wiring::ToCoordinator;
use lifeboat_link::frame::{self, FrameError};
use lifeboat_link::{FromService, ToService};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Frames that wait for a service that is slow.
const MOST_WAITING: usize = 8192;
/// How long whoever has the other end of the pair of sockets, beside the process that was started, has to let go of it.
const TO_LET_GO: Duration = Duration::from_secs(1);

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
        let socket = fstat(&theirs)?.st_ino;
        let mut command = Command::new(program);
        // What systemd says to the agent, and hears of it, is not the service's. A wrapper is killed with what it wraps.
        command.args(arguments).stdin(Stdio::from(OwnedFd::from(theirs))).env_remove("NOTIFY_SOCKET");
        let mut child = command.process_group(0).spawn()?;
        spare_less(child.id());
        // Our copy of its end goes with this: else its end of the pair would not close with the process.
        drop(command);
        let watched = ours.try_clone();
        let surrounded = Self::surround(context, start, &child, socket, ours);
        if surrounded.is_err() {
            child.kill()?;
        }
        wait_in_thread(context, start, child, Remains::of(socket), watched?)?;
        surrounded
    }

    fn surround(
        context: &Context,
        start: u64,
        child: &Child,
        socket: u64,
        ours: UnixStream,
    ) -> io::Result<Self> {
        let id = ProcessId::of(child.id())?;
        Remains::of(socket).note(context, start, id)?;
        let handle = id.running().ok_or(io::ErrorKind::NotFound)?;
        let (frames, waiting) = sync_channel(MOST_WAITING);
        let (to, from) = (ours.try_clone()?, ours.try_clone()?);
        crate::thread::spawn("to-service", move || write(to, &waiting))?;
        let outlet = context.outlets.coordinator.clone();
        let hand_on = move |frame| outlet.send(ToCoordinator::Said { start, frame }).is_ok();
        crate::thread::spawn("from-service", move || read(from, hand_on))?;
        Ok(Self { start, handle, frames, socket: ours })
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
        // Whoever has its end of the socket, and is not killed with it, reads that this is over. Our end stays open: it shows who is left.
        let _ = self.socket.shutdown(Shutdown::Write);
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

/// The agent is the last process that the kernel kills for want of memory; the service, which can be had anew, is not.
fn spare_less(pid: u32) {
    if let Err(fault) = fs::write(format!("/proc/{pid}/oom_score_adj"), "-500") {
        tracing::debug!(%fault, pid, "the service is spared by the kernel as the agent is");
    }
}

/// Waits for the end of the process, and of everybody who has a copy of its end of the socket.
fn wait_in_thread(
    context: &Context,
    start: u64,
    mut child: Child,
    remains: Remains,
    socket: UnixStream,
) -> io::Result<()> {
    let outlet = context.outlets.coordinator.clone();
    let volume = context.config.service.volume.clone();
    crate::thread::spawn("wait-service", move || {
        // Until it is reaped the number of its group is nobody else's.
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(Pid::from_child(&child)), ended), Err(Errno::INTR)) {}
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let how = child.wait().map_or_else(|fault| fault.to_string(), |status| status.to_string());
        let _ = socket.shutdown(Shutdown::Write);
        while !is_let_go(&socket, TO_LET_GO) {
            remains.kill();
        }
        flush(volume.as_deref());
        let _ = outlet.send(ToCoordinator::Gone { start, how });
    })?;
    Ok(())
}

/// Whether no copy of the other end is left, within a time.
fn is_let_go(ours: &UnixStream, span: Duration) -> bool {
    let until = clock::now() + span;
    loop {
        let left = until.since(clock::now());
        let mut socket = [PollFd::new(ours, PollFlags::empty())];
        let found = poll(&mut socket, Timespec::try_from(left).ok().as_ref());
        if socket[0].revents().contains(PollFlags::HUP) {
            return true;
        }
        if left.is_zero() {
            return false;
        }
        if found.is_ok_and(|count| count > 0) {
            // Something else is wrong with it, and will be: it is only waited for.
            clock::wait(left);
        }
    }
}

/// Nothing of a dead process is left in this kernel's memory after this.
pub(super) fn flush(volume: Option<&Path>) {
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
                let _ = from.get_ref().shutdown(Shutdown::Write);
                return;
            }
        }
    }
}
