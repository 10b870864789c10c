//! Why not more: a failure set that is not survived, a smallest set of its VMs that cannot all be placed, and the
//! reason in words an operator can act on.
use crate::bound::held::Held;
use crate::bound::volume::Overfull;
use crate::partial::resource_name;
use crate::plain::Plain;
use crate::problem::{Position, Problem, Rank};
use crate::search::packing::{Effort, Packed, fail_all, pack_items};
use crate::search::refute;
use crate::search::work::Meter;
use crate::state::State;
use lifeboat_model::certificate::Refutation;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::verdict::{Notion, ReasonCode, Witness};
use lifeboat_model::{HostIndex, Pool, ResourceIndex, VmIndex};

/// The protected VMs on failed hosts of a plain pool, largest first, and the refutation of their level.
pub(crate) fn of_plain(
    pool: &Pool,
    plain: &Plain,
    held: &Held,
    overfull: &Overfull,
) -> (Witness, Refutation) {
    let failed: Vec<HostIndex> = overfull.columns.iter().map(|&column| plain.hosts[column]).collect();
    let mut fails = vec![false; pool.hosts().len()];
    for host in &failed {
        fails[host.get()] = true;
    }
    let mut vms: Vec<(i64, VmIndex)> = pool
        .vms()
        .iter()
        .enumerate()
        .filter(|(_, vm)| {
            vm.restart_priority == RestartPriority::Restart
                && vm.power_state.holds_resources()
                && vm.host.is_some_and(|host| fails[host.get()])
        })
        .map(|(index, vm)| (pool.demand(vm.demand)[0] as i64, VmIndex::new(index)))
        .collect();
    vms.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut surrogate = vec![0; pool.resources().len()];
    surrogate[0] = 1;
    let least = plain.levels[overfull.level].lo;
    let mut values: Vec<(VmIndex, u64)> = vms
        .iter()
        .take_while(|&&(size, _)| size >= least)
        .map(|&(size, vm)| (vm, if overfull.counted { 1 } else { size as u64 }))
        .collect();
    values.sort_unstable();
    let fewest = fewest_too_many(plain, held, &overfull.columns, &vms).unwrap_or(values.len());
    let mut chosen: Vec<VmIndex> = vms[..fewest].iter().map(|&(_, vm)| vm).collect();
    chosen.sort_unstable();
    let survivors = plain.wide() - overfull.columns.len();
    let (reason_code, reason) = if fewest == 1 {
        let most = largest_room(plain, &overfull.columns);
        let reason = format!(
            "it needs {} MiB of memory; the most that is free on one of the {survivors} other hosts is {most} MiB",
            vms[0].0
        );
        (ReasonCode::NoHostHasRoom, reason)
    } else {
        let total: i64 = vms[..fewest].iter().map(|&(size, _)| size).sum();
        let reason = format!(
            "{fewest} VMs of {} MiB or more need {total} MiB of memory together; the {survivors} other hosts cannot \
             hold them all",
            vms[fewest - 1].0
        );
        (ReasonCode::NotTogether, reason)
    };
    let witness = Witness {
        notion: Notion::Simultaneous,
        failures: failed.len() as u32,
        failed_hosts: failed,
        vms: chosen,
        resource: Some(ResourceIndex::MEMORY),
        reason_code,
        reason,
    };
    (witness, Refutation::Values { surrogate, values })
}

fn largest_room(plain: &Plain, failed: &[usize]) -> i64 {
    (0..plain.wide())
        .filter(|column| !failed.contains(column))
        .map(|column| plain.room[column])
        .max()
        .unwrap_or(0)
}

