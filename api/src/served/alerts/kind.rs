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
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Overcommitted,
        Self::ToleranceDropped,
        Self::VmUnplaced,
        Self::VmNotAgile,
        Self::RuleBroken,
        Self::HostOverFull,
        Self::HostFailed,
        Self::HostFenced,
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
        }
    }

    /// What its end is called.
    pub fn end_word(self) -> &'static str {
        match self {
            Self::Overcommitted => "overcommitted-cleared",
            Self::ToleranceDropped => "tolerance-recovered",
            Self::VmUnplaced => "vm-placed",
            Self::VmNotAgile => "vm-agile",
            Self::RuleBroken => "rule-kept",
            Self::HostOverFull => "host-not-over-full",
            Self::HostFailed | Self::HostFenced => "host-rejoined",
        }
    }

    /// How urgent.
    pub fn severity(self) -> Severity {
        match self {
            Self::VmUnplaced => Severity::Critical,
            Self::Overcommitted | Self::HostFailed => Severity::Major,
            Self::ToleranceDropped | Self::VmNotAgile | Self::RuleBroken | Self::HostOverFull => {
                Severity::Warning
            }
            Self::HostFenced => Severity::Info,
        }
    }
}
