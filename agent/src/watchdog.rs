//! The watchdog: what resets the host when the agent no longer feeds it. The protocol says until when the host may live; a watchdog is
//! programmed so that it resets the host then and not later, and earlier only by what its clockwork cannot do better.
//!
//! A command to a watchdog can wait: for a BMC that is slow, or begins anew. So a thread of its own gives them ([`Tender`]); the thread that
//! holds the lease only leaves the newest deadline there.
mod card;
mod device;
pub mod keeper;
mod marker;
mod none;
mod pacer;
mod supervisor;
mod tender;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use none::NoWatchdog;
pub use tender::{Tender, Told};

use crate::config::{Config, WatchdogSection};
use lifeboat_protocol::{Boot, Instant};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A watchdog.
pub trait Watchdog: Send + std::fmt::Debug {
    /// Resets the host at `deadline`, unless it is fed again before.
    ///
    /// # Errors
    /// If it cannot be told; what it was told before stands.
    fn feed(&mut self, now: Instant, deadline: Instant) -> Result<(), WatchdogError>;

    /// When [`Watchdog::tick`] is wanted, if at all.
    fn due(&self) -> Option<Instant>;

    /// Does what is due.
    ///
    /// # Errors
    /// As [`Watchdog::feed`].
    fn tick(&mut self, now: Instant) -> Result<(), WatchdogError>;

    /// Switches it off: the host has left.
    ///
    /// # Errors
    /// If it goes on.
    fn stop(&mut self) -> Result<(), WatchdogError>;

    /// Lets it run out: it takes no more food.
    fn let_run_out(&mut self);

    /// How it stands.
    fn posture(&self) -> Posture;

    /// What it says that it is.
    fn name(&self) -> &str;

    /// Whether it resets the host if it is not fed.
    fn is_armed(&self) -> bool {
        matches!(self.posture(), Posture::Armed { .. })
    }
}

/// How a watchdog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posture {
    /// It resets nobody.
    Off,
    /// Nobody needs it; it cannot be switched off, and is fed.
    FedOnly,
    /// It resets the host if it is not fed.
    Armed {
        /// When; unknown: an earlier process was the last to feed it.
        resets: Option<Instant>,
    },
    /// There is none.
    Absent,
}

/// Why there is no watchdog, or it does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum WatchdogError {
    /// It cannot be opened.
    #[error("the watchdog {} cannot be opened: {fault}; {}", path.display(), advice(fault))]
    Open {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
    /// An earlier process of the agent has left somebody who holds it, and who may not be asked for it.
    #[error(
        "process {pid} keeps the watchdog open for the agent, which is not allowed to take it over (pidfd_getfd: {fault}): permit it (sysctl kernel.yama.ptrace_scope=2 or less, setsebool deny_ptrace off)"
    )]
    Kept {
        /// Who holds it.
        pid: i32,
        /// Why not.
        fault: io::Error,
    },
    /// It does not answer as a watchdog does.
    #[error("{} is no watchdog: {fault}", path.display())]
    NotOne {
        /// What it is instead.
        path: PathBuf,
        /// What it said.
        fault: io::Error,
    },
    /// Its shortest timeout is not 2 s shorter than the pool's.
    #[error(
        "the watchdog {} ({identity}) cannot be set below {shortest} s, which has to be 2 s less than the pool's timeout T, {timeout:?}: raise T, or use another watchdog (modprobe softdog)",
        path.display()
    )]
    TooSlow {
        /// The device.
        path: PathBuf,
        /// What it says it is.
        identity: String,
        /// What it can do, in seconds.
        shortest: u32,
        /// What is needed.
        timeout: Duration,
    },
    /// A command to it failed.
    #[error("the watchdog does not take {what}: {fault}")]
    Command {
        /// What it was told.
        what: &'static str,
        /// What it said.
        fault: io::Error,
    },
    /// What must be kept beside it cannot be.
    #[error("{what}: {fault}")]
    Beside {
        /// What.
        what: &'static str,
        /// Why.
        fault: io::Error,
    },
}

fn advice(fault: &io::Error) -> &'static str {
    match fault.kind() {
        io::ErrorKind::NotFound => "`modprobe softdog` makes one on a machine that has none",
        io::ErrorKind::ResourceBusy => {
            "something else holds it: RuntimeWatchdogSec= of systemd, or a watchdog daemon; it is to let go"
        }
        io::ErrorKind::ConnectionRefused => "nobody listens there",
        _ => "the agent runs as root",
    }
}

/// The watchdog that the configuration names, for a pool of timeout T.
///
/// # Errors
/// If there is none that can be relied on. The agent does not become a member then.
pub fn open(config: &Config, boot: Boot, timeout: Duration) -> Result<Box<dyn Watchdog>, WatchdogError> {
    let run_directory = &config.host.run_directory;
    Ok(match &config.watchdog {
        WatchdogSection::Device { path } => {
            Box::new(device::Device::open(path, run_directory, boot, timeout)?)
        }
        _ if device::was_marked(run_directory, boot) => {
            return Err(WatchdogError::Beside {
                what: "[watchdog] names another one than the device that an earlier agent of this boot has armed: put it back, or reboot",
                fault: io::ErrorKind::ResourceBusy.into(),
            });
        }
        WatchdogSection::Supervisor { path } => Box::new(supervisor::Supervisor::connect(path)?),
        WatchdogSection::None { .. } => {
            tracing::warn!(
                "THIS HOST HAS NO WATCHDOG ([watchdog] kind = \"none\"): if it hangs, its VMs can run here and elsewhere at once"
            );
            Box::new(NoWatchdog::default())
        }
    })
}

/// A watchdog that cannot be switched off, and why.
pub type GoesOn = (Box<dyn Watchdog>, WatchdogError);

/// Switches a host's watchdog off, whoever has armed it and is not there, or stands still. It is given back if it cannot be switched off,
/// and is to be fed then. None: it is off, or nobody had armed it.
///
/// # Errors
/// If it cannot be had.
pub fn switch_off(
    section: &WatchdogSection,
    run_directory: &Path,
    boot: Boot,
) -> Result<Option<GoesOn>, WatchdogError> {
    match section {
        WatchdogSection::Device { path } if device::was_left_on(path, run_directory, boot) => {
            let mut device = device::Device::take_over(path, run_directory, boot)?;
            let Err(fault) = device.stop() else {
                device.release();
                return Ok(None);
            };
            Ok(Some((Box::new(device), fault)))
        }
        WatchdogSection::Supervisor { path } => {
            let mut supervisor = supervisor::Supervisor::connect(path)?;
            let stopped = supervisor.stop();
            Ok(stopped.err().map(|fault| -> GoesOn { (Box::new(supervisor), fault) }))
        }
        WatchdogSection::Device { .. } | WatchdogSection::None { .. } => Ok(None),
    }
}
