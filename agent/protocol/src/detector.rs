//! The failure detector: what this host has heard of one peer, on every heartbeat network and on the medium.
//!
//! Silence is measured by *exchange*, not by receipt: each heartbeat carries back the highest sequence number
//! that its sender has received from us on the same network (`echo`). The age of an exchange is the age of the
//! *sending* of our newest heartbeat that came back this way. So one cut direction silences both ends alike, and a
//! lease that is dated from an exchange is dated from before the peer could have heard of it.
use crate::configuration::ConfigurationNumber;
use crate::message::{Envelope, Heartbeat};
use crate::settings::CLOCK_RATE_PPM;
use crate::status::{Phase, Silence, Status};
use crate::{Boot, Epoch, HeartbeatNetwork, Instant, Process};
use alloc::collections::VecDeque;
use alloc::{vec, vec::Vec};
use core::time::Duration;
use lifeboat_model::HostIndex;

/// How many sendings per network are remembered: an echo that is older than that renews nothing.
const SENDINGS: usize = 128;

/// One heartbeat link to a peer.
#[derive(Clone, Debug, Default)]
struct Link {
    /// Our newest heartbeats on it: sequence number and time of sending.
    sent: VecDeque<(u64, Instant)>,
    /// The highest sequence number received on it from the peer's present process.
    heard: u64,
    /// When our newest heartbeat that came back was sent.
    exchanged: Option<Instant>,
}

/// What is known of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    links: Vec<Link>,
    /// Its newest boot and process that were heard of, over the network or on the medium.
    pub(crate) life: Option<(Boot, Process)>,
    /// When that was.
    pub(crate) met_at: Option<Instant>,
    /// Its own picture, newest that arrived, and when.
    status: Option<(Status, Instant)>,
    /// When the last heartbeat of its present boot arrived.
    pub(crate) heard_at: Option<Instant>,
    /// When its record on the medium was first seen renewed.
    pub(crate) renewed_at: Option<Instant>,
    /// Sending time of our newest heartbeat that came back with its vouching, whatever the network.
    pub(crate) vouched_at: Option<Instant>,
    /// Sending time of our newest heartbeat that came back at all, on any network.
    exchanged_at: Option<Instant>,
    /// The same over all boots of the peer.
    pub(crate) exchanged_ever: Option<Instant>,
    /// The newest configuration that its present boot is known to have adopted, and since when that is known.
    pub(crate) adopted: Option<(ConfigurationNumber, Instant)>,
    /// What it had heard of others by then, where it says so.
    heard_then: Vec<Silence>,
    /// The newest term that it is known to have resigned from.
    pub(crate) resigned: Epoch,
    /// Whether a warning of its silence has been given.
    pub(crate) warned: bool,
}

impl Peer {
    pub(crate) fn new(networks: usize) -> Self {
        Self {
            links: vec![Link::default(); networks],
            life: None,
            met_at: None,
            status: None,
            heard_at: None,
            renewed_at: None,
            vouched_at: None,
            exchanged_at: None,
            exchanged_ever: None,
            adopted: None,
            heard_then: Vec::new(),
            resigned: Epoch(0),
            warned: false,
        }
    }

    /// Notes that a heartbeat went out.
    pub(crate) fn sent(&mut self, network: HeartbeatNetwork, sequence: u64, at: Instant) {
        let sent = &mut self.links[usize::from(network.0)].sent;
        if sent.len() == SENDINGS {
            sent.pop_front();
        }
        sent.push_back((sequence, at));
    }

    /// What the next heartbeat on `network` says back, with the life that it speaks of.
    pub(crate) fn echo(&self, network: HeartbeatNetwork) -> (u64, (Boot, Process)) {
        (self.links[usize::from(network.0)].heard, self.life.unwrap_or_default())
    }

