//! VMs that too few hosts could run: which storages and networks to attach to which hosts, or which disks to
//! move, so that more could.
use super::search::fewest_steps;
use super::{Case, Certainty, Kind, Remedy};
use crate::judge::Judge;
use lifeboat_model::agility::{Agility, Obstacle};
use lifeboat_model::change::Change;
use lifeboat_model::{HostIndex, Pool, ProfileIndex, StorageIndex, VmIndex};
use std::collections::{BTreeMap, BTreeSet};

/// Attachments that are looked for together.
const MOST: usize = 3;

/// For each kind of unprotectable VM the least that gives it a second host.
pub(super) fn protect_unprotectable(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let mut kinds: BTreeMap<(ProfileIndex, Option<HostIndex>), Vec<VmIndex>> = BTreeMap::new();
    for &vm in &case.assessment.unprotectable {
        kinds.entry((case.pool.vm(vm).profile, case.pool.runs_on(vm))).or_default().push(vm);
    }
    let mut remedies = Vec::new();
    for ((_, home), vms) in kinds {
        if judge.exhausted() {
            break;
        }
        let attached = case
            .pool
            .target_hosts()
            .iter()
            .filter(|&host| Some(host) != home)
            .filter_map(|host| attachments(case.pool, vms[0], host))
            .min_by_key(Vec::len);
        let Some(changes) = attached.or_else(|| disks_to_share(case.pool, &vms)) else { continue };
        let after = case.pool.with_all(&changes).ok();
        let Some(after) = after.filter(|after| after.agility(vms[0]) != Agility::Unprotectable) else {
            continue;
        };
        let (assessment, _) = case.reached(judge, &after);
        remedies.push(case.remedy(Kind::MakeAgile, changes, Certainty::Found, &after, &assessment));
    }
    remedies
}

/// The fewest attachments that restore the target.
pub(super) fn restore_target(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let wanted: BTreeSet<ProfileIndex> = case
        .pool
        .vm_indices()
        .filter(|&vm| case.pool.runs_on(vm).is_some() || case.pool.is_pending(vm))
        .filter(|&vm| case.pool.agility(vm) == Agility::Partly)
        .map(|vm| case.pool.vm(vm).profile)
        .collect();
    let moves = |pool: &Pool| -> Vec<Change> {
        let mut moves: Vec<Change> = Vec::new();
        for &profile in &wanted {
            for host in pool.target_hosts().iter() {
                for obstacle in pool.obstacles(pool.profile(profile), host) {
                    moves.extend(attach(pool, host, &obstacle).filter(|change| !moves.contains(change)));
                }
            }
        }
        moves
    };
    let found = fewest_steps(case, judge, MOST, &moves);
    let Some(solution) = found.solutions.into_iter().next() else { return Vec::new() };
    let certainty = if found.fewest { Certainty::Proven } else { Certainty::Found };
    vec![case.remedy(Kind::MakeAgile, solution.steps, certainty, &solution.pool, &solution.assessment)]
}

/// What to attach to a host so that it could run the VM; none where attaching is not enough.
fn attachments(pool: &Pool, vm: VmIndex, host: HostIndex) -> Option<Vec<Change>> {
    let obstacles = pool.obstacles(pool.profile(pool.vm(vm).profile), host);
    let changes: Option<Vec<Change>> =
        obstacles.iter().map(|obstacle| attach(pool, host, obstacle)).collect();
    changes.filter(|changes| !changes.is_empty())
}

fn attach(pool: &Pool, host: HostIndex, obstacle: &Obstacle) -> Option<Change> {
    match obstacle {
        Obstacle::Storage(storage) if pool.storages()[storage.get()].shared => {
            Some(Change::AttachStorage { host, storage: *storage })
        }
        Obstacle::Network(network) => Some(Change::PlugNetwork { host, network: *network }),
        _ => None,
    }
}

/// Moves disks of these VMs from storages that one host has alone to the shared storage that most hosts have.
fn disks_to_share(pool: &Pool, vms: &[VmIndex]) -> Option<Vec<Change>> {
    let attached = |storage: usize| {
        let has = |host: &HostIndex| pool.host(*host).storages[storage / 64] >> (storage % 64) & 1 == 1;
        pool.target_hosts().iter().filter(has).count()
    };
    let shared = (0..pool.storages().len()).filter(|&storage| pool.storages()[storage].shared);
    let to = shared.max_by_key(|&storage| (attached(storage), core::cmp::Reverse(storage)))?;
    let needed = &pool.profile(pool.vm(vms[0]).profile).storages;
    let alone: Vec<StorageIndex> =
        needed.iter().copied().filter(|from| !pool.storages()[from.get()].shared).collect();
    let to = StorageIndex::new(to);
    let moves =
        |vm: &VmIndex| alone.iter().map(|&from| Change::VmStorage { vm: *vm, from, to }).collect::<Vec<_>>();
    (!alone.is_empty()).then(|| vms.iter().flat_map(moves).collect())
}
