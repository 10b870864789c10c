//! The kernel's watchdog.
use super::card::Card;
use super::marker::Marker;
use super::pacer::{Act, Pacer, Range};
use super::{Posture, Watchdog, WatchdogError, keeper};
use crate::sys;
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
/// What cannot be written.
const MARK: &str = "what the next start must know of the watchdog";

/// Whether an agent of this boot has left it armed, or has left somebody who holds it open.
pub(super) fn was_left_on(path: &Path, run_directory: &Path, boot: Boot) -> bool {
    Marker::open(run_directory, boot).is_ok_and(|marker| marker.was_armed())
        || keeper::fetch(path, run_directory).map_or(true, |kept| kept.is_some())
}

/// Whether an agent of this boot has marked it as armed.
pub(super) fn was_marked(run_directory: &Path, boot: Boot) -> bool {
    run_directory.join("watchdog.armed").exists()
        && Marker::open(run_directory, boot).is_ok_and(|marker| marker.was_armed())
}

/// The kernel's watchdog, open.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the card that can be so with all others"
)]
pub(super) struct Device<C = File> {
    card: C,
    identity: String,
    pacer: Pacer,
    marker: Option<Marker>,
    armed: bool,
    /// An earlier process said that it was armed, and may have ended before it was: it is switched on once more.
    inherited: bool,
    /// It runs from the moment when it is opened until the power goes, whatever it is told.
    cannot_stop: bool,
    runs_out: bool,
    /// After a command that failed it is given none before.
    not_before: Instant,
    /// While idle and unstoppable: when it is fed next.
    idle_due: Option<Instant>,
    /// What it must be able to be set to, in seconds.
    wanted: u32,
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
        let marker = Marker::open(run_directory, boot).map_err(beside(MARK))?;
        let (file, is_kept) = had(path, run_directory)?;
        let begun = Self::begin(&file, path, timeout, marker, is_kept).and_then(|device| {
            if !is_kept {
                let what = "no process can be started to keep the watchdog open";
                keeper::start(&file, run_directory).map_err(beside(what))?;
            }
            Ok(device)
        });
        begun.inspect_err(|_| {
            // Opening has started it, and nobody is going to feed it.
            if !Marker::open(run_directory, boot).is_ok_and(|marker| marker.was_armed()) {
                let _ = file.switch(false);
                file.release();
                keeper::end(run_directory);
            }
        })
    }

    /// Takes over the device to switch it off, and nothing else: it is brought no nearer to its deadline.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(super) fn take_over(path: &Path, run_directory: &Path, boot: Boot) -> Result<Self, WatchdogError> {
        let (file, _) = had(path, run_directory)?;
        let mut device = Self::described(file, path, true)?;
        // Where nothing can be noted, it is off all the same.
        device.marker = Marker::open(run_directory, boot).ok();
        Ok(device)
    }

    fn described(file: File, path: &Path, armed: bool) -> Result<Self, WatchdogError> {
        let no_watchdog = |fault| WatchdogError::NotOne { path: path.to_owned(), fault };
        let support =
            sys::watchdog_support(file.as_fd()).map_err(|errno| no_watchdog(io::Error::from(errno)))?;
        let set_to = sys::watchdog_timeout(file.as_fd()).ok().and_then(|set| u32::try_from(set).ok());
        let settable = support.options & CAN_BE_SET != 0;
        Ok(Self::of(file, support.identity, settable, set_to.unwrap_or(IDLE), armed))
    }

    fn begin(
        file: &File,
        path: &Path,
        timeout: Duration,
        marker: Marker,
        is_kept: bool,
    ) -> Result<Self, WatchdogError> {
        let no_watchdog = |fault| WatchdogError::NotOne { path: path.to_owned(), fault };
        let armed = marker.was_armed();
        let mut device = Self::described(file.try_clone().map_err(no_watchdog)?, path, armed)?;
        if !armed {
            // Where it cannot be marked, it cannot be armed.
            marker.note(None).map_err(beside(MARK))?;
        }
        let deadline = marker.deadline();
        device.marker = Some(marker);
        device.prepare(path, timeout)?;
        if !is_kept && armed {
            // Its last descriptor was closed, and opening it has begun its timeout anew.
            device.resume(deadline);
        }
        Ok(device)
    }
}

