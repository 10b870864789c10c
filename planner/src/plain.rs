//! The common pool, in the few numbers that decide it. A pool is *plain* where only memory can bind, every
//! protected VM can run on every target, no required rule touches one, and nothing is pending. Then a failure
//! set is decided by sums over its hosts, and the worst of all sets is a selection of the largest.
//!
//! Data flow: [`Plain::new`] streams once through the pool's VMs into a matrix (size level × host); the tests of
//! [`crate::bound`] read that matrix and nothing else. A pool that is not plain goes to [`crate::problem`].
use crate::bound::reach::gcd;
use lifeboat_model::pool::DemandIndex;
use lifeboat_model::spec::{HostState, RestartPriority, Rule, RuleMode};
use lifeboat_model::{HostIndex, Pool};

/// Sizes from `lo` to `hi`, tested together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// Least memory of its VMs.
    pub(crate) lo: i64,
    /// Largest memory of its VMs.
    pub(crate) hi: i64,
}

/// A plain pool, by column (a host that can fail) and level (a range of sizes, ascending).
pub(crate) struct Plain {
    /// Which host a column is, ascending.
    pub(crate) hosts: Vec<HostIndex>,
    /// Whether a column takes VMs.
    pub(crate) target: Vec<bool>,
    /// Free memory by column, 0 where it is no target or over-full: what counts as room.
    pub(crate) room: Vec<i64>,
    /// Free by column and resource, as it is.
    pub(crate) free: Vec<i64>,
    /// The levels, ascending; every protected VM is in one.
    pub(crate) levels: Vec<Level>,
    /// Memory of protected VMs by level and column, row-major by level: of this level and all above.
    pub(crate) load: Vec<i64>,
    /// How many protected VMs by level and column: of this level alone.
    pub(crate) count: Vec<u32>,
    /// Greatest common divisor of all protected VMs' memory.
    pub(crate) unit: i64,
    /// Whether every level is a single size.
    pub(crate) exact_sizes: bool,
    /// How many VMs are protected and run.
    pub(crate) protected_here: u32,
}

/// Up to this many distinct sizes each gets a level of its own.
const MOST_EXACT_LEVELS: usize = 64;

impl Plain {
    /// Lowers `pool`; `None` where it is not plain.
    pub(crate) fn new(pool: &Pool) -> Option<Self> {
        let columns = Columns::new(pool)?;
        let sizes = Sizes::new(pool);
        let full_profile = full_profiles(pool, &columns);
        if columns.hosts.len() < 2 || rules_bind(pool) {
            return None;
        }
        let width = pool.resources().len();
        let wide = columns.hosts.len();
        let mut free = vec![0i64; wide * width];
        for (column, &host) in columns.hosts.iter().enumerate() {
            let state = pool.host(host);
            for (left, &capacity) in free[column * width..][..width].iter_mut().zip(&state.capacity) {
                *left = capacity as i64;
            }
            free[column * width] -= state.reserved_mib as i64;
        }
        let mut own = vec![0i64; sizes.levels.len() * wide];
        let mut count = vec![0u32; own.len()];
        let mut of_kind = vec![0u32; if width > 1 { pool.demand_count() } else { 0 }];
        let mut protected = 0;
        for vm in pool.vms() {
            let column = match vm.host {
                Some(host) if vm.power_state.holds_resources() => columns.of_host[host.get()],
                _ => NO_COLUMN,
            };
            let restart = vm.restart_priority == RestartPriority::Restart;
            if column == NO_COLUMN {
                if restart && vm.should_run {
                    return None;
                }
                continue;
            }
            let column = usize::from(column);
            let demand = vm.demand.0 as usize;
            if width == 1 {
                free[column] -= sizes.memory[demand];
            } else {
                take(&mut free[column * width..], pool.demand(vm.demand));
            }
            if let Some(end) = vm.migrating_to {
                let end = columns.of_host[end.get()];
                if end != NO_COLUMN {
                    take(&mut free[usize::from(end) * width..], pool.demand(vm.demand));
                }
            }
            if restart {
                // A VM without memory is refused by no room, only by having no host: the tests know rooms.
                if !full_profile[vm.profile.get()] || sizes.memory[demand] == 0 {
                    return None;
                }
                protected += 1;
                let cell = usize::from(sizes.level_of_demand[demand]) * wide + column;
                own[cell] += sizes.memory[demand];
                count[cell] += 1;
                if width > 1 {
                    of_kind[demand] += 1;
                }
            }
        }
        let target: Vec<bool> =
            columns.hosts.iter().map(|&host| pool.host(host).state == HostState::Live).collect();
        if width > 1 && !only_memory_binds(pool, &of_kind, &free, &target) {
            return None;
        }
        let room =
            (0..wide).map(|column| if target[column] { free[column * width].max(0) } else { 0 }).collect();
        Some(Self { free, ..Self::from_matrix(columns.hosts, target, room, &sizes, own, count, protected) })
    }

