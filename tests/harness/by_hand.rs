//! Pools written by hand in one line: what is free where, and what runs where.
use lifeboat_model::spec::{GroupSpec, HostSpec, PoolSpec, RestartPriority, Rule, RuleMode, VmSpec};

/// Hosts h0, h1 … with this much free memory each, which run protected VMs v0, v1 … of these sizes.
pub fn pool(free: &[u64], running: &[&[u64]]) -> PoolSpec {
    let mut spec = PoolSpec { id: "by-hand".into(), ..PoolSpec::default() };
    for (host, &free) in free.iter().enumerate() {
        let sizes = running.get(host).copied().unwrap_or_default();
        spec.hosts.push(HostSpec {
            id: format!("h{host}"),
            memory_mib: free + sizes.iter().sum::<u64>(),
            ..HostSpec::default()
        });
        for &size in sizes {
            spec.vms.push(protected(spec.vms.len(), size, Some(host)));
        }
    }
    spec
}

/// So many equal hosts, each with so much free and so many VMs of one size.
pub fn uniform(hosts: usize, free: u64, vms_each: usize, size: u64) -> PoolSpec {
    let sizes = vec![size; vms_each];
    pool(&vec![free; hosts], &vec![sizes.as_slice(); hosts])
}

/// A protected VM with the number `vm`.
pub fn protected(vm: usize, memory_mib: u64, host: Option<usize>) -> VmSpec {
    VmSpec {
        id: format!("v{vm}"),
        memory_mib,
        host: host.map(|host| format!("h{host}")),
        restart_priority: RestartPriority::Restart,
        should_run: host.is_none(),
        ..VmSpec::default()
    }
}

/// Adds one more protected VM to a host, and the memory that it takes there.
pub fn add_running(spec: &mut PoolSpec, host: usize, size: u64) {
    spec.hosts[host].memory_mib += size;
    spec.vms.push(protected(spec.vms.len(), size, Some(host)));
}

/// A required rule between VMs.
pub fn rule(rule: Rule, vms: &[&str]) -> GroupSpec {
    let vms = vms.iter().map(|&vm| vm.into()).collect();
    GroupSpec { id: "g".into(), rule, mode: RuleMode::Required, vms }
}
