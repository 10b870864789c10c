//! A program of the operator's that runs VMs: it is called with a verb, and answers in JSON. What it is called with, and what it has to
//! answer, is told in docs/hypervisors.md.
//!
//! Its exit status says how it went: 0 done, 1 refused and nothing left of it (the reason on standard error), anything else, or
//! no end in time: nobody knows. 64: it has no such verb.
use super::command::{Run, Said, run, run_marked};
use super::processes;
use super::site::Site;
use super::{Ending, Event, Fault, Guest, GuestState, Hypervisor, Listener, Permit, Pulse};
use crate::clock;
use lifeboat_link::note::{HostFacts, VmFacts};
use lifeboat_protocol::order::StopCause;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often `list` is asked for what has changed; a program has no events.
const LOOKS: Duration = Duration::from_secs(2);
const REFUSED: i32 = 1;
const NO_VERB: i32 = 64;
/// The variable by which what a call has started is found.
const MARK: &str = "LIFEBOAT_CALL";
/// How long that may take to end when it is killed.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A program that runs VMs.
pub struct Exec {
    command: Vec<String>,
    revive: Vec<String>,
    limits: Limits,
    site: Arc<Site>,
    /// What the calls of this agent, and of the earlier ones of this host, have in common.
    mark: Option<String>,
}

/// How long the program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To answer a question.
    pub answer: Duration,
    /// To start, stop or reset a VM.
    pub start: Duration,
    /// To migrate one.
    pub migrate: Duration,
}

/// What `list` answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    vms: Vec<ListedVm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedVm {
    vm: String,
    state: State,
    #[serde(default)]
    cause: Option<Cause>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Running,
    Paused,
    DiskFailed,
    Arriving,
    Stopped,
    Unknown,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cause {
    Crashed,
    ShutDownInside,
    Stopped,
    Migrated,
}

/// What `pulse` answers for a VM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidPulse {
    activity: u64,
    #[serde(default)]
    heartbeat: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidAddress {
    address: Option<IpAddr>,
}

impl Exec {
    /// A program with its first arguments.
    pub fn new(command: Vec<String>, revive: Vec<String>, limits: Limits, site: Arc<Site>) -> Self {
        Self { command, revive, limits, site, mark: None }
    }

    /// Marks what it starts by the run directory of the agent, so that the next agent finds what this one has left half done.
    #[must_use]
    pub fn marked(mut self, run_directory: &Path) -> Self {
        self.mark = Some(run_directory.display().to_string());
        self
    }

    fn mark(&self, arguments: &[&str]) -> Option<String> {
        self.mark.as_ref().map(|mark| format!("{mark}:{}", arguments.join(" ")))
    }

    fn call(&self, arguments: &[&str], input: &[u8], within: Duration) -> Result<Said, Fault> {
        self.call_until(arguments, input, within, &|| false)
    }

    fn call_until(
        &self,
        arguments: &[&str],
        input: &[u8],
        within: Duration,
        given_up: &dyn Fn() -> bool,
    ) -> Result<Said, Fault> {
        let mark = self.mark(arguments);
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let command: Vec<String> = self.command.iter().cloned().chain(arguments).collect();
        let mark = mark.as_deref().map(|mark| (MARK, mark));
        let said = run_marked(&Run { command: &command, input, within, given_up }, mark)
            .map_err(|e| Fault::Silent(e.to_string()))?;
        match said.status.code() {
            Some(0) => Ok(said),
            Some(REFUSED) => Err(Fault::Refused(first_line(&said.errors))),
            Some(NO_VERB) => {
                Err(Fault::Refused(format!("{} has no verb {}", command[0], command[self.command.len()])))
            }
            _ => Err(Fault::Silent(format!("{} ended with {}: {}", command[0], said.status, said.errors))),
        }
    }

    fn ask<T: DeserializeOwned>(&self, arguments: &[&str], within: Duration) -> Result<T, Fault> {
        let said = self.call(arguments, b"", within)?;
        serde_json::from_slice(&said.output).map_err(|e| {
            Fault::Silent(format!("what it answers to {:?} is not what it should be: {e}", arguments[0]))
        })
    }
}

/// A reason for people: not more than a line of it.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(500).collect() }
}

impl Hypervisor for Exec {
    fn guests(&self) -> Result<Vec<Guest>, Fault> {
        let listed: Listed = self.ask(&["list"], self.limits.answer)?;
        Ok(listed.vms.into_iter().map(guest).collect())
    }

    fn traces(&self) -> Vec<String> {
        Vec::new()
    }

    fn describe(&self) -> Result<HostFacts, Fault> {
        let ours = self.site.facts(self.command[0].clone());
        match self.ask::<HostFacts>(&["describe"], self.limits.answer) {
            Ok(theirs) => Ok(HostFacts { agent: ours.agent, ..theirs }),
            Err(Fault::Refused(_)) => Ok(ours),
            Err(silent) => Err(silent),
        }
    }

