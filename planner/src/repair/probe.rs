//! A failure set that is known to be the trouble, looked at through a handful of numbers: for each size x, how
//! many x the survivors hold and how many the set asks for. A change touches two hosts, so whether it could
//! help is seen in a few divisions, without building the pool after it. Only a "cannot help" is certain.
use crate::fit::{Fit, fit, items_of, left_out_mib, room_after};
use lifeboat_model::change::Change;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, HostSet, Pool};

/// A failure set of one pool.
pub(super) struct Probe {
    failed: HostSet,
    targets: HostSet,
    memory: Vec<i64>,
    /// Sizes for which the survivors hold too few, and by how many.
    violated: Vec<(u64, i64)>,
}

impl Probe {
    pub(super) fn new(pool: &Pool, failed: &HostSet) -> Self {
        let width = pool.resources().len();
        let (items, free) = (items_of(pool, failed), pool.free());
        let memory: Vec<i64> = free.iter().step_by(width).copied().collect();
        let mut targets = pool.target_hosts();
        targets.subtract(failed);
        let mut sizes: Vec<u64> = items.iter().map(|item| item.demand[0]).filter(|&size| size > 0).collect();
        sizes.dedup();
        sizes.push(1);
        let violated = sizes
            .into_iter()
            .filter_map(|size| {
                let asked: i64 = items.iter().map(|item| (item.demand[0] / size) as i64).sum();
                let there: i64 = targets.iter().map(|host| memory[host.get()].max(0) / size as i64).sum();
                (asked > there).then_some((size, asked - there))
            })
            .collect();
        Self { failed: failed.clone(), targets, memory, violated }
    }

    /// By how much memory the set stays short after the change, for certain; 0: it might be survived.
    pub(super) fn short_after(&self, pool: &Pool, change: &Change) -> u64 {
        let moved = match change {
            Change::EndMigration { vm, to } => Some((*vm, Some(*to))),
            Change::Stop { vm } => Some((*vm, None)),
            // What others do to eligibility is not seen in memory.
            _ => None,
        };
        let Some((vm, to)) = moved else {
            return self.violated.iter().map(|&(size, by)| by as u64 * size).sum();
        };
        let (home, amount) = (pool.runs_on(vm), pool.demand_of(vm)[0]);
        let restarts = pool.vm(vm).restart_priority == RestartPriority::Restart;
        let mut short = 0;
        for &(size, by) in &self.violated {
            let mut left = by;
            if let Some(home) = home {
                left -= self.gain(home, amount as i64, size);
                if restarts && self.failed.contains(home) {
                    left -= (amount / size) as i64;
                }
            }
            if let Some(to) = to {
                left -= self.gain(to, -(amount as i64), size);
                let movable = || {
                    let mut hosts = pool.eligible_hosts(pool.vm(vm).profile);
                    hosts.remove(to);
                    !hosts.is_empty()
                };
                if restarts && self.failed.contains(to) && movable() {
                    left += (amount / size) as i64;
                }
            }
            short += left.max(0) as u64 * size;
        }
        short
    }

    /// How many more of a size a surviving host holds with so much more memory.
    fn gain(&self, host: HostIndex, more: i64, size: u64) -> i64 {
        if !self.targets.contains(host) {
            return 0;
        }
        let (free, size) = (self.memory[host.get()], size as i64);
        (free + more).max(0) / size - free.max(0) / size
    }
}

/// Looks at one failure set of one pool: 0 if it might be survived, else how much memory is left out.
pub(super) fn look(pool: &Pool, failed: &HostSet) -> u64 {
    let width = pool.resources().len();
    let (items, room) = (items_of(pool, failed), room_after(pool, failed));
    match fit(&room, width, &items, 2000 + 8 * items.len() as u32) {
        Fit::No => left_out_mib(&room, width, &items).max(1),
        Fit::Yes(_) | Fit::Unknown => 0,
    }
}
