//! Pools as plans leave them: VMs started where a plan says, failed hosts dead. These edits need no judgement, so
//! they are apart from `change`, which guards what an operator asks for.
use super::Pool;
use crate::spec::{HostState, PowerState};
use crate::{HostIndex, HostSet, VmIndex};

/// Where somebody who knows better than the document sees a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The host that it holds resources on.
    pub host: Option<HostIndex>,
    /// The far end of a live migration.
    pub migrating_to: Option<HostIndex>,
    /// Whether it should run.
    pub should_run: bool,
}

impl Pool {
    /// The pool with its hosts in these states and its VMs where they were seen, by index. A VM that was
    /// seen on no host does not run.
    ///
    /// # Panics
    /// If there are not as many states as hosts, or sightings as VMs.
    #[must_use]
    pub fn observed(&self, hosts: &[HostState], vms: &[Sighting]) -> Self {
        assert_eq!((hosts.len(), vms.len()), (self.hosts.len(), self.vms.len()), "one each");
        let mut pool = self.clone();
        if hosts.iter().zip(self.hosts.iter()).any(|(&state, host)| state != host.state) {
            for (host, &state) in alloc::sync::Arc::make_mut(&mut pool.hosts).iter_mut().zip(hosts) {
                host.state = state;
            }
        }
        for (vm, seen) in pool.vms.iter_mut().zip(vms) {
            vm.host = seen.host;
            vm.migrating_to = seen.migrating_to;
            vm.should_run = seen.should_run;
            vm.power_state = match (seen.host, vm.power_state) {
                (Some(_), PowerState::Paused) => PowerState::Paused,
                (Some(_), _) => PowerState::Running,
                (None, PowerState::Suspended) => PowerState::Suspended,
                (None, _) => PowerState::Halted,
            };
        }
        pool
    }

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
