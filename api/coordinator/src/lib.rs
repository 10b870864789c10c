//! What becomes of VMs when hosts fail: pool events in, commands and alerts out, as a state machine without I/O.
//!
//! A caller (the service, the simulator) calls [`Coordinator::handle`] with what happened and the time, drains
//! [`Coordinator::next_command`], then does [`Coordinator::assess`] if [`Coordinator::assessment_due`], drains again, and
//! calls again at the latest at [`Coordinator::deadline`].
//!
//! ```text
//!   agreed livesets, evidence ─► liveset ─┐                        ┌─► writes ─► Store … Stored ─► Start, Migrate
//!   hosts' reports ────────────► reports ─┼─► state, whereabouts ──┼─► Stop, RequestFence, HostMayLeave
//!   operators' calls ──────────► calls ───┘            │           └─► alerts
//!                                                      ▼
//!              waiting VMs ─► planner ─► checker ─► plan ─► turns, gates, limits
//! ```
//!
//! # One VM, one host
//!
//! A *claim* is a host where a VM may be. The whole of safety is in [`whereabouts`]: a start consumes a proof that the VM has
//! no claim and no outstanding order, and only that module makes the proof. The argument, step by step:
//!
//! 1. *Within a term.* A claim is made before the start order is even written to the store. It ends only when the host says
//!    that the VM is not there (the order failed, the VM stopped, an inventory does not name it), or when it is
//!    certain that the host's boot is over. What a host says is ordered, and a word about an earlier run cannot end the
//!    claim of a later one: while a start is outstanding, "stopped" is not listened to.
//! 2. *Between sessions of a host.* An inventory opens a session. A start that was handed over before it and that it does not
//!    show was lost with the last session, or it crossed the inventory and will be carried out in this one. So its
//!    claim stays, and the VM is ordered to be stopped there: orders arrive in order or not at all, so that order's
//!    outcome comes after the start, if there ever is one.
//! 3. *Between terms.* The place is durable before the order goes out. So a VM is at most where the store places it, or where
//!    somebody else took it. A new term begins with a claim on every stored place; it ends like any other. What the
//!    store does not know, and what a living host denies to have, is *doubted*: every host that can run VMs must have
//!    spoken first. No order of the old term can be carried out once the new term's inventory is in.
//! 4. *Hosts.* A boot is over when there is evidence ([`Input::HostSafe`], [`input::Standing::Safe`]), when it left, or when a
//!    later boot of the host is a member. A host that is only being fenced keeps its claims.
//! 5. *Migrations* claim both ends. The source's word settles them. If the source dies, the far end's word does, and if that does
//!    not come the far end is ordered to stop the VM; that order's outcome is a word about the claim like any other.
//!
//! # What is remembered
//!
//! Desired state (`should_run`), protection (the restart priority) and place are three things. A VM stopped on purpose has
//! `should_run` false and stays down, whatever its protection becomes. A call is acknowledged when its record is
//! durable; with the store out of reach it is refused, and restarts wait, because their places cannot be written either.
//!
//! # Speed
//!
//! Between evidence and the first start command lies one store write. Whatever one input causes is one write. Tolerance, whose
//! computation may be long, is never computed while a start could be ordered: [`Coordinator::assess`] is a step of its own.
//!
//! # What is absent
//!
//! No clock, no I/O, no thread, no randomness, no wall-clock budget. Nothing that runs is stopped to make room. Nothing is
//! fenced by the coordinator: it can only ask for it.
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
pub use coordinator::{Bearing, Coordinator, Term};
pub use input::Input;
pub use planner::{Outlook, Planner};
pub use record::{Record, Ticket};
pub use settings::{Gate, Settings};
pub use time::Instant;
