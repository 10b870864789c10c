//! What the coordinator knows of a host.
use crate::Instant;
use crate::input::Standing;
use crate::record::Duty;
use core::time::Duration;
use lifeboat_model::spec::HostState;

/// How long a host that was told that it may leave may take to be agreed out; one that is a member then has stayed.
const LEAVES_WITHIN: Duration = Duration::from_mins(1);

/// A host.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, learned from another source")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    /// What is agreed of it, evidence that came ahead of the agreement included.
    pub(crate) standing: Standing,
    /// What the operator wants of it.
    pub(crate) duty: Duty,
    /// The boot of which that was wanted.
    pub(crate) duty_of: Option<u64>,
    /// Whether its inventory of this term and boot is in; orders reach it only then.
    pub(crate) spoke: bool,
    /// Whether its hypervisor is silent.
    pub(crate) hypervisor_silent: bool,
    /// Since when it has been live without its being known what runs there.
    pub(crate) unknown_since: Option<Instant>,
    /// Whether its fencing was asked for in this boot.
    pub(crate) fence_requested: bool,
    /// Whether it was told that it may leave in this boot.
    pub(crate) may_leave: bool,
    /// When it was last told so: nobody can take that back, so it takes no VMs, whatever is wanted of it since.
    pub(crate) told_to_leave: Option<Instant>,
    /// Whether it has lost the medium.
    pub(crate) medium_lost: bool,
}

impl Host {
    /// The boot that is a member.
    pub(crate) fn live_boot(&self) -> Option<u64> {
        match self.standing {
            Standing::Live { boot, .. } => Some(boot),
            Standing::Out | Standing::BeingFenced { .. } | Standing::Safe { .. } => None,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live_boot().is_some()
    }

    /// Whether VMs can run there: it is live, or not yet certain to be over.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.standing, Standing::Live { .. } | Standing::BeingFenced { .. })
    }

    /// Whether orders reach it and are carried out.
    pub(crate) fn listens(&self) -> bool {
        self.is_live() && self.spoke && !self.hypervisor_silent
    }

    /// Whether it is to be emptied.
    pub(crate) fn is_emptied(&self) -> bool {
        matches!(self.duty, Duty::Maintenance | Duty::Leaving | Duty::Rebooting)
    }

    /// Whether it was to leave, and has: a later boot of it is a member.
    pub(crate) fn has_come_back(&self, first: bool) -> bool {
        let was_to_leave = matches!(self.duty, Duty::Leaving | Duty::Rebooting);
        was_to_leave && (!first || self.duty_of.is_some_and(|of| self.live_boot() > Some(of)))
    }

    /// Whether it takes VMs now.
    pub(crate) fn takes_vms(&self) -> bool {
        self.listens()
            && matches!(self.standing, Standing::Live { quarantined: false, .. })
            && self.duty == Duty::Enabled
            && self.told_to_leave.is_none()
    }

    /// When it takes VMs again, if it was told that it may leave and has not.
    pub(crate) fn stays_from(&self) -> Option<Instant> {
        self.told_to_leave.filter(|_| !self.is_emptied()).map(|told| told + LEAVES_WITHIN)
    }

    /// Its state for planning: only a host that takes VMs now is live.
    pub(crate) fn state_now(&self) -> HostState {
        match (self.is_up(), self.duty) {
            (true, Duty::Maintenance | Duty::Leaving | Duty::Rebooting) => HostState::Maintenance,
            (true, _) if self.takes_vms() => HostState::Live,
            (true, _) => HostState::Disabled,
            (false, _) => self.state_down(),
        }
    }

    /// Its state for judging tolerance: a member that has not spoken yet is counted on, as it will.
    pub(crate) fn state_lasting(&self) -> HostState {
        match (self.standing, self.duty) {
            (Standing::Live { quarantined: false, .. }, Duty::Enabled) => HostState::Live,
            _ => self.state_now(),
        }
    }

    /// Its state as it was before it failed.
    pub(crate) fn state_before(&self) -> HostState {
        match self.duty {
            Duty::Enabled => HostState::Live,
            Duty::Disabled => HostState::Disabled,
            Duty::Maintenance | Duty::Leaving | Duty::Rebooting => HostState::Maintenance,
        }
    }

    /// A host in maintenance is missed no more when it is off than when it is empty.
    fn state_down(&self) -> HostState {
        match (self.standing, self.duty) {
            (Standing::Out, Duty::Maintenance | Duty::Leaving | Duty::Rebooting) => HostState::Maintenance,
            (Standing::Safe { .. }, _) => HostState::Fenced,
            (Standing::Out | Standing::Live { .. } | Standing::BeingFenced { .. }, _) => HostState::Dead,
        }
    }
}
