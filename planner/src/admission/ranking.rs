//! A start without a host: every host that could take the VM, best first. Best is what leaves the pool where
//! it stands best, then what leaves the highest tolerance proven, then the most even load, then the lowest
//! index.
use super::impediment::{Impediment, impediments, newly_broken_rules};
use super::objective::Standing;
use super::{Admission, Verdict, compare, judge_change};
use crate::judge::Judge;
use crate::{Assessment, BrokenRule};
use core::cmp::Reverse;
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::{HostIndex, Pool};

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

/// Judges a start without a host by trying every host. With no host for it, the VM waits: the answer then
/// says what that makes of the pool, and that the start cannot be carried out now.
pub(super) fn judge_start(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    change: &Change,
) -> Result<Admission, ChangeError> {
    let waiting = pool.with(change)?;
    let mut candidates = Vec::new();
    let mut unfit = Vec::new();
    for host in pool.target_hosts().iter() {
        let Some(start) = placed(change, host) else { continue };
        let after = pool.with(&start)?;
        let impediments = impediments(pool, &after, &start);
        let rules = newly_broken_rules(pool, &after);
        if impediments.is_empty() && rules.is_empty() {
            candidates.push((candidate(judge, pool, before, &after, host), start));
        } else {
            unfit.push(Unfit { host, impediments, rules });
        }
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
        let mut answer = super::judge_after(judge, pool, before, change, waiting);
        answer.refuse_for(vec![Impediment::NoHost]);
        answer
    };
    answer.candidates = candidates.into_iter().map(|(candidate, _)| candidate).collect();
    answer.unfit = unfit;
    Ok(answer)
}

fn candidate(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    after: &Pool,
    host: HostIndex,
) -> Candidate {
    let assessment = super::assess_after(judge, before, after);
    let standing = Standing::of(after, &assessment);
    let memory = after.host(host).capacity[0].max(1);
    let free = after.free()[host.get() * after.resources().len()];
    let load_ppm = (i128::from(memory) - i128::from(free)) * 1_000_000 / i128::from(memory);
    let verdict = compare(&Standing::of(pool, before), &standing);
    Candidate { host, standing, verdict, load_ppm: load_ppm.max(0) as u64 }
}
