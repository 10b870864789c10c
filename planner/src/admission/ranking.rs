//! A start without a host: every host that could take the VM, best first. Best is what leaves the pool where
//! it stands best, then what leaves the highest tolerance proven, then the most even load, then the lowest
//! index.
use super::impediment::{Impediment, newly_broken_rules};
use super::objective::Standing;
use super::same::Same;
use super::{Admission, Verdict, judge_change, verdict_of};
use crate::judge::Judge;
use crate::{Assessment, BrokenRule};
use core::cmp::Reverse;
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::pool::Group;
use lifeboat_model::spec::RuleMode;
use lifeboat_model::{HostIndex, Pool, ResourceIndex, VmIndex};

/// A host that could take the VM, and what would become of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The host.
    pub host: HostIndex,
    /// Where the pool would stand.
    pub standing: Standing,
    /// What the change to there would be.
    pub verdict: Verdict,
    /// How full the host would be, in millionths of its memory.
    pub load_ppm: u64,
}

/// A host that could not take the VM, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// The host.
    pub host: HostIndex,
    /// What is in the way.
    pub impediments: Vec<Impediment>,
    /// Required rules that it would break.
    pub rules: Vec<BrokenRule>,
}

/// The change with its host filled in; none where it is not a start without one.
fn placed(change: &Change, host: HostIndex) -> Option<Change> {
    match change {
        Change::StartNew { vm, host: None } => Some(Change::StartNew { vm: vm.clone(), host: Some(host) }),
        Change::Start { vm, host: None } => Some(Change::Start { vm: *vm, host: Some(host) }),
        _ => None,
    }
}

/// Whether the change is a start that leaves the host open.
pub(super) fn leaves_host_open(change: &Change) -> bool {
    matches!(change, Change::StartNew { host: None, .. } | Change::Start { host: None, .. })
}

/// A host that has room and nothing against it.
struct Fit {
    host: HostIndex,
    start: Change,
    load_ppm: u64,
}

/// Judges a start without a host by trying hosts: the `most` least full ones that could take the VM, and further ones
/// while none of them may. With no host for it, the VM waits: the answer then says what that makes of the pool, and that
/// the start cannot be carried out now.
pub(super) fn judge_start(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    change: &Change,
    most: usize,
) -> Result<Admission, ChangeError> {
    let waiting = pool.with(change)?;
    let (mut fit, unfit) = sort_hosts(pool, &waiting, change)?;
    fit.sort_by_key(|fit| (fit.load_ppm, fit.host));
    let mut candidates = Vec::new();
    let mut not_judged = Vec::new();
    for Fit { host, start, load_ppm } in fit {
        let enough = candidates.len() >= most
            && (judge.exhausted()
                || candidates.len() >= most.saturating_mul(MOST_TIMES)
                || candidates.iter().any(|(candidate, _): &(Candidate, Change)| candidate.verdict.allowed()));
        if enough {
            not_judged.push(host);
            continue;
        }
        let after = pool.with(&start)?;
        candidates.push((candidate(judge, pool, before, &after, host, load_ppm), start));
    }
    candidates.sort_by_cached_key(|(candidate, _)| {
        let Standing { objective, guaranteed, .. } = &candidate.standing;
        (objective.clone(), Reverse(guaranteed.proven), candidate.load_ppm, candidate.host)
    });
    let mut answer = if let Some((best, start)) = candidates.first() {
        let mut answer = judge_change(judge, pool, before, start)?;
        answer.suggested_host = Some(best.host);
        answer
    } else {
        let mut answer = super::judge_after(judge, pool, before, waiting, &Same::indices());
        answer.refuse_for(vec![Impediment::NoHost]);
        answer
    };
    answer.candidates = candidates.into_iter().map(|(candidate, _)| candidate).collect();
    answer.not_judged = not_judged;
    answer.unfit = unfit;
    Ok(answer)
}

/// Hosts judged in a hurry where none may be taken: so many times what was asked for, and then it ends.
const MOST_TIMES: usize = 4;

/// The live hosts: those that could take the VM, which waits in `waiting`, and the others.
fn sort_hosts(pool: &Pool, waiting: &Pool, change: &Change) -> Result<(Vec<Fit>, Vec<Unfit>), ChangeError> {
    let vm = match change {
        Change::Start { vm, .. } => *vm,
        _ => VmIndex::new(waiting.vms().len() - 1),
    };
    let required = |group: &&Group| group.mode == RuleMode::Required && group.vms.contains(&vm);
    let ruled = waiting.groups().iter().any(|group| required(&group));
    let (free, width) = (waiting.free(), waiting.resources().len());
    let demand = waiting.demand_of(vm);
    let profile = waiting.profile(waiting.vm(vm).profile);
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for host in pool.target_hosts().iter() {
        let Some(start) = placed(change, host) else { continue };
        let free = &free[host.get() * width..][..width];
        let obstacles = waiting.obstacles(profile, host).into_iter();
        let mut impediments: Vec<Impediment> =
            obstacles.map(|obstacle| Impediment::Obstacle { host, obstacle }).collect();
        for (resource, (&asked, &free)) in demand.iter().zip(free).enumerate() {
            let left = free - asked as i64;
            if asked > 0 && left < 0 {
                let resource = ResourceIndex::new(resource);
                impediments.push(Impediment::OverFull { host, resource, by: left.unsigned_abs() });
            }
        }
        let rules = if ruled { newly_broken_rules(pool, &pool.with(&start)?) } else { Vec::new() };
        if impediments.is_empty() && rules.is_empty() {
            let memory = i128::from(waiting.host(host).capacity[0].max(1));
            let left = i128::from(free[0]) - i128::from(demand[0]);
            let load_ppm = (memory - left) * 1_000_000 / memory;
            fit.push(Fit { host, start, load_ppm: load_ppm.max(0) as u64 });
        } else {
            unfit.push(Unfit { host, impediments, rules });
        }
    }
    Ok((fit, unfit))
}

fn candidate(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    after: &Pool,
    host: HostIndex,
    load_ppm: u64,
) -> Candidate {
    let assessment = super::assess_after(judge, before, after);
    let standing = Standing::of(after, &assessment);
    let verdict = verdict_of(&Standing::of(pool, before), &standing);
    Candidate { host, standing, verdict, load_ppm }
}
