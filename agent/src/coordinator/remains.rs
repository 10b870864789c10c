//! What can be left of a service: every process that has its end of the pair of sockets. The process that was started can have been a
//! wrapper (`sudo`, `sh -c`), and end before what it wraps. So the service is over when that end is closed everywhere, and whoever has it
//! open can be found by the socket's number. That is noted, for an agent that finds what an earlier one has left.
use crate::clock;
use crate::context::Context;
use crate::identity::files::{self, FileError};
use crate::process::{ProcessId, Running};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How long the end of a killed process is waited for before that is said.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whoever has a socket open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    socket: u64,
}

/// What the next agent must know of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    /// The boot that it runs in, and the start of the agent that began it.
    boot: u64,
    agent: u32,
    /// Which start of the service it is of that agent's.
    start: u64,
    process: ProcessId,
    socket: u64,
}

impl Remains {
    /// Those of the service that has this socket.
    pub(super) fn of(socket: u64) -> Self {
        Self { socket }
    }

    /// Notes a service, for the next agent.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn note(self, context: &Context, start: u64, process: ProcessId) -> io::Result<()> {
        let (boot, agent) = (context.boot.0, context.process.0);
        let noted = Noted { boot, agent, start, process, socket: self.socket };
        files::write_json(&note(context), &noted).map_err(|FileError { fault, .. }| fault)
    }

    /// Kills all of them that there are; says how many there were.
    pub(super) fn kill(self) -> usize {
        let wanted = format!("socket:[{}]", self.socket);
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let holders = processes.filter(|pid| *pid != std::process::id() && has_open(*pid, &wanted));
        let running = holders.filter_map(|pid| ProcessId::of(pid).ok()?.running());
        running.inspect(kill).count()
    }
}

fn has_open(pid: u32, wanted: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.as_os_str() == wanted)
}

fn kill(left: &Running) {
    tracing::warn!(pid = left.pid(), "a process has the service's socket open after its end; it is killed");
    if let Err(fault) = left.kill() {
        tracing::error!(%fault, pid = left.pid(), "it cannot be killed; it ends when it finds its socket closed");
    }
}

/// Ends a service that an earlier process of the agent has left, and waits until nothing of it is under way.
pub(super) fn end_orphan(context: &Context) {
    let Some(noted) = read_at_last(context) else { return };
    // One of an earlier boot ended with that.
    if noted.boot == context.boot.0 {
        end(&noted);
    }
    super::process::flush(context.config.service.volume.as_deref());
    remove(context);
}

fn end(noted: &Noted) {
    if let Some(orphan) = noted.process.running() {
        tracing::warn!(pid = orphan.pid(), "an earlier agent has left its service; it is killed");
        kill(&orphan);
        while !orphan.ended_within(PATIENCE) {
            tracing::warn!(
                pid = orphan.pid(),
                "the earlier service has not ended: its storage does not answer it"
            );
        }
    }
    while Remains::of(noted.socket).kill() > 0 {
        clock::wait(AGAIN);
    }
}

/// What is noted. A note that cannot be read may be that of a service that writes: nothing begins before somebody has looked.
fn read_at_last(context: &Context) -> Option<Noted> {
    loop {
        match files::read_json::<Noted>(&note(context)) {
            Ok(noted) => return noted,
            Err(fault) => tracing::error!(
                %fault,
                "nobody knows whether an earlier agent's service runs, so none is started: see that none does, and remove that file"
            ),
        }
        clock::wait(AGAIN);
    }
}

/// Forgets the service of that start, unless the note is another's by now.
pub(super) fn forget(context: &Context, start: u64) {
    let of_it =
        |noted: &Noted| (noted.boot, noted.agent, noted.start) == (context.boot.0, context.process.0, start);
    if files::read_json::<Noted>(&note(context)).ok().flatten().as_ref().is_some_and(of_it) {
        remove(context);
    }
}

fn remove(context: &Context) {
    if let Err(fault) = files::remove(&note(context)) {
        tracing::warn!(%fault, "the note of a service that has ended stays");
    }
}

/// Where the service's process is noted.
fn note(context: &Context) -> PathBuf {
    context.config.host.run_directory.join("service.pid")
}
