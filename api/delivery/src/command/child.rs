//! One run of a program: fed, listened to and, if need be, ended. One thread does all of it, by waiting for whatever happens
//! first: that the program takes input, says something, ends, or has run too long. So nothing that the program's own
//! children keep open can hold the service up.
use crate::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// So much of what it says is kept; the rest is read and forgotten.
const MOST_OUTPUT: usize = 16 * 1024;
/// How long to wait for a process that was killed.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    pub(super) took: Duration,
    /// Standard output and error as they came.
    pub(super) output: Vec<u8>,
}

/// In what way it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself, with this status.
    Exit(i32),
    /// By a signal that somebody else sent.
    Signal(i32),
    /// It ran longer than this and was ended.
    TooLong(Duration),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::TooLong(limit) => write!(f, "was ended because it ran longer than {} s", limit.as_secs()),
        }
    }
}

/// Runs a program, writes `input` to it, and waits until it ends or is ended.
pub(super) fn run(
    mut command: Command,
    input: &[u8],
    timeout: Duration,
    grace: Duration,
) -> io::Result<Ended> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let clock = Clock::start();
    let mut child = command.spawn()?;
    let group = Pid::from_child(&child);
    let pipes = Pipes::of(&mut child, input);
    let outcome = pipes.and_then(|pipes| converse(pipes, group, &clock, timeout, grace));
    // The group goes before its leader is reaped: until then nobody else can have its number.
    let _ = kill_process_group(group, Signal::KILL);
    let (output, too_long) = match outcome {
        Ok(ended) => ended,
        Err(error) => {
            child.try_wait()?;
            return Err(error);
        }
    };
    let status = child.wait()?;
    let ending = match (too_long, status.code()) {
        (true, _) => Ending::TooLong(timeout),
        (false, Some(code)) => Ending::Exit(code),
        (false, None) => Ending::Signal(status.signal().unwrap_or_default()),
    };
    Ok(Ended { ending, took: clock.elapsed(), output })
}

/// Feeds and listens until the program has ended. Says what it said, and whether it had to be ended.
fn converse(
    mut pipes: Pipes<'_>,
    group: Pid,
    clock: &Clock,
    timeout: Duration,
    grace: Duration,
) -> io::Result<(Vec<u8>, bool)> {
    let process = pidfd_open(group, PidfdFlags::empty())?;
    // What is done when time is over, and until when.
    let mut next_signals =
        [(Signal::KILL, timeout + grace + LAST_WAIT), (Signal::TERM, timeout + grace)].to_vec();
    let mut limit = timeout;
    let mut too_long = false;
    loop {
        let left = clock.left_of(limit);
        if left.is_zero() {
            let Some((signal, until)) = next_signals.pop() else {
                return Err(io::Error::new(ErrorKind::TimedOut, "was killed, and does not end"));
            };
            too_long = true;
            // It may have ended just now.
            let _ = kill_process_group(group, signal);
            limit = until;
            continue;
        }
        if pipes.wait(process.as_fd(), left)? {
            pipes.last_words();
            return Ok((pipes.output, too_long));
        }
    }
}

/// The pipes to and from a program.
struct Pipes<'a> {
    input: &'a [u8],
    stdin: Option<ChildStdin>,
    /// Standard output and error.
    mouths: Vec<Box<dyn Mouth>>,
    output: Vec<u8>,
}

trait Mouth: Read + AsFd {}
impl<T: Read + AsFd> Mouth for T {}

impl<'a> Pipes<'a> {
    fn of(child: &mut Child, input: &'a [u8]) -> io::Result<Self> {
        let stdin = child.stdin.take();
        let mut mouths: Vec<Box<dyn Mouth>> = Vec::new();
        mouths.extend(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Mouth>));
        mouths.extend(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Mouth>));
        let all = stdin.iter().map(AsFd::as_fd).chain(mouths.iter().map(|mouth| mouth.as_fd()));
        for pipe in all {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Self { input, stdin, mouths, output: Vec::new() })
    }

    /// Waits until something happens, and no longer than `most`; says whether the program has ended.
    fn wait(&mut self, process: BorrowedFd<'_>, most: Duration) -> io::Result<bool> {
        let ready: Vec<bool> = {
            let mut waited = vec![PollFd::from_borrowed_fd(process, PollFlags::IN)];
            waited.extend(
                self.mouths.iter().map(|mouth| PollFd::from_borrowed_fd(mouth.as_fd(), PollFlags::IN)),
            );
            waited.extend(
                self.stdin.iter().map(|stdin| PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::OUT)),
            );
            let most = Timespec::try_from(most).map_err(io::Error::other)?;
            match poll(&mut waited, Some(&most)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            waited.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        let listening = self.mouths.len();
        if self.stdin.is_some() && ready.get(1 + listening).copied().unwrap_or_default() {
            self.feed();
        }
        for place in (0..listening).rev().filter(|place| ready.get(1 + place).copied().unwrap_or_default()) {
            if !self.listen(place) {
                self.mouths.remove(place);
            }
        }
        Ok(ready.first().copied().unwrap_or_default())
    }

    fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(self.input) {
            Ok(written) => self.input = &self.input[written..],
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // It does not want to read: that is its business.
            Err(_) => self.input = &[],
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
    }

    /// Reads once; says whether there may be more.
    fn listen(&mut self, place: usize) -> bool {
        let mut heard = [0; 4096];
        match self.mouths[place].read(&mut heard) {
            Ok(0) => false,
            Ok(length) => {
                let room = MOST_OUTPUT.saturating_sub(self.output.len());
                self.output.extend_from_slice(&heard[..length.min(room)]);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    /// Reads what is in the pipes still, when the program has ended: no more than a pipe can hold, for others may go on
    /// writing.
    fn last_words(&mut self) {
        for place in 0..self.mouths.len() {
            for _ in 0..16 {
                if !self.listen(place) {
                    break;
                }
            }
        }
    }
}
