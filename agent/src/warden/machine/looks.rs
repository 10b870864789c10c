//! Looks at all VMs, what they tell, and inventories.
use super::{
    Do, Errand, Job, LOOKS, LOOKS_BEFORE_REVIVAL, LOOKS_SILENT, Machine, ORDERED_ELSEWHERE, REVIVES,
    SEEN_ELSEWHERE, Word,
};
use crate::hypervisor::{Ending, Guest, GuestState};
use lifeboat_link::note::ReportNote;
use lifeboat_protocol::Instant;
use lifeboat_protocol::order::{Order, Report, StopCause, VmState};
use std::collections::BTreeMap;

impl Machine {
    /// Something may have changed.
    pub(super) fn look_now(&mut self, now: Instant) {
        self.look_at = now;
        self.look_again = self.looking.is_some();
        self.begin_looks(now);
    }

    pub(super) fn begin_looks(&mut self, now: Instant) {
        if self.looking.is_some() || self.look_at > now {
            return;
        }
        let ticket = self.job(None, Job::Look);
        (self.looking, self.last_look, self.look_began) = (Some(ticket), ticket, now);
        self.look_at = now + if self.silent_since.is_some() { LOOKS_SILENT } else { LOOKS };
    }

    pub(super) fn looked(&mut self, now: Instant, number: u64, result: Result<Vec<Guest>, Vec<String>>) {
        if self.looking != Some(number) {
            return;
        }
        self.looking = None;
        if std::mem::take(&mut self.look_again) {
            self.look_at = now;
        }
        match result {
            Ok(guests) => {
                let missed = std::mem::take(&mut self.missed_facts);
                self.wanted_facts.extend(missed);
                self.answers();
                self.sees(now, number, &guests);
                if self.inventory.is_some_and(|wanted| wanted <= number) {
                    self.tell_inventory(None);
                }
            }
            Err(traces) => self.silent(now, number, &traces),
        }
    }

    fn answers(&mut self) {
        self.unanswered = 0;
        if self.silent_since.take().is_some() {
            self.report(Report::Hypervisor { silent_for: None });
        }
    }

    fn silent(&mut self, now: Instant, number: u64, traces: &[String]) {
        let since = *self.silent_since.get_or_insert(self.look_began);
        self.unanswered += 1;
        self.look_at = self.look_at.min(now + LOOKS_SILENT).max(self.look_began + LOOKS_SILENT);
        if self.inventory.is_some() || !self.spoke {
            self.may_run(traces);
        }
        if self.inventory.is_some_and(|wanted| wanted <= number) {
            self.tell_inventory(Some(now.since(since)));
        } else {
            self.report(Report::Hypervisor { silent_for: Some(now.since(since)) });
        }
        let rested = self.revived.is_none_or(|at| now.since(at) >= REVIVES);
        if self.unanswered >= LOOKS_BEFORE_REVIVAL && rested {
            self.revived = Some(now);
            self.job(None, Job::Revive);
        }
    }

    fn may_run(&mut self, traces: &[String]) {
        for name in traces {
            let vm = self.vm(name);
            if vm.word == Word::Off {
                vm.word = Word::MayRun;
            }
        }
    }

    /// The first report of a term: all that runs or may run here.
    fn tell_inventory(&mut self, silent_for: Option<std::time::Duration>) {
        self.inventory = None;
        let silent = silent_for.is_some();
        let mut all = Vec::new();
        for (name, vm) in &mut self.vms {
            let errand = vm.busy.and_then(|ticket| self.errands.get(&ticket));
            let starts = matches!(errand, Some(Errand::Order(Order::Start { .. })));
            if vm.word == Word::Off && !starts {
                continue;
            }
            let leaves = matches!(errand, Some(Errand::Order(Order::Migrate { .. })));
            let sure = !silent && (errand.is_none() || leaves) && vm.state.is_some_and(GuestState::runs);
            vm.word = if sure { Word::Runs } else { Word::MayRun };
            all.push((name.clone(), if sure { VmState::Running } else { VmState::Unknown }));
        }
        self.spoke = true;
        self.out.push_back(Do::Report(Report::Inventory { vms: all }));
        let held = std::mem::take(&mut self.held);
        let finished = held.into_iter().filter(|report| matches!(report, Report::Finished { .. }));
        self.out.extend(finished.map(Do::Report));
        if silent {
            self.out.push_back(Do::Report(Report::Hypervisor { silent_for }));
        }
        let notes = std::mem::take(&mut self.held_notes);
        self.out.extend(notes.into_iter().map(Do::Note));
        self.tell_facts_anew();
    }

    fn sees(&mut self, now: Instant, number: u64, guests: &[Guest]) {
        let mut seen: BTreeMap<&str, GuestState> = BTreeMap::new();
        for guest in guests {
            seen.insert(&guest.vm, guest.state);
            if !self.vms.contains_key(&guest.vm) {
                self.wanted_facts.insert(guest.vm.clone());
                self.vm(&guest.vm);
            }
        }
        if self.stopping {
            if !self.killing && seen.values().any(|state| state.may_run()) {
                self.killing = true;
                self.job(None, Job::KillAll);
            }
            return;
        }
        let names: Vec<String> = self.vms.keys().cloned().collect();
        for name in names {
            let vm = &self.vms[&name];
            if vm.busy.is_none() && vm.stale_until < number {
                self.sees_one(now, &name, seen.get(name.as_str()).copied());
            }
        }
        // Of what libvirt no longer knows, and nobody told of, nothing need be remembered.
        self.vms.retain(|name, vm| {
            let idle = vm.note.is_none() && vm.busy.is_none() && vm.word == Word::Off && vm.left.is_none();
            !idle || seen.contains_key(name.as_str())
        });
    }

