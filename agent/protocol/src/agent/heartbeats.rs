//! Heartbeats and what else comes by datagram. Each heartbeat carries this host's picture of itself, and says what was
//! heard of the addressee (`echo`), and whether this host vouches for it: the network's half of the lease (S5).
use super::{Agent, Life};
use crate::command::Notification;
use crate::configuration::Configuration;
use crate::evidence::EvidenceKind;
use crate::medium::Medium;
use crate::message::{Envelope, Heartbeat, Message, Notice};
use crate::replay::Fresh;
use crate::status::Phase;
use crate::wire;
use crate::{Command, HeartbeatNetwork, Instant};
use alloc::boxed::Box;
use core::time::Duration;
use lifeboat_model::HostIndex;

impl<M: Medium> Agent<M> {
    /// Sends a round of heartbeats when it is due.
    pub(super) fn run_heartbeats(&mut self) {
        if self.now < self.next_heartbeat || self.life == Life::Over {
            return;
        }
        self.next_heartbeat = self.now + self.settings.heartbeat_interval();
        self.renew_by_network();
        self.probe_coordinator();
        self.use_agreed_key();
        self.pass_key_on();
        self.pass_evidence_on();
        let status = self.status();
        for to in self.hosts() {
            if to == self.me {
                continue;
            }
            for position in 0..self.carriers.len() {
                let network = HeartbeatNetwork(position as u8);
                let (echo, echo_of) = self.peers[to.get()].echo(network);
                let heartbeat = Heartbeat {
                    status: status.clone(),
                    echo,
                    echo_of,
                    vouches: self.vouches_for(to, echo_of.0),
                    disarmed_for: self.grant(),
                };
                let sequence = self.transmit(to, network, &Message::Heartbeat(Box::new(heartbeat)));
                self.peers[to.get()].sent(network, sequence, self.now);
            }
        }
    }

    /// S5: only a member vouches, only for members of its own adopted configuration, and only while it may live itself.
    fn vouches_for(&self, host: HostIndex, boot: crate::Boot) -> bool {
        // Where votes are counted, a process that has not looked at the medium may know an older configuration than its predecessor.
        if self.majority_rules() && !self.medium_health.looked {
            return false;
        }
        let in_force = self.adopted.as_ref().filter(|known| known.is_member(self.me, self.boot));
        self.is_member() && in_force.is_some_and(|known| known.is_member(host, boot))
    }

    /// Sends a message on one network; gives back its sequence number.
    pub(super) fn transmit(&mut self, to: HostIndex, network: HeartbeatNetwork, message: &Message) -> u64 {
        self.sequence += 1;
        let envelope = Envelope {
            from: self.me,
            boot: self.boot,
            process: self.process,
            to,
            network,
            sequence: self.sequence,
        };
        let bytes = wire::seal(&self.keyring, self.pool, &envelope, message);
        self.command(Command::Transmit { network, to, bytes });
        self.sequence
    }

    /// Sends a message on every network.
    pub(super) fn transmit_everywhere(&mut self, to: HostIndex, message: &Message) {
        for position in 0..self.carriers.len() {
            self.transmit(to, HeartbeatNetwork(position as u8), message);
        }
    }

    pub(super) fn take_datagram(&mut self, network: HeartbeatNetwork, bytes: &mut [u8]) {
        let Ok((envelope, message)) = wire::open(&self.keyring, self.pool, self.me, bytes) else { return };
        let from = envelope.from.get();
        if envelope.network != network || from >= self.peers.len() {
            return;
        }
        let Ok(fresh) = self.replay.accept(&envelope) else { return };
        if !self.peers[from].meet(envelope.boot, envelope.process, self.now) {
            return;
        }
        self.peers[from].heard(self.now);
        self.close_old_channel(envelope.from);
        match message {
            Message::Heartbeat(heartbeat) => self.take_heartbeat(&envelope, *heartbeat, fresh),
            Message::Configuration(configuration) => self.take_configuration(*configuration),
            Message::Segment(segment) => self.take_segment(envelope.from, segment),
            Message::Notice(notice) => self.take_notice(&envelope, notice),
            Message::NewKey(key) => self.take_new_key(envelope.from, key),
        }
    }

    fn take_heartbeat(&mut self, envelope: &Envelope, heartbeat: Heartbeat, fresh: Fresh) {
        if heartbeat.status.host != envelope.from || heartbeat.status.boot != envelope.boot {
            return;
        }
        let from = envelope.from;
        let me = (self.boot, self.process);
        let exchanged = self.peers[from.get()].heartbeat(envelope, &heartbeat, me);
        if let (Some(at), Some(left)) = (exchanged, heartbeat.disarmed_for) {
            self.take_grant(from, at, left);
        }
        let behind = heartbeat.status.adopted < self.number();
        let news = heartbeat.status.phase >= Phase::Leaving || heartbeat.status.resigned >= self.epoch();
        if fresh != Fresh::Late {
            self.peers[from.get()].learn(heartbeat.status, self.now);
        }
        if exchanged.is_some() && heartbeat.vouches {
            self.renew_by_network();
        }
        if behind {
            self.send_configuration(from, envelope.network);
        }
        self.form();
        if news {
            self.assess();
        }
    }

    fn take_configuration(&mut self, configuration: Configuration) {
        if configuration.number <= self.number() {
            return;
        }
        // An earlier process of this host may have adopted more than a peer knows; the medium shows it, if it answers.
        if !self.medium_health.looked && self.now.since(self.started) < FIRST_LOOK {
            return;
        }
        self.medium.learned(&configuration);
        self.adopt(configuration);
        self.next_cycle = self.next_cycle.min(self.now);
    }

