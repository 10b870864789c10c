//! What a host tells all others about itself, on the medium and in every heartbeat: one picture, two carriers.
use crate::configuration::ConfigurationNumber;
use crate::{Boot, Epoch, Process};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Where a host is in its life as a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Up, listening, not yet asking for anything.
    #[default]
    Starting,
    /// Asks to be taken into the liveset.
    Joining,
    /// In the liveset, with a lease.
    Member,
    /// In the liveset, about to leave on purpose: it runs no VM any more.
    Leaving,
    /// Fencing itself: only an intent, others may prepare. VMs may still run.
    FencingSelf,
    /// No VM of this boot runs, and none ever will: this is evidence.
    Fenced,
    /// Left on purpose with no VM running: this is evidence too.
    Left,
}

/// A host's picture of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Who it is.
    pub host: HostIndex,
    /// Its boot.
    pub boot: Boot,
    /// The start of its agent within the boot.
    pub process: Process,
    /// Where it is in its life.
    pub phase: Phase,
    /// The newest configuration that it has adopted.
    pub adopted: ConfigurationNumber,
    /// The newest term in which its coordinator has ended for good, whatever the reason.
    pub resigned: Epoch,
    /// Whether its last cycle on the medium succeeded in time.
    pub medium_works: bool,
    /// Whether at least one of its heartbeat links has carrier (and, where one is set, reaches the gateway).
    pub carrier: bool,
    /// Whether it is disarmed.
    pub disarmed: bool,
    /// The newest heartbeat key epoch that it holds.
    pub newest_key: u32,
    /// Memory of the protected VMs that run there, in MiB.
    pub protected_memory_mib: u64,
    /// For each host of the pool, how long ago the last exchange both ways on one network was begun.
    pub silence: Vec<Silence>,
    /// Where a majority rules, for each host of the pool, how long ago its last heartbeat arrived, or less; else empty.
    pub heard: Vec<Silence>,
}

/// How long a pair of hosts has not exchanged heartbeats, in steps of 10 ms; saturates at about 11 minutes,
/// beyond the longest T. Itself counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Silence(pub u16);

impl Silence {
    /// No exchange since long ago, or never.
    pub const FOREVER: Self = Self(u16::MAX);

    /// Rounded up: silence is never told shorter than it is.
    pub fn of(span: Duration) -> Self {
        Self(u16::try_from(span.as_millis().div_ceil(10)).unwrap_or(u16::MAX))
    }

    /// Rounded down: of what must not be told longer ago than it is.
    pub fn at_least(span: Duration) -> Self {
        Self(u16::try_from(span.as_millis() / 10).unwrap_or(u16::MAX))
    }

    /// As a span.
    pub fn span(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * 10)
    }
}
