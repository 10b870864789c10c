//! I5: when faults stop, every protected VM that some live host can run is running within T + 5 s, its boot time, the
//! delays of earlier orders, and one capped back-off of 60 s.
//!
//! Judged once a second from when nothing has happened for that long. Excused: a disarm or a brake, capacity in
//! quarantine, a hypervisor that does not say what runs.
use super::{Invariant, truth::Truth};
use crate::{At, Happening, world::World};
use core::time::Duration;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, VmIndex};

/// The law.
#[derive(Debug, Default)]
pub(super) struct Healing {
    judged: At,
    told: bool,
}

impl Invariant for Healing {
    fn name(&self) -> &'static str {
        "I5: the pool heals"
    }

    fn observe(&mut self, world: &World, truth: &Truth, _what: &Happening<'_>) -> Result<(), String> {
        if self.told || !truth.has_formed() || world.now().since(self.judged) < Duration::from_secs(1) {
            return Ok(());
        }
        self.judged = world.now();
        self.judge(world, truth)
    }

    fn at_end(&mut self, world: &World, truth: &Truth) -> Result<(), String> {
        if self.told { Ok(()) } else { self.judge(world, truth) }
    }
}

impl Healing {
    fn judge(&mut self, world: &World, truth: &Truth) -> Result<(), String> {
        if !truth.all_well() || truth.undisturbed_for(world) < bound(world) || excused(world, truth) {
            return Ok(());
        }
        let waiting = vms(world).filter(|&vm| wanted(world, vm) && truth.executes(vm).is_empty());
        let could = { waiting }.find_map(|vm| Some((vm, hosts(world).find(|&host| can_run(world, truth, vm, host))?)));
        could.map_or(Ok(()), |(vm, host)| {
            self.told = true;
            let (vm, host) = (world.vm_name(vm), world.host_name(host));
            let quiet = truth.undisturbed_for(world).as_secs_f64();
            Err(format!("{vm} does not run, though {host} could run it and nothing has happened for {quiet:.0} s"))
        })
    }
}

/// How long healing may take.
fn bound(world: &World) -> Duration {
    let settings = world.world_settings();
    let delays: u64 = world.pool().vms.iter().map(|vm| vm.start_delay_s).sum();
    let starts = settings.vm_boot + world.start_latency();
    // A pool that was off as a whole waits T + 60 s for those that are not up, unless it need not.
    let forms = world.protocol_settings().timeout + Duration::from_secs(60);
    forms + world.protocol_settings().timeout + starts + Duration::from_secs(5 + 60 + delays)
}

fn excused(world: &World, truth: &Truth) -> bool {
    let held = truth.agreed().is_some_and(|agreed| agreed.braked || agreed.disarm.is_some());
    held || hosts(world).any(|host| world.boot(host).is_some() && world.hypervisor_hangs(host))
}

fn wanted(world: &World, vm: VmIndex) -> bool {
    let vm = &world.pool().vms[vm.get()];
    vm.should_run && vm.restart_priority == RestartPriority::Restart
}

fn can_run(world: &World, truth: &Truth, vm: VmIndex, host: HostIndex) -> bool {
    let (spec, place) = (&world.pool().vms[vm.get()], &world.pool().hosts[host.get()]);
    let taken = vms(world).filter(|&other| truth.executes(other).iter().any(|(where_, _)| *where_ == host));
    let load: u64 = taken.map(|other| memory(world, other)).sum();
    let room = load + memory(world, vm) <= place.memory_mib - place.reserved_mib;
    let allowed = spec.allowed_hosts.as_ref().is_none_or(|allowed| allowed.contains(&place.id));
    let quarantined = truth.agreed().is_some_and(|agreed| agreed.hosts[host.get()].quarantined);
    let takes = world.takes_vms(host) && !quarantined && !world.start_fails(vm, host);
    world.boot(host).is_some_and(|boot| truth.stands(world, host, boot)) && room && allowed && takes
}

fn memory(world: &World, vm: VmIndex) -> u64 {
    let vm = &world.pool().vms[vm.get()];
    vm.memory_mib + vm.overhead_mib
}

fn vms(world: &World) -> impl Iterator<Item = VmIndex> + use<> {
    (0..world.pool().vms.len()).map(VmIndex::new)
}

fn hosts(world: &World) -> impl Iterator<Item = HostIndex> + use<> {
    (0..world.host_count()).map(HostIndex::new)
}
