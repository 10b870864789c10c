//! What would restore the target: the cheapest remedies of each kind, each verified by assessing the pool as it
//! would be. Nothing is recommended on the strength of an estimate.
//!
//! *Fewest* and *smallest* are claimed as proven only where everything smaller was refuted; otherwise the
//! remedy is the best that was found within the ration of assessments, and says so ([`Certainty`]).
mod agile;
mod hardware;
mod lower;
mod migrations;
mod probe;
mod search;

use crate::admission::{Objective, Standing};
use crate::judge::{Assess, Judge, each_within};
use crate::{Assessment, Limits, TargetStatus};
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::pool::LivenessLimit;
use lifeboat_model::spec::HostState;
use lifeboat_model::{Pool, VmIndex};

/// Assessments that each kind of remedy may ask for, unless the caller says otherwise.
pub const DEFAULT_RATION: u32 = 600;

/// A kind of remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Live migrations, in an order in which they can be made.
    Migrate,
    /// Storages or networks to attach, or disks to move, so that more hosts can run a VM.
    MakeAgile,
    /// VMs that would be restarted only when room is left.
    LowerToBestEffort,
    /// VMs to stop.
    Stop,
    /// Memory for one host.
    AddMemory,
    /// The same amount of memory for every live host.
    AddMemoryEverywhere,
    /// One more host.
    AddHost,
}

impl Kind {
    /// The kind as a machine-readable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::MakeAgile => "make-agile",
            Self::LowerToBestEffort => "lower-to-best-effort",
            Self::Stop => "stop",
            Self::AddMemory => "add-memory",
            Self::AddMemoryEverywhere => "add-memory-everywhere",
            Self::AddHost => "add-host",
        }
    }
}

/// How sure it is that nothing smaller of the kind would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Everything smaller was refuted.
    Proven,
    /// It was found; something smaller was not looked at, or is open.
    Found,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to do.
    pub change: Change,
    /// For a migration: where the pool stands while it is under way and the VM counts at both ends.
    pub under_way: Option<Standing>,
    /// Where the pool stands after it; only for remedies whose order matters.
    pub after: Option<Standing>,
}

/// A verified remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What kind of remedy.
    pub kind: Kind,
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// For memory and hosts: how much memory it takes in all, MiB.
    pub memory_mib: Option<u64>,
    /// Whether the remedy restores the target, or only protects VMs that nothing protects.
    pub restores_target: bool,
    /// Whether nothing smaller would do.
    pub certainty: Certainty,
    /// Where the pool would stand.
    pub after: Standing,
}

/// What would restore the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    /// The target that is to hold, hosts in maintenance taken off.
    pub target: u32,
    /// Where the pool stands, held against that target.
    pub before: Standing,
    /// Whether the target is not proven.
    pub falls_short: bool,
    /// What liveness would have to allow first: no remedy helps against it.
    pub beyond_liveness: Option<LivenessLimit>,
    /// Remedies by kind; a kind that was tried in vain is missing.
    pub remedies: Vec<Remedy>,
    /// Kinds whose ration ended before everything was looked at.
    pub unfinished: Vec<Kind>,
}

/// Looks for remedies that restore the effective target, or that reach `target` instead. `ration` is how many
/// assessments each kind of remedy may take.
///
/// # Errors
/// If `target` is out of range.
pub fn repair(
    pool: &Pool,
    target: Option<u32>,
    ration: u32,
    limits: &Limits<'_>,
) -> Result<Repair, ChangeError> {
    repair_with(&crate::assess, pool, target, ration, limits)
}