    fn sees_one(&mut self, now: Instant, name: &str, state: Option<GuestState>) {
        let quiet = !self.speaks();
        let vm = self.vm(name);
        let before = vm.state;
        vm.state = state;
        match (vm.word, state) {
            (_, Some(GuestState::Wreck)) => {
                let ticket =
                    self.job(Some(Errand::Wreck(name.to_owned())), Job::Stop { vm: name.to_owned() });
                self.vm(name).busy = Some(ticket);
            }
            (Word::Off, Some(GuestState::Arriving)) => {
                (vm.word, vm.arriving) = (Word::MayRun, true);
            }
            (Word::Off, Some(now_is)) if now_is.runs() => {
                (vm.word, vm.ending) = (Word::Runs, None);
                if vm.arriving {
                    self.has_arrived(now, name);
                } else if !quiet {
                    vm.unasked = true;
                    self.appeared(name);
                }
                self.monitors.started(name, now);
            }
            (Word::MayRun, Some(now_is)) if now_is.runs() => {
                vm.word = Word::Runs;
                if vm.arriving {
                    self.has_arrived(now, name);
                } else if !quiet {
                    self.report(Report::Ready { vm: name.to_owned() });
                }
            }
            (Word::Runs | Word::MayRun, None | Some(GuestState::Stopped(_))) => {
                self.has_ended(now, name, before, state, quiet);
            }
            (Word::Runs, _) => {
                vm.left = None;
                if vm.arrived.is_some_and(|at| now.since(at) >= ORDERED_ELSEWHERE) {
                    vm.arrived = None;
                    self.appeared(name);
                }
            }
            _ => {}
        }
    }

    /// It runs here, and nobody has sent it. The pool may know it as another host told it last.
    fn appeared(&mut self, name: &str) {
        self.vm(name).facts_told = false;
        self.wanted_facts.insert(name.to_owned());
        self.out.push_back(Do::Note(ReportNote::Appeared { vm: name.to_owned() }));
    }

    fn has_arrived(&mut self, now: Instant, name: &str) {
        let vm = self.vm(name);
        (vm.arriving, vm.arrived, vm.ending) = (false, Some(now), None);
        vm.facts_told = false;
        self.monitors.started(name, now);
        self.wanted_facts.insert(name.to_owned());
        self.report(Report::Ready { vm: name.to_owned() });
    }

    fn has_ended(
        &mut self,
        now: Instant,
        name: &str,
        before: Option<GuestState>,
        state: Option<GuestState>,
        quiet: bool,
    ) {
        let remembered = match state {
            Some(GuestState::Stopped(ending)) => ending,
            _ => None,
        };
        let vm = self.vm(name);
        let ending = remembered.or(vm.ending);
        // Whoever migrated it away by hand: it is first to be seen where it went, or it would be started twice.
        if ending == Some(Ending::Left) && !quiet {
            let left = *vm.left.get_or_insert(now);
            if now.since(left) < SEEN_ELSEWHERE {
                self.look_at = self.look_at.min(left + SEEN_ELSEWHERE);
                return;
            }
        }
        (vm.word, vm.ending, vm.left, vm.arrived, vm.unasked) = (Word::Off, None, None, None, false);
        let came = std::mem::take(&mut vm.arriving) || before == Some(GuestState::Arriving);
        let cause = match ending {
            Some(Ending::Here(cause)) => cause,
            Some(Ending::Left) => StopCause::Stopped,
            // A migration that was called off: it goes on where it came from.
            None if came => StopCause::Stopped,
            None => StopCause::Crashed,
        };
        self.monitors.ended(name);
        if !quiet {
            self.report(Report::Stopped { vm: name.to_owned(), cause });
        }
    }

    /// What was left of one that crashed is gone.
    pub(super) fn removed(&mut self, now: Instant, name: &str) {
        self.settled(name, Word::Off);
        self.report(Report::Stopped { vm: name.to_owned(), cause: StopCause::Crashed });
        self.look_now(now);
    }

    /// What became of a start that an earlier agent had begun.
    pub(super) fn is_certain(&mut self, now: Instant, name: &str, runs: bool) {
        self.settled(name, if runs { Word::Runs } else { Word::Off });
        if runs {
            self.monitors.started(name, now);
        }
        // An inventory that is still to come tells it.
        if self.speaks() {
            let vm = name.to_owned();
            self.report(if runs {
                Report::Ready { vm }
            } else {
                Report::Stopped { vm, cause: StopCause::Crashed }
            });
        }
        self.look_now(now);
    }

    /// What was being done about a VM is done; looks that began before say nothing about it.
    pub(super) fn settled(&mut self, name: &str, word: Word) {
        let last_look = self.last_look;
        let vm = self.vm(name);
        (vm.busy, vm.word, vm.stale_until) = (None, word, last_look);
        (vm.left, vm.arriving, vm.arrived) = (None, false, None);
        vm.state = (word == Word::Runs).then_some(GuestState::Running);
        if word == Word::Off {
            (vm.ending, vm.unasked) = (None, false);
            self.monitors.ended(name);
        }
    }
}
