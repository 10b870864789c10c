//! The right side lives: when one blow divides a healthy pool, all of whose hosts reach the medium, no host of the best
//! fully connected set is fenced. Best: more hosts, more with carrier, more protected memory, the coordinator's, lowest ids.
//!
//! The best set is found here by trying all, from what is truly so; the protocol finds it by other means from its records.
use super::Invariant;
use super::truth::{Truth, memory_of};
use crate::{Happening, world::World};
use core::cmp::Reverse;
use lifeboat_model::HostIndex;
use lifeboat_model::spec::RestartPriority;

/// All sets of more hosts than this are too many to try.
const MOST_HOSTS: usize = 12;

/// The law.
#[derive(Debug, Default)]
pub(super) struct RightSide {
    /// As things were just before the last event took effect.
    leader: Option<HostIndex>,
    protected_mib: Vec<u64>,
}

impl Invariant for RightSide {
    fn name(&self) -> &'static str {
        "the right side lives"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        if let Happening::Event(_) = what {
            self.leader = truth.agreed().map(|agreed| agreed.leader);
            self.protected_mib = protected(world, truth);
        }
        let Some(fenced) = truth.just_fenced(what) else { return Ok(()) };
        if world.host_count() > MOST_HOSTS || truth.numbers_count(world) || !truth.one_blow(world) {
            return Ok(());
        }
        let up: Vec<HostIndex> = hosts(world).filter(|host| world.up_in(*host).is_some()).collect();
        let only_the_network = up.iter().all(|&host| world.medium_well(host) && world.agent_runs(host));
        if only_the_network && !world.has_bad_links(&up) && self.best(world, truth, &up).contains(&fenced) {
            let best = self.best(world, truth, &up);
            let names: Vec<&str> = best.iter().map(|host| world.host_name(*host)).collect();
            let fenced = world.host_name(fenced);
            return Err(format!("{fenced} is fenced, though {} should live", names.join(", ")));
        }
        Ok(())
    }
}

impl RightSide {
    fn best(&self, world: &World<'_>, truth: &Truth, up: &[HostIndex]) -> Vec<HostIndex> {
        let sets = (1_u32..1 << up.len()).map(|set| -> Vec<HostIndex> {
            (0..up.len()).filter(|position| set >> position & 1 == 1).map(|position| up[position]).collect()
        });
        let connected =
            |set: &Vec<HostIndex>| set.iter().all(|one| set.iter().all(|other| truth.linked(*one, *other)));
        sets.filter(connected).max_by_key(|set| self.worth(world, set)).unwrap_or_default()
    }

    fn worth(
        &self,
        world: &World<'_>,
        set: &[HostIndex],
    ) -> (usize, usize, u64, bool, Reverse<Vec<HostIndex>>) {
        let carrier = set.iter().filter(|host| world.has_carrier(**host)).count();
        let memory = set.iter().filter_map(|host| self.protected_mib.get(host.get())).sum();
        let leads = self.leader.is_some_and(|leader| set.contains(&leader));
        (set.len(), carrier, memory, leads, Reverse(set.to_vec()))
    }
}

fn hosts(world: &World<'_>) -> impl Iterator<Item = HostIndex> + use<> {
    (0..world.host_count()).map(HostIndex::new)
}

fn protected(world: &World<'_>, truth: &Truth) -> Vec<u64> {
    let pool = world.pool();
    let mut memory = vec![0; world.host_count()];
    for vm in pool.vm_indices().filter(|vm| pool.vm(*vm).restart_priority == RestartPriority::Restart) {
        for (host, _) in truth.executes(vm) {
            memory[host.get()] += memory_of(pool, vm);
        }
    }
    memory
}
