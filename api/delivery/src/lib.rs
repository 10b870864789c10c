//! Alerts out: to people by mail, to machines by webhooks, commands and syslog.
//!
//! This crate knows nothing of pools. It is handed [`Alert`]s, and each configured channel tells them as it was asked to:
//!
//! ```text
//!   Dispatcher::send ─► for each channel:  Outbox (pure: filter, storm, queue, retries)
//!                                             │ deliver          ▲ delivered, failed
//!                                             ▼                  │
//!                                          its own thread ─► Channel (mail, webhook, command, syslog)
//! ```
//!
//! * The [`outbox`] decides what is sent when; it is a state machine without I/O, clock or chance.
//! * A [`Channel`] does one attempt and says how it went; it keeps no queue and never retries.
//! * The [`Dispatcher`] has a thread for each channel, so that a dead one delays no other.
//! * [`ChannelSettings`] is what the configuration file says. Secrets are never in it, only where to read them.
mod bound;
mod clock;
mod link;
mod payload;

pub mod alert;
pub mod channel;
pub mod command;
pub mod digest;
pub mod dispatcher;
pub mod limits;
pub mod mail;
pub mod message;
pub mod moment;
pub mod outbox;
pub mod settings;
pub mod syslog;
pub mod webhook;

pub use alert::{Alert, Severity, Subject};
pub use channel::{Again, Channel, Failure, Receipt};
pub use dispatcher::{ChannelStatus, Dispatcher};
pub use message::Message;
pub use moment::Moment;
pub use outbox::{Outbox, Saved};
pub use settings::{ChannelSettings, Fault};
