//! What the machine is told, what it says, and the jobs between the two.
use crate::hypervisor::{Event, Fault, Guest, Pulse};
use lifeboat_link::note::{HostFacts, ReportNote, VmFacts, VmNote};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Epoch;
use lifeboat_protocol::order::{Gate, Order, Report};
use std::collections::BTreeMap;

/// What the warden is told.
#[derive(Debug)]
pub enum Told {
    /// A new term begins.
    NewTerm(Epoch),
    /// An order.
    Order(Order),
    /// All VMs are to be stopped.
    StopAll,
    /// Whether this host has a lease.
    Leased(bool),
    /// The hypervisor tells something.
    Event(Event),
    /// A job is done.
    Done(u64, Done),
    /// Time has passed.
    Elapsed,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Do {
    /// Tell the coordinator.
    Report(Report),
    /// Tell the coordinator.
    Note(ReportNote),
    /// Tell the protocol that no VM runs and none will.
    NoVmRuns,
    /// Tell the protocol how much memory protected VMs have here.
    ProtectedMemory(u64),
    /// Starts may begin, or no longer.
    Leased(bool),
    /// No start begins any more, for good.
    Close,
    /// Have this done, and tell when it is.
    Job(u64, Job),
    /// Keep what was told of a VM.
    Keep(VmNote),
    /// No VM runs and none is started any more: this host may leave.
    MayLeave {
        /// Whether it boots anew then.
        reboots: bool,
    },
    /// A note that is not about VMs, as it came.
    Other(Box<[u8]>),
}

/// Work that can take long; each in a thread of its own. Whoever does it does not end before the outcome is certain.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// List all VMs.
    Look,
    /// Start a VM.
    Start {
        /// The VM.
        vm: String,
        /// What it is made of.
        definition: String,
    },
    /// Find out what has become of a start that an earlier agent had begun.
    Settle {
        /// The VM.
        vm: String,
    },
    /// Stop a VM.
    Stop {
        /// The VM.
        vm: String,
    },
    /// Migrate a VM.
    Migrate {
        /// The VM.
        vm: String,
        /// The host.
        to: HostIndex,
    },
    /// Wait until a VM passes its gate, or somebody else has been told of its end.
    Gate {
        /// The VM.
        vm: String,
        /// What to wait for.
        gate: Gate,
    },
    /// Say what a VM is made of.
    Facts {
        /// The VM.
        vm: String,
    },
    /// Say what the host has.
    Host,
    /// Switch off what starts VMs by itself.
    Tame,
    /// Restart the hypervisor's service.
    Revive,
    /// Stop everything; again and again until it is certain.
    KillAll,
    /// Feel the pulse of these.
    Pulses {
        /// The VMs.
        vms: Vec<String>,
    },
    /// Keep evidence of a VM's state, then reset it.
    Reset {
        /// The VM.
        vm: String,
    },
    /// Keep evidence of a VM's state, then stop it.
    StopIll {
        /// The VM.
        vm: String,
    },
}

/// What became of a job.
#[derive(Debug)]
pub enum Done {
    /// All VMs; or the hypervisor is silent, and these may run.
    Look(Result<Vec<Guest>, Vec<String>>),
    /// It runs, with what people should know; or it does not, and why.
    Start(Result<Vec<String>, String>),
    /// Whether it runs.
    Settle(bool),
    /// It does not run.
    Stop,
    /// It has moved; or it did not, and why.
    Migrate(Result<(), String>),
    /// Whether it passed its gate.
    Gate(bool),
    /// What it is made of.
    Facts(Result<VmFacts, Fault>),
    /// What the host has, and what of it is lost.
    Host(Option<HostFacts>, Vec<crate::hypervisor::site::Loss>),
    /// VMs that would have been started, and what was done.
    Tame(Vec<(String, String)>),
    /// It was tried.
    Revive,
    /// It is certain.
    KillAll,
    /// Signs of life.
    Pulses(Option<BTreeMap<String, Pulse>>),
    /// It was reset, or cannot be.
    Reset(Result<(), String>),
}

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Starts.
    pub starts: usize,
    /// Stops.
    pub stops: usize,
    /// Migrations.
    pub migrations: usize,
}

/// How things stand, for the status.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// VMs that run here.
    pub running: Vec<String>,
    /// VMs that may.
    pub may_run: Vec<String>,
    /// VMs that something is being done about.
    pub at_work: Vec<String>,
    /// Orders that wait for others.
    pub orders_waiting: usize,
    /// Whether the hypervisor answers.
    pub hypervisor_answers: bool,
    /// Whether all VMs of this host are stopped, for good.
    pub stopping: bool,
}
