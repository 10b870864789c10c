//! What the pool has agreed on: who is a member, who leads, what is being fenced. Configurations are numbered;
//! the medium decides each number once ([`crate::medium`]), so that two hosts that know the same number
//! know the same configuration.
use crate::evidence::EvidenceKind;
use crate::{Boot, Epoch};
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Number of a configuration: the epoch of the liveset's agreement. It rises by one with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigurationNumber(pub u64);

impl ConfigurationNumber {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What the pool has agreed of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Never joined, or left with no VM running.
    #[default]
    Out,
    /// In the liveset.
    Member {
        /// The boot that joined.
        boot: Boot,
        /// The configuration in which it joined.
        joined: ConfigurationNumber,
    },
    /// Out of the liveset, and not yet known to be fenced.
    Fencing {
        /// The boot that was a member.
        boot: Boot,
        /// The configuration in which that boot joined.
        joined: ConfigurationNumber,
        /// The term that it led, if it may still be acting in it.
        led: Option<Epoch>,
    },
    /// Out of the liveset, and known to run no VM.
    Fenced {
        /// The boot that was a member.
        boot: Boot,
        /// How that is known.
        evidence: EvidenceKind,
    },
}

impl Standing {
    /// The boot that is a member.
    pub fn member_boot(self) -> Option<Boot> {
        match self {
            Self::Member { boot, .. } => Some(boot),
            Self::Out | Self::Fencing { .. } | Self::Fenced { .. } => None,
        }
    }
}

/// Everything agreed of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostEntry {
    /// Member, out, being fenced, or fenced.
    pub standing: Standing,
    /// Failures counted for quarantine.
    pub failures: u8,
    /// Whether it is in quarantine.
    pub quarantined: bool,
}

/// A time during which nobody fences and nothing restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disarm {
    /// How long it lasts from the decision on, by the leader's clock.
    pub lasts: Duration,
}

/// An agreed configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Its number.
    pub number: ConfigurationNumber,
    /// Who leads.
    pub leader: HostIndex,
    /// The leader's term.
    pub epoch: Epoch,
    /// The timeout T of this enablement.
    pub timeout: Duration,
    /// The key epoch that heartbeats are sent under.
    pub key_epoch: u32,
    /// Whether the pool is disarmed.
    pub disarm: Option<Disarm>,
    /// Whether the mass-failure brake is applied.
    pub braked: bool,
    /// What is agreed of each host of the pool, by host index.
    pub hosts: Vec<HostEntry>,
}

impl Configuration {
    /// What is agreed of `host`; out, if it is beyond what this configuration knows.
    pub fn standing(&self, host: HostIndex) -> Standing {
        self.hosts.get(host.get()).map(|entry| entry.standing).unwrap_or_default()
    }

    /// The members, lowest first, with the boots that joined.
    pub fn members(&self) -> impl Iterator<Item = (HostIndex, Boot)> + '_ {
        let entries = self.hosts.iter().enumerate();
        entries
            .filter_map(|(position, entry)| Some((HostIndex::new(position), entry.standing.member_boot()?)))
    }

    /// Whether `boot` of `host` is a member.
    pub fn is_member(&self, host: HostIndex, boot: Boot) -> bool {
        self.standing(host).member_boot() == Some(boot)
    }
}
