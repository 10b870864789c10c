//! Where a pool stands before or after a change, as JSON, and who uses its memory.
use super::verdict::{NotionWord, TargetStatusWord, ToleranceAnswer};
use lifeboat_model::Pool;
use lifeboat_planner::admission::{MemoryReport, MemoryUse, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a pool stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Standing")]
pub struct StandingAnswer {
    /// The bounds, as far as they were asked for.
    pub tolerance: ToleranceAnswer,
    /// The notion that the target is held against.
    pub guarantee: NotionWord,
    /// Host failures to tolerate, as the operator set it.
    pub target: u32,
    /// The target less the hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target holds under the pool's guarantee.
    pub target_status: TargetStatusWord,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
    /// Pending VMs without a place.
    pub unplaced: Vec<String>,
    /// Protected VMs that no host but their own could run.
    pub unprotectable: Vec<String>,
}

impl StandingAnswer {
    /// The answer for a standing of `pool`.
    pub fn new(pool: &Pool, standing: &Standing) -> Self {
        let names = |vms: &[_]| vms.iter().map(|&vm| pool.vm_id(vm).to_owned()).collect();
        Self {
            tolerance: standing.tolerance.into(),
            guarantee: pool.settings().guarantee.into(),
            target: standing.target,
            effective_target: standing.effective_target,
            target_status: standing.target_status.into(),
            overcommitted: standing.overcommitted,
            unplaced: names(&standing.unplaced),
            unprotectable: names(&standing.unprotectable),
        }
    }
}

/// Memory by restart priority, of the pool and of each host that is up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Memory")]
pub struct MemoryAnswer<'a> {
    /// All hosts that are up.
    pub pool: MemoryUseAnswer,
    /// Each of them.
    #[serde(borrow)]
    pub hosts: Vec<HostMemory<'a>>,
}

/// Memory of one host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HostMemory")]
pub struct HostMemory<'a> {
    /// The host.
    pub host: &'a str,
    /// Its memory.
    #[serde(flatten)]
    pub memory: MemoryUseAnswer,
}

/// Memory in MiB; both ends of a migration count.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MemoryUse")]
pub struct MemoryUseAnswer {
    /// What there is.
    pub capacity_mib: u64,
    /// What no VM can have.
    pub reserved_mib: u64,
    /// What protected VMs hold.
    pub protected_mib: u64,
    /// What best-effort VMs hold.
    pub best_effort_mib: u64,
    /// What unprotected VMs hold.
    pub unprotected_mib: u64,
    /// What is left; negative where more runs than there is room for.
    pub free_mib: i64,
}

impl<'a> MemoryAnswer<'a> {
    /// The answer for a report about `pool`.
    pub fn new(pool: &'a Pool, report: &MemoryReport) -> Self {
        let up = pool.host_indices().filter(|&host| pool.host(host).state.is_up());
        let row = |host: lifeboat_model::HostIndex| HostMemory {
            host: pool.host_id(host),
            memory: report.hosts[host.get()].into(),
        };
        Self { pool: report.pool.into(), hosts: up.map(row).collect() }
    }
}

impl From<MemoryUse> for MemoryUseAnswer {
    fn from(memory: MemoryUse) -> Self {
        Self {
            capacity_mib: memory.capacity_mib,
            reserved_mib: memory.reserved_mib,
            protected_mib: memory.protected_mib,
            best_effort_mib: memory.best_effort_mib,
            unprotected_mib: memory.unprotected_mib,
            free_mib: memory.free_mib,
        }
    }
}