    fn from_matrix(
        hosts: Vec<HostIndex>,
        target: Vec<bool>,
        room: Vec<i64>,
        sizes: &Sizes,
        mut own: Vec<i64>,
        mut count: Vec<u32>,
        protected: u32,
    ) -> Self {
        let wide = hosts.len();
        let mut levels = Vec::with_capacity(sizes.levels.len());
        let mut unit = 0;
        for (position, &level) in sizes.levels.iter().enumerate() {
            let row = position * wide..(position + 1) * wide;
            if own[row.clone()].iter().any(|&memory| memory > 0) {
                own.copy_within(row.clone(), levels.len() * wide);
                count.copy_within(row, levels.len() * wide);
                levels.push(level);
                if sizes.exact {
                    unit = gcd(unit, level.lo);
                }
            }
        }
        own.truncate(levels.len() * wide);
        count.truncate(levels.len() * wide);
        let mut load = own;
        for position in (0..levels.len().saturating_sub(1)).rev() {
            let (low, high) = load.split_at_mut((position + 1) * wide);
            for (below, above) in low[position * wide..].iter_mut().zip(&high[..wide]) {
                *below += above;
            }
        }
        Self {
            hosts,
            target,
            room,
            free: Vec::new(),
            levels,
            load,
            count,
            unit: unit.max(1),
            exact_sizes: sizes.exact,
            protected_here: protected,
        }
    }

    /// How many hosts can fail.
    pub(crate) fn wide(&self) -> usize {
        self.hosts.len()
    }

    /// Memory of protected VMs of a level and above, by column.
    pub(crate) fn load_of(&self, level: usize) -> &[i64] {
        &self.load[level * self.wide()..][..self.wide()]
    }

    /// How many protected VMs a level has itself, by column.
    pub(crate) fn count_of(&self, level: usize) -> &[u32] {
        &self.count[level * self.wide()..][..self.wide()]
    }
}

fn take(free: &mut [i64], demand: &[u64]) {
    for (left, &amount) in free.iter_mut().zip(demand) {
        *left -= amount as i64;
    }
}

const NO_COLUMN: u16 = u16::MAX;

/// The hosts that can fail, and which column each is.
struct Columns {
    hosts: Vec<HostIndex>,
    of_host: Vec<u16>,
}

impl Columns {
    /// `None` where a host is in maintenance: whether it can fail depends on what it runs.
    fn new(pool: &Pool) -> Option<Self> {
        let mut hosts = Vec::with_capacity(pool.hosts().len());
        let mut of_host = vec![NO_COLUMN; pool.hosts().len()];
        for (position, host) in pool.hosts().iter().enumerate() {
            match host.state {
                HostState::Live | HostState::Disabled => {
                    of_host[position] = hosts.len() as u16;
                    hosts.push(HostIndex::new(position));
                }
                HostState::Maintenance => return None,
                HostState::Dead | HostState::Fenced => {}
            }
        }
        Some(Self { hosts, of_host })
    }
}

/// By profile: whether its VMs can run on every target. All false with fewer than two targets, since then a VM
/// may have nowhere else to go.
fn full_profiles(pool: &Pool, columns: &Columns) -> Vec<bool> {
    let targets = pool.target_hosts();
    if targets.len() < 2 || columns.hosts.is_empty() {
        return vec![false; pool.profiles().len()];
    }
    (0..pool.profiles().len())
        .map(|profile| pool.eligible_hosts(lifeboat_model::ProfileIndex::new(profile)) == targets)
        .collect()
}

/// Whether a required rule could touch a protected VM.
fn rules_bind(pool: &Pool) -> bool {
    pool.groups().iter().any(|group| {
        group.mode == RuleMode::Required
            && group.vms.len() > 1
            && matches!(group.rule, Rule::AntiAffinity | Rule::Affinity | Rule::Spread)
            && group.vms.iter().any(|&vm| pool.vm(vm).restart_priority == RestartPriority::Restart)
    })
}

/// The sizes that VMs have, and the levels that they are grouped in.
struct Sizes {
    memory: Vec<i64>,
    level_of_demand: Vec<u16>,
    levels: Vec<Level>,
    exact: bool,
}

