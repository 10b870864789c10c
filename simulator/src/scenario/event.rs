//! What can happen in a scenario: the design's events, and beyond them faults that random scenarios make.
use core::time::Duration;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, counted from the moment when the pool has formed and all VMs run.
    pub at: Duration,
    /// What happens.
    pub action: Action,
}

/// Hosts by name; `coordinator` names whoever it is then.
pub type Hosts = Vec<String>;

/// What happens. Where networks are named, none means all of them; where hosts are optional, none means all.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the scenario format; each variant's line speaks of them"
)]
pub enum Action {
    /// Hosts lose power.
    PowerOff { hosts: Hosts },
    /// Hosts get power again and boot.
    PowerOn { hosts: Hosts },
    /// Agent processes crash.
    AgentCrash { hosts: Hosts },
    /// Agent processes stand still for a while.
    AgentPause { hosts: Hosts, lasts: Duration },
    /// Coordinator processes on the hosts hang: for a while, or until somebody ends them.
    ControlHang { hosts: Hosts, lasts: Option<Duration> },
    /// Coordinator processes on the hosts crash.
    ControlCrash { hosts: Hosts },
    /// Hypervisor daemons hang: for a while, or until they are restarted. Their VMs go on.
    HypervisorHang { hosts: Hosts, lasts: Option<Duration> },
    /// An operator disables hosts: they take no new VMs.
    Disable { hosts: Hosts },
    /// An operator enables hosts.
    Enable { hosts: Hosts },
    /// An operator disables hosts and has their VMs migrated away.
    Evacuate { hosts: Hosts },
    /// Clean shutdown: disable, evacuate, leave, power off; off until `power-on`.
    Shutdown { hosts: Hosts },
    /// An operator says that hosts are dead.
    ConfirmDead { hosts: Hosts, force: bool },
    /// The hosts' BMCs confirm that they are off, if they are.
    BmcConfirmsOff { hosts: Hosts },
    /// Hosts hear only their own group; carrier stays. Hosts in no group hear one another. `gateway` can be a member.
    Partition { groups: Vec<Vec<String>>, networks: Vec<String> },
    /// What `from` sends does not arrive at `to`; carrier stays.
    Cut { from: Hosts, to: Hosts, networks: Vec<String> },
    /// Links of hosts go down, and carrier with them.
    LinkDown { hosts: Hosts, networks: Vec<String> },
    /// Links of hosts come up.
    LinkUp { hosts: Hosts, networks: Vec<String> },
    /// This share of the datagrams to and from the hosts is lost, in a million.
    PacketLoss { hosts: Option<Hosts>, in_a_million: u32, networks: Vec<String> },
    /// This share of the datagrams arrives twice, in a million.
    Duplicate { in_a_million: u32 },
    /// Datagrams take this long, and up to `jitter` longer: those with more are overtaken.
    NetworkDelay { latency: Duration, jitter: Duration },
    /// The network is whole again.
    Heal,
    /// Hosts no longer reach the gateway.
    GatewayLoss { hosts: Hosts },
    /// Hosts reach the gateway again.
    GatewayHeal { hosts: Hosts },
    /// Hosts no longer reach the medium, nor their VMs' disks where `vm_storage`.
    StorageLoss { hosts: Option<Hosts>, vm_storage: bool },
    /// Hosts reach the medium and the disks again.
    StorageHeal { hosts: Option<Hosts> },
    /// The medium takes this long for what hosts ask.
    StorageSlow { hosts: Option<Hosts>, latency: Duration },
    /// What hosts ask of the medium is held for this long and takes effect then, even if the host is down.
    MediumDelay { hosts: Option<Hosts>, lasts: Duration },
    /// What hosts ask of the medium fails for this long; it may have had effect.
    MediumError { hosts: Option<Hosts>, lasts: Duration },
    /// For this long the medium acknowledges writes of hosts that it loses.
    MediumLoseWrites { hosts: Option<Hosts>, lasts: Duration },
    /// A VM crashes.
    VmCrash { vm: String },
    /// A VM is shut down from inside.
    VmShutdownInside { vm: String },
    /// A VM hangs: it executes, and answers nobody.
    VmHang { vm: String },
    /// From now on a VM does not start on these hosts.
    VmStartFails { vm: String, hosts: Option<Hosts> },
    /// From now on starting a VM takes hypervisors this long.
    StartSlow { latency: Duration },
    /// An operator has a VM migrated.
    Migrate { vm: String, to: String },
    /// An operator changes the pool document.
    Set { path: String, value: toml::Value },
    /// The hosts' clocks run at this rate from now on.
    ClockRate { hosts: Hosts, ppm: i32 },
    /// An operator disarms the pool for a while.
    Disarm { lasts: Duration },
    /// An operator ends the disarmed time.
    Arm,
    /// An operator releases the mass-failure brake.
    ReleaseBrake,
}

/// The words of the design, as `do` spells them.
pub const WORDS: [&str; 30] = [
    "power-off",
    "power-on",
    "agent-crash",
    "agent-pause",
    "control-hang",
    "hypervisor-hang",
    "disable",
    "enable",
    "evacuate",
    "shutdown",
    "confirm-dead",
    "bmc-confirms-off",
    "partition",
    "cut",
    "link-down",
    "link-up",
    "packet-loss",
    "heal",
    "storage-loss",
    "storage-heal",
    "storage-slow",
    "vm-crash",
    "vm-shutdown-inside",
    "vm-hang",
    "vm-start-fails",
    "migrate",
    "set",
    "clock-rate",
    "disarm",
    "arm",
];

