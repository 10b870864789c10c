//! The kernel's watchdog.
use super::marker::Marker;
use super::pacer::{Act, Pacer, Range};
use super::{Watchdog, WatchdogError, keeper};
use crate::{clock, sys};
use lifeboat_protocol::{Boot, Instant};
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

/// `WDIOF_SETTIMEOUT`: the timeout can be set.
const CAN_BE_SET: u32 = 0x0080;
/// The longest timeout that is ever asked for, in seconds.
const LONGEST: u32 = 65_535;
/// What a watchdog that cannot be switched off is set to while nobody needs it, in seconds.
const IDLE: u32 = 60;
/// How often a timeout is asked for again that came out longer, or was refused as too long.
const TRIES: u32 = 24;
/// Of these, so many lower it by what it came out too long; then it is halved.
const ROUNDINGS: u32 = 4;
/// How far the shortest timeout has to be below T, in seconds: a renewal can be older than a second when it is fed, and what is left
/// until its deadline is counted in whole seconds.
const BELOW: u64 = 2;
/// After a command that failed, how long until the next.
const REST: Duration = Duration::from_millis(100);

/// What a watchdog can be told.
pub(super) trait Card: Send + std::fmt::Debug {
    /// The time by the clock that deadlines are told in, read when it is asked for.
    fn now(&self) -> Instant;
    fn set_timeout(&self, seconds: u32) -> rustix::io::Result<u32>;
    fn keep_alive(&self) -> rustix::io::Result<()>;
    fn switch(&self, on: bool) -> rustix::io::Result<()>;
}

impl Card for File {
    fn now(&self) -> Instant {
        clock::now()
    }

    fn set_timeout(&self, seconds: u32) -> rustix::io::Result<u32> {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        sys::watchdog_set_timeout(self.as_fd(), seconds).map(|set| u32::try_from(set).unwrap_or(1))
    }

    fn keep_alive(&self) -> rustix::io::Result<()> {
        sys::watchdog_keep_alive(self.as_fd())
    }

    fn switch(&self, on: bool) -> rustix::io::Result<()> {
        sys::watchdog_switch(self.as_fd(), on)
    }
}

/// Whether an agent of this boot has left it armed, or has left somebody who holds it open.
pub(super) fn was_left_on(path: &Path, run_directory: &Path, boot: Boot) -> bool {
    Marker::open(run_directory, boot).is_ok_and(|marker| marker.was_armed())
        || keeper::fetch(path, run_directory).is_some()
}

/// The kernel's watchdog, open.
#[derive(Debug)]
pub(super) struct Device<C = File> {
    card: C,
    identity: String,
    pacer: Pacer,
    marker: Option<Marker>,
    armed: bool,
    /// It runs from the moment when it is opened until the power goes, whatever it is told.
    cannot_stop: bool,
    runs_out: bool,
    /// After a command that failed it is given none before.
    not_before: Instant,
    /// While idle and unstoppable: when it is fed next.
    idle_due: Option<Instant>,
}

impl Device {
    /// Opens the device, or takes it over from an earlier process of the agent.
    ///
    /// # Errors
    /// If there is none that resets the host within T.
    pub(super) fn open(
        path: &Path,
        run_directory: &Path,
        boot: Boot,
        timeout: Duration,
    ) -> Result<Self, WatchdogError> {
        let beside = |what| move |fault| WatchdogError::Beside { what, fault };
        let marker = Marker::open(run_directory, boot)
            .map_err(beside("what the next start must know of the watchdog"))?;
        let kept = keeper::fetch(path, run_directory).map(File::from);
        let is_kept = kept.is_some();
        let file = match kept {
            Some(file) => file,
            None => OpenOptions::new()
                .write(true)
                .open(path)
                .map_err(|fault| WatchdogError::Open { path: path.to_owned(), fault })?,
        };
        if !is_kept {
            keeper::start(&file, run_directory).map_err(|fault| {
                // Opening has started it, and nobody is going to feed it.
                let _ = file.switch(false);
                beside("no process can be started to keep the watchdog open")(fault)
            })?;
        }
        let armed = marker.was_armed();
        let support = sys::watchdog_support(file.as_fd())
            .map_err(|errno| WatchdogError::NotOne { path: path.to_owned(), fault: errno.into() })?;
        let set_to = sys::watchdog_timeout(file.as_fd()).ok().and_then(|set| u32::try_from(set).ok());
        let settable = support.options & CAN_BE_SET != 0;
        let mut device = Self::of(file, support.identity, settable, set_to.unwrap_or(IDLE), armed);
        device.prepare(path, timeout)?;
        device.marker = Some(marker);
        Ok(device)
    }
}

