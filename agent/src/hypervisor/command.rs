//! Programs that are run with a time limit: one that hangs is killed with all that it started, and has said nothing.
use crate::{clock, sys};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// The most that a program may say.
const MOST_OUTPUT: usize = 32 << 20;
/// How often it is asked whether the caller has lost interest.
const ASKS: Duration = Duration::from_millis(100);

/// A program to be run.
pub struct Run<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// What it reads.
    pub input: &'a [u8],
    /// How long it may take.
    pub within: Duration,
    /// Whether to give it up before.
    pub given_up: &'a dyn Fn() -> bool,
}

/// What a program that ended said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error, without line ends around it.
    pub errors: String,
}

/// Why a program said nothing.
#[derive(Debug, thiserror::Error)]
pub enum Mute {
    /// There is no such program, or it cannot be run.
    #[error("{program} cannot be run; is its package installed?")]
    NotRun {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        fault: io::Error,
    },
    /// It took too long and was killed.
    #[error("{program} did not end within {within:?}")]
    Late {
        /// The program.
        program: String,
        /// How long it had.
        within: Duration,
    },
    /// It was given up.
    #[error("{0} was given up")]
    GivenUp(String),
    /// What it says cannot be read, or has no end.
    #[error("what {program} says cannot be read")]
    Unreadable {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        fault: io::Error,
    },
}

/// Whether there is such a program, as far as can be told without running it.
pub fn is_installed(program: &str) -> bool {
    const PLACES: [&str; 6] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
    let is_there = |path: &Path| path.metadata().is_ok_and(|found| found.is_file());
    is_there(Path::new(program)) && program.contains('/')
        || PLACES.iter().any(|place| is_there(&Path::new(place).join(program)))
}

/// Runs a program to its end, or for as long as it may take.
///
/// # Errors
/// If it says nothing.
pub fn run(run: &Run<'_>) -> Result<Said, Mute> {
    run_marked(run, None)
}

/// As [`run`]; with that in the environment of the program, and so of all that it starts.
///
/// # Errors
/// If it says nothing.
pub fn run_marked(run: &Run<'_>, mark: Option<(&str, &str)>) -> Result<Said, Mute> {
    let program = run.command.first().cloned().unwrap_or_default();
    let not_run = |fault| Mute::NotRun { program: program.clone(), fault };
    // A file in memory, not a pipe: a program that does not read cannot hold us up.
    let mut input = File::from(memfd_create("input", MemfdFlags::CLOEXEC).map_err(|e| not_run(e.into()))?);
    input.write_all(run.input).and_then(|()| input.rewind()).map_err(not_run)?;
    let mut command = Command::new(&program);
    // What nobody waits for any more is not to go on: it would switch something off, or start a VM, that nobody knows of.
    sys::dies_with_its_parent(&mut command);
    let mut child = command
        .args(run.command.get(1..).unwrap_or_default())
        .env("LC_ALL", "C")
        .envs(mark)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(not_run)?;
    let listened = listen(&mut child, run, &program);
    match listened {
        Ok((output, errors)) => {
            let unreadable = |fault| Mute::Unreadable { program: program.clone(), fault };
            let status = child.wait().map_err(unreadable)?;
            Ok(Said { status, output, errors: String::from_utf8_lossy(&errors).trim().to_owned() })
        }
        Err(mute) => {
            end(child);
            Err(mute)
        }
    }
}

/// Reads what a program says until it ends.
fn listen(child: &mut Child, run: &Run<'_>, program: &str) -> Result<(Vec<u8>, Vec<u8>), Mute> {
    let unreadable = |fault: io::Error| Mute::Unreadable { program: program.to_owned(), fault };
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).map_err(|e| unreadable(e.into()))?;
    let (Some(mut output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(unreadable(ErrorKind::BrokenPipe.into()));
    };
    do_not_wait(&output).and_then(|()| do_not_wait(&errors)).map_err(unreadable)?;
    let (mut said, mut complaints) = (Vec::new(), Vec::new());
    let (mut says, mut complains) = (true, true);
    let until = clock::now() + run.within;
    loop {
        let left = until.since(clock::now());
        if left.is_zero() {
            return Err(Mute::Late { program: program.to_owned(), within: run.within });
        }
        if (run.given_up)() {
            return Err(Mute::GivenUp(program.to_owned()));
        }
        let mut ready = vec![PollFd::new(&ended, PollFlags::IN)];
        if says {
            ready.push(PollFd::new(&output, PollFlags::IN));
        }
        if complains {
            ready.push(PollFd::new(&errors, PollFlags::IN));
        }
        wait_for(&mut ready, left.min(ASKS)).map_err(unreadable)?;
        let over = !ready[0].revents().is_empty();
        drop(ready);
        says = says && drain(&mut output, &mut said).map_err(unreadable)?;
        complains = complains && drain(&mut errors, &mut complaints).map_err(unreadable)?;
        if over {
            return Ok((said, complaints));
        }
    }
}

/// Waits until one of them is ready, or for so long; a signal counts as nothing.
pub(crate) fn wait_for(ready: &mut [PollFd<'_>], longest: Duration) -> io::Result<()> {
    // At most some seconds: it fits.
    let longest = Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: i64::from(longest.subsec_nanos()) };
    match poll(ready, Some(&longest)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

pub(crate) fn do_not_wait(stream: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(stream)?;
    Ok(fcntl_setfl(stream, flags | OFlags::NONBLOCK)?)
}

/// Reads what is there; says whether more can come.
fn drain(from: &mut impl Read, to: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 16 << 10];
    loop {
        match from.read(&mut part) {
            Ok(0) => return Ok(false),
            Ok(count) if to.len() + count > MOST_OUTPUT => {
                return Err(io::Error::new(ErrorKind::FileTooLarge, "it says too much"));
            }
            Ok(count) => to.extend_from_slice(&part[..count]),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// Kills a program with all that it started, and has it reaped by somebody who can wait.
pub(crate) fn end(mut child: Child) {
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    if !matches!(child.try_wait(), Ok(Some(_))) {
        // One that is stuck in a disk dies when that answers.
        let _ = crate::thread::spawn("reaper", move || child.wait());
    }
}

#[cfg(test)]
mod tests;