    fn send_configuration(&mut self, to: HostIndex, network: HeartbeatNetwork) {
        if let Some(known) = &self.adopted {
            let message = Message::Configuration(Box::new(known.clone()));
            self.transmit(to, network, &message);
        }
    }

    /// Tells everybody at once what was agreed.
    pub(super) fn spread_configuration(&mut self) {
        let Some(known) = &self.adopted else { return };
        let message = Message::Configuration(Box::new(known.clone()));
        for to in self.hosts() {
            let behind = self.peers[to.get()].adopted.is_some_and(|(number, _)| number < self.number());
            if to != self.me && behind {
                self.transmit_everywhere(to, &message);
            }
        }
    }

    /// S14, S15: a notice is evidence about the boot that it names, if that is the sender's own, or an earlier one from
    /// its crash kernel; or if a member passes on what it was told from outside.
    fn take_notice(&mut self, envelope: &Envelope, notice: Notice) {
        let about_itself = notice.about == envelope.from;
        let told = match notice.kind {
            EvidenceKind::Notice | EvidenceKind::Left => about_itself && notice.boot == envelope.boot,
            EvidenceKind::CrashKernel => about_itself,
            EvidenceKind::PowerOff | EvidenceKind::Operator | EvidenceKind::OperatorForced => {
                let known = self.adopted.as_ref();
                let member = known.is_some_and(|known| known.is_member(envelope.from, envelope.boot));
                let seen_alive = notice.kind == EvidenceKind::Operator
                    && notice.about.get() < self.peers.len()
                    && self.shows_life(notice.about);
                member && notice.about != self.me && !seen_alive
            }
            EvidenceKind::LeaseExpired | EvidenceKind::Rebooted => false,
        };
        if told && notice.about.get() < self.peers.len() {
            self.note_evidence(notice.about, notice.boot, notice.kind);
        }
    }

    /// Passes on what was told from outside about members whose end is not agreed yet.
    fn pass_evidence_on(&mut self) {
        if !self.is_member() {
            return;
        }
        for about in self.hosts() {
            let Some((boot, kind)) = self.evidence[about.get()] else { continue };
            let outside = matches!(
                kind,
                EvidenceKind::PowerOff | EvidenceKind::Operator | EvidenceKind::OperatorForced
            );
            if outside && self.adopted.as_ref().is_some_and(|known| known.is_member(about, boot)) {
                let notice = Message::Notice(Notice { about, boot, kind });
                for to in self.hosts().filter(|&to| to != about) {
                    if to != self.me {
                        self.transmit_everywhere(to, &notice);
                    }
                }
            }
        }
    }

    /// Renews the lease by the network: S5, S6, S7.
    pub(super) fn renew_by_network(&mut self) {
        let Some(known) = self.adopted.as_ref().filter(|known| known.is_member(self.me, self.boot)) else {
            return;
        };
        let (date, until) = if self.majority_rules() {
            (self.majority_date(known), None)
        } else {
            self.unanimous_date(known)
        };
        self.lease.set_by_network(date, until);
        self.note_renewal();
    }

    /// When `host`, a member with `boot`, last vouched, or came to be required.
    fn vouching_date(&self, host: HostIndex, boot: crate::Boot) -> Option<Instant> {
        let peer = &self.peers[host.get()];
        let vouched = peer.vouched_at.filter(|_| peer.life.is_some_and(|(life, _)| life == boot));
        vouched.max(self.required_since[host.get()])
    }

    fn unanimous_date(&self, known: &Configuration) -> (Option<Instant>, Option<Instant>) {
        let members = known.members().count();
        let others = || known.members().filter(|&(host, _)| host != self.me);
        let is_over = |(host, boot): (HostIndex, crate::Boot)| self.evidence_about(host, boot).is_some();
        let left_out = others().filter(|&member| is_over(member)).count();
        let may_leave_out = left_out * 2 <= members;
        let mut date = Some(self.now);
        let mut until: Option<Instant> = None;
        for (host, boot) in others() {
            if may_leave_out && is_over((host, boot)) {
                let last = self.peers[host.get()].exchanged_ever.unwrap_or(self.started);
                let end = last + self.timeout() + FORMING_WAIT;
                until = Some(until.map_or(end, |until| until.min(end)));
            } else {
                date = date.min(self.vouching_date(host, boot));
            }
        }
        (date, until)
    }

    fn majority_date(&self, known: &Configuration) -> Option<Instant> {
        let mut dates: alloc::vec::Vec<Option<Instant>> = known
            .members()
            .map(|(host, boot)| if host == self.me { Some(self.now) } else { self.vouching_date(host, boot) })
            .collect();
        dates.sort_unstable_by(|one, other| other.cmp(one));
        dates.get(dates.len() / 2).copied().flatten()
    }

    /// Feeds the watchdog with what the lease proves (S8), and notes the first lease of this process.
    pub(super) fn note_renewal(&mut self) {
        let Some(end) = self.lease_end().filter(|&end| end > self.now && self.is_member()) else { return };
        if !self.leased {
            self.leased = true;
            self.command(Command::Notify(Notification::LeaseGained));
        }
        if !self.is_disarmed() && self.fed_until.is_none_or(|fed| fed < end) {
            self.fed_until = Some(end);
            self.command(Command::FeedWatchdog { deadline: end + self.settings.watchdog_slack() });
        }
    }
}

/// How long the medium has to answer a starting agent before it goes by what peers tell.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// A round of heartbeats that is so late tells that this agent stood still.
pub(super) const OVERSLEPT: Duration = Duration::from_secs(1);

/// How long beyond T a few hosts wait before they form a pool without the others.
pub(super) const FORMING_WAIT: Duration = Duration::from_mins(1);
