//! Memory to buy, and hosts: the smallest amounts, by halving, each verified.
use super::{Case, Certainty, Kind, Remedy, is_refuted};
use crate::Assessment;
use crate::judge::Judge;
use lifeboat_model::Pool;
use lifeboat_model::change::Change;
use lifeboat_model::limits::MAX_AMOUNT;
use lifeboat_model::spec::{HostSpec, RestartPriority};

/// Memory for the one host where the least is enough.
pub(super) fn memory_for_one_host(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let mut best: Option<Box<Smallest>> = None;
    let mut certain = true;
    for host in case.pool.target_hosts().iter() {
        let memory = case.pool.host(host).capacity[0];
        let more = |amount: u64| vec![Change::HostMemory { host, memory_mib: memory + amount }];
        let most = best.as_ref().map_or_else(|| enough(case.pool), |best| best.amount - 1);
        match smallest(case, judge, most.min(MAX_AMOUNT - memory), &more) {
            Search::Found(found) => best = Some(found),
            Search::Refuted => {}
            Search::Open => certain = false,
        }
    }
    best.map(|best| best.remedy(case, Kind::AddMemory, 1, certain)).into_iter().collect()
}

/// The same amount of memory for every live host.
pub(super) fn memory_for_every_host(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let hosts: Vec<_> = case.pool.target_hosts().iter().collect();
    let memory = |host| case.pool.host(host).capacity[0];
    let most = hosts.iter().map(|&host| MAX_AMOUNT - memory(host)).min().unwrap_or(0);
    let more = |amount: u64| {
        let change = |&host: &_| Change::HostMemory { host, memory_mib: memory(host) + amount };
        hosts.iter().map(change).collect()
    };
    match smallest(case, judge, most.min(enough(case.pool)), &more) {
        Search::Found(found) => vec![found.remedy(case, Kind::AddMemoryEverywhere, hosts.len() as u64, true)],
        Search::Refuted | Search::Open => Vec::new(),
    }
}

/// One more host, in all but memory like the best that the pool has, with all shared storages and networks.
pub(super) fn one_more_host(case: &Case<'_>, judge: &Judge<'_>) -> Vec<Remedy> {
    let pool = case.pool;
    let hosts = || pool.target_hosts().iter().collect::<Vec<_>>().into_iter().map(|host| pool.host(host));
    let resources = pool
        .resources()
        .iter()
        .enumerate()
        .skip(1)
        .map(|(index, name)| (name.clone(), hosts().map(|host| host.capacity[index]).max().unwrap_or(0)));
    let id = (1..=pool.hosts().len() + 1)
        .map(|number| format!("new-host-{number}"))
        .find(|id| pool.find_host(id).is_none())
        .expect("more names than hosts");
    let reserved_mib = hosts().map(|host| host.reserved_mib).max().unwrap_or(0);
    let like = HostSpec {
        id,
        reserved_mib,
        cpu_level: hosts().map(|host| u64::from(host.cpu_level)).max().unwrap_or(0),
        resources: resources.collect(),
        ..HostSpec::default()
    };
    let add = |amount: u64| {
        vec![Change::AddHost {
            host: Box::new(HostSpec { memory_mib: reserved_mib + amount, ..like.clone() }),
        }]
    };
    match smallest(case, judge, enough(pool).min(MAX_AMOUNT - reserved_mib), &add) {
        Search::Found(found) => {
            let mut remedy = found.remedy(case, Kind::AddHost, 1, true);
            remedy.memory_mib = remedy.memory_mib.map(|amount| amount + reserved_mib);
            vec![remedy]
        }
        Search::Refuted | Search::Open => Vec::new(),
    }
}

/// As much memory as everything protected needs, and what hosts are over-full by: more cannot help.
fn enough(pool: &Pool) -> u64 {
    let protected = pool.vm_indices().filter(|&vm| pool.vm(vm).restart_priority == RestartPriority::Restart);
    let missing: u64 =
        pool.free().iter().step_by(pool.resources().len()).map(|&free| free.min(0).unsigned_abs()).sum();
    protected.map(|vm| pool.demand_of(vm)[0]).sum::<u64>() + missing
}

struct Smallest {
    amount: u64,
    changes: Vec<Change>,
    pool: Pool,
    assessment: Assessment,
    certain: bool,
}

impl Smallest {
    fn remedy(self, case: &Case<'_>, kind: Kind, times: u64, certain: bool) -> Remedy {
        let certainty = if self.certain && certain { Certainty::Proven } else { Certainty::Found };
        let mut remedy = case.remedy(kind, self.changes, certainty, &self.pool, &self.assessment);
        remedy.memory_mib = Some(self.amount * times);
        remedy
    }
}

enum Search {
    Found(Box<Smallest>),
    Refuted,
    Open,
}

/// The smallest amount up to `most` that restores the target. More memory never does harm to what can be
/// survived, so halving finds it; it is certain where one less was refuted.
fn smallest(case: &Case<'_>, judge: &Judge<'_>, most: u64, change: &dyn Fn(u64) -> Vec<Change>) -> Search {
    let attempt = |amount: u64| {
        let changes = change(amount);
        let pool = case.pool.with_all(&changes).ok()?;
        let (assessment, reached) = case.reached(judge, &pool);
        Some((Smallest { amount, changes, pool, assessment, certain: false }, reached))
    };
    if judge.exhausted() {
        return Search::Open;
    }
    let Some((mut best, reached)) = attempt(most) else { return Search::Open };
    if !reached {
        return if is_refuted(&best.assessment) { Search::Refuted } else { Search::Open };
    }
    // Nothing at all is not enough, or there would be nothing to restore; of a new host even that may be.
    let mut too_little = None;
    let mut refuted = true;
    loop {
        let low = too_little.map_or(0, |amount: u64| amount + 1);
        if low >= best.amount {
            break;
        }
        if judge.exhausted() {
            refuted = false;
            break;
        }
        let middle = low + (best.amount - low) / 2;
        match attempt(middle) {
            Some((found, true)) => best = found,
            Some((missed, false)) => {
                refuted = is_refuted(&missed.assessment);
                too_little = Some(middle);
            }
            None => return Search::Open,
        }
    }
    best.certain = refuted;
    Search::Found(Box::new(best))
}