/// The device, open; and whether it was taken over from somebody who kept it.
fn had(path: &Path, run_directory: &Path) -> Result<(File, bool), WatchdogError> {
    if let Some(kept) = keeper::fetch(path, run_directory)? {
        return Ok((File::from(kept), true));
    }
    let opened = OpenOptions::new().write(true).open(path);
    let file = opened.map_err(|fault| WatchdogError::Open { path: path.to_owned(), fault })?;
    Ok((file, false))
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
            inherited: armed,
            cannot_stop: false,
            runs_out: false,
            not_before: Instant::from_micros(0),
            idle_due: None,
            wanted: 1,
        }
    }

    /// Makes sure that it can be set as low as is needed, and armed; if nobody needs it yet, leaves it switched off until somebody does.
    pub(super) fn prepare(&mut self, path: &Path, timeout: Duration) -> Result<(), WatchdogError> {
        self.wanted = u32::try_from(timeout.as_secs().saturating_sub(BELOW)).unwrap_or(u32::MAX);
        if self.armed {
            // It runs towards the deadline of an earlier process: nothing may move that but a renewed lease.
            return Ok(());
        }
        let range = self.pacer.range();
        let settable = range.shortest != range.longest;
        // It was started by being opened.
        let stands = self.card.switch(false).is_ok();
        let shortest = if settable { self.shortest(stands) } else { range.shortest };
        if shortest > self.wanted {
            self.switch_off();
            return Err(WatchdogError::TooSlow {
                path: path.to_owned(),
                identity: self.identity.clone(),
                shortest,
                timeout,
            });
        }
        self.pacer.limit(shortest);
        // One that cannot be armed is to be known before this host is a member.
        let set = if settable { self.set(self.wanted).map(drop) } else { Ok(()) };
        let tried = set.and_then(|()| self.card.switch(true));
        self.switch_off();
        tried.map_err(command("to be armed"))
    }

    /// The shortest timeout that it is known to take, at most the one that is wanted; else that it has none so short. One that stands is
    /// tried down to what it refuses; one that runs all the time is not: this process can be kept waiting for longer than a second.
    fn shortest(&self, stands: bool) -> u32 {
        let tried = |seconds| self.card.set_timeout(seconds).ok();
        let taken = |seconds| tried(seconds).filter(|set| *set <= self.wanted);
        let mut asked = self.wanted;
        for _ in 0..ROUNDINGS {
            // One that counts in steps took the next longer one.
            let Some(set) = tried(asked).filter(|set| *set > self.wanted) else { break };
            asked = asked.saturating_sub(set - self.wanted).max(1);
        }
        let Some(mut shortest) = taken(asked) else { return self.wanted.saturating_add(1) };
        let mut refused = if stands { 0 } else { asked };
        while refused + 1 < asked {
            let seconds = refused.midpoint(asked);
            match taken(seconds) {
                Some(set) => (asked, shortest) = (seconds, set),
                None => refused = seconds,
            }
        }
        shortest
    }

    /// Goes on towards the deadline that an earlier process was given; resets this host, if that has passed.
    pub(super) fn resume(&mut self, deadline: Option<Instant>) {
        if let Some(deadline) = deadline
            && self.card.now() < deadline
        {
            self.pacer.aim(deadline);
            if let Err(fault) = self.obey() {
                tracing::error!(%fault, "the watchdog, which an earlier agent has left armed");
            }
            return;
        }
        tracing::error!(
            "the time has passed until which this host was to live, and nobody kept its watchdog: it is reset now"
        );
        self.runs_out = true;
        // The least that it takes, whatever that is.
        let _ = (1..=self.wanted).find(|seconds| self.card.set_timeout(*seconds).is_ok());
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
            // What cannot be written now was written before, in the same place.
            let _ = self.marker.as_ref().map(|marker| marker.note(self.pacer.deadline()));
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
                // It takes what is wanted: so this was too little for it, or else too much.
                Err(Errno::INVAL) if asked < self.wanted => {
                    self.pacer.limit(asked + 1);
                    return Err(Errno::INVAL);
                }
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
            self.switch_on()?;
        }
        if self.pacer.resets_at().is_none_or(|resets| resets > deadline) {
            return Err(command("a timeout that ends before this host's lease")(Errno::RANGE));
        }
        Ok(())
    }

    fn switch_on(&mut self) -> Result<(), WatchdogError> {
        self.card.switch(true).map_err(command("to be switched on"))?;
        // From the moment when it was switched on it counts anew.
        self.pacer.done(self.card.now(), self.pacer.timeout());
        if self.pacer.is_late() { self.obey() } else { Ok(()) }
    }

    /// One that runs already takes no notice; one that does not is not armed, whatever was marked.
    fn confirm(&mut self) -> Result<(), WatchdogError> {
        if self.inherited {
            self.inherited = false;
            let on = (1..TRIES).find_map(|_| self.switch_on().ok()).map_or_else(|| self.switch_on(), Ok);
            self.armed = on.is_ok();
            return on;
        }
        Ok(())
    }

    fn mark(&self, deadline: Option<Instant>) -> Result<(), WatchdogError> {
        self.marker.as_ref().map_or(Ok(()), |marker| marker.note(deadline)).map_err(beside(MARK))
    }
}

fn beside(what: &'static str) -> impl Fn(io::Error) -> WatchdogError {
    move |fault| WatchdogError::Beside { what, fault }
}

fn command(what: &'static str) -> impl Fn(Errno) -> WatchdogError {
    move |errno| WatchdogError::Command { what, fault: io::Error::from(errno) }
}

impl<C: Card> Device<C> {
    /// When it is closed now, it stops. Not for one that may be armed again: it would stop then, too.
    pub(super) fn release(&self) {
        self.card.release();
    }

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
            self.obey()?;
            return self.confirm();
        }
        // The mark comes first: a process that ends in between leaves one that is taken for armed, and so is left alone.
        self.armed = true;
        self.idle_due = None;
        let armed = self.mark(Some(deadline)).and_then(|()| self.arm(deadline));
        if armed.is_err() {
            self.switch_off();
            let _ = self.mark(None);
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
        self.mark(None)?;
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

    fn posture(&self) -> Posture {
        match (self.armed, self.cannot_stop) {
            (true, _) => Posture::Armed { resets: self.pacer.resets_at() },
            (false, true) => Posture::FedOnly,
            (false, false) => Posture::Off,
        }
    }

    fn name(&self) -> &str {
        &self.identity
    }
}
