//! What becomes of VMs when hosts fail: pool events in, commands and alerts out, as a state machine without I/O.
//!
//! A caller (the service, the simulator) calls [`Coordinator::handle`] with what happened and the time, drains
//! [`Coordinator::next_command`], then does [`Coordinator::assess`] if [`Coordinator::assessment_due`], and calls again
//! at the latest at [`Coordinator::deadline`].
#![no_std]
extern crate alloc;

pub mod alert;
mod alerts;
mod calls;
pub mod command;
mod coordinator;
mod host;
pub mod input;
mod liveset;
mod moves;
mod notices;
mod outlook;
mod place;
pub mod planner;
pub mod record;
mod reports;
mod restarts;
pub mod settings;
mod state;
pub mod time;
mod vm;
mod whereabouts;
mod writes;

pub use alert::{Alert, AlertKind};
pub use command::{Command, OrderNumber, Refusal};
pub use coordinator::{Coordinator, Term};
pub use input::Input;
pub use planner::{Outlook, Planner};
pub use record::{Record, Ticket};
pub use settings::{Gate, Settings};
pub use time::Instant;
