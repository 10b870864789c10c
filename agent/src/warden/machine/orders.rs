//! Orders: taken up in turn, one at a time for each VM, each finished exactly once.
use super::{Do, Done, Errand, Job, Machine, Vm, Word};
use crate::hypervisor::Ending;
use lifeboat_link::note::{self, OrderNote};
use lifeboat_protocol::Instant;
use lifeboat_protocol::order::{Gate, Order, OrderId, Outcome, Report, StopCause};
use std::collections::{BTreeSet, VecDeque};

impl Machine {
    pub(super) fn note(&mut self, bytes: &[u8]) {
        match note::unpack::<OrderNote>(bytes) {
            Ok(OrderNote::Vm(note)) => {
                self.monitors.set(&note.vm, note.monitor.clone());
                self.out.push_back(Do::Keep(note.clone()));
                let name = note.vm.clone();
                self.vm(&name).note = Some(note);
            }
            Ok(left @ (OrderNote::Leave | OrderNote::Reboot)) => match self.leave() {
                Ok(()) => self.out.push_back(Do::MayLeave { reboots: left == OrderNote::Reboot }),
                Err(why) => self.alert("host-cannot-leave", None, why),
            },
            Ok(OrderNote::Roster(_) | OrderNote::Certificate { .. }) => {
                self.out.push_back(Do::Other(bytes.into()));
            }
            Err(fault) => {
                tracing::error!(%fault, "a note from the coordinator is not understood; are the agents of one version?");
            }
        }
    }

    /// Takes up what can be.
    pub(super) fn begin_orders(&mut self, now: Instant) {
        if self.stopping || self.silent_since.is_some() || self.inventory.is_some() || !self.spoke {
            return;
        }
        // An order waits for those before it that are about the same VM.
        let mut waiting = BTreeSet::new();
        let mut left = VecDeque::new();
        for order in std::mem::take(&mut self.orders) {
            let Some(vm) = order.vm().map(str::to_owned) else { continue };
            // Whether one that may run does run, the next look tells; until then it is neither started nor refused.
            let open = |vm: &Vm| vm.word == Word::MayRun && !matches!(order, Order::Stop { .. });
            let busy = self.vms.get(&vm).is_some_and(|vm| vm.busy.is_some() || open(vm));
            if busy || waiting.contains(&vm) || !self.has_room(&order) {
                waiting.insert(vm);
                left.push_back(order);
            } else {
                self.begin(now, order, &vm);
            }
        }
        self.orders = left;
    }

    fn has_room(&self, order: &Order) -> bool {
        let like = |errand: &Errand| {
            matches!(
                (errand, order),
                (Errand::Order(Order::Start { .. }), Order::Start { .. })
                    | (Errand::Order(Order::Stop { .. }), Order::Stop { .. })
                    | (Errand::Order(Order::Migrate { .. }), Order::Migrate { .. })
            )
        };
        let most = match order {
            Order::Start { .. } => self.limits.starts,
            Order::Stop { .. } => self.limits.stops,
            Order::Migrate { .. } | Order::Note { .. } => self.limits.migrations,
        };
        self.errands.values().filter(|errand| like(errand)).count() < most
    }

    fn begin(&mut self, now: Instant, order: Order, name: &str) {
        let vm = self.vm(name).clone();
        let id = order.id();
        let job = match &order {
            Order::Start { gate, .. } if vm.word == Word::Runs => {
                self.finished(id, Outcome::Done);
                return self.wait_for_gate(name, *gate);
            }
            Order::Start { .. } if self.leaving => {
                return self.refuse(id, name, "the host is leaving the pool");
            }
            Order::Start { .. } if !self.leased => return self.refuse(id, name, "the host has no lease now"),
            Order::Start { vm: name, .. } => match vm.note.map(|note| note.definition) {
                Some(definition) => Job::Start { vm: name.clone(), definition },
                None => return self.refuse(id, name, "nobody told this host what it is made of"),
            },
            Order::Stop { vm, .. } => Job::Stop { vm: vm.clone() },
            Order::Migrate { .. } if vm.word != Word::Runs => {
                return self.refuse(id, name, "it does not run here");
            }
            Order::Migrate { vm, to, .. } => Job::Migrate { vm: vm.clone(), to: *to },
            Order::Note { .. } => return,
        };
        let known = self.vm(name);
        known.ending = None;
        let ticket = self.job(Some(Errand::Order(order)), job);
        self.vm(name).busy = Some(ticket);
        self.monitors.rebooted(name, now);
    }

