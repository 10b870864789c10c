//! Every command: how it is said, what it takes, what it does to the pool.
use lifeboat_simulator::scenario::Action;
use std::time::Duration;

/// How a command is said, and what it does.
pub(super) struct Usage {
    pub(super) command: &'static str,
    pub(super) takes: Takes,
    pub(super) shown: &'static str,
    pub(super) does: &'static str,
    pub(super) action: fn(Given) -> Action,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// Hosts, one at least.
    Hosts,
    /// Hosts; none are all.
    PerhapsHosts,
    /// Hosts and heartbeat networks.
    HostsAndNetworks,
    Groups,
    Vm,
    VmAndHost,
    Span,
}

/// What was given to a command.
#[derive(Default)]
pub(super) struct Given {
    pub(super) hosts: Vec<String>,
    pub(super) networks: Vec<String>,
    pub(super) groups: Vec<Vec<String>>,
    pub(super) vm: String,
    pub(super) span: Duration,
}

impl Given {
    /// The hosts; none where none were given.
    fn perhaps(self) -> Option<Vec<String>> {
        Some(self.hosts).filter(|hosts| !hosts.is_empty())
    }
}

pub(super) const USAGES: [Usage; 20] = [
    Usage {
        command: "kill",
        takes: Takes::Hosts,
        shown: "kill h07",
        does: "hosts lose power (also: kill coordinator, kill rack-3)",
        action: |given| Action::PowerOff { hosts: given.hosts },
    },
    Usage {
        command: "revive",
        takes: Takes::Hosts,
        shown: "revive h07",
        does: "hosts get power again, boot for a minute and rejoin",
        action: |given| Action::PowerOn { hosts: given.hosts },
    },
    Usage {
        command: "split",
        takes: Takes::Groups,
        shown: "split h01-h32 / rest",
        does: "the heartbeat networks split: hosts hear only their own side",
        action: |given| Action::Partition { groups: given.groups, networks: Vec::new() },
    },
    Usage {
        command: "heal",
        takes: Takes::Nothing,
        shown: "heal",
        does: "the heartbeat networks are whole again",
        action: |_| Action::Heal,
    },
    Usage {
        command: "unplug",
        takes: Takes::HostsAndNetworks,
        shown: "unplug h07 hb0",
        does: "heartbeat cables are pulled; without a network, all of them",
        action: |given| Action::LinkDown { hosts: given.hosts, networks: given.networks },
    },
    Usage {
        command: "plug",
        takes: Takes::HostsAndNetworks,
        shown: "plug h07",
        does: "heartbeat cables are plugged in",
        action: |given| Action::LinkUp { hosts: given.hosts, networks: given.networks },
    },
    Usage {
        command: "storage-loss",
        takes: Takes::PerhapsHosts,
        shown: "storage-loss",
        does: "hosts lose the statefile; without hosts, all of them",
        action: |given| Action::StorageLoss { hosts: given.perhaps(), vm_storage: false },
    },
    Usage {
        command: "storage-heal",
        takes: Takes::PerhapsHosts,
        shown: "storage-heal",
        does: "the statefile is back",
        action: |given| Action::StorageHeal { hosts: given.perhaps() },
    },
    Usage {
        command: "disable",
        takes: Takes::Hosts,
        shown: "disable h05",
        does: "hosts take no new VMs",
        action: |given| Action::Disable { hosts: given.hosts },
    },
    Usage {
        command: "enable",
        takes: Takes::Hosts,
        shown: "enable h05",
        does: "hosts take VMs again",
        action: |given| Action::Enable { hosts: given.hosts },
    },
    Usage {
        command: "evacuate",
        takes: Takes::Hosts,
        shown: "evacuate h05",
        does: "hosts are emptied by live migration, for maintenance",
        action: |given| Action::Evacuate { hosts: given.hosts },
    },
    Usage {
        command: "shutdown",
        takes: Takes::Hosts,
        shown: "shutdown h05",
        does: "the same, and then they leave and switch off",
        action: |given| Action::Shutdown { hosts: given.hosts },
    },
    Usage {
        command: "migrate",
        takes: Takes::VmAndHost,
        shown: "migrate db-0001 h09",
        does: "a VM is migrated live",
        action: |given| Action::Migrate {
            vm: given.vm,
            to: given.hosts.into_iter().next().unwrap_or_default(),
        },
    },
    Usage {
        command: "crash",
        takes: Takes::Vm,
        shown: "crash db-0001",
        does: "a VM crashes",
        action: |given| Action::VmCrash { vm: given.vm },
    },
    Usage {
        command: "hang",
        takes: Takes::Hosts,
        shown: "hang h07",
        does: "the hypervisor's daemon hangs; its VMs go on",
        action: |given| Action::HypervisorHang { hosts: given.hosts, lasts: None },
    },
    Usage {
        command: "crash-agent",
        takes: Takes::Hosts,
        shown: "crash-agent h07",
        does: "Lifeboat's agent crashes; it is back within a second",
        action: |given| Action::AgentCrash { hosts: given.hosts },
    },
    Usage {
        command: "confirm-off",
        takes: Takes::Hosts,
        shown: "confirm-off h07",
        does: "a BMC confirms that a killed host is off: no wait for its lease",
        action: |given| Action::BmcConfirmsOff { hosts: given.hosts },
    },
    Usage {
        command: "confirm-dead",
        takes: Takes::Hosts,
        shown: "confirm-dead h07",
        does: "an operator's word that hosts are dead; refused while one is seen alive",
        action: |given| Action::ConfirmDead { hosts: given.hosts, force: false },
    },
    Usage {
        command: "disarm",
        takes: Takes::Span,
        shown: "disarm 60s",
        does: "for a while nobody fences and nothing restarts",
        action: |given| Action::Disarm { lasts: given.span },
    },
    Usage {
        command: "arm",
        takes: Takes::Nothing,
        shown: "arm",
        does: "that time ends now",
        action: |_| Action::Arm,
    },
];
