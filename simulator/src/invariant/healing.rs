//! I5: when faults stop, every protected VM that some live host can run is running within T + 5 s, its boot time, the
//! delays of earlier orders, and one capped back-off of 60 s.
//!
//! Judged once a second from when nothing has happened for that long. Excused: a disarm or a brake, capacity in
//! quarantine, a hypervisor that does not say what runs, and members that are no majority where numbers decide.
use super::Invariant;
use super::truth::{Truth, allows, is_wanted, memory_for_vms, memory_of};
use crate::{At, Happening, world::World};
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};

/// The law.
#[derive(Debug, Default)]
pub(super) struct Healing {
    judged: At,
    /// When healing was last excused: from then on it has all its time.
    excused: At,
    told: bool,
}

impl Invariant for Healing {
    fn name(&self) -> &'static str {
        "I5: the pool heals"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, _what: &Happening<'_>) -> Result<(), String> {
        if self.told || !truth.has_formed() || world.now().since(self.judged) < Duration::from_secs(1) {
            return Ok(());
        }
        self.judged = world.now();
        self.judge(world, truth)
    }

    fn at_end(&mut self, world: &World<'_>, truth: &Truth) -> Result<(), String> {
        if self.told { Ok(()) } else { self.judge(world, truth) }
    }
}

impl Healing {
    fn judge(&mut self, world: &World<'_>, truth: &Truth) -> Result<(), String> {
        if excused(world, truth) {
            self.excused = world.now();
        }
        let quiet = truth.undisturbed_for(world).min(world.now().since(self.excused));
        if !truth.all_well() || quiet < bound(world, truth) {
            return Ok(());
        }
        let pool = world.pool();
        let waiting = pool.vm_indices().filter(|&vm| is_wanted(pool, vm) && truth.executes(vm).is_empty());
        let host_for = |vm| pool.host_indices().find(|&host| can_run(world, truth, vm, host));
        let could = { waiting }.find_map(|vm| Some((vm, host_for(vm)?)));
        could.map_or(Ok(()), |(vm, host)| {
            self.told = true;
            let (vm, host) = (world.vm_name(vm), world.host_name(host));
            let quiet = quiet.as_secs_f64();
            Err(format!(
                "{vm} does not run, though {host} could run it and nothing has happened for {quiet:.0} s"
            ))
        })
    }
}

/// How long healing may take.
fn bound(world: &World<'_>, truth: &Truth) -> Duration {
    let pool = world.pool();
    let delays: u64 = pool.vms().iter().map(|vm| u64::from(vm.start_delay_s)).sum();
    let timeout = world.protocol_settings().timeout;
    let starts = world.world_settings().vm_boot + world.start_latency();
    let bound = timeout + starts + Duration::from_secs(5 + 60 + delays);
    // A pool that was off as a whole waits T + 60 s for those that are not up.
    if truth.stood_for(world) > bound + 2 * timeout {
        bound
    } else {
        bound + timeout + Duration::from_mins(1)
    }
}

fn excused(world: &World<'_>, truth: &Truth) -> bool {
    let held = truth.agreed().is_some_and(|agreed| agreed.braked || agreed.disarm.is_some());
    held || is_outvoted(world, truth)
        || world
            .pool()
            .host_indices()
            .any(|host| world.up_in(host).is_some() && world.hypervisor_is_hung(host))
}

/// Whether numbers decide, and those members that are up are no strict majority: then nobody may run anything.
fn is_outvoted(world: &World<'_>, truth: &Truth) -> bool {
    truth.numbers_count(world)
        && truth.agreed().is_some_and(|agreed| {
            let up = agreed.members().filter(|&(host, boot)| world.up_in(host) == Some(boot)).count();
            up * 2 <= agreed.members().count()
        })
}

fn can_run(world: &World<'_>, truth: &Truth, vm: VmIndex, host: HostIndex) -> bool {
    let pool = world.pool();
    let room = truth.load(world, host) + memory_of(pool, vm) <= memory_for_vms(pool, host);
    let quarantined = truth.agreed().is_some_and(|agreed| agreed.hosts[host.get()].quarantined);
    let takes = truth.takes_vms(host) && !quarantined && !world.start_fails(vm, host);
    let stands = world.up_in(host).is_some_and(|boot| truth.stands(world, host, boot));
    stands && room && takes && allows(pool, vm, host)
}
