//! What VMs and the host are made of: learnt when it may have changed, told when it has.
use super::{DESCRIBES, Do, Errand, Job, Machine, Word};
use crate::hypervisor::Fault;
use crate::hypervisor::site::Loss;
use lifeboat_link::note::{HostFacts, ReportNote, VmFacts};
use lifeboat_protocol::Instant;

impl Machine {
    /// A new coordinator has to be told all.
    pub(super) fn tell_facts_anew(&mut self) {
        if let Some(host) = &self.host {
            self.out.push_back(Do::Note(ReportNote::Host(host.clone())));
        } else {
            self.described = None;
        }
        for (name, vm) in &mut self.vms {
            vm.facts_told = vm.facts.is_some();
            match &vm.facts {
                Some(facts) => self.out.push_back(Do::Note(ReportNote::Vm(facts.clone()))),
                None => drop(self.wanted_facts.insert(name.clone())),
            }
        }
    }

    pub(super) fn begin_facts(&mut self, now: Instant) {
        if self.silent_since.is_some() || self.last_look == 0 {
            return;
        }
        if !self.describing && self.described.is_none_or(|at| now.since(at) >= DESCRIBES) {
            (self.describing, self.described) = (true, Some(now));
            self.job(None, Job::Host);
        }
        if self.facts_busy {
            return;
        }
        // Not while something is done about it: what it is made of may be about to change.
        let ready = |vm: &&String| self.vms.get(*vm).is_none_or(|vm| vm.busy.is_none());
        let Some(vm) = self.wanted_facts.iter().find(ready).cloned() else { return };
        self.wanted_facts.remove(&vm);
        self.facts_busy = true;
        self.job(Some(Errand::Facts(vm.clone())), Job::Facts { vm });
    }

    pub(super) fn learnt(&mut self, name: &str, facts: Result<VmFacts, Fault>) {
        self.facts_busy = false;
        match facts {
            Ok(facts) => {
                let speaks = self.speaks();
                let vm = self.vm(name);
                if vm.facts.as_ref() == Some(&facts) && vm.facts_told {
                    return;
                }
                vm.facts = Some(facts.clone());
                vm.facts_told = speaks;
                if speaks {
                    self.out.push_back(Do::Note(ReportNote::Vm(facts)));
                }
            }
            // It is not here any more, or not defined: what was known of it stays with the pool.
            Err(Fault::Refused(why)) => tracing::debug!(vm = name, why, "nothing is learnt of a VM"),
            Err(fault) => {
                tracing::info!(vm = name, %fault, "nothing is learnt of a VM");
                self.missed_facts.insert(name.to_owned());
            }
        }
    }

    pub(super) fn describes(&mut self, now: Instant, facts: Option<HostFacts>, losses: Vec<Loss>) {
        self.describing = false;
        if let Some(facts) = facts
            && self.host.as_ref() != Some(&facts)
        {
            self.host = Some(facts.clone());
            if self.speaks() {
                self.out.push_back(Do::Note(ReportNote::Host(facts)));
            }
        }
        self.react(now, losses);
    }

    pub(super) fn undefined(&mut self, name: String) {
        let Some(vm) = self.vms.get_mut(&name) else { return };
        // After a migration it is undefined here because it is defined there.
        let by_us = vm.busy.is_some() || vm.left.is_some() || vm.stale_until == self.last_look;
        let knows = vm.note.is_some() || vm.facts.is_some();
        vm.facts = None;
        if !by_us && knows && vm.word == Word::Off {
            self.tell_note(ReportNote::Undefined { vm: name });
        }
    }
}
