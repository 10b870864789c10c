//! What runs VMs on this host, behind one trait: libvirt ([`libvirt`]), a command per VM ([`process`]), or a program of the operator's
//! that is called with verbs ([`exec`]).
//!
//! Every call has a time limit. A hypervisor that does not answer in time has said nothing: that is [`Fault::Silent`], and never that a VM
//! does not run. What it refuses, [`Fault::Refused`], has left nothing behind.
pub mod command;
pub mod exec;
pub mod libvirt;
pub mod probe;
pub mod process;
pub mod processes;
pub mod reach;
pub mod site;

use lifeboat_link::note::{HostFacts, VmFacts};
use lifeboat_protocol::order::StopCause;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A VM that the hypervisor knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its name in the pool.
    pub vm: String,
    /// What it does.
    pub state: GuestState,
}

/// What a VM does, as its hypervisor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// Its vCPUs can execute, also if it is paused: whoever paused it can resume it.
    Running,
    /// Paused by its hypervisor, because a disk failed.
    DiskFailed,
    /// Paused, by somebody or by a migration that leaves from here.
    Paused,
    /// It is being migrated here.
    Arriving,
    /// It does not run; how it ended, if the hypervisor remembers.
    Stopped(Option<Ending>),
    /// It executes no more, but something is left of it that must be removed first.
    Wreck,
    /// The hypervisor knows it, and does not say.
    Unknown,
}

impl GuestState {
    /// Whether its vCPUs execute here or can be made to without a start.
    pub const fn may_run(self) -> bool {
        !matches!(self, Self::Stopped(_))
    }

    /// Whether it is certain that it runs here and nowhere else is meant.
    pub const fn runs(self) -> bool {
        matches!(self, Self::Running | Self::DiskFailed | Self::Paused)
    }
}

/// How a run of a VM ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ended here, this way.
    Here(StopCause),
    /// It was migrated away.
    Left,
}

/// Something that the hypervisor tells by itself. Events only hasten a look; what counts is what a look finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The stream of events begins, again: something may have been missed.
    Connected,
    /// The stream broke off.
    Broken,
    /// A VM was started, resumed, suspended.
    Changed(String),
    /// A VM arrived by migration.
    Arrived(String),
    /// A run ended.
    Ended(String, Ending),
    /// A disk failed; the device, and what the hypervisor did about it.
    DiskFailed {
        /// The VM.
        vm: String,
        /// In words.
        what: String,
    },
    /// A VM was defined, or otherwise than before.
    Defined(String),
    /// A VM's definition was removed.
    Undefined(String),
    /// A guest rebooted.
    Rebooted(String),
    /// A watchdog in the guest ran out.
    Watchdog(String),
    /// The guest's agent came or went.
    GuestAgent {
        /// The VM.
        vm: String,
        /// Whether it is there.
        connected: bool,
    },
}

/// Signs of life of a VM. Counters only ever rise while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Requests to disks, and packets on networks.
    pub activity: u64,
    /// Whatever stands for a heartbeat: it changes as long as the guest is well. None: the VM has none.
    pub heartbeat: Option<u64>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No answer. What was asked for may have happened, or may happen yet.
    #[error("the hypervisor does not answer ({0}); look at its service and its log")]
    Silent(String),
    /// It was refused, and nothing is left of it.
    #[error("{0}")]
    Refused(String),
}

/// Whether VMs may be started: asked last thing before each start, by the thread that makes it.
#[derive(Debug, Default)]
pub struct Permit {
    leased: AtomicBool,
    closed: AtomicBool,
}

impl Permit {
    /// Whether a start may begin now.
    pub fn allows(&self) -> bool {
        self.leased.load(Ordering::SeqCst) && !self.closed.load(Ordering::SeqCst)
    }

    /// Whether this host has a lease.
    pub fn set_leased(&self, leased: bool) {
        self.leased.store(leased, Ordering::SeqCst);
    }

