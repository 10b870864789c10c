//! Hosts and VMs to which the same happens at about the same time: gathered until no more of them come.
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::evidence::EvidenceKind;
use std::collections::BTreeSet;
use std::time::Duration;

/// What happens to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    PowerLost,
    SwitchedOff,
    FencedItself,
    Lost,
    Left,
    Safe { evidence: EvidenceKind },
    Started { order: Option<u32> },
    Moved { from: HostIndex },
    Ordered,
    Crashed,
    Failed { reason: String },
    Waits { reason: String },
    Up,
    Rejoined,
    AgentBack,
    MediumLost,
    MediumBack,
    Armed { armed: bool },
    Enabled,
    Disabled,
    Maintenance,
}

/// Those to whom it happens.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    pub(super) kind: Kind,
    /// When it happened to the first.
    pub(super) at: Duration,
    /// When it happened to the last.
    pub(super) last: Duration,
    pub(super) hosts: BTreeSet<HostIndex>,
    pub(super) vms: BTreeSet<VmIndex>,
    pub(super) protected: usize,
}

/// Nobody joins a crowd after so long a pause.
const PAUSE: Duration = Duration::from_millis(300);
/// Nor once it lasts for so long: then what there is is told.
const LONGEST: Duration = Duration::from_millis(1_500);
/// Live migrations come a few at a time: they are told when they have ended.
const MOVING_PAUSE: Duration = Duration::from_secs(7);
const MOVING_LONGEST: Duration = Duration::from_mins(5);
/// Whoever gathers for so long is done.
pub(super) const LONGEST_OF_ALL: Duration = MOVING_LONGEST;

impl Crowd {
    pub(super) fn new(at: Duration, kind: Kind) -> Self {
        Self { kind, at, last: at, hosts: BTreeSet::new(), vms: BTreeSet::new(), protected: 0 }
    }

    pub(super) fn join(
        &mut self,
        at: Duration,
        host: Option<HostIndex>,
        vm: Option<VmIndex>,
        protected: bool,
    ) {
        self.last = self.last.max(at);
        self.hosts.extend(host);
        if vm.is_some_and(|vm| self.vms.insert(vm)) && protected {
            self.protected += 1;
        }
    }

    /// Whether the sentence is about the hosts, and not about what goes to them.
    pub(super) fn is_about_its_hosts(&self) -> bool {
        let goes_to_them = matches!(self.kind, Kind::Started { .. } | Kind::Moved { .. });
        !goes_to_them && !matches!(self.kind, Kind::Failed { .. } | Kind::Waits { .. })
    }

    /// Whether it gathers for so long that nothing else waits for it.
    pub(super) fn takes_long(&self) -> bool {
        matches!(self.kind, Kind::Moved { .. })
    }

    pub(super) fn is_over(&self, now: Duration) -> bool {
        let (pause, longest) =
            if self.takes_long() { (MOVING_PAUSE, MOVING_LONGEST) } else { (PAUSE, LONGEST) };
        now >= self.last + pause || now >= self.at + longest
    }
}
