//! Nobody is started where there is no room, or where it may not run: after a start by order, the VMs that run on the
//! host fit into its memory, and the VM is one that the host can run.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};

/// The law.
#[derive(Debug)]
pub(super) struct Capacity;

impl Invariant for Capacity {
    fn name(&self) -> &'static str {
        "a VM is started where it has room and may run"
    }

    fn observe(&mut self, world: &World, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::VmExecutes { vm, host, .. } = what else { return Ok(()) };
        if !truth.has_formed() {
            return Ok(());
        }
        let spec = world.pool();
        let here = &spec.hosts[host.get()];
        let load: u64 = (0..spec.vms.len())
            .map(lifeboat_model::VmIndex::new)
            .filter(|other| truth.executes(*other).iter().any(|(where_, _)| *where_ == host))
            .map(|other| spec.vms[other.get()].memory_mib + spec.vms[other.get()].overhead_mib)
            .sum();
        let started = &spec.vms[vm.get()];
        if load > here.memory_mib - here.reserved_mib {
            return Err(format!("{} is started on {}, which then holds {load} MiB of {}", started.id, here.id, here.memory_mib));
        }
        if started.allowed_hosts.as_ref().is_some_and(|allowed| !allowed.contains(&here.id)) {
            return Err(format!("{} is started on {}, where it is not allowed", started.id, here.id));
        }
        Ok(())
    }
}
