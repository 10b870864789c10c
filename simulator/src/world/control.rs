//! Coordinator processes: started, fed, probed, hung, crashed and ended. At most one runs on a host; that at most
//! one has effect in the pool is for the protocol to see to, and for the invariants to watch.
mod tell;

use super::World;
use super::due::Due;
use super::host::Power;
use crate::planner::BoundedPlanner;
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_coordinator as coordinator;
use lifeboat_coordinator::input::Notice;
use lifeboat_coordinator::{Coordinator, Term};
use lifeboat_interpreter as interpreter;
use lifeboat_model::{HostIndex, HostSet};
use lifeboat_protocol::order::{Order, OrderId};
use lifeboat_protocol::{Boot, Epoch, Input};
use std::collections::VecDeque;

/// A coordinator's process.
pub(super) struct Control {
    run: u32,
    epoch: Epoch,
    state: State,
    hangs: bool,
    inbox: VecDeque<coordinator::Input>,
    busy: bool,
    wakes: Option<At>,
    /// Until then its writes are on their way.
    pub(super) store_busy_until: At,
    /// Hosts whose inventories it has been given.
    inventoried: HostSet,
    /// Hosts that say that their medium does not work.
    media_lost: HostSet,
}

enum State {
    /// Its program starts.
    Starting,
    /// It waits for the store.
    Opening,
    /// It works.
    Works(Box<Coordinator<BoundedPlanner>>),
}

/// What can be seen of a coordinator's process from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlView {
    /// Where it runs.
    pub host: HostIndex,
    /// Its term.
    pub epoch: Epoch,
    /// Whether it has read the store and works.
    pub works: bool,
    /// Whether it hangs.
    pub hangs: bool,
}

/// What a health check takes.
const PROBE: Duration = Duration::from_millis(1);
/// How often a coordinator tries to open the store.
const OPENING: Duration = Duration::from_millis(250);
/// What a coordinator's timer can tell apart.
const TIMER: Duration = Duration::from_micros(100);

impl Control {
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn has_heard(&self, host: HostIndex) -> bool {
        matches!(self.state, State::Works(_)) && self.inventoried.contains(host)
    }

    pub(super) fn view(&self, host: HostIndex) -> ControlView {
        let works = matches!(self.state, State::Works(_));
        ControlView { host, epoch: self.epoch, works, hangs: self.hangs }
    }
}

