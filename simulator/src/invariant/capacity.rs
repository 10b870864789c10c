//! Nobody is started where there is no room, or where it may not run: after a start by order, the VMs that run on the
//! host fit into its memory, and the VM is one that the host can run.
use super::Invariant;
use super::truth::{Truth, allows, memory_for_vms};
use crate::{Happening, world::World};

/// The law.
#[derive(Debug)]
pub(super) struct Capacity;

impl Invariant for Capacity {
    fn name(&self) -> &'static str {
        "a VM is started where it has room and may run"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::VmExecutes { vm, host, .. } = what else { return Ok(()) };
        if !truth.has_formed() {
            return Ok(());
        }
        let pool = world.pool();
        let (load, room) = (truth.load(world, host), memory_for_vms(pool, host));
        let (name, here) = (world.vm_name(vm), world.host_name(host));
        if load > room {
            return Err(format!("{name} is started on {here}, which then holds {load} MiB of {room}"));
        }
        if !allows(pool, vm, host) {
            return Err(format!("{name} is started on {here}, where it is not allowed"));
        }
        Ok(())
    }
}
