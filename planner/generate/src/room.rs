//! How much the hosts have: the least with which the target number of failures can survive by volume, plus
//! or minus the slack that was asked for.
//!
//! For a size x, a host with f free takes at most ⌊f/x⌋ VMs of x and more. So for every set S of n hosts, what
//! the protected VMs of S are worth, each ⌊size/x⌋, must not exceed what the survivors take: a test that any
//! planner has to pass, and for sizes that divide one another the only one there is. Its worst S is the n
//! hosts with the most to lose, so one test costs one selection. A VM confined to some hosts is tested
//! against those alone. The smallest capacity that passes all tests is the boundary.
use crate::draft::{Amounts, Draft};
use crate::recipe::Room;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, HostSet};

/// What room a draft is given.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Slack or fill; drawn by the caller.
    pub(crate) room: Room,
    /// The number of failures that shall just be possible.
    pub(crate) failures: usize,
    /// Sizes at which memory is counted in whole slots; 1 is plain volume.
    pub(crate) thresholds: &'a [u64],
    /// Capacities are multiples of this, by resource (memory before what is reserved).
    pub(crate) grain: Amounts,
}

/// Sets the capacity of every host, each resource by itself.
pub(crate) fn give_room(draft: &mut Draft, wanted: &Wanted<'_>) {
    let used = draft.used();
    for resource in 0..if draft.second.is_some() { 2 } else { 1 } {
        let scale = scale(draft, &used, resource, wanted);
        let grain = wanted.grain[resource];
        for (host, used) in draft.hosts.iter_mut().zip(&used) {
            let reserved = if resource == 0 { host.reserved_mib } else { 0 };
            let capacity = (scale * host.shape[resource]).max(used[resource]) + reserved;
            host.capacity[resource] = capacity.div_ceil(grain) * grain;
        }
    }
}

/// Capacity of a host of shape 1.
fn scale(draft: &Draft, used: &[Amounts], resource: usize, wanted: &Wanted<'_>) -> u64 {
    let shape: u64 = draft.hosts.iter().map(|host| host.shape[resource]).sum();
    let all_used: u64 = used.iter().map(|used| used[resource]).sum();
    let fullest = draft
        .hosts
        .iter()
        .zip(used)
        .filter(|(host, _)| host.shape[resource] > 0)
        .map(|(host, used)| used[resource].div_ceil(host.shape[resource]))
        .max()
        .unwrap_or(0);
    if shape == 0 {
        return 0;
    }
    let permille = match wanted.room {
        Room::Fill(permille) => {
            return (all_used * 1000 / u64::from(permille)).div_ceil(shape).max(fullest);
        }
        Room::Slack(permille) => 1000 + i64::from(permille),
        Room::Drawn => 1000,
    };
    let least = least_scale(draft, used, resource, wanted, fullest.max(1));
    let free = (least * shape).saturating_sub(all_used);
    (all_used + free * permille as u64 / 1000).div_ceil(shape).max(fullest)
}

/// The smallest capacity of a host of shape 1, from `low` on, with which every test passes.
fn least_scale(draft: &Draft, used: &[Amounts], resource: usize, wanted: &Wanted<'_>, low: u64) -> u64 {
    let tests = tests(draft, resource, wanted.thresholds);
    let passes = |scale: u64| {
        let free: Vec<u64> = draft
            .hosts
            .iter()
            .zip(used)
            .map(|(host, used)| (scale * host.shape[resource]).saturating_sub(used[resource]))
            .collect();
        tests.iter().all(|test| test.passes(&free, wanted.failures))
    };
    // Beyond a thousand times what runs there no pool gets better: some test cannot be met at all.
    let (mut low, mut high, ceiling) = (low, low, low * 1000);
    while !passes(high) {
        if high >= ceiling {
            return ceiling;
        }
        (low, high) = (high + 1, high * 2);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if passes(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

struct Test {
    slot: u64,
    /// The hosts that count; none: all.
    class: Option<HostSet>,
    /// What each host's protected VMs are worth, in slots.
    load: Vec<u64>,
}

/// The tests of a draft: every class and the whole pool by volume, the whole pool at each slot size.
fn tests(draft: &Draft, resource: usize, thresholds: &[u64]) -> Vec<Test> {
    let thresholds = if resource == 0 { thresholds } else { &[1] };
    let test = |slot: u64, class: Option<&HostSet>| {
        let mut load = vec![0; draft.hosts.len()];
        for vm in draft.vms.iter().filter(|vm| vm.priority == RestartPriority::Restart) {
            let confined = match (class, vm.class) {
                (None, _) => true,
                (Some(class), Some(own)) => draft.classes[own].is_subset_of(class),
                (Some(_), None) => false,
            };
            if confined {
                load[vm.home] += vm.demand[resource] / slot;
            }
        }
        Test { slot, class: class.cloned(), load }
    };
    let pool = thresholds.iter().map(|&slot| test(slot, None));
    pool.chain(draft.classes.iter().map(|class| test(1, Some(class)))).collect()
}

impl Test {
    fn passes(&self, free: &[u64], failures: usize) -> bool {
        let member =
            |host: usize| self.class.as_ref().is_none_or(|class| class.contains(HostIndex::new(host)));
        let mut slots = 0;
        let mut lost = Vec::with_capacity(free.len());
        for (host, &free) in free.iter().enumerate().filter(|&(host, _)| member(host)) {
            slots += free / self.slot;
            lost.push(free / self.slot + self.load[host]);
        }
        // A class that can die whole is survived by none of its VMs, whatever room it has: test one host less.
        let failures = failures.min(lost.len().saturating_sub(1));
        if failures == 0 {
            return true;
        }
        lost.select_nth_unstable_by(failures - 1, |a, b| b.cmp(a));
        lost[..failures].iter().sum::<u64>() <= slots
    }
}
