//! What people ask of the coordinator through the service, by name; and what becomes of it.
use super::names::Names;
use lifeboat_coordinator::Refusal;
use lifeboat_coordinator::input::Call;
use lifeboat_model::spec::RestartPriority;

/// Something that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Start a VM; without a host, where it leaves the pool best.
    Start {
        /// The VM.
        vm: String,
        /// Where.
        host: Option<String>,
    },
    /// Stop a VM for good.
    Stop {
        /// The VM.
        vm: String,
    },
    /// Set what becomes of a VM when its host dies.
    Protect {
        /// The VM.
        vm: String,
        /// Its restart priority.
        priority: RestartPriority,
    },
    /// Migrate a VM, live.
    Migrate {
        /// The VM.
        vm: String,
        /// Where to.
        to: String,
    },
    /// A host takes no new VMs.
    Disable {
        /// The host.
        host: String,
    },
    /// A host takes VMs again.
    Enable {
        /// The host.
        host: String,
    },
    /// A host takes no new VMs and is emptied.
    Evacuate {
        /// The host.
        host: String,
    },
    /// A host is emptied and then leaves.
    ShutDown {
        /// The host.
        host: String,
    },
    /// The same, and then it boots anew.
    Reboot {
        /// The host.
        host: String,
    },
    /// Where VMs go from hosts that are emptied, and which may be stopped: to be asked before that.
    Plan {
        /// VMs, and where each goes.
        moves: Vec<(String, String)>,
        /// VMs.
        stops: Vec<String>,
    },
}

/// Why something that was asked for is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The coordinator refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody answered in time.
    #[error("the coordinator has not answered in time: it may be done yet; look before asking again")]
    Slow,
    /// The coordinator is no more.
    #[error("the coordinator's term is over: ask again, whoever leads next answers")]
    Over,
}

impl AskError {
    /// Why, as a code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Slow => "not-acknowledged",
            Self::Over => "no-leader",
            Self::Refused(refusal) => match refusal {
                Refusal::UnknownVm => "unknown-vm",
                Refusal::UnknownHost => "unknown-host",
                Refusal::Protected => "vm-is-protected",
                Refusal::AlreadyRuns => "already-runs",
                Refusal::NotRunning => "not-running",
                Refusal::Busy => "busy",
                Refusal::WhereaboutsUnknown => "whereabouts-unknown",
                Refusal::HostNotLive => "host-not-live",
                Refusal::NotEligible => "not-eligible",
                Refusal::NoRoom => "no-room",
                Refusal::StoreOutOfReach => "store-unavailable",
                Refusal::PoolShrank => "pool-shrank",
            },
        }
    }
}

impl Ask {
    /// What it is for the coordinator of this term.
    ///
    /// # Errors
    /// If it names what the coordinator does not know.
    pub fn call(&self, names: &Names) -> Result<Call, Refusal> {
        let vm = |name: &str| names.vm(name).ok_or(Refusal::UnknownVm);
        let host = |name: &str| names.host(name).ok_or(Refusal::UnknownHost);
        Ok(match self {
            Self::Start { vm: name, host: on } => {
                Call::StartVm { vm: vm(name)?, host: on.as_deref().map(host).transpose()? }
            }
            Self::Stop { vm: name } => Call::StopVm { vm: vm(name)? },
            Self::Protect { vm: name, priority } => Call::SetPriority { vm: vm(name)?, priority: *priority },
            Self::Migrate { vm: name, to } => Call::MigrateVm { vm: vm(name)?, to: host(to)? },
            Self::Disable { host: name } => Call::DisableHost { host: host(name)? },
            Self::Enable { host: name } => Call::EnableHost { host: host(name)? },
            Self::Evacuate { host: name } => Call::Evacuate { host: host(name)? },
            Self::Reboot { host: name } => Call::RebootHost { host: host(name)? },
            Self::Plan { moves, stops } => Call::PlanMoves {
                moves: moves.iter().map(|(name, to)| Ok((vm(name)?, host(to)?))).collect::<Result<_, _>>()?,
                stops: stops.iter().map(|name| vm(name)).collect::<Result<_, _>>()?,
            },
            Self::ShutDown { host: name } => Call::ShutDownHost { host: host(name)? },
        })
    }
}
