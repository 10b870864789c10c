//! Whole pools on this machine, end to end: hosts as namespaces with their own hypervisors, guests, disks and wires, and the real agents
//! and services on them. Needs root; what else it needs it installs.
mod itself;

use lifeboat_lab::lab::Lab;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// One lab at a time: the machine has two cores.
static TURN: Mutex<()> = Mutex::new(());

/// Whoever has it has the machine.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    // A test that failed leaves nothing behind that the next one would meet.
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A lab of so many hosts.
pub(crate) fn lab(hosts: usize) -> Lab {
    Lab::build(hosts, Path::new(env!("CARGO_BIN_EXE_lab-host"))).expect("a lab")
}
