//! The stage on which acts are played: it knows the pool's names and spans, the choices of the seed, and collects events.
use super::choice::Choice;
use crate::scenario::{Action, Event};
use core::time::Duration;

/// A stage.
#[derive(Debug)]
pub(super) struct Stage {
    /// The seed's choices.
    pub(super) choice: Choice,
    /// Names of the hosts.
    pub(super) hosts: Vec<String>,
    /// Names of the VMs.
    pub(super) vms: Vec<String>,
    /// Names of the heartbeat networks.
    pub(super) networks: Vec<String>,
    /// The pool's T.
    pub(super) timeout: Duration,
    events: Vec<Event>,
}

impl Stage {
    /// An empty stage.
    pub(super) fn new(
        choice: Choice,
        hosts: Vec<String>,
        vms: Vec<String>,
        networks: Vec<String>,
        timeout: Duration,
    ) -> Self {
        Self { choice, hosts, vms, networks, timeout, events: Vec::new() }
    }

    /// Something happens.
    pub(super) fn at(&mut self, at: Duration, action: Action) {
        self.events.push(Event { at, action });
    }

    /// All that happens, in the order of time; what happens at once, in the order in which it was said.
    pub(super) fn into_events(mut self) -> Vec<Event> {
        self.events.sort_by_key(|event| event.at);
        self.events
    }

    /// Silence after which a host is cut off: T - 1.5 s.
    pub(super) fn silence(&self) -> Duration {
        self.timeout.saturating_sub(Duration::from_millis(1_500))
    }

    /// When a host that fell silent is surely fenced: T + margin, rounded up.
    pub(super) fn fenced_after(&self) -> Duration {
        self.timeout + Duration::from_millis(1_020)
    }

    /// A span around `middle`, from `before` less to `after` more; not below zero.
    pub(super) fn around(&mut self, middle: Duration, before_ms: u64, after_ms: u64) -> Duration {
        let middle = middle.as_millis() as u64;
        self.choice.span(middle.saturating_sub(before_ms), middle + after_ms)
    }

    /// How long a fault holds: hugging a boundary of the protocol, or well beyond all of them.
    pub(super) fn hold(&mut self) -> Duration {
        let (silence, timeout, fenced) = (self.silence(), self.timeout, self.fenced_after());
        match self.choice.between(0, 9) {
            0 => self.choice.span(100, timeout.as_millis() as u64 / 2),
            1..=3 => self.around(silence, 700, 700),
            4..=5 => self.around(timeout, 500, 2_000),
            6 => self.around(fenced, 300, 1_500),
            _ => self.around(timeout * 2, 0, 8_000),
        }
    }

    /// A moment within the time in which one fault is noticed, agreed on and answered, after its beginning.
    pub(super) fn within(&mut self) -> Duration {
        let (silence, timeout, fenced) = (self.silence(), self.timeout, self.fenced_after());
        match self.choice.between(0, 7) {
            0..=1 => self.choice.span(0, 3_000),
            2 => self.choice.span(0, timeout.as_millis() as u64),
            3 => self.around(silence, 500, 800),
            4 => self.around(timeout, 600, 900),
            // While VMs are being restarted.
            _ => self.around(fenced, 200, 4_000),
        }
    }

    /// A host.
    pub(super) fn host(&mut self) -> String {
        self.choice.pick(&self.hosts)
    }

    /// A host, or whoever coordinates.
    pub(super) fn host_or_coordinator(&mut self) -> String {
        if self.choice.chance(35) { "coordinator".to_owned() } else { self.host() }
    }

    /// From `low` to `high` hosts, fewer where the pool has fewer.
    pub(super) fn some_hosts(&mut self, low: usize, high: usize) -> Vec<String> {
        let count = self.choice.between(low, high).min(self.hosts.len());
        self.choice.some_of(&self.hosts, count)
    }

    /// All hosts but one.
    pub(super) fn others(&self, one: &str) -> Vec<String> {
        self.hosts.iter().filter(|host| host.as_str() != one).cloned().collect()
    }

    /// The hosts in two heaps, neither empty.
    pub(super) fn two_sides(&mut self) -> (Vec<String>, Vec<String>) {
        let shuffled = self.choice.shuffled(&self.hosts);
        let half = shuffled.len() / 2;
        // Equal halves are the hard case: every further criterion counts.
        let first = if self.choice.chance(45) { half } else { self.choice.between(1, shuffled.len() - 1) };
        let (left, right) = shuffled.split_at(first);
        (left.to_vec(), right.to_vec())
    }

    /// All networks, spelt as none; sometimes just one, which hurts nobody where there are more.
    pub(super) fn on_networks(&mut self) -> Vec<String> {
        if self.networks.len() > 1 && self.choice.chance(12) {
            vec![self.choice.pick(&self.networks)]
        } else {
            Vec::new()
        }
    }

    /// Cuts a host off from everybody on the network, both ways, from one moment to another.
    pub(super) fn isolate(&mut self, host: &str, from: Duration, to: Duration) {
        let others = self.others(host);
        if self.choice.chance(60) {
            self.at(
                from,
                Action::Partition { groups: vec![vec![host.to_owned()], others], networks: Vec::new() },
            );
            self.at(to, Action::Heal);
        } else {
            self.at(from, Action::LinkDown { hosts: vec![host.to_owned()], networks: Vec::new() });
            self.at(to, Action::LinkUp { hosts: vec![host.to_owned()], networks: Vec::new() });
        }
    }

    /// Switches hosts off. At the end of the run all are switched on.
    pub(super) fn power_off(&mut self, at: Duration, hosts: &[String]) {
        self.at(at, Action::PowerOff { hosts: hosts.to_vec() });
    }

    /// Switches hosts on.
    pub(super) fn power_on(&mut self, at: Duration, hosts: &[String]) {
        self.at(at, Action::PowerOn { hosts: hosts.to_vec() });
    }
}
