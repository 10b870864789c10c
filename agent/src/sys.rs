//! What the kernel offers and no crate offers safely. Nowhere else in the agent is a line of unsafe code.
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::ioctl::{self, Getter, NoArg, Setter, Updater, opcode};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The letter that all requests to watchdogs have.
const WATCHDOG: u8 = b'W';

/// What a watchdog says of itself: `struct watchdog_info` of `linux/watchdog.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchdogInfo {
    /// What it can do: the flags `WDIOF_…`.
    pub options: u32,
    /// Its firmware's version.
    pub firmware_version: u32,
    /// Its name, ended by a zero.
    pub identity: [u8; 32],
}

const GET_SUPPORT: ioctl::Opcode = opcode::read::<WatchdogInfo>(WATCHDOG, 0);
const SET_OPTIONS: ioctl::Opcode = opcode::read::<i32>(WATCHDOG, 4);
const KEEP_ALIVE: ioctl::Opcode = opcode::read::<i32>(WATCHDOG, 5);
const SET_TIMEOUT: ioctl::Opcode = opcode::read_write::<i32>(WATCHDOG, 6);
const GET_TIMEOUT: ioctl::Opcode = opcode::read::<i32>(WATCHDOG, 7);

/// What a watchdog is and can do.
///
/// # Errors
/// If it is none.
pub fn watchdog_support(device: BorrowedFd<'_>) -> rustix::io::Result<WatchdogInfo> {
    // SAFETY: WDIOC_GETSUPPORT writes one `struct watchdog_info`, which `WatchdogInfo` spells field by field.
    unsafe { ioctl::ioctl(device, Getter::<GET_SUPPORT, WatchdogInfo>::new()) }
}

/// Sets a watchdog's timeout, in seconds, and begins it anew; the answer is the one that it really has.
///
/// # Errors
/// If it cannot be set, or not to this.
pub fn watchdog_set_timeout(device: BorrowedFd<'_>, seconds: i32) -> rustix::io::Result<i32> {
    let mut value = seconds;
    // SAFETY: WDIOC_SETTIMEOUT reads one int and writes one int in its place; `value` is one, and lives longer than the call.
    unsafe { ioctl::ioctl(device, Updater::<SET_TIMEOUT, i32>::new(&mut value))? };
    Ok(value)
}

/// A watchdog's timeout, in seconds.
///
/// # Errors
/// If it does not say.
pub fn watchdog_timeout(device: BorrowedFd<'_>) -> rustix::io::Result<i32> {
    // SAFETY: WDIOC_GETTIMEOUT writes one int.
    unsafe { ioctl::ioctl(device, Getter::<GET_TIMEOUT, i32>::new()) }
}

/// Begins a watchdog's timeout anew.
///
/// # Errors
/// Those of its driver.
pub fn watchdog_keep_alive(device: BorrowedFd<'_>) -> rustix::io::Result<()> {
    // SAFETY: WDIOC_KEEPALIVE is one of the kernel's requests to watchdogs; its argument is not looked at.
    unsafe { ioctl::ioctl(device, NoArg::<KEEP_ALIVE>::new()) }
}

/// Starts a watchdog, or stops it.
///
/// # Errors
/// If its driver cannot, or it was made never to stop.
pub fn watchdog_switch(device: BorrowedFd<'_>, on: bool) -> rustix::io::Result<()> {
    const DISABLE_CARD: i32 = 1;
    const ENABLE_CARD: i32 = 2;
    // SAFETY: WDIOC_SETOPTIONS reads one int, and `Setter` hands over the address of one.
    unsafe {
        ioctl::ioctl(device, Setter::<SET_OPTIONS, i32>::new(if on { ENABLE_CARD } else { DISABLE_CARD }))
    }
}

/// Has a program that is to be started killed when the thread that starts it ends: for one that this thread waits for.
pub fn dies_with_its_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let before = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Nobody is told of a parent that ended before.
        if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(Errno::CANCELED.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor takes a lock: an error that is made of a number does not.
    unsafe { command.pre_exec(before) };
}

/// Runs the calling thread before all that has no such priority, and its children as usual.
///
/// # Errors
/// If this process may not ask for that.
pub fn run_before_others(priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: the call reads one `sched_param`, which lives longer than the call; 0 is the calling thread.
    let done = unsafe {
        libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