impl<C: Card> Device<C> {
    pub(super) fn of(card: C, identity: [u8; 32], settable: bool, set_to: u32, armed: bool) -> Self {
        let end = identity.iter().position(|byte| *byte == 0).unwrap_or(identity.len());
        let range = if settable {
            Range { shortest: 1, longest: LONGEST }
        } else {
            Range { shortest: set_to, longest: set_to }
        };
        Self {
            card,
            identity: String::from_utf8_lossy(&identity[..end]).into_owned(),
            pacer: Pacer::new(range, set_to),
            marker: None,
            armed,
            cannot_stop: false,
            runs_out: false,
            not_before: Instant::from_micros(0),
            idle_due: None,
        }
    }

    /// Makes sure that it can be set as low as is needed; if nobody needs it yet, switches it off until somebody does.
    pub(super) fn prepare(&mut self, path: &Path, timeout: Duration) -> Result<(), WatchdogError> {
        if self.armed {
            // It runs towards the deadline of an earlier process: nothing may move that but a renewed lease.
            return Ok(());
        }
        let wanted = u32::try_from(timeout.as_secs().saturating_sub(BELOW)).unwrap_or(u32::MAX);
        let range = self.pacer.range();
        let shortest = if range.shortest == range.longest { range.shortest } else { self.shortest(wanted) };
        if shortest > wanted {
            let _ = self.card.switch(false);
            return Err(WatchdogError::TooSlow {
                path: path.to_owned(),
                identity: self.identity.clone(),
                shortest,
                timeout,
            });
        }
        self.pacer.limit(shortest);
        // One that cannot be armed is to be known before this host is a member.
        let settable = range.shortest != range.longest;
        let set = if settable { self.set(wanted).map(drop) } else { Ok(()) };
        let tried = set.and_then(|()| self.card.switch(true));
        self.switch_off();
        tried.map_err(command("to be armed"))
    }

    /// The shortest timeout that it takes, up to the one that is wanted; else that it has none so short.
    fn shortest(&self, wanted: u32) -> u32 {
        let mut shortest = u32::MAX;
        for seconds in 1..=wanted {
            match self.card.set_timeout(seconds) {
                // Some take less than they can, and say what they made of it.
                Ok(set) => {
                    shortest = set;
                    break;
                }
                Err(_) => shortest = seconds + 1,
            }
        }
        // It was begun anew with a very short one; whoever switches it off may not be able to.
        let _ = self.longest_up_to(IDLE.max(shortest.min(LONGEST)), shortest);
        shortest
    }

    fn switch_off(&mut self) {
        self.pacer.rest();
        self.armed = false;
        self.cannot_stop = self.card.switch(false).is_err();
        if self.cannot_stop {
            // An agent that is started anew while its host is no member has that long.
            if let Ok(set) = self.longest_up_to(IDLE, self.pacer.range().shortest) {
                self.pacer.assume(set);
            }
            self.idle_due = Some(Instant::from_micros(0));
        }
    }

    /// The kernel's driver says only by refusing what is too long for it: a timeout is halved until it is taken.
    fn longest_up_to(&self, seconds: u32, shortest: u32) -> rustix::io::Result<u32> {
        let mut asked = seconds;
        loop {
            match self.card.set_timeout(asked) {
                Err(Errno::INVAL) if asked / 2 >= shortest.max(1) => asked /= 2,
                answer => return answer,
            }
        }
    }

    fn obey(&mut self) -> Result<(), WatchdogError> {
        let obeyed = self.try_to_obey();
        if obeyed.is_err() {
            self.not_before = self.card.now() + REST;
        }
        obeyed
    }

