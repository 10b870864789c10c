//! What hosts say to one another over the heartbeat networks; [`crate::wire`] spells it.
use crate::channel::Segment;
use crate::configuration::Configuration;
use crate::evidence::EvidenceKind;
use crate::status::Status;
use crate::{Boot, Process};
use alloc::boxed::Box;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Who sent a datagram, to whom, how; authenticated with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender.
    pub from: HostIndex,
    /// The sender's boot.
    pub boot: Boot,
    /// The sender's process.
    pub process: Process,
    /// The addressee.
    pub to: HostIndex,
    /// The network that it was sent on.
    pub network: crate::HeartbeatNetwork,
    /// Rises with each datagram of this sender's process, whatever the addressee and the network; never 0.
    pub sequence: u64,
}

/// A heartbeat: the sender's picture of itself, and what it has heard of the addressee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The sender's picture of itself.
    pub status: Status,
    /// The highest sequence number of the addressee's present boot and process that was received on the network on
    /// which this is sent; 0 for none.
    pub echo: u64,
    /// The addressee's boot and process that the echo speaks of.
    pub echo_of: (Boot, Process),
    /// Whether the sender regards that boot of the addressee as a member of the newest configuration it has adopted.
    /// Only then does the echo renew the addressee's lease.
    pub vouches: bool,
    /// From the leader of a disarmed pool: how much of the disarmed time is left. The addressee dates it from
    /// the sending of the heartbeat that `echo` names.
    pub disarmed_for: Option<Duration>,
}

/// A notice about the sender's own boot, or about an earlier one by its crash kernel; or what a member was told about
/// another host from outside, for those that were not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The host that it speaks of.
    pub about: HostIndex,
    /// The boot that it speaks of.
    pub boot: Boot,
    /// About oneself `Notice`, `CrashKernel` or `Left`; about others `PowerOff`, `Operator` or `OperatorForced`.
    pub kind: EvidenceKind,
}

/// A new pool key, sealed under the one in use.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its epoch.
    pub key_epoch: u32,
    /// The key.
    pub key: [u8; 32],
}

impl core::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewKey").field("key_epoch", &self.key_epoch).finish_non_exhaustive()
    }
}

/// A datagram's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// I am here, and this is what I hear of you.
    Heartbeat(Box<Heartbeat>),
    /// You know an older configuration than this.
    Configuration(Box<Configuration>),
    /// A part of the channel between a coordinator and an agent.
    Segment(Segment),
    /// My boot (or my crashed one) runs no VM any more.
    Notice(Notice),
    /// From the leader: keep this key for when the pool changes to it.
    NewKey(NewKey),
}
