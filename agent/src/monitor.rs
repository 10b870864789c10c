//! Guests that answer no more: judged by their signs of life, reset, stopped in the end. Pure; [`crate::warden`] feels the pulses and acts.
//!
//! A guest is taken for hung when its heartbeat has stopped *and* its disks and networks are idle, both for as long as its monitor says. A
//! heartbeat that was never heard says nothing: then nothing in the guest makes one. While a VM is paused, on its way to
//! another host, or the hypervisor silent, nothing is held against it, and after each start and reset it has its grace.
use crate::hypervisor::Pulse;
use lifeboat_link::note::Monitor;
use lifeboat_protocol::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How often pulses are felt, at least and at most.
const FEELS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// What was found when a guest was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its pulse.
    Pulse(Pulse),
    /// Nothing can be held against it now.
    Excused,
}

/// What is to be done about a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is to be reset.
    Reset {
        /// For how long it has shown no sign of life.
        silent_for: Duration,
    },
    /// It is to be stopped, and started elsewhere.
    StopHere {
        /// How many resets did not help.
        resets: usize,
    },
    /// It was stopped here before, is back, and hangs again: somebody must look at it.
    LeftAlone,
}

/// All guests that are minded.
#[derive(Debug, Default)]
pub struct Monitors {
    guests: BTreeMap<String, Guest>,
}

#[derive(Debug)]
struct Guest {
    settings: Monitor,
    /// Its grace counts from here.
    since: Option<Instant>,
    last: Option<Pulse>,
    life: Option<Instant>,
    /// Whether its heartbeat was ever heard.
    beats: bool,
    resets: VecDeque<Instant>,
    stopped: Option<Instant>,
    told: bool,
}

impl Monitors {
    /// What is to be done about a guest; none: it is not minded.
    pub fn set(&mut self, vm: &str, settings: Option<Monitor>) {
        let Some(settings) = settings else {
            self.guests.remove(vm);
            return;
        };
        match self.guests.get_mut(vm) {
            Some(guest) => guest.settings = settings,
            None => drop(self.guests.insert(vm.to_owned(), Guest::new(settings))),
        }
    }

    /// Whether a guest is minded.
    pub fn minds(&self, vm: &str) -> bool {
        self.guests.contains_key(vm)
    }

    /// When pulses are to be felt next; none: nobody is minded.
    pub fn feels_at(&self, felt: Option<Instant>) -> Option<Instant> {
        let shortest = self.guests.values().map(|guest| guest.settings.silent_for_s).min()?;
        let every = (Duration::from_secs(shortest) / 4).clamp(FEELS.0, FEELS.1);
        Some(felt.map_or_else(Instant::default, |felt| felt + every))
    }

    /// A run began here.
    pub fn started(&mut self, vm: &str, now: Instant) {
        if let Some(guest) = self.guests.get_mut(vm) {
            (guest.since, guest.last, guest.beats) = (Some(now), None, false);
        }
    }

    /// A guest boots anew.
    pub fn rebooted(&mut self, vm: &str, now: Instant) {
        if let Some(guest) = self.guests.get_mut(vm) {
            (guest.since, guest.last) = (Some(now), None);
        }
    }

    /// A run is over.
    pub fn ended(&mut self, vm: &str) {
        if let Some(guest) = self.guests.get_mut(vm) {
            (guest.since, guest.last, guest.life) = (None, None, None);
        }
    }

    /// Takes in what was found, and says what is to be done.
    pub fn look(&mut self, vm: &str, now: Instant, look: Look) -> Option<Finding> {
        self.guests.get_mut(vm)?.look(now, look)
    }
}

impl Guest {
    const fn new(settings: Monitor) -> Self {
        Self {
            settings,
            since: None,
            last: None,
            life: None,
            beats: false,
            resets: VecDeque::new(),
            stopped: None,
            told: false,
        }
    }

    fn look(&mut self, now: Instant, look: Look) -> Option<Finding> {
        let Look::Pulse(pulse) = look else {
            (self.last, self.life) = (None, None);
            return None;
        };
        let since = *self.since.get_or_insert(now);
        let last = self.last.replace(pulse);
        let beat = last.is_some_and(|last| last.heartbeat != pulse.heartbeat);
        self.beats = (self.beats || beat) && pulse.heartbeat.is_some();
        let lives = last.is_none_or(|last| last != pulse);
        let grace = now.since(since) < Duration::from_secs(self.settings.grace_s);
        if lives || grace || !self.beats {
            self.life = Some(now);
            self.told = self.told && !beat;
            return None;
        }
        let silent_for = now.since(*self.life.get_or_insert(now));
        if silent_for < Duration::from_secs(self.settings.silent_for_s) {
            return None;
        }
        self.hangs(now, silent_for)
    }

    fn hangs(&mut self, now: Instant, silent_for: Duration) -> Option<Finding> {
        let window = Duration::from_secs(self.settings.window_s);
        self.resets.retain(|reset| now.since(*reset) < window);
        self.stopped = self.stopped.filter(|stopped| now.since(*stopped) < window);
        self.life = Some(now);
        if self.resets.len() < self.settings.resets as usize {
            self.resets.push_back(now);
            return Some(Finding::Reset { silent_for });
        }
        if self.stopped.is_none() {
            self.stopped = Some(now);
            return Some(Finding::StopHere { resets: self.resets.len() });
        }
        (!std::mem::replace(&mut self.told, true)).then_some(Finding::LeftAlone)
    }
}

#[cfg(test)]
mod tests;