/// The fewest of the largest VMs that the volume or the count bound of some level refutes.
fn fewest_too_many(plain: &Plain, held: &Held, failed: &[usize], vms: &[(i64, VmIndex)]) -> Option<usize> {
    let wide = plain.wide();
    let survives: Vec<usize> = (0..wide).filter(|column| !failed.contains(column)).collect();
    let sums: Vec<i64> = vms
        .iter()
        .scan(0, |sum, &(size, _)| {
            *sum += size;
            Some(*sum)
        })
        .collect();
    let mut fewest: Option<usize> = None;
    for (position, level) in plain.levels.iter().enumerate() {
        let present = vms.partition_point(|&(size, _)| size >= level.lo);
        let capacity: i64 = survives.iter().map(|&column| held.capacity[position * wide + column]).sum();
        let slots: i64 = survives.iter().map(|&column| plain.room[column] / level.lo.max(1)).sum();
        let by_volume = sums.partition_point(|&sum| sum <= capacity) + 1;
        let by_count = usize::try_from(slots).unwrap_or(usize::MAX).saturating_add(1);
        let needed = by_volume.min(by_count);
        if needed <= present && fewest.is_none_or(|fewest| needed < fewest) {
            fewest = Some(needed);
        }
    }
    fewest
}

/// The witness of a refuted set of a general problem.
pub(crate) fn of_set(
    problem: &Problem<'_>,
    failed: &[Position],
    refutation: &Refutation,
    meter: &mut Meter<'_>,
) -> Witness {
    let mut failed_hosts: Vec<HostIndex> =
        failed.iter().map(|&position| problem.host[usize::from(position)]).collect();
    failed_hosts.sort_unstable();
    let (state, orphans) = fail_all(problem, &State::initial(problem), failed);
    of_items(problem, &state, &orphans, failed_hosts, refutation, meter)
}

/// The same for a set given by hosts.
pub(crate) fn smallest(
    problem: &Problem<'_>,
    failed: &[HostIndex],
    refutation: &Refutation,
    meter: &mut Meter<'_>,
) -> Witness {
    let positions: Vec<Position> = failed.iter().filter_map(|&host| problem.position_of(host)).collect();
    of_set(problem, &positions, refutation, meter)
}

/// The witness of items that cannot all be placed in a state.
pub(crate) fn of_items(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    failed_hosts: Vec<HostIndex>,
    refutation: &Refutation,
    meter: &mut Meter<'_>,
) -> Witness {
    let core = smallest_core(problem, state, items, refutation, meter);
    let mut vms: Vec<VmIndex> = core.iter().flat_map(|&rank| problem.vms_of(rank)).collect();
    vms.sort_unstable();
    let (reason_code, resource, reason) = reason(problem, state, &core, refutation);
    Witness {
        notion: Notion::Simultaneous,
        failures: failed_hosts.len() as u32,
        failed_hosts,
        vms,
        resource: resource.map(ResourceIndex::new),
        reason_code,
        reason,
    }
}

/// Items named by a refutation.
fn named(problem: &Problem<'_>, items: &[Rank], refutation: &Refutation) -> Vec<Rank> {
    let keep = |vms: &dyn Fn(VmIndex) -> bool| -> Vec<Rank> {
        items.iter().copied().filter(|&rank| vms(problem.items[rank as usize].vm)).collect()
    };
    match refutation {
        Refutation::Values { values, .. } => {
            keep(&|vm| values.binary_search_by_key(&vm, |&(vm, _)| vm).is_ok())
        }
        Refutation::Separation { members, .. } => keep(&|vm| members.contains(&vm)),
        Refutation::Exhaustion { items: named, .. } => keep(&|vm| named.contains(&vm)),
        Refutation::NoSurvivor | Refutation::Liveness => items.iter().copied().take(1).collect(),
        Refutation::Filling { .. } | Refutation::Cases { .. } => items.to_vec(),
    }
}

/// Up to this many items are taken out one by one with the exact search.
const MOST_FILTERED: usize = 40;

/// Up to this many items every smaller subset of a core is tried.
pub(crate) const MOST_ENUMERATED: usize = 12;