pub(crate) fn repair_with(
    assess: Assess<'_>,
    pool: &Pool,
    target: Option<u32>,
    ration: u32,
    limits: &Limits<'_>,
) -> Result<Repair, ChangeError> {
    let pool = &aimed(pool, target)?;
    let aim = pool.effective_target();
    let assessment = Judge::new(assess, limits, 1).assess(pool, aim);
    let case = Case { pool, assessment: &assessment, aim };
    let mut answer = Repair {
        target: aim,
        before: Standing::of(pool, &assessment),
        falls_short: assessment.overcommitted,
        beyond_liveness: pool.liveness_limit().filter(|&(most, _)| most < aim).map(|(_, limit)| limit),
        remedies: Vec::new(),
        unfinished: Vec::new(),
    };
    let limits = &each_within(limits, assessment.work);
    let mut seek = |kind: Kind, look: &dyn Fn(&Case<'_>, &Judge<'_>) -> Vec<Remedy>| {
        let judge = Judge::new(assess, limits, ration);
        answer.remedies.extend(look(&case, &judge));
        if judge.exhausted() {
            answer.unfinished.push(kind);
        }
    };
    seek(Kind::MakeAgile, &agile::protect_unprotectable);
    if assessment.overcommitted && answer_can_help(pool, aim) {
        // The quick ones first, since they share the caller's clock.
        seek(Kind::LowerToBestEffort, &lower::fewest);
        seek(Kind::AddHost, &hardware::one_more_host);
        seek(Kind::AddMemoryEverywhere, &hardware::memory_for_every_host);
        seek(Kind::AddMemory, &hardware::memory_for_one_host);
        seek(Kind::Stop, &lower::fewest_stops);
        seek(Kind::Migrate, &migrations::fewest);
        seek(Kind::MakeAgile, &agile::restore_target);
    }
    answer.remedies.sort_by_key(|remedy| (!remedy.restores_target, remedy.kind));
    answer.unfinished.sort_unstable();
    answer.unfinished.dedup();
    Ok(answer)
}

/// What the remedies start from.
pub(crate) struct Case<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) assessment: &'a Assessment,
    pub(crate) aim: u32,
}

impl Case<'_> {
    /// Assesses a changed pool; says whether the target holds there and no more VMs are unprotectable.
    pub(crate) fn reached(&self, judge: &Judge<'_>, pool: &Pool) -> (Assessment, bool) {
        let assessment = judge.assess(pool, self.aim);
        let reached = self.is_reached(&assessment);
        (assessment, reached)
    }

    pub(crate) fn is_reached(&self, assessment: &Assessment) -> bool {
        // Lexicographically: giving pending VMs a place outweighs that one of them is unprotectable there.
        let was_broken = !self.assessment.pending_unplaced.is_empty();
        let no_more = assessment.unprotectable.len() <= self.assessment.unprotectable.len();
        !assessment.overcommitted && (was_broken || no_more)
    }

    pub(crate) fn remedy(
        &self,
        kind: Kind,
        changes: Vec<Change>,
        certainty: Certainty,
        pool: &Pool,
        after: &Assessment,
    ) -> Remedy {
        let step = |change| Step { change, under_way: None, after: None };
        Remedy {
            kind,
            steps: changes.into_iter().map(step).collect(),
            memory_mib: None,
            restores_target: self.assessment.overcommitted && self.is_reached(after),
            certainty,
            after: Standing::of(pool, after),
        }
    }
}

/// Whether a pool that misses the target is certainly refuted, not merely unproven.
fn is_refuted(assessment: &Assessment) -> bool {
    assessment.target_status == TargetStatus::Refuted || !assessment.pending_unplaced.is_empty()
}

/// The pool with a target such that `target` failures are what has to be proven.
pub(crate) fn aimed(pool: &Pool, target: Option<u32>) -> Result<Pool, ChangeError> {
    let Some(target) = target else { return Ok(pool.clone()) };
    let maintenance = pool.hosts().iter().filter(|host| host.state == HostState::Maintenance).count() as u64;
    pool.with(&Change::Target { host_failures_to_tolerate: u64::from(target) + maintenance })
}

/// Against liveness nothing helps that is done to VMs; hosts can.
fn answer_can_help(pool: &Pool, aim: u32) -> bool {
    pool.liveness_limit().is_none_or(|(most, _)| most >= aim)
}

/// VMs that are the same to every remedy, by their lowest index: same home, demand, profile and priority, and
/// bound by no rule.
pub(crate) fn representatives(pool: &Pool) -> Vec<VmIndex> {
    let mut bound = vec![false; pool.vms().len()];
    for vm in pool.groups().iter().flat_map(|group| &group.vms) {
        bound[vm.get()] = true;
    }
    let mut seen = std::collections::BTreeSet::new();
    pool.vm_indices()
        .filter(|&vm| {
            let state = pool.vm(vm);
            let key = (pool.runs_on(vm), state.demand.0, state.profile, state.restart_priority, state.order);
            bound[vm.get()] || state.migrating_to.is_some() || seen.insert(key)
        })
        .collect()
}

/// The worse of two standings' objectives.
pub(crate) fn worse(a: Objective, b: Objective) -> Objective {
    a.max(b)
}

#[cfg(test)]
mod tests;
