//! Terms of the coordinator: when one begins on this host (S16), how its process is watched, and the channels between it
//! and the agents (S17).
use super::{Agent, Office};
use crate::channel::{Channel, Payload, Segment, Session};
use crate::command::Notification;
use crate::configuration::Standing;
use crate::medium::Medium;
use crate::message::Message;
use crate::order::{Order, Outcome, Report};
use crate::settings::coordinator_patience;
use crate::{Command, Epoch, Instant};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// How often the coordinator may fail on one host before another takes over.
const FAILURES: u32 = 3;
/// A failure that is longer ago does not count with the next.
const FAILURES_COUNT_FOR: Duration = Duration::from_hours(1);

/// How often the coordinator has failed on this host lately: its process hung, or ended by itself.
#[derive(Debug, Default)]
pub(super) struct Failures {
    count: u32,
    last: Option<Instant>,
}

impl Failures {
    /// It has failed. Whether that was too often: then another host should lead.
    pub(super) fn note(&mut self, now: Instant) -> bool {
        let again = self.last.is_some_and(|last| now.since(last) < FAILURES_COUNT_FOR);
        self.count = if again { self.count.saturating_add(1) } else { 1 };
        self.last = Some(now);
        self.count >= FAILURES
    }
}

impl<M: Medium> Agent<M> {
    /// Begins a term when it may begin, watches it while it runs, and gives it up when this host cannot serve it.
    pub(super) fn run_leadership(&mut self) {
        match self.office {
            Office::Vacant if self.may_begin() => self.begin_term(),
            Office::Running { epoch, answered } => self.watch_term(epoch, answered),
            // A term that cannot begin without the medium is left to who has it; it never began.
            Office::Vacant if self.leads() && self.is_alone_without_medium() => {
                self.resigned = self.resigned.max(self.epoch());
                self.handing_over = Some(self.now);
            }
            Office::Vacant | Office::Ending { .. } => {}
        }
        if self.handing_over.is_some_and(|since| self.now.since(since) > self.timeout()) {
            self.handing_over = None;
        }
    }

    /// S16.
    fn may_begin(&self) -> bool {
        let fresh = self.epoch() > self.resigned && self.leads() && self.is_leased();
        let all_over = || {
            self.being_fenced().into_iter().all(|(host, standing)| match standing {
                Standing::Fencing { boot, led: Some(_), .. } => self.proof_of(host, boot).is_some(),
                _ => true,
            })
        };
        fresh && all_over()
    }

    fn begin_term(&mut self) {
        let epoch = self.epoch();
        self.office = Office::Running { epoch, answered: self.now };
        // Nobody else could lead: then it is this host.
        self.handing_over = None;
        self.command(Command::StartCoordinator { epoch });
        if let Some(known) = self.adopted.clone() {
            self.command(Command::Agreed(Box::new(known)));
        }
        for (host, standing) in self.being_fenced() {
            if let Standing::Fencing { boot, .. } = standing
                && let Some(proof) = self.proof_of(host, boot)
            {
                self.command(Command::SafeToReplace(proof));
            }
        }
        for (host, report) in core::mem::take(&mut self.held_reports) {
            self.command(Command::Report { host, report });
        }
    }

    fn watch_term(&mut self, epoch: Epoch, answered: Instant) {
        // A host that stood still has neither asked nor heard meanwhile; but one that does so again and again cannot tell a coordinator that
        // hangs for ever.
        let silent = self.now.since(answered);
        let since_awake = self.now.since(self.woke_at);
        if silent.min(since_awake) > coordinator_patience(self.timeout()) || silent > self.timeout() {
            self.command(Command::Notify(Notification::CoordinatorHangs));
            self.note_failure();
            self.end_coordinator();
        } else if self.is_alone_without_medium() {
            self.handing_over = Some(self.now);
            self.end_coordinator();
        } else if self.epoch() != epoch {
            self.end_coordinator();
        }
    }

    fn note_failure(&mut self) {
        if self.failures.note(self.now) {
            self.handing_over = Some(self.now);
        }
    }

    /// Whether others have had the medium while this host had not. Not said at once: when all lose it together, each for a moment
    /// still hears others say that they have it.
    fn is_alone_without_medium(&self) -> bool {
        let lost = self.medium_health.lost_at.filter(|_| !self.medium_works());
        lost.is_some_and(|at| self.now.since(at) * 4 >= self.timeout()) && self.somebody_has_medium()
    }

    /// Whether another member is heard that has the medium, and is not about to leave.
    pub(super) fn somebody_has_medium(&self) -> bool {
        let Some(known) = &self.adopted else { return false };
        let limit = self.timeout() / 2;
        known.members().any(|(host, _)| {
            let peer = &self.peers[host.get()];
            let hears = peer.silence(self.now).is_some_and(|silence| silence < limit);
            host != self.me
                && hears
                && self.stays_for(host)
                && peer.status().is_some_and(|status| status.medium_works)
        })
    }

    /// Asks the coordinator's process whether it is well; called with each round of heartbeats.
    pub(super) fn probe_coordinator(&mut self) {
        if self.coordinator_term().is_some() {
            self.command(Command::ProbeCoordinator);
        }
    }

    pub(super) fn take_coordinator_answer(&mut self) {
        if let Office::Running { answered, .. } = &mut self.office {
            *answered = self.now;
        }
    }