    /// Takes notice that a boot and process of the peer exist. A later one makes what was heard of the earlier one
    /// void. Says whether it is the present one.
    pub(crate) fn meet(&mut self, boot: Boot, process: Process, now: Instant) -> bool {
        if self.life.is_some_and(|life| life > (boot, process)) {
            return false;
        }
        if self.life.is_none_or(|(known, _)| known < boot) {
            self.heard_at = None;
            self.adopted = None;
            self.vouched_at = None;
            self.exchanged_at = None;
            self.resigned = Epoch(0);
        }
        if self.life != Some((boot, process)) {
            self.life = Some((boot, process));
            self.met_at = Some(now);
            self.status = None;
            for link in &mut self.links {
                link.heard = 0;
                link.exchanged = None;
            }
        }
        true
    }

    /// Takes a datagram of the peer's present process, of whatever kind.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.warned = false;
    }

    /// Takes a heartbeat of the peer's present process. `me` is who the echo must speak of. Gives back the sending time
    /// of our heartbeat that it echoes, if that is remembered.
    pub(crate) fn heartbeat(
        &mut self,
        envelope: &Envelope,
        heartbeat: &Heartbeat,
        me: (Boot, Process),
    ) -> Option<Instant> {
        let link = self.links.get_mut(usize::from(envelope.network.0))?;
        link.heard = link.heard.max(envelope.sequence);
        if heartbeat.echo_of != me || heartbeat.echo == 0 {
            return None;
        }
        let at = link.sent.iter().find(|(sequence, _)| *sequence == heartbeat.echo).map(|&(_, at)| at)?;
        while link.sent.front().is_some_and(|(sequence, _)| *sequence < heartbeat.echo) {
            link.sent.pop_front();
        }
        link.exchanged = link.exchanged.max(Some(at));
        self.exchanged_at = self.exchanged_at.max(Some(at));
        self.exchanged_ever = self.exchanged_ever.max(Some(at));
        if heartbeat.vouches {
            self.vouched_at = self.vouched_at.max(Some(at));
        }
        Some(at)
    }

    /// Takes the peer's picture of itself, from either carrier. What can only rise never falls.
    pub(crate) fn learn(&mut self, status: Status, now: Instant) {
        if self.adopted.is_none_or(|(known, _)| known < status.adopted) {
            self.adopted = Some((status.adopted, now));
            self.heard_then.clone_from(&status.heard);
        }
        self.resigned = self.resigned.max(status.resigned);
        let over = self.phase().is_some_and(|phase| phase >= Phase::FencingSelf);
        if !over || status.phase >= Phase::FencingSelf {
            self.status = Some((status, now));
        }
    }

    /// The latest at which it can have received a heartbeat of `other` that it vouched for, before it adopted what
    /// [`Self::adopted`] says. Rates are allowed for.
    pub(crate) fn heard_other_at(&self, other: HostIndex) -> Option<Instant> {
        let (_, at) = self.adopted?;
        let ago = self.heard_then.get(other.get()).map(|heard| heard.span()).unwrap_or_default();
        Some(at - ago.saturating_sub(ago * (2 * CLOCK_RATE_PPM) / 1_000_000))
    }

    /// Whether it has said since `moment` that it is armed.
    pub(crate) fn armed_since(&self, moment: Instant) -> bool {
        self.status.as_ref().is_some_and(|(status, at)| !status.disarmed && *at >= moment)
    }

    /// Its own picture, the newest that arrived.
    pub(crate) fn status(&self) -> Option<&Status> {
        self.status.as_ref().map(|(status, _)| status)
    }

    /// Where it says that it is in its life.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.status().map(|status| status.phase)
    }

    /// How long the last exchange with it is ago.
    pub(crate) fn silence(&self, now: Instant) -> Option<Duration> {
        self.exchanged_at.map(|at| now.since(at))
    }

    /// How long it has not exchanged with the host at `position`, by its own word, as of `now`.
    pub(crate) fn silence_towards(&self, position: usize, now: Instant) -> Option<Duration> {
        let (status, at) = self.status.as_ref()?;
        let silence = status.silence.get(position).copied().filter(|&silence| silence < Silence::FOREVER)?;
        Some(silence.span() + now.since(*at))
    }

    /// How long its record on the medium has not been renewed.
    pub(crate) fn medium_silence(&self, now: Instant) -> Option<Duration> {
        self.renewed_at.map(|at| now.since(at))
    }
}
