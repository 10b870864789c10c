//! The kinds of alert, how urgent each is, and what its end is called.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent an alert is. Later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AlertSeverity")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it in working hours.
    Warning,
    /// Something that was promised is not kept any more, or a host is lost.
    Major,
    /// VMs are down, or may be lost with the next failure.
    Critical,
}

/// What kind of alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AlertKind")]
pub enum Kind {
    /// The effective target does not hold.
    Overcommitted,
    /// Fewer host failures are tolerated than before.
    ToleranceDropped,
    /// A protected VM that should run has no place.
    VmUnplaced,
    /// A protected VM that no host but its own could run.
    VmNotAgile,
    /// VMs break a rule as they run.
    RuleBroken,
    /// A host runs more than it has.
    HostOverFull,
    /// A host was lost.
    HostFailed,
    /// A host was made certain to run nothing.
    HostFenced,
    /// The shared medium does not answer a host, or nobody.
    StatefileLost,
    /// A VM that should be restarted could not be.
    VmRestartFailed,
    /// Another host decides now. Has no end.
    CoordinatorMoved,
    /// Many hosts failed at once, and restarts are held.
    BrakeApplied,
    /// A host comes and goes, and takes no VMs for a while.
    HostQuarantined,
    /// A host, or its medium, has been silent for more than half of the timeout.
    TimeoutApproaching,
    /// A live host does not say what it runs.
    HostStateUnknown,
    /// The checker refused a restart plan; a plainer one is used.
    PlanRefused,
    /// A VM runs on two hosts.
    VmRunsTwice,
    /// A VM runs that somebody else started.
    VmRunsUnasked,
    /// A host cannot be emptied.
    EvacuationStalled,
    /// A rolling reboot could not go on.
    RollingRebootStopped,
    /// A VM's guest answers no more, and its resets are used up. Has no end.
    VmUnresponsive,
    /// Something that an agent has people told. Has no end.
    AgentSays,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::Overcommitted,
        Self::ToleranceDropped,
        Self::VmUnplaced,
        Self::VmNotAgile,
        Self::RuleBroken,
        Self::HostOverFull,
        Self::HostFailed,
        Self::HostFenced,
        Self::StatefileLost,
        Self::VmRestartFailed,
        Self::CoordinatorMoved,
        Self::BrakeApplied,
        Self::HostQuarantined,
        Self::TimeoutApproaching,
        Self::HostStateUnknown,
        Self::PlanRefused,
        Self::VmRunsTwice,
        Self::VmRunsUnasked,
        Self::EvacuationStalled,
        Self::RollingRebootStopped,
        Self::VmUnresponsive,
        Self::AgentSays,
    ];

    /// The kind as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Overcommitted => "overcommitted",
            Self::ToleranceDropped => "tolerance-dropped",
            Self::VmUnplaced => "vm-unplaced",
            Self::VmNotAgile => "vm-not-agile",
            Self::RuleBroken => "rule-broken",
            Self::HostOverFull => "host-over-full",
            Self::HostFailed => "host-failed",
            Self::HostFenced => "host-fenced",
            Self::StatefileLost => "statefile-lost",
            Self::VmRestartFailed => "vm-restart-failed",
            Self::CoordinatorMoved => "coordinator-moved",
            Self::BrakeApplied => "brake-applied",
            Self::HostQuarantined => "host-quarantined",
            Self::TimeoutApproaching => "timeout-approaching",
            Self::HostStateUnknown => "host-state-unknown",
            Self::PlanRefused => "plan-refused",
            Self::VmRunsTwice => "vm-runs-twice",
            Self::VmRunsUnasked => "vm-runs-unasked",
            Self::EvacuationStalled => "evacuation-stalled",
            Self::RollingRebootStopped => "rolling-reboot-stopped",
            Self::VmUnresponsive => "vm-unresponsive",
            Self::AgentSays => "agent-says",
        }
    }

    /// What its end is called.
    pub fn end_word(self) -> &'static str {
        match self {
            Self::Overcommitted => "overcommitted-cleared",
            Self::ToleranceDropped => "tolerance-recovered",
            Self::VmUnplaced | Self::VmRestartFailed => "vm-placed",
            Self::VmNotAgile => "vm-agile",
            Self::RuleBroken => "rule-kept",
            Self::HostOverFull => "host-not-over-full",
            Self::HostFailed | Self::HostFenced => "host-rejoined",
            Self::StatefileLost => "statefile-back",
            Self::CoordinatorMoved => "coordinator-moved",
            Self::BrakeApplied => "brake-released",
            Self::HostQuarantined => "host-trusted-again",
            Self::TimeoutApproaching => "timeout-averted",
            Self::HostStateUnknown => "host-state-known",
            Self::PlanRefused => "plan-accepted",
            Self::VmRunsTwice => "vm-runs-once",
            Self::VmRunsUnasked => "vm-runs-unasked-no-more",
            Self::EvacuationStalled => "evacuation-goes-on",
            Self::RollingRebootStopped => "rolling-reboot-begun",
            Self::VmUnresponsive => "vm-responds",
            Self::AgentSays => "agent-says",
        }
    }

    /// How urgent.
    pub fn severity(self) -> Severity {
        match self {
            Self::VmUnplaced | Self::VmRestartFailed | Self::BrakeApplied | Self::VmRunsTwice => {
                Severity::Critical
            }
            Self::Overcommitted
            | Self::HostFailed
            | Self::StatefileLost
            | Self::HostStateUnknown
            | Self::VmUnresponsive => Severity::Major,
            Self::ToleranceDropped
            | Self::VmNotAgile
            | Self::RuleBroken
            | Self::HostOverFull
            | Self::HostQuarantined
            | Self::TimeoutApproaching
            | Self::PlanRefused
            | Self::VmRunsUnasked
            | Self::EvacuationStalled
            | Self::RollingRebootStopped
            | Self::AgentSays => Severity::Warning,
            Self::HostFenced | Self::CoordinatorMoved => Severity::Info,
        }
    }

    /// Whether it is told once and over at once: it has no end.
    pub fn is_moment(self) -> bool {
        matches!(self, Self::CoordinatorMoved | Self::VmUnresponsive | Self::AgentSays)
    }

    /// What to do first about one that the coordinator or an agent raised.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::StatefileLost => {
                "look at the storage; for the whole pool, restart nothing until it is back"
            }
            Self::VmRestartFailed => {
                "lifeboat repair says what would make room; lifeboat diagnose says what is in the way"
            }
            Self::CoordinatorMoved => "look at the host that decided before",
            Self::BrakeApplied => {
                "find out whether hosts or the network failed, then: lifeboat pool release-brake"
            }
            Self::HostQuarantined => "look at its power, memory and links",
            Self::TimeoutApproaching => "look at its network and storage",
            Self::HostStateUnknown => "restart its hypervisor's daemon",
            Self::PlanRefused => "report it: it is a defect of Lifeboat",
            Self::VmRunsTwice => "stop it on one of them, now",
            Self::VmRunsUnasked => "find out who started it",
            Self::EvacuationStalled => "lifeboat host evacuate lists what is in the way",
            Self::RollingRebootStopped => {
                "mend what is in the way, then begin it again for the hosts that are left"
            }
            Self::VmUnresponsive => "look at its console",
            Self::AgentSays => "look at the host's log: journalctl -u lifeboat-agent",
            Self::Overcommitted
            | Self::ToleranceDropped
            | Self::VmUnplaced
            | Self::VmNotAgile
            | Self::RuleBroken
            | Self::HostOverFull
            | Self::HostFailed
            | Self::HostFenced => "",
        }
    }
}