    /// Does what is due, by the clock as it is now; and again, if this process stood still meanwhile so that it would reset too late.
    fn try_to_obey(&mut self) -> Result<(), WatchdogError> {
        for _ in 0..TRIES {
            let now = self.card.now();
            let Some(act) = self.pacer.act(now) else {
                self.pacer.skip(now);
                return Ok(());
            };
            let timeout = match act {
                Act::KeepAlive => {
                    self.card.keep_alive().map(|()| self.pacer.timeout()).map_err(command("to be fed"))?
                }
                Act::Set(seconds) => self.set(seconds).map_err(command("a timeout"))?,
            };
            self.pacer.done(self.card.now(), timeout);
            if !self.pacer.is_late() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sets a timeout that is not longer than this.
    fn set(&mut self, seconds: u32) -> rustix::io::Result<u32> {
        let shortest = self.pacer.range().shortest;
        let mut asked = seconds;
        for tried in 0..TRIES {
            match self.card.set_timeout(asked) {
                Ok(set) if set <= seconds => return Ok(set),
                Ok(set) if tried < ROUNDINGS => asked = asked.saturating_sub(set - seconds).max(1),
                Ok(_) if asked > shortest => asked = (asked / 2).max(shortest),
                Ok(_) => return Err(Errno::RANGE),
                Err(Errno::INVAL) if asked > shortest => {
                    // More than it can count: fed more often, it does with less.
                    asked = (asked / 2).max(shortest);
                    self.pacer.limit_above(asked);
                }
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::RANGE)
    }

    /// Begins: it is programmed before it is switched on, since what it was left with can be longer than the host may live.
    fn arm(&mut self, deadline: Instant) -> Result<(), WatchdogError> {
        self.pacer.aim(deadline);
        self.obey()?;
        // One that cannot be switched off is on.
        if !self.cannot_stop {
            self.card.switch(true).map_err(command("to be switched on"))?;
            // From the moment when it was switched on it counts anew.
            self.pacer.done(self.card.now(), self.pacer.timeout());
            if self.pacer.is_late() {
                self.obey()?;
            }
        }
        if self.pacer.resets_at().is_none_or(|resets| resets > deadline) {
            return Err(command("a timeout that ends before this host's lease")(Errno::RANGE));
        }
        Ok(())
    }

    fn mark(&self) -> Result<(), WatchdogError> {
        let what = "what the next start must know of the watchdog";
        let noted = self.marker.as_ref().map_or(Ok(()), |marker| marker.note(self.armed));
        noted.map_err(|fault| WatchdogError::Beside { what, fault })
    }
}

fn command(what: &'static str) -> impl Fn(Errno) -> WatchdogError {
    move |errno| WatchdogError::Command { what, fault: io::Error::from(errno) }
}

impl<C: Card> Device<C> {
    fn next(&self) -> Option<Instant> {
        self.idle_due.or_else(|| self.pacer.due().map(|due| due.max(self.not_before)))
    }
}

impl<C: Card> Watchdog for Device<C> {
    fn feed(&mut self, _: Instant, deadline: Instant) -> Result<(), WatchdogError> {
        if self.runs_out {
            return Ok(());
        }
        if self.armed {
            self.pacer.aim(deadline);
            return self.obey();
        }
        // The mark comes first: a process that ends in between leaves one that is taken for armed, and so is left alone.
        self.armed = true;
        self.idle_due = None;
        let armed = self.mark().and_then(|()| self.arm(deadline));
        if armed.is_err() {
            self.switch_off();
            let _ = self.mark();
        }
        armed
    }

    fn due(&self) -> Option<Instant> {
        if self.runs_out { None } else { self.next() }
    }

    fn tick(&mut self, now: Instant) -> Result<(), WatchdogError> {
        if self.runs_out {
            return Ok(());
        }
        if self.next().is_none_or(|due| due > now) {
            return Ok(());
        }
        if self.idle_due.is_some() {
            self.idle_due = Some(now + Duration::from_secs(u64::from(self.pacer.timeout())) / 3);
            return self.card.keep_alive().map_err(command("to be fed"));
        }
        self.obey()
    }

    fn stop(&mut self) -> Result<(), WatchdogError> {
        self.switch_off();
        self.mark()?;
        if self.cannot_stop {
            return Err(WatchdogError::Command {
                what: "to be switched off (it was made so: nowayout); it is fed as long as this agent runs",
                fault: io::ErrorKind::ResourceBusy.into(),
            });
        }
        Ok(())
    }

    fn let_run_out(&mut self) {
        self.runs_out = true;
    }

    fn is_armed(&self) -> bool {
        self.armed
    }

    fn state(&self, now: Instant) -> String {
        let when = match self.pacer.resets_at() {
            Some(resets) if self.armed => {
                format!("armed, resets the host in {} ms", resets.since(now).as_millis())
            }
            _ if self.armed => "armed by an earlier process".into(),
            _ if self.cannot_stop => "not armed; it cannot be switched off, and is fed".into(),
            _ => "not armed".into(),
        };
        format!("{when} ({})", self.identity)
    }
}
