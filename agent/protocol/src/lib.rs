//! Who is alive, who may run VMs, and who leads: the liveness protocol of a pool, as a state machine.
//!
//! It has no I/O, clock, randomness or thread of its own. A shell (the agent on a host, or the simulator) calls
//! [`Agent::handle`] with what happened and the time on the host's own monotonic clock, drains
//! [`Agent::next_command`], and calls again at the latest at [`Agent::deadline`].
//!
//! ```text
//!   datagrams ──► wire ─┐                                    ┌─► wire ──► datagrams
//!   disk, etcd ► medium ┼─► detector ─► lease ─► self-fence ─┤─► medium ► disk, etcd
//!                       └─► survival ─► membership ──────────┘─► fence proofs, leadership
//! ```
#![no_std]

extern crate alloc;

pub mod agent;
pub mod bytes;
pub mod channel;
pub mod command;
pub mod configuration;
mod detector;
pub mod enable;
pub mod evidence;
pub mod input;
pub mod keyring;
pub mod lease;
pub mod medium;
pub mod message;
pub mod order;
pub mod quarantine;
pub mod replay;
pub mod settings;
pub mod status;
pub mod survival;
pub mod time;
pub mod wire;

pub use agent::{Agent, AgentConfig};
pub use command::Command;
pub use configuration::{Configuration, ConfigurationNumber, Standing};
pub use evidence::{Evidence, FenceProof};
pub use input::Input;
pub use keyring::Keyring;
pub use settings::Settings;
pub use status::Status;
pub use time::Instant;

/// One start of a host's operating system: a number that the host's shell keeps and raises at each boot. Two
/// boots of one host never run VMs at once, so that a later boot is evidence that an earlier one is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot(pub u64);

/// One start of the agent's process within a boot; rises with each start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub u32);

/// A coordinator's term: the number of the configuration that began it. It only rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// A heartbeat network, by its position in the pool's list of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeartbeatNetwork(pub u8);
