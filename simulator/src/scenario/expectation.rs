//! What a scenario expects.
use core::fmt;
use core::time::Duration;

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// States are judged at this moment; fences, starts and alerts at or before it.
    pub by: Duration,
    /// What is expected.
    pub expected: Expected,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A VM runs on one of these hosts; none named: anywhere.
    VmRuns {
        /// The VM.
        vm: String,
        /// On one of these.
        on_any: Option<Vec<String>>,
    },
    /// A VM does not run.
    VmHalted {
        /// The VM.
        vm: String,
    },
    /// So many VMs run.
    VmsRunning(usize),
    /// The first start command for a VM since the beginning was given.
    FirstStart {
        /// The VM.
        vm: String,
    },
    /// A host is in this state.
    Host {
        /// The host.
        host: String,
        /// The state.
        state: HostWord,
    },
    /// Exactly these hosts have been fenced.
    Fenced(Vec<String>),
    /// The coordinator is one of these hosts.
    CoordinatorAny(Vec<String>),
    /// An alert of this kind was raised, or was not.
    Alert {
        /// The kind.
        kind: String,
        /// It was not.
        absent: bool,
    },
}

/// States of hosts that can be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostWord {
    /// In the liveset, never fenced since the beginning.
    Live,
    /// Was fenced at some time.
    Fenced,
    /// In the liveset again, after it had been fenced or had gone down.
    Rejoined,
    /// Without power.
    Off,
}

/// The kinds of alerts.
pub const ALERT_KINDS: [&str; 16] = [
    "host-failed",
    "host-fenced",
    "host-rejoined",
    "statefile-lost",
    "statefile-back",
    "overcommitted",
    "overcommitted-cleared",
    "tolerance-dropped",
    "tolerance-recovered",
    "vm-restart-failed",
    "vm-not-agile",
    "rule-broken",
    "coordinator-moved",
    "brake-applied",
    "host-quarantined",
    "timeout-approaching",
];

impl HostWord {
    /// As the scenario spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Fenced => "fenced",
            Self::Rejoined => "rejoined",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.as_secs_f64();
        match &self.expected {
            Expected::VmRuns { vm, on_any: None } => write!(f, "{vm} runs at {by} s"),
            Expected::VmRuns { vm, on_any: Some(hosts) } => {
                write!(f, "{vm} runs on {} at {by} s", hosts.join(" or "))
            }
            Expected::VmHalted { vm } => write!(f, "{vm} does not run at {by} s"),
            Expected::VmsRunning(count) => write!(f, "{count} VMs run at {by} s"),
            Expected::FirstStart { vm } => write!(f, "{vm} is first told to start by {by} s"),
            Expected::Host { host, state } => write!(f, "{host} is {} at {by} s", state.word()),
            Expected::Fenced(hosts) if hosts.is_empty() => write!(f, "no host is fenced by {by} s"),
            Expected::Fenced(hosts) => write!(f, "exactly {} fenced by {by} s", hosts.join(", ")),
            Expected::CoordinatorAny(hosts) => {
                write!(f, "the coordinator is {} at {by} s", hosts.join(" or "))
            }
            Expected::Alert { kind, absent: false } => write!(f, "alert {kind} by {by} s"),
            Expected::Alert { kind, absent: true } => write!(f, "no alert {kind} by {by} s"),
        }
    }
}
