//! What hosts say: of their VMs, of orders, of themselves.
use super::{Learned, Machine};
use crate::conductor::authority::Credentials;
use crate::conductor::findings;
use crate::conductor::machine::Deed;
use crate::conductor::names::Names;
use crate::conductor::orders::Errand;
use crate::conductor::records::Definition;
use lifeboat_coordinator::input::{Report, StopCause};
use lifeboat_coordinator::record::Place;
use lifeboat_coordinator::{Input, Instant, Planner};
use lifeboat_interpreter as interpreter;
use lifeboat_link::note::{self, VmFacts};
use lifeboat_link::{FromService, OrderNote, ReportNote};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::order as told;
use lifeboat_protocol::order::Order;

impl<P: Planner> Machine<P> {
    pub(super) fn report(&mut self, now: Instant, host: HostIndex, report: told::Report) {
        let finished = self.orders.finished(&report);
        match &report {
            told::Report::Inventory { vms } => {
                let running = vms.iter().filter(|(_, state)| *state == told::VmState::Running);
                self.sightings.inventory(host, running.map(|(vm, _)| vm.as_str()));
                self.orders.void(host);
                self.note(host, &OrderNote::Roster(self.roster.clone()));
            }
            told::Report::Ready { vm } => self.sightings.runs(vm, host),
            told::Report::Stopped { vm, .. } => self.sightings.stopped(vm, host),
            told::Report::Finished { outcome, .. } => {
                if let Some(sent) = &finished {
                    if let told::Outcome::Failed { reason } = outcome {
                        let host = self.names.alias(host).unwrap_or_default();
                        tracing::warn!(vm = sent.vm, host, errand = ?sent.errand, reason, "an order failed");
                    }
                    self.sightings_after(host, &sent.vm, sent.errand, outcome);
                }
            }
            told::Report::Hypervisor { .. } => {}
            told::Report::Note { bytes } => return self.heard(now, host, bytes),
        }
        // The outcome of an order of the machine's own: the coordinator hears of it as of somebody else's doing.
        if let Some(sent) = finished.as_ref().filter(|sent| sent.order.is_none()) {
            if let told::Report::Finished { outcome: told::Outcome::Done, .. } = &report
                && let Some(vm) = self.names.vm(&sent.vm)
            {
                let report = Report::Stopped { vm, cause: StopCause::Stopped };
                self.feed(now, Input::Report { host, report });
            }
            return;
        }
        let inventory = matches!(report, told::Report::Inventory { .. });
        let known = Known { names: &self.names, finished: finished.and_then(|sent| sent.order) };
        if let Some(report) = interpreter::report(&known, report) {
            if let Report::Stopped { vm, .. } = report {
                self.seen_elsewhere(now, vm, host);
            }
            self.feed(now, Input::Report { host, report });
        }
        if inventory {
            for vm in self.sightings.on(host).map(str::to_owned).collect::<Vec<_>>() {
                self.stop_besides(&vm);
            }
        }
    }

    fn sightings_after(&mut self, host: HostIndex, vm: &str, errand: Errand, outcome: &told::Outcome) {
        match (errand, outcome) {
            (Errand::Start, told::Outcome::Done) => {
                self.sightings.runs(vm, host);
                self.made_of_the_same(host, vm);
            }
            (Errand::Migrate { to }, told::Outcome::Done) => {
                self.sightings.stopped(vm, host);
                self.sightings.runs(vm, to);
                self.made_of_the_same(to, vm);
            }
            (Errand::Start, told::Outcome::Failed { .. }) | (Errand::Stop, told::Outcome::Done) => {
                self.sightings.stopped(vm, host);
            }
            (Errand::Stop | Errand::Migrate { .. }, told::Outcome::Failed { .. }) => {}
        }
    }

    /// A note of a host's.
    fn heard(&mut self, now: Instant, host: HostIndex, bytes: &[u8]) {
        let heard = match note::unpack::<ReportNote>(bytes) {
            Ok(heard) => heard,
            Err(error) => {
                tracing::warn!(%error, host = host.get(), "a host says what this version does not understand");
                return;
            }
        };
        match heard {
            ReportNote::Host(facts) => {
                if let Some(host) = self.names.host_id(host).map(str::to_owned) {
                    self.learn(Learned::Host { host, facts: Box::new(facts) });
                }
            }
            ReportNote::Vm(facts) => self.defined(host, facts),
            ReportNote::Appeared { vm } => {
                self.sightings.runs(&vm, host);
                if let Some(index) = self.names.vm(&vm) {
                    self.feed(now, Input::Report { host, report: Report::Appeared { vm: index } });
                }
                self.stop_besides(&vm);
            }
            ReportNote::Undefined { vm } => {
                // The pool goes on knowing it: where it is started again its host is told what it is made of.
                tracing::info!(vm, host = host.get(), "somebody has removed a VM's definition");
            }
            ReportNote::Alert { kind, vm, text } => {
                let found = findings::of_agent(host, &kind, vm.as_deref(), &text, &self.names);
                self.found(found);
            }
            ReportNote::Unresponsive { vm } => {
                let text = "its guest answers no more; it was stopped and is started again";
                let found = findings::of_agent(host, "vm-unresponsive", Some(&vm), text, &self.names);
                self.found(found);
                self.sightings.stopped(&vm, host);
                if let Some(vm) = self.names.vm(&vm) {
                    let report = Report::Stopped { vm, cause: StopCause::Crashed };
                    self.feed(now, Input::Report { host, report });
                }
            }
            ReportNote::Credentials { signed_by, believes } => {
                let credentials = Credentials { signed_by, believes };
                self.learn(Learned::Credentials { host, credentials });
            }
            ReportNote::CertificateRequest { csr_pem } => {
                self.learn(Learned::Certificate { host, csr_pem });
            }
        }
    }