    /// No start begins any more, for good.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether all VMs are to be stopped: what waits for a start gives up.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// Whoever is told of events. Says whether anybody still listens.
pub type Listener = Box<dyn Fn(Event) -> bool + Send>;

/// What runs VMs.
pub trait Hypervisor: Send + Sync {
    /// All VMs that it knows.
    ///
    /// # Errors
    /// [`Fault::Silent`]: nothing is known.
    fn guests(&self) -> Result<Vec<Guest>, Fault>;

    /// VMs that may run here as far as can be told without an answer of the hypervisor.
    fn traces(&self) -> Vec<String>;

    /// What the host has.
    ///
    /// # Errors
    /// If nobody answers.
    fn describe(&self) -> Result<HostFacts, Fault>;

    /// What a VM is made of.
    ///
    /// # Errors
    /// If nobody answers, or there is no such VM.
    fn facts(&self, vm: &str) -> Result<VmFacts, Fault>;

    /// Starts a VM of that definition. Gives what people should know about it.
    ///
    /// # Errors
    /// [`Fault::Refused`]: it does not run because of this call, and will not. [`Fault::Silent`]: it may.
    fn start(&self, vm: &str, definition: &str, permit: &Permit) -> Result<Vec<String>, Fault>;

    /// Ends programs that an agent which was killed had called to start a VM, and all that they have started, as far as there can be any.
    fn end_half_started(&self, _vm: &str) {}

    /// Stops a VM at once, if it runs. When this returns well it does not run.
    ///
    /// # Errors
    /// If that is not certain.
    fn stop(&self, vm: &str) -> Result<(), Fault>;

    /// Migrates a VM that runs here, live, to a host of the pool. When this returns well it runs there.
    ///
    /// # Errors
    /// [`Fault::Refused`]: it did not move. [`Fault::Silent`]: nobody knows.
    fn migrate(&self, vm: &str, to: &str) -> Result<(), Fault>;

    /// Stops everything that runs, whatever it takes. When this returns well, it is certain that no VM runs.
    ///
    /// # Errors
    /// If that is not certain; to be tried again.
    fn kill_all(&self) -> Result<(), Fault>;

    /// Tells events from a thread of its own, for as long as the listener wants them.
    fn watch(self: Arc<Self>, listener: Listener);

    /// Signs of life of the VMs that run.
    ///
    /// # Errors
    /// If nobody answers.
    fn pulses(&self, vms: &[String]) -> Result<BTreeMap<String, Pulse>, Fault>;

    /// Resets a VM, as its reset button would.
    ///
    /// # Errors
    /// If nobody answers, or it cannot be.
    fn reset(&self, vm: &str) -> Result<(), Fault>;

    /// Keeps in a directory what shows the state of a VM: its screen, the end of its console. As much as can be had.
    ///
    /// # Errors
    /// If there is nothing to be had.
    fn evidence(&self, vm: &str, directory: &Path) -> Result<(), Fault>;

    /// Whether the guest's agent answers.
    ///
    /// # Errors
    /// If nobody says.
    fn guest_answers(&self, vm: &str) -> Result<bool, Fault>;

    /// Where the guest is reached, if anybody knows.
    ///
    /// # Errors
    /// If nobody says.
    fn address(&self, vm: &str) -> Result<Option<IpAddr>, Fault>;

    /// Switches off what would start VMs behind the pool's back. Gives the VMs that it concerned, and what people should know of it.
    ///
    /// # Errors
    /// If nobody answers.
    fn tame(&self) -> Result<Vec<(String, String)>, Fault> {
        Ok(Vec::new())
    }

    /// Restarts the hypervisor's service, if a command for that is configured. VMs go on running.
    ///
    /// # Errors
    /// If it is not, or does not help.
    fn revive(&self) -> Result<(), Fault>;

    /// How long a call of [`Self::guests`] can last.
    fn answers_within(&self) -> Duration;
}
