//! How free VMs are to move, and what keeps them from each host, as JSON.
use lifeboat_model::agility::{Agility, Obstacle};
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, HostSet, Pool, ProfileIndex, VmIndex};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A protected VM that no host but its own could run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Unprotectable")]
pub struct Unprotectable<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The host that it is on; null where there is none.
    #[serde(borrow)]
    pub host: Option<&'a str>,
    /// Every other host, and why not there.
    #[serde(borrow)]
    pub hosts: Vec<HostReason<'a>>,
}

/// Why a VM cannot run on a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HostReason")]
pub struct HostReason<'a> {
    /// The host.
    pub host: &'a str,
    /// Everything that keeps the VM from it, in words.
    pub reason: String,
    /// The same as codes.
    #[serde(borrow)]
    pub reason_codes: Vec<&'a str>,
}

/// Unprotectable VMs. Those of a pool are written one by one: with many VMs on many hosts the list is long.
#[derive(Debug)]
pub enum UnprotectableList<'a> {
    /// VMs of a pool.
    Of {
        /// The pool.
        pool: &'a Pool,
        /// The VMs.
        vms: &'a [VmIndex],
    },
    /// What was read.
    Read(Vec<Unprotectable<'a>>),
}

impl<'a> UnprotectableList<'a> {
    /// Each of them, with the reason for each host.
    pub fn iter(&self) -> impl Iterator<Item = Unprotectable<'a>> + '_ {
        let (pool, vms, read) = match self {
            Self::Of { pool, vms } => (Some(*pool), *vms, [].as_slice()),
            Self::Read(read) => (None, [].as_slice(), read.as_slice()),
        };
        let of = pool.into_iter().flat_map(|pool| vms.iter().map(|&vm| Unprotectable::new(pool, vm)));
        of.chain(read.iter().cloned())
    }
}

impl Serialize for UnprotectableList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for UnprotectableList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Read)
    }
}

impl<'a> Unprotectable<'a> {
    /// The answer for one VM of `pool`.
    pub fn new(pool: &'a Pool, vm: VmIndex) -> Self {
        let reason = |(host, obstacles): (HostIndex, Vec<Obstacle>)| HostReason::new(pool, host, &obstacles);
        Self {
            vm: pool.vm_id(vm),
            host: pool.vm(vm).host.map(|host| pool.host_id(host)),
            hosts: obstacles(pool, vm).map(reason).collect(),
        }
    }
}

impl<'a> HostReason<'a> {
    /// Why a VM cannot run on `host`.
    pub fn new(pool: &'a Pool, host: HostIndex, obstacles: &[Obstacle]) -> Self {
        Self {
            host: pool.host_id(host),
            reason: reason(pool, obstacles),
            reason_codes: obstacles.iter().map(Obstacle::code).collect(),
        }
    }
}

/// How free a VM is to move, as documents spell it.
pub fn agility_word(agility: Agility) -> &'static str {
    match agility {
        Agility::Agile => "agile",
        Agility::Partly => "partly-agile",
        Agility::Unprotectable => "unprotectable",
    }
}

/// Obstacles in one sentence.
pub fn reason(pool: &Pool, obstacles: &[Obstacle]) -> String {
    let words: Vec<String> = obstacles.iter().map(|obstacle| obstacle.describe(pool)).collect();
    words.join("; ")
}

/// Every host but a VM's own that cannot run it, with what keeps it away.
pub fn obstacles(pool: &Pool, vm: VmIndex) -> impl Iterator<Item = (HostIndex, Vec<Obstacle>)> + '_ {
    let profile = pool.profile(pool.vm(vm).profile);
    let home = pool.runs_on(vm);
    pool.host_indices()
        .filter(move |&host| Some(host) != home)
        .map(move |host| (host, pool.obstacles(profile, host)))
        .filter(|(_, obstacles)| !obstacles.is_empty())
}

/// How free the VMs of a pool are to move.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AgilityAnswer")]
pub struct AgilityAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// How many hosts it has.
    pub hosts: usize,
    /// How many VMs it has.
    pub vms: usize,
    /// The protected ones.
    pub protected: AgilityCounts,
    /// The others.
    pub others: AgilityCounts,
    /// Every VM that is not agile, in document order.
    #[schemars(with = "Vec<VmAgility<'static>>")]
    pub not_agile: NotAgileList<'a>,
}

/// VMs that are not agile, written one by one: with many VMs on many hosts the list is long.
#[derive(Debug)]
pub struct NotAgileList<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// The VMs.
    pub vms: Vec<VmIndex>,
}

impl Serialize for NotAgileList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.vms.iter().map(|&vm| VmAgility::new(self.pool, vm)))
    }
}

/// How many VMs are how free to move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgilityCounts {
    /// Every enabled host could run them.
    pub agile: usize,
    /// Only some could.
    pub partly_agile: usize,
    /// None but where they are.
    pub unprotectable: usize,
}

/// How free one VM is to move.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "VmAgility")]
pub struct VmAgility<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The host that it is on; null where there is none.
    #[serde(borrow)]
    pub host: Option<&'a str>,
    /// Its restart priority.
    pub restart_priority: &'a str,
    /// `agile`, `partly-agile` or `unprotectable`.
    pub agility: &'a str,
    /// The hosts that could run it.
    #[serde(borrow)]
    pub eligible_hosts: Vec<&'a str>,
    /// Every other host than its own that could not, and why.
    #[serde(borrow)]
    pub obstacles: Vec<HostReason<'a>>,
}

impl<'a> AgilityAnswer<'a> {
    /// The answer for `pool`.
    pub fn new(pool: &'a Pool) -> Self {
        let mut answer = Self {
            pool: pool.id(),
            hosts: pool.hosts().len(),
            vms: pool.vms().len(),
            protected: AgilityCounts::default(),
            others: AgilityCounts::default(),
            not_agile: NotAgileList { pool, vms: Vec::new() },
        };
        let eligible: Vec<HostSet> = (0..pool.profiles().len())
            .map(|profile| pool.eligible_hosts(ProfileIndex::new(profile)))
            .collect();
        for vm in pool.vm_indices() {
            let agility = pool.agility_within(vm, &eligible[pool.vm(vm).profile.get()]);
            let counts = if pool.vm(vm).restart_priority == RestartPriority::Restart {
                &mut answer.protected
            } else {
                &mut answer.others
            };
            match agility {
                Agility::Agile => counts.agile += 1,
                Agility::Partly => counts.partly_agile += 1,
                Agility::Unprotectable => counts.unprotectable += 1,
            }
            if agility != Agility::Agile {
                answer.not_agile.vms.push(vm);
            }
        }
        answer
    }
}

impl<'a> VmAgility<'a> {
    /// The answer for one VM of `pool`.
    pub fn new(pool: &'a Pool, vm: VmIndex) -> Self {
        let state = pool.vm(vm);
        Self {
            vm: pool.vm_id(vm),
            host: state.host.map(|host| pool.host_id(host)),
            restart_priority: super::restart::priority_word(state.restart_priority),
            agility: agility_word(pool.agility(vm)),
            eligible_hosts: pool
                .eligible_hosts(state.profile)
                .iter()
                .map(|host| pool.host_id(host))
                .collect(),
            obstacles: obstacles(pool, vm)
                .map(|(host, obstacles)| HostReason::new(pool, host, &obstacles))
                .collect(),
        }
    }
}
