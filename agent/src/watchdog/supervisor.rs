//! A watchdog that is a process: whoever holds the other end of a socket kills the host when it is told nothing in time. Lines say
//! `arm MILLISECONDS` (from now) and `disarm`. A connection that ends without `disarm` leaves it armed.
use super::{Posture, Watchdog, WatchdogError};
use lifeboat_protocol::Instant;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Two lines are this far apart, unless the deadline came nearer: renewals come with every heartbeat.
const APART: Duration = Duration::from_millis(100);

/// The near end of the socket.
#[derive(Debug)]
pub(super) struct Supervisor {
    path: PathBuf,
    socket: Option<OwnedFd>,
    /// What of a line has not been taken yet.
    unsent: Vec<u8>,
    armed: bool,
    runs_out: bool,
    /// What the protocol wants.
    deadline: Option<Instant>,
    /// What the other end was told, and when.
    told: Option<(Instant, Instant)>,
}

impl Supervisor {
    /// Connects.
    ///
    /// # Errors
    /// If nobody is there.
    pub(super) fn connect(path: &Path) -> Result<Self, WatchdogError> {
        let socket =
            open(path).map_err(|errno| WatchdogError::Open { path: path.to_owned(), fault: errno.into() })?;
        Ok(Self {
            path: path.to_owned(),
            socket: Some(socket),
            unsent: Vec::new(),
            armed: false,
            runs_out: false,
            deadline: None,
            told: None,
        })
    }

    fn tell(&mut self, line: &str) -> Result<(), WatchdogError> {
        let told = self.try_to_tell(line);
        told.map_err(|errno| WatchdogError::Command { what: "what it is told", fault: errno.into() })
    }

    fn try_to_tell(&mut self, line: &str) -> rustix::io::Result<()> {
        let socket = if let Some(socket) = &self.socket {
            socket
        } else {
            self.unsent.clear();
            self.socket.insert(open(&self.path)?)
        };
        let mut bytes = std::mem::take(&mut self.unsent);
        bytes.extend_from_slice(line.as_bytes());
        match send(socket, &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(sent) => {
                self.unsent = bytes.split_off(sent);
                Err(Errno::WOULDBLOCK)
            }
            Err(Errno::WOULDBLOCK) => {
                // A line that was not begun is stale when it is sent later; the next one takes its place.
                bytes.truncate(bytes.len() - line.len());
                self.unsent = bytes;
                Err(Errno::WOULDBLOCK)
            }
            Err(errno) => {
                self.socket = None;
                Err(errno)
            }
        }
    }

    fn obey(&mut self, now: Instant) -> Result<(), WatchdogError> {
        let Some(deadline) = self.deadline.filter(|_| self.due().is_some_and(|due| due <= now)) else {
            return Ok(());
        };
        // Rounded down: it never comes later.
        let left = deadline.since(now).as_millis();
        self.tell(&format!("arm {left}\n"))?;
        self.told = Some((deadline, now));
        self.armed = true;
        Ok(())
    }
}

fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

impl Watchdog for Supervisor {
    fn feed(&mut self, now: Instant, deadline: Instant) -> Result<(), WatchdogError> {
        if self.runs_out {
            return Ok(());
        }
        self.deadline = Some(deadline);
        self.obey(now)
    }

    fn due(&self) -> Option<Instant> {
        let deadline = self.deadline.filter(|_| !self.runs_out)?;
        match self.told {
            None => Some(Instant::from_micros(0)),
            Some((told, _)) if told == deadline => None,
            Some((told, at)) if told > deadline => Some(at),
            Some((_, at)) => Some(at + APART),
        }
    }

    fn tick(&mut self, now: Instant) -> Result<(), WatchdogError> {
        self.obey(now)
    }

    fn stop(&mut self) -> Result<(), WatchdogError> {
        (self.deadline, self.told) = (None, None);
        self.tell("disarm\n")?;
        self.armed = false;
        Ok(())
    }

    fn let_run_out(&mut self) {
        self.runs_out = true;
    }

    fn posture(&self) -> Posture {
        if self.armed {
            Posture::Armed { resets: self.told.map(|(deadline, _)| deadline) }
        } else {
            Posture::Off
        }
    }

    fn name(&self) -> &'static str {
        "a supervisor"
    }
}