    fn refuse(&mut self, id: OrderId, vm: &str, why: &str) {
        self.failed(id, vm, why.to_owned());
    }

    /// The coordinator tries again, here or elsewhere: why, people find in the log.
    fn failed(&mut self, id: OrderId, vm: &str, reason: String) {
        tracing::warn!(vm, order = ?id, reason, "an order failed");
        self.finished(id, Outcome::Failed { reason });
    }

    /// An order was carried out, or could not be.
    pub(super) fn carried_out(&mut self, now: Instant, order: &Order, done: Done) {
        let id = order.id();
        // The inventory of a newer term said that it may run: somebody waits to hear what came of that.
        let owed = id.epoch < self.term;
        match (order, done) {
            (Order::Start { vm, gate, .. }, Done::Start(Ok(remarks))) => {
                self.settled(vm, Word::Runs);
                let known = self.vm(vm);
                (known.gate, known.ending) = (None, None);
                self.monitors.started(vm, now);
                self.finished(id, Outcome::Done);
                let gate = if owed { Gate::Started } else { *gate };
                self.wait_for_gate(vm, gate);
                for text in remarks {
                    self.alert("vm-start-remark", Some(vm), text);
                }
            }
            (Order::Start { vm, .. }, Done::Start(Err(reason))) => {
                self.settled(vm, Word::Off);
                self.failed(id, vm, reason);
                if owed {
                    self.report(Report::Stopped { vm: vm.clone(), cause: StopCause::Crashed });
                }
            }
            (Order::Stop { vm, .. }, Done::Stop) => {
                let unasked = self.vm(vm).unasked;
                self.settled(vm, Word::Off);
                self.finished(id, Outcome::Done);
                if owed {
                    self.report(Report::Stopped { vm: vm.clone(), cause: StopCause::Crashed });
                }
                if unasked {
                    let text = "it ran here without the pool's order, and was stopped: the pool has it elsewhere, or off";
                    self.alert("vm-runs-unasked", Some(vm), text.into());
                }
            }
            (Order::Migrate { vm, .. }, Done::Migrate(Ok(()))) if owed => {
                // Who ordered it is gone: its new coordinator hears of it from where it arrived, and then that it is not here.
                let last_look = self.last_look;
                let known = self.vm(vm);
                (known.busy, known.stale_until, known.ending) = (None, last_look, Some(Ending::Left));
                self.finished(id, Outcome::Done);
            }
            (Order::Migrate { vm, .. }, Done::Migrate(Ok(()))) => {
                self.settled(vm, Word::Off);
                self.finished(id, Outcome::Done);
            }
            (Order::Migrate { vm, .. }, Done::Migrate(Err(reason))) => {
                let last_look = self.last_look;
                let known = self.vm(vm);
                (known.busy, known.stale_until) = (None, last_look);
                self.failed(id, vm, reason);
            }
            (order, done) => {
                // Whoever does jobs answers each with its own kind.
                tracing::error!(?order, ?done, "an order was answered with something else");
                let vm = order.vm().unwrap_or_default();
                if let Some(known) = self.vms.get_mut(vm) {
                    known.busy = None;
                }
                self.refuse(id, vm, "the agent does not know what became of it");
            }
        }
        self.look_now(now);
    }

    fn wait_for_gate(&mut self, vm: &str, gate: Gate) {
        if gate == Gate::Started {
            self.report(Report::Ready { vm: vm.to_owned() });
        } else {
            let ticket = self.job(Some(Errand::Gate(vm.to_owned())), Job::Gate { vm: vm.to_owned(), gate });
            self.vm(vm).gate = Some(ticket);
        }
    }

    pub(super) fn gate(&mut self, name: &str, ticket: u64, passed: bool) {
        let vm = self.vm(name);
        // It may have been stopped and started again since.
        if vm.gate == Some(ticket) && passed && vm.word == Word::Runs {
            vm.gate = None;
            self.report(Report::Ready { vm: name.to_owned() });
        }
    }
}