    /// Before the coordinator hears that a VM has stopped on a host, it hears where else it was seen: it may have been moved there by
    /// hand, and is not down.
    fn seen_elsewhere(&mut self, now: Instant, vm: VmIndex, host: HostIndex) {
        let Some(name) = self.names.vm_id(vm) else { return };
        for other in self.sightings.of(name).filter(|other| *other != host).collect::<Vec<_>>() {
            self.feed(now, Input::Report { host: other, report: Report::Appeared { vm } });
        }
    }

    /// A host says what a VM is made of.
    fn defined(&mut self, host: HostIndex, facts: VmFacts) {
        let runs = self.sightings.is_on(&facts.vm, host);
        if !runs && !self.speaks_for(host, &facts.vm) {
            return;
        }
        let known = self.definitions.get(&facts.vm);
        let was_bound = known.filter(|known| !known.facts.bound_by.is_empty());
        let (allowed_before, released) = match (facts.bound_by.is_empty(), was_bound) {
            (true, Some(known)) => (None, Some(known.allowed_before.clone())),
            (true, None) => (None, None),
            (false, Some(known)) => (known.allowed_before.clone(), None),
            (false, None) => {
                let described = self.served.find_vm(&facts.vm).map(|vm| self.served.describe_vm(vm));
                (described.and_then(|vm| vm.allowed_hosts), None)
            }
        };
        let definition = Definition { facts, from: Some(host.get()), allowed_before };
        self.definitions.insert(definition.facts.vm.clone(), definition.clone());
        if let Some(host) = self.names.host_id(host).map(str::to_owned) {
            self.learn(Learned::Vm { host, definition: Box::new(definition), runs, released });
        }
    }

    /// A VM runs on a host as it was sent there, and that host says from now on what it is made of. It need not tell what it has told before.
    fn made_of_the_same(&mut self, host: HostIndex, vm: &str) {
        let Some(known) = self.definitions.get_mut(vm).filter(|known| known.from != Some(host.get())) else {
            return;
        };
        known.from = Some(host.get());
        let definition = Box::new(known.clone());
        if let Some(host) = self.names.host_id(host).map(str::to_owned) {
            self.learn(Learned::Vm { host, definition, runs: true, released: None });
        }
    }

    /// Whether a host where a VM does not run has a say in what it is made of. Every host that ever ran it still has it as it was then; only
    /// the one that told last has it as it is, unless it was placed elsewhere since.
    fn speaks_for(&self, host: HostIndex, vm: &str) -> bool {
        if self.sightings.of(vm).next().is_some() {
            return false;
        }
        let Some(known) = self.definitions.get(vm) else { return true };
        let home = match self.names.vm(vm).and_then(|vm| self.places.get(&vm)) {
            Some(Place::On(home) | Place::Moving { from: home, .. }) => Some(*home),
            Some(Place::Nowhere) | None => None,
        };
        known.from == Some(host.get()) && home.is_none_or(|home| home == host)
    }

    /// Where a VM runs on a second host, it is stopped there at once: the one that the coordinator placed counts.
    fn stop_besides(&mut self, vm: &str) {
        let Some(index) = self.names.vm(vm) else { return };
        let Some(Place::On(home)) = self.places.get(&index).copied() else { return };
        if self.orders.migrates(vm) || !self.live.contains(&home) {
            return;
        }
        for host in self.sightings.besides(vm, home) {
            if self.orders.stops(vm, host) {
                continue;
            }
            let text = format!(
                "VM {vm} runs on {} too, where the coordinator placed it: it is stopped here",
                self.names.alias(home).unwrap_or_default()
            );
            let found = findings::of_agent(host, "vm-runs-twice", Some(vm), &text, &self.names);
            self.found(found);
            let id = self.orders.own_stop(host, vm);
            let order = Order::Stop { id, vm: vm.to_owned() };
            self.deeds.push_back(Deed::Send(FromService::Order { host, order }));
        }
    }
}

/// What the names in a report stand for.
struct Known<'n> {
    names: &'n Names,
    finished: Option<lifeboat_coordinator::OrderNumber>,
}

impl interpreter::Names for Known<'_> {
    fn vm(&self, name: &str) -> Option<VmIndex> {
        self.names.vm(name)
    }

    fn order(&self, _: told::OrderId) -> Option<lifeboat_coordinator::OrderNumber> {
        self.finished
    }
}
