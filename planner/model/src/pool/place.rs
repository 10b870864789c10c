//! Pools as plans leave them: VMs started where a plan says, failed hosts dead. These edits need no judgement, so
//! they are apart from `change`, which guards what an operator asks for.
use super::Pool;
use crate::spec::{HostState, PowerState};
use crate::{HostIndex, HostSet, VmIndex};

impl Pool {
    /// The pool with each of these VMs running on the host beside it, and no longer migrating.
    #[must_use]
    pub fn placed(&self, placements: &[(VmIndex, HostIndex)]) -> Self {
        let mut pool = self.clone();
        for &(vm, host) in placements {
            let vm = &mut pool.vms[vm.get()];
            vm.host = Some(host);
            vm.migrating_to = None;
            vm.power_state = PowerState::Running;
        }
        pool
    }

    /// The pool with these hosts dead. What ran there stays listed there, and runs no more.
    #[must_use]
    pub fn failed(&self, failed: &HostSet) -> Self {
        let mut pool = self.clone();
        for host in failed.iter() {
            alloc::sync::Arc::make_mut(&mut pool.hosts)[host.get()].state = HostState::Dead;
        }
        pool
    }
}
