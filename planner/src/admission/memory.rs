//! Who uses the pool's memory: by host and in all, by restart priority.
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{Pool, VmIndex};

/// Memory in MiB of one host or of all that are up. Both ends of a migration count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
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
    /// What is left; negative where a host runs more than it has.
    pub free_mib: i64,
}

/// Memory of a pool by restart priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Of all hosts that are up.
    pub pool: MemoryUse,
    /// By host; hosts that are down have none.
    pub hosts: Vec<MemoryUse>,
}

impl MemoryReport {
    /// Adds up what runs where.
    pub fn of(pool: &Pool) -> Self {
        let mut hosts: Vec<MemoryUse> = pool
            .hosts()
            .iter()
            .map(|host| {
                let (capacity_mib, reserved_mib) =
                    if host.state.is_up() { (host.capacity[0], host.reserved_mib) } else { (0, 0) };
                MemoryUse { capacity_mib, reserved_mib, ..MemoryUse::default() }
            })
            .collect();
        for position in 0..pool.vms().len() {
            let vm = VmIndex::new(position);
            for end in [pool.runs_on(vm), pool.migration_end(vm)].into_iter().flatten() {
                let host = &mut hosts[end.get()];
                *match pool.vm(vm).restart_priority {
                    RestartPriority::Restart => &mut host.protected_mib,
                    RestartPriority::BestEffort => &mut host.best_effort_mib,
                    RestartPriority::Unprotected => &mut host.unprotected_mib,
                } += pool.demand_of(vm)[0];
            }
        }
        let mut whole = MemoryUse::default();
        for host in &mut hosts {
            let held = host.reserved_mib + host.protected_mib + host.best_effort_mib + host.unprotected_mib;
            host.free_mib = host.capacity_mib as i64 - held as i64;
            whole.capacity_mib += host.capacity_mib;
            whole.reserved_mib += host.reserved_mib;
            whole.protected_mib += host.protected_mib;
            whole.best_effort_mib += host.best_effort_mib;
            whole.unprotected_mib += host.unprotected_mib;
            whole.free_mib += host.free_mib;
        }
        Self { pool: whole, hosts }
    }
}