/// Faults beyond the design's.
pub const FURTHER_WORDS: [&str; 10] = [
    "control-crash",
    "duplicate",
    "network-delay",
    "gateway-loss",
    "gateway-heal",
    "medium-delay",
    "medium-error",
    "medium-lose-writes",
    "start-slow",
    "release-brake",
];

impl Action {
    /// Its word, as `do` spells it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PowerOff { .. } => "power-off",
            Self::PowerOn { .. } => "power-on",
            Self::AgentCrash { .. } => "agent-crash",
            Self::AgentPause { .. } => "agent-pause",
            Self::ControlHang { .. } => "control-hang",
            Self::ControlCrash { .. } => "control-crash",
            Self::HypervisorHang { .. } => "hypervisor-hang",
            Self::Disable { .. } => "disable",
            Self::Enable { .. } => "enable",
            Self::Evacuate { .. } => "evacuate",
            Self::Shutdown { .. } => "shutdown",
            Self::ConfirmDead { .. } => "confirm-dead",
            Self::BmcConfirmsOff { .. } => "bmc-confirms-off",
            Self::Partition { .. } => "partition",
            Self::Cut { .. } => "cut",
            Self::LinkDown { .. } => "link-down",
            Self::LinkUp { .. } => "link-up",
            Self::PacketLoss { .. } => "packet-loss",
            Self::Duplicate { .. } => "duplicate",
            Self::NetworkDelay { .. } => "network-delay",
            Self::Heal => "heal",
            Self::GatewayLoss { .. } => "gateway-loss",
            Self::GatewayHeal { .. } => "gateway-heal",
            Self::StorageLoss { .. } => "storage-loss",
            Self::StorageHeal { .. } => "storage-heal",
            Self::StorageSlow { .. } => "storage-slow",
            Self::MediumDelay { .. } => "medium-delay",
            Self::MediumError { .. } => "medium-error",
            Self::MediumLoseWrites { .. } => "medium-lose-writes",
            Self::VmCrash { .. } => "vm-crash",
            Self::VmShutdownInside { .. } => "vm-shutdown-inside",
            Self::VmHang { .. } => "vm-hang",
            Self::VmStartFails { .. } => "vm-start-fails",
            Self::StartSlow { .. } => "start-slow",
            Self::Migrate { .. } => "migrate",
            Self::Set { .. } => "set",
            Self::ClockRate { .. } => "clock-rate",
            Self::Disarm { .. } => "disarm",
            Self::Arm => "arm",
            Self::ReleaseBrake => "release-brake",
        }
    }

    /// The hosts and the VM that it names.
    pub fn names(&self) -> (Vec<&str>, Option<&str>) {
        match self {
            Self::PowerOff { hosts }
            | Self::PowerOn { hosts }
            | Self::AgentCrash { hosts }
            | Self::AgentPause { hosts, .. }
            | Self::ControlHang { hosts, .. }
            | Self::ControlCrash { hosts }
            | Self::HypervisorHang { hosts, .. }
            | Self::Disable { hosts }
            | Self::Enable { hosts }
            | Self::Evacuate { hosts }
            | Self::Shutdown { hosts }
            | Self::ConfirmDead { hosts, .. }
            | Self::BmcConfirmsOff { hosts }
            | Self::LinkDown { hosts, .. }
            | Self::LinkUp { hosts, .. }
            | Self::GatewayLoss { hosts }
            | Self::GatewayHeal { hosts }
            | Self::ClockRate { hosts, .. } => (of(hosts), None),
            Self::PacketLoss { hosts, .. }
            | Self::StorageLoss { hosts, .. }
            | Self::StorageHeal { hosts }
            | Self::StorageSlow { hosts, .. }
            | Self::MediumDelay { hosts, .. }
            | Self::MediumError { hosts, .. }
            | Self::MediumLoseWrites { hosts, .. } => (hosts.as_ref().map(of).unwrap_or_default(), None),
            Self::Partition { groups, .. } => (
                groups.iter().flatten().map(String::as_str).filter(|name| *name != "gateway").collect(),
                None,
            ),
            Self::Cut { from, to, .. } => ([of(from), of(to)].concat(), None),
            Self::VmCrash { vm } | Self::VmShutdownInside { vm } | Self::VmHang { vm } => {
                (Vec::new(), Some(vm))
            }
            Self::VmStartFails { vm, hosts } => (hosts.as_ref().map(of).unwrap_or_default(), Some(vm)),
            Self::Migrate { vm, to } => (vec![to], Some(vm)),
            Self::Duplicate { .. }
            | Self::NetworkDelay { .. }
            | Self::Heal
            | Self::StartSlow { .. }
            | Self::Set { .. }
            | Self::Disarm { .. }
            | Self::Arm
            | Self::ReleaseBrake => (Vec::new(), None),
        }
    }

    /// The heartbeat networks that it names.
    pub fn networks(&self) -> &[String] {
        match self {
            Self::Partition { networks, .. }
            | Self::Cut { networks, .. }
            | Self::LinkDown { networks, .. }
            | Self::LinkUp { networks, .. }
            | Self::PacketLoss { networks, .. } => networks,
            _ => &[],
        }
    }
}

fn of(hosts: &Hosts) -> Vec<&str> {
    hosts.iter().map(String::as_str).collect()
}
