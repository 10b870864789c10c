//! Whole pools on this machine, end to end: hosts as namespaces with their own hypervisors, guests, disks and wires, and the real agents
//! and services on them. Needs root; what else it needs it installs.
mod eight;
mod fencing;
mod harmless;
mod holds;
mod itself;
mod operations;
mod protection;

use lifeboat_lab::lab::Lab;
use lifeboat_lab::programs::Programs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock};

/// One lab at a time: the machine has two cores.
static TURN: Mutex<()> = Mutex::new(());

/// Whoever has it has the machine.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    // A test that failed leaves nothing behind that the next one would meet.
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A lab of so many hosts.
pub(crate) fn lab(hosts: usize) -> Lab {
    Lab::build(hosts, Path::new(env!("CARGO_BIN_EXE_lab-host"))).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The product's programs, built as these tests are.
pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        Programs::build(env!("CARGO"), Path::new(env!("CARGO_BIN_EXE_lab-host")))
            .unwrap_or_else(|fault| panic!("{fault}"))
    })
}