impl Sizes {
    fn new(pool: &Pool) -> Self {
        let memory: Vec<i64> =
            (0..pool.demand_count()).map(|d| pool.demand(DemandIndex(d as u32))[0] as i64).collect();
        if memory.len() <= 4 * MOST_EXACT_LEVELS {
            let mut distinct = memory.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() <= MOST_EXACT_LEVELS {
                let level_of_demand = memory
                    .iter()
                    .map(|size| distinct.binary_search(size).map_or(0, |level| level as u16))
                    .collect();
                let levels = distinct.iter().map(|&size| Level { lo: size, hi: size }).collect();
                return Self { memory, level_of_demand, levels, exact: true };
            }
        }
        let mut found: Vec<Option<Level>> = vec![None; bucket(i64::MAX) + 1];
        for &size in &memory {
            let level = found[bucket(size)].get_or_insert(Level { lo: size, hi: size });
            level.lo = level.lo.min(size);
            level.hi = level.hi.max(size);
        }
        let mut level_of_bucket = vec![0u16; found.len()];
        let mut levels = Vec::new();
        for (bucket, level) in found.iter().enumerate() {
            if let Some(level) = level {
                level_of_bucket[bucket] = levels.len() as u16;
                levels.push(*level);
            }
        }
        let level_of_demand = memory.iter().map(|&size| level_of_bucket[bucket(size)]).collect();
        Self { memory, level_of_demand, levels, exact: false }
    }
}

/// Geometric buckets, eight an octave: the test loses at most an eighth of a size.
fn bucket(size: i64) -> usize {
    if size < 16 {
        return size.max(0) as usize;
    }
    let octave = 63 - size.leading_zeros() as usize;
    let eighth = (size >> (octave - 3)) as usize & 7;
    16 + (octave - 4) * 8 + eighth
}

/// Whether no resource but memory can bind on any target: the most of it that VMs fitting in the free memory can
/// demand, by fractional knapsack over all protected VMs, is free. See `StuckTests` in the certificate format.
fn only_memory_binds(pool: &Pool, count: &[u32], free: &[i64], target: &[bool]) -> bool {
    let width = pool.resources().len();
    (1..width).all(|resource| {
        let curve = Curve::new((0..count.len()).filter(|&d| count[d] > 0).map(|d| {
            let demand = pool.demand(DemandIndex(d as u32));
            (demand[0] as i64, demand[resource] as i64, i64::from(count[d]))
        }));
        curve.is_flat()
            || (0..target.len())
                .filter(|&column| target[column])
                .all(|column| curve.most(free[column * width]) <= free[column * width + resource])
    })
}

/// φ(m): the most of a resource that VMs whose memory sums to at most m can demand, by fractional knapsack.
pub(crate) struct Curve {
    /// Kinds in descending resource per memory: memory and resource of all before, and of one of the kind.
    steps: Vec<Step>,
    whole: i64,
}

struct Step {
    memory_before: i64,
    resource_before: i64,
    memory: i64,
    resource: i64,
}

impl Curve {
    /// From (memory, resource, how many) of each kind.
    pub(crate) fn new(kinds: impl Iterator<Item = (i64, i64, i64)>) -> Self {
        let mut kinds: Vec<_> = kinds.filter(|&(_, resource, _)| resource > 0).collect();
        kinds.sort_unstable_by(|a, b| {
            (i128::from(b.1) * i128::from(a.0)).cmp(&(i128::from(a.1) * i128::from(b.0))).then(a.cmp(b))
        });
        let (mut memory_before, mut resource_before) = (0, 0);
        let steps = kinds
            .iter()
            .map(|&(memory, resource, count)| {
                let step = Step { memory_before, resource_before, memory, resource };
                memory_before += memory * count;
                resource_before += resource * count;
                step
            })
            .collect();
        Self { steps, whole: resource_before }
    }

    /// Whether nothing demands the resource.
    pub(crate) fn is_flat(&self) -> bool {
        self.whole == 0
    }

    /// φ(memory), rounded down.
    pub(crate) fn most(&self, memory: i64) -> i64 {
        let memory = memory.max(0);
        let next = self.steps.partition_point(|step| step.memory_before <= memory);
        let Some(step) = next.checked_sub(1).map(|last| &self.steps[last]) else { return 0 };
        let rest = memory - step.memory_before;
        if step.memory == 0 {
            return self.whole;
        }
        let part = i128::from(rest) * i128::from(step.resource) / i128::from(step.memory);
        self.whole.min(step.resource_before.saturating_add(i64::try_from(part).unwrap_or(i64::MAX)))
    }
}
