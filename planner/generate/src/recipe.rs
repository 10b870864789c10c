//! What a caller asks for: the family, the counts, the seed, and how much room there shall be.
use core::{fmt, str::FromStr};
use lifeboat_model::limits;

/// What a pool looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Equal hosts, VMs in flavours.
    Homog,
    /// Hosts of seven sizes, VMs of arbitrary sizes or flavours.
    Hetero,
    /// VMs of 1 to 512 GiB, most of them small.
    Heavytail,
    /// All VMs protected, 0 to 5 % slack.
    Tight,
    /// Two to four VMs fill what is free on a host: hard for every packer.
    Binpack3,
    /// Each VM can run in its own racks only.
    Racklocal,
    /// Memory and vCPUs, both short.
    TwodimVcpus,
    /// Memory and virtual GPUs that half of the hosts have.
    TwodimVgpu,
    /// A packing was planted; greedy restarting misses it.
    Advgreedy,
    /// Enough memory in all, no room for the big one, or in one hole only.
    Advfrag,
    /// Survives two failures at once, but not one after the other.
    Advseq,
    /// A planner that looks at failures one by one promises two, and drops a VM when both come together.
    Advunion,
    /// VM sizes that public clouds sell, by popularity; memory and vCPUs.
    Cloud,
    /// Anti-affinity, affinity and spread rules over racks, at a high fill.
    Rules,
    /// A bit of everything that a pool document can say.
    Mixed,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 15] = [
        Self::Homog,
        Self::Hetero,
        Self::Heavytail,
        Self::Tight,
        Self::Binpack3,
        Self::Racklocal,
        Self::TwodimVcpus,
        Self::TwodimVgpu,
        Self::Advgreedy,
        Self::Advfrag,
        Self::Advseq,
        Self::Advunion,
        Self::Cloud,
        Self::Rules,
        Self::Mixed,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Homog => "homog",
            Self::Hetero => "hetero",
            Self::Heavytail => "heavytail",
            Self::Tight => "tight",
            Self::Binpack3 => "binpack3",
            Self::Racklocal => "racklocal",
            Self::TwodimVcpus => "twodim-vcpus",
            Self::TwodimVgpu => "twodim-vgpu",
            Self::Advgreedy => "advgreedy",
            Self::Advfrag => "advfrag",
            Self::Advseq => "advseq",
            Self::Advunion => "advunion",
            Self::Cloud => "cloud",
            Self::Rules => "rules",
            Self::Mixed => "mixed",
        }
    }

    /// What its pools look like, in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Homog => "equal hosts, VMs in flavours",
            Self::Hetero => "hosts of seven sizes, VMs of arbitrary sizes or flavours",
            Self::Heavytail => "VMs of 1 to 512 GiB, most of them small",
            Self::Tight => "all VMs protected, 0 to 5 % slack",
            Self::Binpack3 => "two to four VMs fill what is free on a host",
            Self::Racklocal => "each VM can run in its own racks only",
            Self::TwodimVcpus => "memory and vCPUs, both short",
            Self::TwodimVgpu => "memory, and virtual GPUs on half of the hosts",
            Self::Advgreedy => "everything fits, but greedy restarting does not find how",
            Self::Advfrag => "memory enough, but no room for the big VM, or in one hole only",
            Self::Advseq => "survives two failures at once, but not one after the other",
            Self::Advunion => "survives failures one by one greedily, but not together",
            Self::Cloud => "the VM sizes that public clouds sell, memory and vCPUs",
            Self::Rules => "anti-affinity, affinity and spread rules over racks",
            Self::Mixed => "a bit of everything that a pool document can say",
        }
    }

    /// Whether free memory is part of the construction, so that no fill can be asked for.
    pub fn is_built_exactly(self) -> bool {
        matches!(self, Self::Advgreedy | Self::Advfrag | Self::Advseq | Self::Advunion)
    }

    /// The fewest hosts that the family can be built on.
    pub fn fewest_hosts(self) -> u32 {
        match self {
            Self::Advseq => 5,
            Self::Racklocal | Self::Advgreedy | Self::Advunion | Self::Rules | Self::Mixed => 4,
            _ => 2,
        }
    }

    /// The fewest VMs that the family can be built with.
    pub fn fewest_vms(self) -> u32 {
        match self {
            Self::Advseq | Self::Advgreedy => 12,
            Self::Advunion | Self::Advfrag => 4,
            Self::Rules | Self::Mixed => 8,
            _ => 1,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = RecipeError;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|family| family.name() == name)
            .ok_or_else(|| RecipeError::UnknownFamily(name.to_owned()))
    }
}

