//! Fencing from outside: other hosts are switched off through their BMCs or power strips, by the programs of the package `fence-agents`.
//!
//! ```text
//!   the protocol: these hosts are being fenced ──┐
//!   the service: fence this one ─────────────────┴─► fencer ── off, status, status ─► one program at a time for each device
//!   the protocol ◄── evidence: its power is off ────────┘
//! ```
//!
//! Only the leader's agent is asked to, so one host at a time works on a device. Who leads no more switches nothing off and nothing on: the
//! next leader does. A host that needs no fencing any more while a program is switching it off (its lease has run out, or it is back) is not
//! left off: that program is ended, the devices are asked which it is, and a host that is off is switched on or reported.
//!
//! A host counts as off when **every** device that feeds it has said so twice, the second time after all of them had said it once: with
//! redundant supplies one that is off says nothing. Whatever else happens (an error, no answer in time, an answer that
//! nobody knows) is *unknown*, which is not off: it is tried again, with pauses, for as long as the host has to be fenced.
//! [`plan`] decides all of that without a clock or a process of its own; this file runs the programs.
pub mod device;
pub mod plan;

use crate::clock;
use crate::config::FenceAgent;
use crate::context::Context;
use crate::hypervisor::command;
use crate::wiring::ToFencer;
use device::{Action, Answer, Device};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Input;
use lifeboat_protocol::evidence::EvidenceKind;
use plan::{Act, Job, Plan};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the fencer rests when nothing is due.
const IDLE: Duration = Duration::from_hours(1);

/// What the fencer hears.
enum Heard {
    Told(ToFencer),
    Answered(Job, Answer),
    /// Nobody is left who could tell anything.
    End,
}

/// What the status shows of it.
#[derive(Debug, Serialize)]
struct Standing {
    /// Hosts that can be switched off from here.
    can_fence: Vec<String>,
    /// Programs that are configured, and are not there.
    not_installed: Vec<String>,
    /// What is being done about which host.
    at_work: BTreeMap<String, String>,
}

/// Starts the fencer. It ends when `told` has no other end any more.
///
/// # Errors
/// If there can be no more threads.
pub fn start(context: Context, told: Receiver<ToFencer>) -> io::Result<JoinHandle<()>> {
    let (sender, heard) = mpsc::channel();
    let forward = sender.clone();
    crate::thread::spawn("fencer-ear", move || {
        while let Ok(told) = told.recv() {
            if forward.send(Heard::Told(told)).is_err() {
                return;
            }
        }
        // Without a reader there is nobody to tell.
        let _ = forward.send(Heard::End);
    })?;
    crate::thread::spawn("fencer", move || Fencer::new(context, sender).run(&heard))
}

struct Fencer {
    context: Context,
    plan: Plan,
    devices: Vec<Arc<Device>>,
    /// Positions of the devices that feed a host, by its name.
    feeds: BTreeMap<String, Vec<usize>>,
    /// Hosts that nobody knows how to switch off, so that it is said once.
    helpless: Vec<HostIndex>,
    /// What runs, and how it is told to end.
    running: Vec<(Job, Arc<AtomicBool>)>,
    sender: Sender<Heard>,
}

impl Fencer {
    fn new(context: Context, sender: Sender<Heard>) -> Self {
        let (devices, feeds) = devices(&context.config.fence.agents);
        let plan = Plan::new(device::lanes(&devices));
        for agent in absent(&devices) {
            tracing::error!(
                agent,
                "a [[fence.agent]] names it, and it is not installed (apt-get install fence-agents): it fences nobody"
            );
        }
        for path in devices.iter().flat_map(Device::exposed) {
            tracing::warn!(path = %path.display(), "others than root can read this secret of a [[fence.agent]]: chmod 600 it");
        }
        let devices = devices.into_iter().map(Arc::new).collect();
        Self { context, plan, devices, feeds, helpless: Vec::new(), running: Vec::new(), sender }
    }

    fn run(mut self, heard: &Receiver<Heard>) {
        self.post();
        loop {
            let rest = self.plan.next().map_or(IDLE, |at| at.since(clock::now()));
            match heard.recv_timeout(rest) {
                Ok(Heard::Told(ToFencer::Needed(hosts))) => self.needed(&hosts),
                Ok(Heard::Told(ToFencer::Fence { host })) => self.need(host, true),
                Ok(Heard::Told(ToFencer::Rest)) => self.plan.rest(),
                Ok(Heard::Answered(job, answer)) => {
                    self.running.retain(|(running, _)| *running != job);
                    self.say(&job, &answer);
                    self.plan.answered(clock::now(), &job, &answer);
                }
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self.plan.elapsed(clock::now()),
            }
            for act in self.plan.acts() {
                self.act(act);
            }
            self.post();
        }
    }

