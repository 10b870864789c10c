//! Pools made on the spot.
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::{HostSpec, RestartPriority, StorageSpec, VmSpec};

/// Hosts h1 to hN and VMs vm1 to vmM, all protected, order 0, on shared storage; VM k runs on host ((k-1) mod N)+1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generate {
    /// N.
    pub hosts: u32,
    /// M.
    pub vms: u32,
    /// Memory of a VM.
    pub vm_mib: u64,
    /// Memory of a host.
    pub host_mib: u64,
}

impl Default for Generate {
    fn default() -> Self {
        Self { hosts: 3, vms: 6, vm_mib: 1024, host_mib: 16384 }
    }
}

impl Generate {
    /// The pool.
    pub fn pool(&self) -> PoolSpec {
        let shared = "shared".to_owned();
        let hosts = (1..=self.hosts).map(|k| HostSpec {
            id: format!("h{k}"),
            memory_mib: self.host_mib,
            ..HostSpec::default()
        });
        let vms = (1..=self.vms).map(|k| VmSpec {
            id: format!("vm{k}"),
            memory_mib: self.vm_mib,
            host: Some(format!("h{}", (k - 1) % self.hosts + 1)),
            restart_priority: RestartPriority::Restart,
            should_run: true,
            storages: vec![shared.clone()],
            ..VmSpec::default()
        });
        PoolSpec {
            id: "generated".to_owned(),
            storages: vec![StorageSpec { id: shared.clone(), shared: true }],
            hosts: hosts.collect(),
            vms: vms.collect(),
            ..PoolSpec::default()
        }
    }
}