/// A small set of items that cannot all be placed: the largest of those that the refutation names, as few as a
/// cheap bound still refutes, and then none that can be left out.
fn smallest_core(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    refutation: &Refutation,
    meter: &mut Meter<'_>,
) -> Vec<Rank> {
    if matches!(refutation, Refutation::NoSurvivor | Refutation::Liveness) {
        return items.iter().copied().take(1).collect();
    }
    if let Some(&rank) = items.iter().find(|&&rank| state.takers(problem, rank).next().is_none()) {
        return vec![rank];
    }
    let mut core = named(problem, items, refutation);
    let (mut low, mut high) = (1, core.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if refute::refute(problem, state, &core[..middle], meter).is_some() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if low < core.len() && refute::refute(problem, state, &core[..low], meter).is_some() {
        core.truncate(low);
    }
    let mut meter = meter.part(20_000);
    if items.len() <= MOST_ENUMERATED
        && let Some(fewest) = fewest_of(problem, state, items, core.len(), &mut meter)
    {
        return fewest;
    }
    if core.len() <= MOST_FILTERED {
        let mut index = 0;
        while index < core.len() && core.len() > 1 {
            let mut without = core.clone();
            without.remove(index);
            if matches!(
                pack_items(problem, state, &without, Effort::Thorough, &mut meter),
                Packed::Refuted(_)
            ) {
                core = without;
            } else {
                index += 1;
            }
        }
    }
    core
}

/// The fewest items that cannot all be placed, where there are fewer than `known`.
fn fewest_of(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    known: usize,
    meter: &mut Meter<'_>,
) -> Option<Vec<Rank>> {
    (2..known).find_map(|size| {
        (0..1u32 << items.len()).filter(|mask| mask.count_ones() as usize == size).find_map(|mask| {
            let subset: Vec<Rank> =
                (0..items.len()).filter(|&i| mask >> i & 1 == 1).map(|i| items[i]).collect();
            matches!(pack_items(problem, state, &subset, Effort::Thorough, meter), Packed::Refuted(_))
                .then_some(subset)
        })
    })
}

/// The reason in code and words.
fn reason(
    problem: &Problem<'_>,
    state: &State,
    core: &[Rank],
    refutation: &Refutation,
) -> (ReasonCode, Option<usize>, String) {
    let pool = problem.pool;
    if matches!(refutation, Refutation::NoSurvivor) {
        return (ReasonCode::NoSurvivor, None, "no host that takes VMs survives".to_owned());
    }
    if let &[rank] = core {
        let (code, words) = crate::partial::why(problem, state, rank);
        let resource = (code == ReasonCode::NoHostHasRoom).then(|| {
            (0..problem.width)
                .find(|&d| {
                    let demand = problem.demand_of(rank)[d];
                    demand > 0
                        && (0..problem.targets)
                            .filter(|&p| state.is_alive(p as Position))
                            .all(|p| state.free[p * problem.width + d] < demand)
                })
                .unwrap_or(0)
        });
        return (code, resource, words);
    }
    if let Refutation::Separation { group, members } = refutation {
        let id = &pool.groups()[group.get()].id;
        let words =
            format!("required rule {id}: {} VMs must be apart and have too few places to go", members.len());
        return (ReasonCode::Rule(*group), None, words);
    }
    if let Some(member) = core.iter().find_map(|&rank| problem.members_of(rank).first())
        && core.iter().all(|&rank| !problem.members_of(rank).is_empty())
    {
        let group = problem.separations[member.separation as usize].group;
        let id = &pool.groups()[group.get()].id;
        let words = format!("required rule {id} and the room that is left give {} VMs no places", core.len());
        return (ReasonCode::Rule(group), None, words);
    }
    let resource = match refutation {
        Refutation::Values { surrogate, .. } => surrogate.iter().position(|&weight| weight > 0).unwrap_or(0),
        _ => tightest(problem, state, core),
    };
    let total: i64 = core.iter().map(|&rank| problem.demand_of(rank)[resource]).sum();
    let name = resource_name(pool, resource);
    let words =
        format!("{} VMs need {total} {name} together; the surviving hosts cannot hold them all", core.len());
    (ReasonCode::NotTogether, Some(resource), words)
}

/// The resource of which a core wants the largest share of what is free.
fn tightest(problem: &Problem<'_>, state: &State, core: &[Rank]) -> usize {
    (0..problem.width)
        .max_by_key(|&d| {
            let wanted: i64 = core.iter().map(|&rank| problem.demand_of(rank)[d]).sum();
            let free: i64 = (0..problem.targets)
                .filter(|&p| state.is_alive(p as Position))
                .map(|p| state.free[p * problem.width + d].max(0))
                .sum();
            (i128::from(wanted) * 1_000_000 / i128::from(free.max(1)), core::cmp::Reverse(d))
        })
        .unwrap_or(0)
}
