//! What the protocol's thread is given so that it is not late: memory that is never paged out, and the processor before others. Where the
//! host does not permit it, a warning is all: a thread that is late loses its lease, and nothing worse.
use crate::sys;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Pid, setpriority_process};

/// Low among real-time priorities: the kernel's own threads and other watchdogs come first.
const PRIORITY: i32 = 10;
/// The best that a thread without real-time priority can have.
const NICE: i32 = -20;

/// Locks the memory of the whole process.
pub fn lock_memory() {
    if let Err(fault) = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE) {
        tracing::warn!(%fault, "memory cannot be locked (LimitMEMLOCK=infinity in the unit): while this host pages, its agent can be late");
    }
}

/// Puts the calling thread before others.
pub fn raise() {
    let Err(fault) = sys::run_before_others(PRIORITY) else { return };
    let nice = setpriority_process(None::<Pid>, NICE);
    let instead = if nice.is_ok() { "nice -20 instead" } else { "nor nice -20" };
    tracing::warn!(%fault, instead, "no real-time priority (CAP_SYS_NICE): under load the agent can be late");
}
