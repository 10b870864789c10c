//! What was seen: when which guest ran where, what was done to the lab, and what must never be.
use super::guests::Guest;
use crate::process::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Something that happened, in seconds since the recorder began.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was seen.
    pub at: f64,
    /// In words.
    pub what: String,
}

/// A guest's life on one host, from its process's first sight to its last.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where.
    pub host: String,
    /// When its process was first seen.
    pub from: f64,
    /// When its console first went on; none: not yet.
    pub up: Option<f64>,
    /// When its process was first missed; none: it is there.
    pub to: Option<f64>,
    /// The process.
    process: Process,
}

/// A time without a look, because the machine did not let the recorder look.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    /// When it ended.
    pub at: f64,
    /// How long it was, in seconds.
    pub lasted: f64,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Record {
    /// Everything, in its order.
    pub events: Vec<Event>,
    /// Every guest's lives, in their order.
    pub runs: BTreeMap<String, Vec<Run>>,
    /// When the machine stalled.
    pub stalls: Vec<Stall>,
    /// When hosts went on and off.
    pub power: BTreeMap<String, Vec<(f64, bool)>>,
    /// Hosts whose power a test took.
    pub(super) switched_off: Vec<(f64, String)>,
    /// What must never be.
    pub violations: Vec<String>,
    /// Guests that may have two processes.
    pub(super) migrating: BTreeSet<String>,
    /// Where each guest's console went on last, and which process it was of.
    speakers: BTreeMap<String, (String, Process)>,
    /// Processes whose console another host has taken over.
    silenced: BTreeSet<(String, Process)>,
}

impl Record {
    /// Where a guest has a process now.
    pub fn hosts_of(&self, vm: &str) -> Vec<&str> {
        let runs = self.runs.get(vm).into_iter().flatten();
        runs.filter(|run| run.to.is_none()).map(|run| run.host.as_str()).collect()
    }

    /// Where a guest executes now: its console has gone on since its process began.
    pub fn is_up(&self, vm: &str) -> Option<&str> {
        let runs = self.runs.get(vm)?;
        runs.iter().rev().find(|run| run.to.is_none() && run.up.is_some()).map(|run| run.host.as_str())
    }

    /// Guests that have a process on a host now.
    pub fn on(&self, host: &str) -> Vec<&str> {
        let lives = |runs: &Vec<Run>| runs.iter().any(|run| run.host == host && run.to.is_none());
        self.runs.iter().filter(|(_, runs)| lives(runs)).map(|(vm, _)| vm.as_str()).collect()
    }

    /// Lives that began after a moment, in the order of their beginnings.
    pub fn begun_since(&self, moment: f64) -> Vec<(&str, &Run)> {
        let all = self.runs.iter().flat_map(|(vm, runs)| runs.iter().map(move |run| (vm.as_str(), run)));
        let mut begun: Vec<_> = all.filter(|(_, run)| run.from > moment).collect();
        begun.sort_by(|(_, a), (_, b)| a.from.total_cmp(&b.from));
        begun
    }

    /// The longest stall since a moment, in seconds.
    pub fn stalled_since(&self, moment: f64) -> f64 {
        self.stalls.iter().filter(|stall| stall.at > moment).map(|stall| stall.lasted).fold(0.0, f64::max)
    }

    /// Hosts that went off by themselves since a moment, as one does that is fenced.
    pub fn fell_since(&self, moment: f64) -> Vec<(f64, &str)> {
        let ours = |at: f64, host: &str| {
            self.switched_off.iter().any(|(since, name)| name == host && (*since..since + 3.0).contains(&at))
        };
        let falls = self
            .power
            .iter()
            .flat_map(|(host, changes)| changes.iter().map(move |change| (host.as_str(), *change)));
        falls
            .filter(|(host, (at, on))| !on && *at > moment && !ours(*at, host))
            .map(|(host, (at, _))| (at, host))
            .collect()
    }

    /// All of it as text, a line an event.
    pub fn timeline(&self) -> String {
        self.events.iter().fold(String::new(), |mut text, event| {
            let _ = writeln!(text, "{:10.3}  {}", event.at, event.what);
            text
        })
    }

    pub(super) fn note(&mut self, at: f64, what: String) {
        self.events.push(Event { at, what });
    }

    pub(super) fn stall(&mut self, at: f64, lasted: f64) {
        self.stalls.push(Stall { at, lasted });
        self.note(at, format!("STALL: the machine did not let the recorder look for {lasted:.3} s"));
    }

    /// These guests have processes now.
    pub(super) fn guests(&mut self, at: f64, seen: &[Guest]) {
        let mut ended = Vec::new();
        for (vm, runs) in &mut self.runs {
            for run in runs.iter_mut().filter(|run| run.to.is_none()) {
                if !seen.iter().any(|guest| guest.process == run.process) {
                    run.to = Some(at);
                    ended.push(format!("{vm} ended on {}", run.host));
                }
            }
        }
        for what in ended {
            self.note(at, what);
        }
        for guest in seen {
            let runs = self.runs.entry(guest.vm.clone()).or_default();
            if !runs.iter().any(|run| run.process == guest.process) {
                let Guest { process, host, .. } = guest.clone();
                runs.push(Run { host, from: at, up: None, to: None, process });
                self.note(at, format!("{} started on {}", guest.vm, guest.host));
                self.judge(at, &guest.vm);
            }
        }
    }

    /// These hosts are on, or off, now.
    pub(super) fn power(&mut self, at: f64, hosts: &[(String, bool)]) {
        for (host, on) in hosts {
            let changes = self.power.entry(host.clone()).or_default();
            if changes.last().map_or(*on, |(_, before)| before != on) {
                changes.push((at, *on));
                self.note(at, format!("{host} is {}", if *on { "on" } else { "off" }));
            }
        }
    }

    /// A guest's console has gone on.
    pub(super) fn console(&mut self, at: f64, host: &str, vm: &str) {
        let runs = self.runs.entry(vm.to_owned()).or_default();
        // A process that was not seen yet will go on; one that has ended has said its last.
        let Some(run) = runs.iter_mut().find(|run| run.host == host && run.to.is_none()) else { return };
        let process = run.process;
        if run.up.is_none() {
            run.up = Some(at);
            self.events.push(Event { at, what: format!("{vm} is up on {host}") });
        }
        let before = self.speakers.insert(vm.to_owned(), (host.to_owned(), process));
        if let Some((other, spoke)) = before.filter(|(other, _)| other != host) {
            self.silenced.insert((vm.to_owned(), spoke));
            if self.silenced.contains(&(vm.to_owned(), process)) {
                let pid = process.pid;
                self.violate(
                    at,
                    &format!("{vm} goes on on {host} (process {pid}) after {other} had taken it over"),
                );
            }
        }
    }

    /// Whether a guest runs twice.
    fn judge(&mut self, at: f64, vm: &str) {
        let runs = self.runs.get(vm).into_iter().flatten();
        // One of them may have ended while the others were looked for.
        let alive: Vec<String> =
            runs.filter(|run| run.to.is_none() && run.process.lives()).map(|run| run.host.clone()).collect();
        if alive.len() > 1 && !self.migrating.contains(vm) {
            self.violate(at, &format!("{vm} runs on {}", alive.join(" and on ")));
        }
    }

    fn violate(&mut self, at: f64, what: &str) {
        self.note(at, format!("VIOLATION: {what}"));
        self.violations.push(format!("at {at:.3} s: {what}"));
    }
}
