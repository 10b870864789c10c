//! What is done with VMs whose guests answer no more, and with those that have lost a storage or a network here.
use super::{Errand, Job, Machine, Word};
use crate::config::hypervisor::OnLoss;
use crate::hypervisor::site::Loss;
use crate::hypervisor::{GuestState, Pulse};
use crate::monitor::{Finding, Look};
use lifeboat_link::note::ReportNote;
use lifeboat_protocol::Instant;
use lifeboat_protocol::order::{Report, StopCause};
use std::collections::BTreeMap;
use std::time::Duration;

/// What this host has lost, by kind and id: since when, and whether something was done about it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    known: BTreeMap<(bool, String), (Instant, bool)>,
}

impl Machine {
    pub(super) fn begin_watch(&mut self, now: Instant) {
        let quiet = self.silent_since.is_some() || self.stopping || self.feeling || !self.spoke;
        if quiet || self.monitors.feels_at(self.felt).is_none_or(|at| at > now) {
            return;
        }
        let runs = self.vms.iter().filter(|(_, vm)| vm.word == Word::Runs);
        let vms: Vec<String> =
            runs.map(|(name, _)| name.clone()).filter(|vm| self.monitors.minds(vm)).collect();
        self.felt = Some(now);
        if !vms.is_empty() {
            self.feeling = true;
            self.job(None, Job::Pulses { vms });
        }
    }

    pub(super) fn felt_pulses(&mut self, now: Instant, pulses: Option<&BTreeMap<String, Pulse>>) {
        self.feeling = false;
        let names: Vec<String> = self.vms.keys().filter(|vm| self.monitors.minds(vm)).cloned().collect();
        for name in names {
            let vm = &self.vms[&name];
            let well = vm.busy.is_none() && vm.word == Word::Runs && vm.state == Some(GuestState::Running);
            let pulse = pulses.and_then(|pulses| pulses.get(&name)).copied();
            // Nothing is held against one that is paused, on its way, or that nobody could ask about.
            let look = match pulse {
                Some(pulse) if well && self.silent_since.is_none() => Look::Pulse(pulse),
                _ => Look::Excused,
            };
            let Some(finding) = self.monitors.look(&name, now, look) else { continue };
            self.act_on(&name, finding);
        }
    }

    fn act_on(&mut self, name: &str, finding: Finding) {
        let (errand, job) = match finding {
            Finding::Reset { silent_for } => {
                let text = format!("no sign of life for {} s; it is reset", silent_for.as_secs());
                self.alert("vm-unresponsive", Some(name), text);
                (Errand::Reset(name.to_owned()), Job::Reset { vm: name.to_owned() })
            }
            Finding::StopHere { resets } => {
                let text = format!(
                    "no sign of life after {resets} resets; it is stopped here, to be started elsewhere"
                );
                self.alert("vm-unresponsive", Some(name), text);
                (Errand::Ill(name.to_owned()), Job::StopIll { vm: name.to_owned() })
            }
            Finding::LeftAlone => {
                let text = "no sign of life, after resets and a restart; it is left as it is, for somebody to look at it";
                return self.alert("vm-unresponsive", Some(name), text.into());
            }
        };
        let ticket = self.job(Some(errand), job);
        self.vm(name).busy = Some(ticket);
    }

    pub(super) fn was_reset(&mut self, now: Instant, name: &str, result: Result<(), String>) {
        let last_look = self.last_look;
        let vm = self.vm(name);
        (vm.busy, vm.stale_until) = (None, last_look);
        self.monitors.rebooted(name, now);
        if let Err(why) = result {
            self.alert("vm-unresponsive", Some(name), format!("it cannot be reset: {why}"));
        }
        self.look_now(now);
    }

    pub(super) fn ill_stopped(&mut self, now: Instant, name: &str) {
        self.settled(name, Word::Off);
        self.tell_note(ReportNote::Unresponsive { vm: name.to_owned() });
        self.look_now(now);
    }

    pub(super) fn lost_stopped(&mut self, now: Instant, name: &str) {
        self.settled(name, Word::Off);
        self.report(Report::Stopped { vm: name.to_owned(), cause: StopCause::Crashed });
        self.look_now(now);
    }

    /// Storages and networks are gone from here, or are back.
    pub(super) fn react(&mut self, now: Instant, losses: Vec<Loss>) {
        let lost = |known: &(bool, String)| losses.iter().any(|l| (l.network, &l.id) == (known.0, &known.1));
        self.losses.known.retain(|known, _| lost(known));
        for loss in losses {
            let known = self.losses.known.entry((loss.network, loss.id.clone()));
            let (since, done) = *known.or_insert((loss.since.unwrap_or(now), false));
            let due = now.since(since) >= Duration::from_secs(loss.after_s);
            if loss.reaction == OnLoss::Ignore || !due || self.silent_since.is_some() || self.stopping {
                continue;
            }
            let what = if loss.network { "network" } else { "storage" };
            if !done {
                self.losses.known.insert((loss.network, loss.id.clone()), (since, true));
                let kind = if loss.network { "network-lost" } else { "storage-lost" };
                self.alert(kind, None, format!("the {what} {} is lost from here: {}", loss.id, loss.how));
            }
            if loss.reaction == OnLoss::Restart {
                self.give_up(&loss, what);
            }
        }
    }

    /// Stops the VMs that need what is lost, so that they are started where it is. Of a storage's VMs only those that are paused because
    /// their disks failed: the others have what they need in memory, and may live until it is back.
    fn give_up(&mut self, loss: &Loss, what: &str) {
        let needs = |name: &String| {
            let vm = &self.vms[name];
            let facts = vm.facts.as_ref();
            let needed = facts.is_some_and(|facts| {
                if loss.network {
                    facts.networks.contains(&loss.id)
                } else {
                    facts.storages.contains(&loss.id)
                }
            });
            let stuck = loss.network || vm.state == Some(GuestState::DiskFailed);
            let protected = vm.note.as_ref().is_some_and(|note| note.protected);
            needed && stuck && protected && vm.word == Word::Runs && vm.busy.is_none()
        };
        let names: Vec<String> = self.vms.keys().filter(|name| needs(name)).cloned().collect();
        for name in names {
            let text =
                format!("the {what} {} is lost from here; it is stopped, to be started elsewhere", loss.id);
            self.alert("vm-lost-its-means", Some(&name), text);
            let ticket = self.job(Some(Errand::Lost(name.clone())), Job::Stop { vm: name.clone() });
            self.vm(&name).busy = Some(ticket);
        }
    }
}
