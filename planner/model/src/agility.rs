//! Which hosts can run a VM, and for each that cannot, precisely why. Judged on the present state of hosts,
//! storages and networks, not on what room is left: a VM that is too big for what is free today is still in
//! the proof (DESIGN: "one non-agile VM poisons nothing").
use crate::spec::HostState;
use crate::{
    HostIndex, HostSet, NetworkIndex, Pool, Profile, ProfileIndex, ResourceIndex, StorageIndex, VmIndex,
};
use alloc::{format, string::String, vec::Vec};

/// Why a host cannot take a VM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The host is not live: it receives no VM.
    HostState(HostState),
    /// A storage that the VM needs is not attached.
    Storage(StorageIndex),
    /// A network that the VM needs is not plugged.
    Network(NetworkIndex),
    /// The host has none of a resource that the VM needs.
    Resource(ResourceIndex),
    /// The host's CPU level is too low.
    CpuLevel {
        /// What the VM needs.
        needed: u32,
        /// What the host has.
        has: u32,
    },
    /// The VM's list of allowed hosts does not name it.
    NotAllowed,
}

impl Obstacle {
    /// The obstacle as a machine-readable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HostState(_) => "host-not-live",
            Self::Storage(_) => "storage-not-attached",
            Self::Network(_) => "network-not-plugged",
            Self::Resource(_) => "resource-missing",
            Self::CpuLevel { .. } => "cpu-level-too-low",
            Self::NotAllowed => "not-allowed",
        }
    }

    /// The obstacle in words, with the names of `pool`.
    pub fn describe(&self, pool: &Pool) -> String {
        match self {
            Self::HostState(state) => format!("the host is {}", host_state_word(*state)),
            Self::Storage(storage) => {
                format!("storage {} is not attached", pool.storages()[storage.get()].id)
            }
            Self::Network(network) => format!("network {} is not plugged", pool.networks()[network.get()]),
            Self::Resource(resource) => format!("the host has no {}", pool.resources()[resource.get()]),
            Self::CpuLevel { needed, has } => format!("CPU level {has} is below the VM's {needed}"),
            Self::NotAllowed => String::from("not among the VM's allowed hosts"),
        }
    }
}

/// A host state as the documents spell it.
pub fn host_state_word(state: HostState) -> &'static str {
    match state {
        HostState::Live => "live",
        HostState::Disabled => "disabled",
        HostState::Maintenance => "in maintenance",
        HostState::Dead => "dead",
        HostState::Fenced => "fenced",
    }
}

/// How free a VM is to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agility {
    /// Every enabled host could run it.
    Agile,
    /// Only some could, and at least one that it is not on.
    Partly,
    /// None but where it is.
    Unprotectable,
}

impl Pool {
    /// Everything that keeps `host` from taking VMs of `profile`; empty where nothing does.
    pub fn obstacles(&self, profile: &Profile, host: HostIndex) -> Vec<Obstacle> {
        let state = self.host(host);
        let mut obstacles = Vec::new();
        if state.state != HostState::Live {
            obstacles.push(Obstacle::HostState(state.state));
        }
        let attached = |words: &[u64], index: usize| words[index / 64] >> (index % 64) & 1 == 1;
        obstacles.extend(
            profile
                .storages
                .iter()
                .filter(|s| !attached(&state.storages, s.get()))
                .map(|&s| Obstacle::Storage(s)),
        );
        obstacles.extend(
            profile
                .networks
                .iter()
                .filter(|n| !attached(&state.networks, n.get()))
                .map(|&n| Obstacle::Network(n)),
        );
        obstacles.extend(
            profile.resources.iter().filter(|r| state.capacity[r.get()] == 0).map(|&r| Obstacle::Resource(r)),
        );
        if state.cpu_level < profile.min_cpu_level {
            obstacles.push(Obstacle::CpuLevel { needed: profile.min_cpu_level, has: state.cpu_level });
        }
        if profile.allowed_hosts.as_ref().is_some_and(|allowed| !allowed.contains(host)) {
            obstacles.push(Obstacle::NotAllowed);
        }
        obstacles
    }

    /// The eligible set of a profile: hosts that nothing keeps from taking its VMs.
    pub fn eligible_hosts(&self, profile: ProfileIndex) -> HostSet {
        let profile = self.profile(profile);
        let mut eligible = self.target_hosts();
        if let Some(allowed) = &profile.allowed_hosts {
            eligible.intersect_with(allowed);
        }
        if !profile.storages.is_empty()
            || !profile.networks.is_empty()
            || !profile.resources.is_empty()
            || profile.min_cpu_level > 0
        {
            let candidates: Vec<HostIndex> = eligible.iter().collect();
            for host in candidates {
                if !self.obstacles(profile, host).is_empty() {
                    eligible.remove(host);
                }
            }
        }
        eligible
    }

    /// How free a VM is to move.
    pub fn agility(&self, vm: VmIndex) -> Agility {
        self.agility_within(vm, &self.eligible_hosts(self.vm(vm).profile))
    }

    /// How free a VM is to move, given the eligible set of its profile: for callers that ask about many VMs.
    pub fn agility_within(&self, vm: VmIndex, eligible: &HostSet) -> Agility {
        let at_home = self.runs_on(vm).is_some_and(|home| eligible.contains(home));
        if eligible.len() == usize::from(at_home) {
            return Agility::Unprotectable;
        }
        let targets = self.hosts().iter().filter(|host| host.state == HostState::Live).count();
        if eligible.len() == targets { Agility::Agile } else { Agility::Partly }
    }
}