impl World<'_> {
    /// The agent begins a term on its host.
    pub(super) fn start_control(&mut self, index: HostIndex, epoch: Epoch) {
        self.remove_control(index);
        let run = self.new_run();
        let hosts = self.hosts.len();
        let held = core::mem::take(&mut self.hosts[index.get()].held_notices);
        let mut media_lost = HostSet::empty(hosts);
        for notice in &held {
            match *notice {
                Notice::MediumLost { host } => media_lost.insert(host),
                Notice::MediumBack { host } => media_lost.remove(host),
                _ => false,
            };
        }
        self.hosts[index.get()].control = Some(Control {
            run,
            epoch,
            state: State::Starting,
            hangs: false,
            inbox: held.into_iter().map(coordinator::Input::Notice).collect(),
            busy: false,
            wakes: None,
            store_busy_until: self.now,
            inventoried: HostSet::empty(hosts),
            media_lost,
        });
        self.after(self.settings.process_restart, Due::ControlStarts { host: index, run });
    }

    pub(super) fn control_starts(&mut self, index: HostIndex, run: u32) {
        if let Some(control) = self.control(index, run) {
            control.state = State::Opening;
            let epoch = control.epoch;
            self.tell(&Happening::CoordinatorUp { host: index, epoch });
            self.control_opens(index, run);
        }
    }

    pub(super) fn control_opens(&mut self, index: HostIndex, run: u32) {
        let reached = self.reaches_medium(index);
        let now = self.coordinator_time(index);
        let Some(control) = self.control(index, run) else { return };
        if !matches!(control.state, State::Opening) {
            return;
        }
        if !reached || control.hangs {
            return self.after(OPENING, Due::ControlOpens { host: index, run });
        }
        let epoch = control.epoch;
        let term = Term { epoch: epoch.0, host: index };
        let settings = coordinator::Settings::default();
        let records = self.store.records();
        let works = Coordinator::new(now, term, self.pool.clone(), records, settings, self.planner);
        if let Some(control) = self.control(index, run) {
            control.state = State::Works(Box::new(works));
        }
        self.tell(&Happening::StoreOpened { host: index, epoch });
        self.pump_control(index);
        self.control_looks(index, run);
    }

    /// The agent ends the coordinator's process on its host, if there is one, and is told when its writes are drained.
    pub(super) fn end_control(&mut self, index: HostIndex) {
        let drained = self.store_drained_at(index);
        self.remove_control(index);
        let boot = self.hosts[index.get()].boot;
        self.schedule.put(drained, Due::ControlDrained { host: index, boot });
    }

    /// The process crashes; the agent hears of it like of one that it has ended.
    pub(super) fn control_crashes(&mut self, index: HostIndex) {
        if self.hosts[index.get()].control.is_some() {
            self.end_control(index);
        }
    }

    pub(super) fn control_drained(&mut self, index: HostIndex, boot: Boot) {
        // A process that was begun since is another: the agent has heard of the end already.
        let host = &self.hosts[index.get()];
        if host.is_up(boot) && host.control.is_none() {
            self.feed(index, Input::CoordinatorEnded);
        }
    }

    fn remove_control(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index.get()];
        if let Some(control) = host.control.take() {
            // The next one here, which may find nothing of it in the store, is told again.
            host.held_notices.extend(control.media_lost.iter().map(|host| Notice::MediumLost { host }));
            self.tell(&Happening::CoordinatorDown { host: index, epoch: control.epoch });
        }
    }

    pub(super) fn control_hangs(&mut self, index: HostIndex, lasts: Option<Duration>) {
        let Some(control) = self.hosts[index.get()].control.as_mut() else { return };
        control.hangs = true;
        let run = control.run;
        if let Some(lasts) = lasts {
            self.after(lasts, Due::ControlGoesOn { host: index, run });
        }
    }

    pub(super) fn control_goes_on(&mut self, index: HostIndex, run: u32) {
        if let Some(control) = self.control(index, run) {
            control.hangs = false;
            self.feed_control(index, coordinator::Input::Elapsed);
        }
    }

    pub(super) fn probe_control(&mut self, index: HostIndex) {
        if let Some(control) = self.hosts[index.get()].control.as_ref() {
            let run = control.run;
            self.after(PROBE, Due::ControlAnswers { host: index, run });
        }
    }

    pub(super) fn control_answers(&mut self, index: HostIndex, run: u32) {
        if self.control(index, run).is_some_and(|control| !control.hangs) {
            self.feed(index, Input::CoordinatorAnswered);
        }
    }

    pub(super) fn control_wakes(&mut self, index: HostIndex, run: u32) {
        let now = self.now;
        let reads = self.coordinator_time(index);
        let Some(control) = self.control(index, run) else { return };
        if control.wakes != Some(now) {
            return;
        }
        control.wakes = None;
        let State::Works(works) = &control.state else { return };
        if works.deadline().is_some_and(|deadline| reads >= deadline) {
            self.feed_control(index, coordinator::Input::Elapsed);
        } else {
            self.set_control_alarm(index);
        }
    }

    pub(super) fn store_answers(
        &mut self,
        index: HostIndex,
        run: u32,
        ticket: coordinator::Ticket,
        stored: bool,
    ) {
        if self.control(index, run).is_some() {
            let input = if stored {
                coordinator::Input::Stored { ticket }
            } else {
                coordinator::Input::StoreFailed { ticket }
            };
            self.feed_control(index, input);
        }
    }

    /// The process of that run on a host, if it is still there.
    fn control(&mut self, index: HostIndex, run: u32) -> Option<&mut Control> {
        let host = &mut self.hosts[index.get()];
        host.control.as_mut().filter(|control| control.run == run && host.power == Power::Up)
    }

    pub(super) fn coordinator_time(&self, index: HostIndex) -> coordinator::Instant {
        coordinator::Instant::from_micros(self.hosts[index.get()].reads(self.now).as_micros())
    }

    /// Hands something to the coordinator on a host; it waits while the process starts or hangs.
    pub(super) fn feed_control(&mut self, index: HostIndex, input: coordinator::Input) {
        let Some(control) = self.hosts[index.get()].control.as_mut() else { return };
        if let coordinator::Input::Report { host, report: coordinator::input::Report::Inventory { .. } } =
            &input
        {
            control.inventoried.insert(*host);
        }
        control.inbox.push_back(input);
        if !control.busy {
            self.pump_control(index);
        }
    }

    fn pump_control(&mut self, index: HostIndex) {
        let now = self.coordinator_time(index);
        let Some(run) = self.hosts[index.get()].control.as_ref().map(|control| control.run) else { return };
        loop {
            let Some(works) = self.works(index, run) else { return };
            if let Some(command) = works.next_command() {
                self.set_control_busy(index, run, true);
                self.carry_out_control(index, run, command);
                self.set_control_busy(index, run, false);
            } else if let Some(input) = self.control(index, run).and_then(|control| control.inbox.pop_front())
            {
                if let Some(works) = self.works(index, run) {
                    works.handle(now, input);
                }
            } else if let Some(works) = self.works(index, run).filter(|works| works.assessment_due(now)) {
                works.assess(now);
            } else {
                break;
            }
        }
        self.set_control_alarm(index);
    }

    fn works(&mut self, index: HostIndex, run: u32) -> Option<&mut Coordinator<BoundedPlanner>> {
        match self.control(index, run)? {
            Control { state: State::Works(works), hangs: false, .. } => Some(works),
            _ => None,
        }
    }

    fn set_control_busy(&mut self, index: HostIndex, run: u32, busy: bool) {
        if let Some(control) = self.control(index, run) {
            control.busy = busy;
        }
    }

    fn set_control_alarm(&mut self, index: HostIndex) {
        let soonest = self.now + TIMER;
        let host = &mut self.hosts[index.get()];
        let Some(control) = host.control.as_mut() else { return };
        let State::Works(works) = &control.state else { return };
        let Some(deadline) = works.deadline() else { return };
        let at = host.clock.when(lifeboat_protocol::Instant::from_micros(deadline.as_micros())).max(soonest);
        if control.wakes.is_none_or(|wakes| at < wakes) {
            control.wakes = Some(at);
            let run = control.run;
            self.schedule.put(at, Due::ControlWakes { host: index, run });
        }
    }

    fn carry_out_control(&mut self, index: HostIndex, run: u32, command: coordinator::Command) {
        let Some(epoch) = self.control(index, run).map(|control| control.epoch) else { return };
        match command {
            coordinator::Command::Store { ticket, records } => {
                self.ask_store(index, run, epoch.0, ticket, records);
            }
            coordinator::Command::Start { order, .. }
            | coordinator::Command::Stop { order, .. }
            | coordinator::Command::Migrate { order, .. } => {
                let id = OrderId { epoch, number: order.0 };
                if let Some((host, order)) = interpreter::order(&command, id, |vm| self.pool.vm_id(vm)) {
                    self.give(index, epoch, host, order);
                }
            }
            coordinator::Command::Alert(alert) => self.alert(&alert),
            coordinator::Command::RequestFence { host } => self.request_fence(index, host),
            coordinator::Command::HostMayLeave { host, .. } => self.host_may_leave(host),
            coordinator::Command::Reply { call, answer } => self.reply(call, answer),
        }
    }

    fn give(&mut self, by: HostIndex, epoch: Epoch, to: HostIndex, order: Order) {
        self.tell(&Happening::OrderGiven { by, epoch, to, order: &order });
        self.feed(by, Input::Order { host: to, order });
    }
}