/// How much room a pool shall have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// As the family draws it: around the boundary, or a fill that its kind of pool has in practice.
    #[default]
    Drawn,
    /// In thousandths: free is (1000 + slack) / 1000 of the least with which the target number of failures
    /// can survive by volume. Below 0 it cannot survive, at 0 it is just possible.
    Slack(i32),
    /// In thousandths: the share of the memory that is used, where no host needs more room than that leaves.
    Fill(u32),
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What the pool looks like.
    pub family: Family,
    /// How many hosts.
    pub hosts: u32,
    /// How many VMs.
    pub vms: u32,
    /// Every draw follows from it.
    pub seed: u64,
    /// How much room.
    pub room: Room,
    /// The number of failures whose boundary the pool hugs; none: a number that suits the hosts.
    pub failures: Option<u32>,
}

impl Recipe {
    /// A recipe with the family's own room and number of failures.
    pub fn new(family: Family, hosts: u32, vms: u32, seed: u64) -> Self {
        Self { family, hosts, vms, seed, room: Room::Drawn, failures: None }
    }

    /// The same with that slack, in thousandths.
    #[must_use]
    pub fn slack(self, permille: i32) -> Self {
        Self { room: Room::Slack(permille), ..self }
    }

    /// The same with that fill, in thousandths.
    #[must_use]
    pub fn fill(self, permille: u32) -> Self {
        Self { room: Room::Fill(permille), ..self }
    }

    /// The same, hugging the boundary of that many failures.
    #[must_use]
    pub fn failures(self, failures: u32) -> Self {
        Self { failures: Some(failures), ..self }
    }

    /// The id of its pool.
    pub fn pool_id(&self) -> String {
        format!("{}-{}x{}-{}", self.family, self.hosts, self.vms, self.seed)
    }

    pub(crate) fn check(&self) -> Result<(), RecipeError> {
        let range = |what, value: u32, low: u32, high: usize| {
            let high = high as u32;
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(RecipeError::OutOfRange { what, value, low, high, family: self.family })
            }
        };
        range("hosts", self.hosts, self.family.fewest_hosts(), limits::MAX_HOSTS)?;
        range("vms", self.vms, self.family.fewest_vms(), limits::MAX_VMS)?;
        if let Some(failures) = self.failures {
            range("failures", failures, 1, self.hosts as usize - 1)?;
        }
        match self.room {
            Room::Slack(permille) if !(-1000..=100_000).contains(&permille) => {
                Err(RecipeError::SlackOutOfRange(permille))
            }
            Room::Fill(_) if self.family.is_built_exactly() => Err(RecipeError::NoFill(self.family)),
            Room::Fill(permille) => range("fill", permille, 1, 1000),
            _ => Ok(()),
        }
    }
}

/// Why a recipe cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// There is no family of that name.
    #[error("no family {0:?}: there are {names}", names = Family::ALL.map(Family::name).join(", "))]
    UnknownFamily(String),
    /// A count outside what the family, or any pool, can have.
    #[error("{what} {value} is out of range for {family}: {low} to {high}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What was asked for.
        value: u32,
        /// Lowest possible.
        low: u32,
        /// Highest possible.
        high: u32,
        /// The family.
        family: Family,
    },
    /// The family's free memory is what makes it what it is.
    #[error("{0} is built around exact free memory: it takes a slack, or nothing, but no fill")]
    NoFill(Family),
    /// A slack with which there would be no room at all, or absurdly much.
    #[error("slack {0} is out of range: -1000 to 100000 thousandths")]
    SlackOutOfRange(i32),
}