    fn facts(&self, vm: &str) -> Result<VmFacts, Fault> {
        self.ask(&["facts", vm], self.limits.answer)
    }

    fn start(&self, vm: &str, definition: &str, permit: &Permit) -> Result<Vec<String>, Fault> {
        if !permit.allows() {
            return Err(Fault::Refused("this host may not start VMs now".into()));
        }
        let given_up = || permit.closed();
        self.call_until(&["start", vm], definition.as_bytes(), self.limits.start, &given_up)
            .map(|_| Vec::new())
    }

    fn end_half_started(&self, vm: &str) {
        let Some(mark) = self.mark(&["start", vm]).map(|mark| format!("{MARK}={mark}")) else { return };
        let left = processes::such(|pid| processes::environment(pid).contains(&mark));
        if !processes::end_all(&left, GONE_WITHIN) {
            tracing::error!(vm, "what an earlier agent's start of it has left does not end");
        }
    }

    fn stop(&self, vm: &str) -> Result<(), Fault> {
        self.call(&["stop", vm], b"", self.limits.start).map(drop)
    }

    fn migrate(&self, vm: &str, to: &str) -> Result<(), Fault> {
        self.call(&["migrate", vm, to], b"", self.limits.migrate).map(drop)
    }

    fn kill_all(&self) -> Result<(), Fault> {
        match self.call(&["kill-all"], b"", self.limits.start) {
            Err(Fault::Refused(why)) => return Err(Fault::Silent(format!("kill-all: {why}"))),
            other => other?,
        };
        // Its word is not enough: none may be listed that runs.
        let left: Vec<String> =
            self.guests()?.into_iter().filter(|g| g.state.may_run()).map(|g| g.vm).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(Fault::Silent(format!("still running after kill-all: {left:?}")))
        }
    }

    fn watch(self: Arc<Self>, listener: Listener) {
        let spawned = crate::thread::spawn("looks", move || {
            let mut before = None;
            loop {
                let now = self.guests().ok();
                if now != before && !listener(Event::Connected) {
                    return;
                }
                before = now;
                clock::wait(LOOKS);
            }
        });
        if let Err(fault) = spawned {
            tracing::error!(%fault, "no thread to look at VMs; changes are found later");
        }
    }

    fn pulses(&self, vms: &[String]) -> Result<BTreeMap<String, Pulse>, Fault> {
        let mut pulses = BTreeMap::new();
        for vm in vms {
            let said: SaidPulse = self.ask(&["pulse", vm], self.limits.answer)?;
            pulses.insert(vm.clone(), Pulse { activity: said.activity, heartbeat: said.heartbeat });
        }
        Ok(pulses)
    }

    fn reset(&self, vm: &str) -> Result<(), Fault> {
        self.call(&["reset", vm], b"", self.limits.start).map(drop)
    }

    fn evidence(&self, vm: &str, directory: &Path) -> Result<(), Fault> {
        let directory = directory.to_string_lossy();
        self.call(&["evidence", vm, &directory], b"", self.limits.start).map(drop)
    }

    fn guest_answers(&self, vm: &str) -> Result<bool, Fault> {
        match self.call(&["ping", vm], b"", self.limits.answer) {
            Ok(_) => Ok(true),
            Err(Fault::Silent(_)) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    fn address(&self, vm: &str) -> Result<Option<IpAddr>, Fault> {
        self.ask::<SaidAddress>(&["address", vm], self.limits.answer).map(|said| said.address)
    }

    fn revive(&self) -> Result<(), Fault> {
        revive(&self.revive)
    }

    fn answers_within(&self) -> Duration {
        self.limits.answer
    }
}

/// Runs the command that restarts a hypervisor's service.
pub(super) fn revive(command: &[String]) -> Result<(), Fault> {
    if command.is_empty() {
        return Err(Fault::Refused("hypervisor.revive is not set".into()));
    }
    let said = run(&Run { command, input: b"", within: Duration::from_mins(1), given_up: &|| false });
    let said = said.map_err(|e| Fault::Silent(e.to_string()))?;
    if said.status.success() { Ok(()) } else { Err(Fault::Refused(first_line(&said.errors))) }
}

fn guest(listed: ListedVm) -> Guest {
    let cause = listed.cause.map(|cause| match cause {
        Cause::Crashed => Ending::Here(StopCause::Crashed),
        Cause::ShutDownInside => Ending::Here(StopCause::ShutDownInside),
        Cause::Stopped => Ending::Here(StopCause::Stopped),
        Cause::Migrated => Ending::Left,
    });
    let state = match listed.state {
        State::Running => GuestState::Running,
        State::Paused => GuestState::Paused,
        State::DiskFailed => GuestState::DiskFailed,
        State::Arriving => GuestState::Arriving,
        State::Stopped => GuestState::Stopped(cause),
        State::Unknown => GuestState::Unknown,
    };
    Guest { vm: listed.vm, state }
}

#[cfg(test)]
mod tests;
