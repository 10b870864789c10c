//! A host: power, clock, watchdog, and what runs on it.
use super::control::Control;
use super::hypervisor::Hypervisor;
use super::medium::Path;
use crate::At;
use crate::clock::Clock;
use crate::draw::Draw;
use crate::scenario::WorldSettings;
use lifeboat_coordinator::input::Notice;
use lifeboat_protocol::agent::Agent;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::configuration::ConfigurationNumber;
use lifeboat_protocol::keyring::Keyring;
use lifeboat_protocol::medium::either::EitherMedium;
use lifeboat_protocol::{Boot, Input, Instant, Process};
use std::collections::VecDeque;

/// Whether a host has power, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It has none.
    Off,
    /// Its system is starting.
    Booting,
    /// Its system is up.
    Up,
}

/// A host.
pub(super) struct Host {
    pub(super) power: Power,
    /// The boot that goes on; while it is off or booting, the last one.
    pub(super) boot: Boot,
    pub(super) clock: Clock,
    pub(super) agent: Option<AgentProcess>,
    /// The agent's process that was started last in this boot.
    pub(super) process: Process,
    pub(super) watchdog: Option<Instant>,
    /// When the schedule wakes the watchdog next.
    pub(super) watchdog_at: Option<At>,
    pub(super) hypervisor: Hypervisor,
    pub(super) control: Option<Control>,
    /// What a coordinator would have been told of the medium while there was none.
    pub(super) held_notices: Vec<Notice>,
    pub(super) path: Path,
    /// Whether this boot has been fenced: it is certain that none of its VMs runs.
    pub(super) fenced: bool,
    /// Why all VMs of this boot are to be stopped for good, if they are.
    pub(super) stopping: Option<FenceReason>,
    /// An operator had it shut down: it stays off.
    pub(super) to_be_off: bool,
    /// The keys that its agent finds when it starts.
    pub(super) keyring: Keyring,
}

/// An agent's process.
pub(super) struct AgentProcess {
    pub(super) run: u32,
    pub(super) agent: Agent<EitherMedium>,
    /// What has come and is not taken yet: the socket's buffer and the hypervisor side's queue.
    pub(super) inbox: VecDeque<Input>,
    pub(super) paused: bool,
    /// Commands are being carried out: what comes of them waits in the inbox.
    pub(super) busy: bool,
    /// When the schedule wakes it next.
    pub(super) wakes: Option<At>,
    pub(super) adopted: ConfigurationNumber,
}

impl Host {
    pub(super) fn new(
        host: &lifeboat_model::pool::Host,
        settings: &WorldSettings,
        keyring: Keyring,
        draw: &mut Draw,
    ) -> Self {
        let range = u64::from(settings.clock_ppm);
        let ppm = draw.between(0, 2 * range) as i64 - i64::from(settings.clock_ppm);
        let day = 86_400_000_000;
        Self {
            power: Power::Off,
            boot: Boot(draw.between(1, 1000)),
            clock: Clock::new(draw.between(0, 30 * day), ppm as i32),
            agent: None,
            process: Process(0),
            watchdog: None,
            watchdog_at: None,
            hypervisor: Hypervisor::new(host),
            control: None,
            held_notices: Vec::new(),
            path: Path::default(),
            fenced: false,
            stopping: None,
            to_be_off: false,
            keyring,
        }
    }

    /// Whether its system is up in this boot.
    pub(super) fn is_up(&self, boot: Boot) -> bool {
        self.power == Power::Up && self.boot == boot
    }

    /// What its clock shows.
    pub(super) fn reads(&self, at: At) -> Instant {
        self.clock.read(at)
    }
}