    /// Ends the coordinator's process, if one runs.
    pub(super) fn end_coordinator(&mut self) {
        if let Office::Running { epoch, .. } = self.office {
            self.office = Office::Ending { epoch };
            self.command(Command::EndCoordinator { epoch });
        }
    }

    /// The process has ended, because it was told to or by itself. Its term is over for good.
    pub(super) fn take_coordinator_end(&mut self) {
        let over = match self.office {
            Office::Vacant => Epoch(0),
            Office::Running { epoch, .. } => {
                self.note_failure();
                epoch
            }
            Office::Ending { epoch } => epoch,
        };
        self.office = Office::Vacant;
        self.resigned = self.resigned.max(over);
        self.hurry();
        self.go_on_fencing();
    }

    /// From the coordinator on this host: an order for a host.
    pub(super) fn send_order(&mut self, host: HostIndex, order: Order) {
        if self.coordinator_term() != Some(self.epoch()) || !self.leads() || !self.is_leased() {
            return;
        }
        // From an earlier term's process, late: that term's orders are void.
        if order.id().epoch != self.epoch() {
            return;
        }
        if host == self.me {
            self.command(Command::Order(order));
        } else if let Some(channel) = self.down.get_mut(host.get()).and_then(Option::as_mut) {
            // Without a channel the host has not reported in this term, or is about to report anew: its inventory will show
            // that the order was not carried out. If its queue is full, it is known not to be: it never left this host.
            let id = order.id();
            if channel.push(Payload::Order(order)).is_err() {
                let outcome = Outcome::Failed { reason: "too many orders wait for the host".into() };
                self.deliver_report(host, Report::Finished { id, outcome });
            }
        }
    }

    /// From this host's hypervisor side: a report for the coordinator of the adopted term.
    pub(super) fn send_report(&mut self, report: Report) {
        let Some((leader, channel)) = &mut self.up else { return };
        if *leader == self.me {
            self.deliver_report(self.me, report);
        } else {
            // A full queue means that the coordinator has been out of reach for very long. The next term begins with an
            // inventory.
            if channel.push(Payload::Report(report)).is_err() {
                self.up = None;
            }
        }
    }

    fn deliver_report(&mut self, host: HostIndex, report: Report) {
        if self.coordinator_term() == Some(self.epoch()) {
            self.command(Command::Report { host, report });
        } else if self.leads() {
            self.held_reports.push((host, report));
        }
    }

    /// A channel to an earlier boot or process of `host` is of no use any more.
    pub(super) fn close_old_channel(&mut self, host: HostIndex) {
        let life = self.peers[host.get()].life;
        let channel = &mut self.down[host.get()];
        if channel
            .as_ref()
            .is_some_and(|channel| Some((channel.session().boot, channel.session().process)) != life)
        {
            *channel = None;
        }
    }

    pub(super) fn take_segment(&mut self, from: HostIndex, segment: Segment) {
        if !self.is_member() {
            return;
        }
        if self.leads() {
            self.take_reports(from, segment);
        } else {
            self.take_orders(from, segment);
        }
    }

    fn take_reports(&mut self, from: HostIndex, segment: Segment) {
        let Some((boot, process)) = self.peers[from.get()].life else { return };
        let session = Session { epoch: self.epoch(), boot, process };
        let member = self.adopted.as_ref().is_some_and(|known| known.is_member(from, boot));
        if !member || segment.session != session {
            return;
        }
        let channel = self.down[from.get()].get_or_insert_with(|| Channel::new(session));
        for payload in channel.receive(self.now, segment) {
            if let Payload::Report(report) = payload {
                self.deliver_report(from, report);
            }
        }
    }

    /// S17: only from the leader of the adopted term, only in this process's own session of that term (which the channel sees
    /// to), and only while the lease holds.
    fn take_orders(&mut self, from: HostIndex, segment: Segment) {
        let leased = self.is_leased();
        let Some((_, channel)) = self.up.as_mut().filter(|(leader, _)| *leader == from && leased) else {
            return;
        };
        let orders: Vec<Order> = channel
            .receive(self.now, segment)
            .into_iter()
            .filter_map(|payload| match payload {
                Payload::Order(order) => Some(order),
                Payload::Report(_) | Payload::InventoryPart { .. } => None,
            })
            .collect();
        for order in orders {
            self.command(Command::Order(order));
        }
    }

    /// Sends what the channels have to send.
    pub(super) fn run_channels(&mut self) {
        let mut out = Vec::new();
        if let Some((leader, channel)) = &mut self.up
            && *leader != self.me
        {
            while let Some(segment) = channel.next_segment(self.now) {
                out.push((*leader, segment));
            }
        }
        for (position, channel) in self.down.iter_mut().enumerate() {
            while let Some(segment) = channel.as_mut().and_then(|channel| channel.next_segment(self.now)) {
                out.push((HostIndex::new(position), segment));
            }
        }
        for (to, segment) in out {
            self.transmit_everywhere(to, &Message::Segment(segment));
        }
    }

    /// When a channel has something to send again.
    pub(super) fn channels_due(&self) -> Option<Instant> {
        let up = self
            .up
            .as_ref()
            .filter(|(leader, _)| *leader != self.me)
            .and_then(|(_, channel)| channel.deadline());
        let down = self.down.iter().flatten().filter_map(Channel::deadline);
        down.chain(up).min()
    }
}