    fn needed(&mut self, hosts: &[HostIndex]) {
        self.helpless.retain(|host| hosts.contains(host));
        for host in self.plan.agreed() {
            if !hosts.contains(&host) {
                self.plan.release(host);
            }
        }
        for host in hosts {
            self.need(*host, false);
        }
    }

    fn need(&mut self, host: HostIndex, asked: bool) {
        let name = self.context.roster.name(host);
        let Some(devices) = self.feeds.get(&name) else {
            if !self.helpless.contains(&host) {
                self.helpless.push(host);
                tracing::info!(host = name, "there is no [[fence.agent]] for it: its lease has to run out");
            }
            return;
        };
        let power_on = devices.iter().all(|device| self.devices[*device].power_on);
        self.plan.need(clock::now(), host, devices, power_on, asked);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Run(job) => self.start(job),
            Act::Abandon(host) => {
                let off =
                    self.running.iter().filter(|(job, _)| job.host == host && job.action != Action::Status);
                off.for_each(|(_, given_up)| given_up.store(true, Ordering::Relaxed));
            }
            Act::IsOff(host) => {
                tracing::warn!(
                    host = self.context.roster.name(host),
                    "its power is off: every device says so, twice"
                );
                self.context.inbox.input(Input::Evidence { host, kind: EvidenceKind::PowerOff });
            }
            Act::IsOnAgain(host) => {
                tracing::info!(
                    host = self.context.roster.name(host),
                    "it was fenced, and is switched on again"
                );
            }
            Act::StaysOff(host) => {
                tracing::error!(
                    host = self.context.roster.name(host),
                    "it was switched off, or may have been, and is not on again: see to it"
                );
            }
        }
    }

    fn start(&mut self, job: Job) {
        let given_up = Arc::new(AtomicBool::new(false));
        self.running.push((job.clone(), Arc::clone(&given_up)));
        let (device, sender) = (Arc::clone(&self.devices[job.device]), self.sender.clone());
        let (answers, unstarted) = (sender.clone(), job.clone());
        let started = crate::thread::spawn("fence-agent", move || {
            let answer = device.run(job.action, &|| given_up.load(Ordering::Relaxed));
            // The fencer has ended: nobody wants to know.
            let _ = sender.send(Heard::Answered(job, answer));
        });
        if let Err(fault) = started {
            let _ = answers.send(Heard::Answered(unstarted, Answer::Unknown(format!("no thread: {fault}"))));
        }
    }

    fn say(&self, job: &Job, answer: &Answer) {
        let (host, device) = (self.context.roster.name(job.host), &self.devices[job.device].agent);
        match answer {
            Answer::Unknown(why) => tracing::warn!(host, device, action = %job.action, "no use: {why}"),
            known => tracing::info!(host, device, action = %job.action, answer = ?known, "answered"),
        }
    }

    fn post(&self) {
        let at_work =
            self.plan.standing().map(|(host, step)| (self.context.roster.name(host), step.to_owned()));
        let can_fence = self.feeds.keys().cloned().collect();
        let standing = Standing {
            can_fence,
            not_installed: absent(self.devices.iter().map(|device| &**device)),
            at_work: at_work.collect(),
        };
        self.context.board.post("fencer", &standing);
    }
}

/// Programs of devices that are not there.
fn absent<'a>(devices: impl IntoIterator<Item = &'a Device>) -> Vec<String> {
    let agents = devices.into_iter().map(|device| device.agent.clone());
    agents.filter(|agent| !command::is_installed(agent)).collect()
}

/// The devices, and which of them feed each host.
fn devices(agents: &[FenceAgent]) -> (Vec<Device>, BTreeMap<String, Vec<usize>>) {
    let mut feeds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, agent) in agents.iter().enumerate() {
        feeds.entry(agent.host.clone()).or_default().push(position);
    }
    (agents.iter().map(Device::from).collect(), feeds)
}

#[cfg(test)]
mod tests;
