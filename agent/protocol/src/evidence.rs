//! What makes a host safe to replace, and the proof of it. Nothing restarts a VM elsewhere without a
//! [`FenceProof`], and only this module makes one.
use crate::Boot;
use lifeboat_model::HostIndex;

/// The kinds of evidence that a host runs no VM, as the design defines them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceKind {
    /// Its lease has run out, and its watchdog's time with it.
    LeaseExpired,
    /// It said so after making sure that none of its VMs runs.
    Notice,
    /// Its crash kernel said so.
    CrashKernel,
    /// A later boot of it was heard.
    Rebooted,
    /// Its board management controller confirms that it is off.
    PowerOff,
    /// An operator's word, given while nothing showed the host alive.
    Operator,
    /// An operator's word, forced against signs of life.
    OperatorForced,
    /// It left on purpose, with no VM running.
    Left,
}

/// Evidence about one boot of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The host.
    pub host: HostIndex,
    /// The boot that is over.
    pub boot: Boot,
    /// How that is known.
    pub kind: EvidenceKind,
}

/// Proof that a boot of a host runs no VM and never will again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceProof {
    evidence: Evidence,
}

impl FenceProof {
    /// For `agent::fencing` alone, which has judged the evidence.
    pub(crate) fn of(evidence: Evidence) -> Self {
        Self { evidence }
    }

    /// What the proof rests on.
    pub fn evidence(&self) -> Evidence {
        self.evidence
    }
}
