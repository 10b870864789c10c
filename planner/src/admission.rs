//! May this change be made? The pool is assessed before and after, and the two are compared
//! lexicographically ([`Objective`]): what is worse in an earlier component is worse. A pool that falls short
//! already is still guarded, and a change that makes nothing worse is never refused.
//!
//! A migration is judged by where it ends ([`Change::EndMigration`]); what holds while it is under way, when
//! the VM counts at both ends, is a question of its own ([`Change::BeginMigration`]).
mod edit;
mod impediment;
mod memory;
mod objective;
mod ranking;
mod same;

pub use edit::compare;
pub use impediment::Impediment;
pub(crate) use impediment::{impediments, newly_broken_rules};
pub use memory::{MemoryReport, MemoryUse};
pub use objective::{Objective, Standing};
pub use ranking::{Candidate, Unfit};

use crate::judge::Judge;
use crate::{Assessment, BrokenRule, Limits, TargetStatus};
use core::cmp::Ordering;
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::verdict::Witness;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use same::Same;

/// What a change does to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The pool stands better than before.
    Improves,
    /// The pool stands as before, as far as the target asks.
    Fine,
    /// The pool fell short before and would stand worse.
    MakesWorse,
    /// The target is proven now and would not be.
    BreaksTarget,
    /// It cannot be carried out.
    CannotBeDone,
}

impl Verdict {
    /// Whether the change may be made.
    pub fn allowed(self) -> bool {
        matches!(self, Self::Improves | Self::Fine)
    }

    /// The verdict as a machine-readable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::Improves => "improves",
            Self::Fine => "fine",
            Self::MakesWorse => "makes-worse",
            Self::BreaksTarget => "breaks-target",
            Self::CannotBeDone => "cannot-be-done",
        }
    }
}

/// The answer to "may this change be made?".
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// What it does.
    pub verdict: Verdict,
    /// Whether it may be made.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// Whether the verdict rests on a bound that more work could still move: not proven, not refuted either.
    pub open: bool,
    /// Where the pool stands.
    pub before: Standing,
    /// Where it would stand; for a start without a host, with the best one.
    pub after: Standing,
    /// What keeps the change from being carried out.
    pub impediments: Vec<Impediment>,
    /// Pairs that would newly break a required rule: named, not forbidden.
    pub newly_broken_rules: Vec<BrokenRule>,
    /// Protected VMs that the change would leave without protection.
    pub newly_unprotectable: Vec<VmIndex>,
    /// For a start without a host: where to start it.
    pub suggested_host: Option<HostIndex>,
    /// For a start without a host: every host that could take the VM, best first.
    pub candidates: Vec<Candidate>,
    /// For a start without a host: hosts that could take the VM too and were not looked at closer.
    pub not_judged: Vec<HostIndex>,
    /// For a start without a host: every other live host, and why not.
    pub unfit: Vec<Unfit>,
    /// Why the pool would tolerate no more.
    pub witness: Option<Witness>,
    /// Memory by restart priority now.
    pub memory_before: MemoryReport,
    /// Memory by restart priority after the change.
    pub memory_after: MemoryReport,
    /// The pool after the change; indices in this answer are its.
    pub pool_after: Pool,
}

/// Judges a change. `before` is the pool's assessment where the caller has it; what it proved is what the
/// change is asked to keep. With [`Limits::max_failures`] no more failures than that are looked at, otherwise
/// as many as the target or `before` speak of, whichever is more. Without `before`, a start that names no host
/// looks for what the pool tolerates above its target as well: the host it suggests keeps that.
///
/// # Errors
/// Where the change makes no sense for this pool.
pub fn check(
    pool: &Pool,
    before: Option<&Assessment>,
    change: &Change,
    limits: &Limits<'_>,
) -> Result<Admission, ChangeError> {
    check_with(&Judge::new(&crate::assess, limits, u32::MAX), pool, before, change)
}

/// The same for callers in a hurry: of the hosts for a start that names none, only the `most` least full ones are judged,
/// and further ones only while none of those may be taken. The rest is named in [`Admission::not_judged`].
///
/// # Errors
/// As [`check`].
pub fn check_quickly(
    pool: &Pool,
    before: Option<&Assessment>,
    change: &Change,
    most: usize,
    limits: &Limits<'_>,
) -> Result<Admission, ChangeError> {
    judged(&Judge::new(&crate::assess, limits, u32::MAX), pool, before, change, most)
}

pub(crate) fn check_with(
    judge: &Judge<'_>,
    pool: &Pool,
    before: Option<&Assessment>,
    change: &Change,
) -> Result<Admission, ChangeError> {
    judged(judge, pool, before, change, usize::MAX)
}

fn judged(
    judge: &Judge<'_>,
    pool: &Pool,
    before: Option<&Assessment>,
    change: &Change,
    most: usize,
) -> Result<Admission, ChangeError> {
    let assessed;
    let before = if let Some(known) = before {
        known
    } else {
        assessed = if ranking::leaves_host_open(change) {
            assess_as_far_as_it_goes(judge, pool)
        } else {
            assess_before(judge, pool)
        };
        &assessed
    };
    if ranking::leaves_host_open(change) {
        ranking::judge_start(judge, pool, before, change, most)
    } else {
        judge_change(judge, pool, before, change)
    }
}

/// Assesses the pool before a change as far as its target asks.
fn assess_before(judge: &Judge<'_>, pool: &Pool) -> Assessment {
    judge.assess(pool, judge.max_failures().unwrap_or(pool.effective_target()))
}

/// The same, and beyond the target as well: which host a VM is best started on depends on what is tolerated above the
/// target too. The target comes first, so that work spent on what lies above it never leaves it open.
fn assess_as_far_as_it_goes(judge: &Judge<'_>, pool: &Pool) -> Assessment {
    let to_the_target = assess_before(judge, pool);
    if judge.max_failures().is_some() || to_the_target.target_status != TargetStatus::Proven {
        return to_the_target;
    }
    let further = judge.assess(pool, u32::MAX);
    if further.target_status == TargetStatus::Proven { further } else { to_the_target }
}

fn judge_change(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    change: &Change,
) -> Result<Admission, ChangeError> {
    let after = pool.with(change)?;
    let impediments = impediments(pool, &after, change);
    let suggested_host = impediment::arrival(&after, change).map(|(_, host)| host);
    let mut answer = judge_after(judge, pool, before, after, &Same::indices());
    answer.suggested_host = suggested_host;
    if !impediments.is_empty() {
        answer.refuse_for(impediments);
    }
    Ok(answer)
}

fn judge_after(
    judge: &Judge<'_>,
    pool: &Pool,
    before: &Assessment,
    pool_after: Pool,
    same: &Same,
) -> Admission {
    let assessment = assess_after(judge, before, &pool_after);
    let was = Standing::of(pool, before);
    let after = Standing::of(&pool_after, &assessment);
    let known = |vm: &VmIndex| same.vm(*vm).is_some_and(|vm| was.unprotectable.contains(&vm));
    let newly_unprotectable: Vec<VmIndex> =
        after.unprotectable.iter().copied().filter(|vm| !known(vm)).collect();
    let mut verdict = verdict_of(&was, &after);
    if verdict == Verdict::Improves && !newly_unprotectable.is_empty() {
        // It gives and takes: allowed where the comparison says so, but nobody calls it an improvement.
        verdict = Verdict::Fine;
    }
    let open = match verdict {
        // The pool may stand better now than is proven, and no better, or worse, afterwards.
        Verdict::Improves | Verdict::Fine => was.is_open(),
        Verdict::MakesWorse | Verdict::BreaksTarget => after.is_open(),
        Verdict::CannotBeDone => false,
    };
    Admission {
        reason: reason(&pool_after, &was, &after, verdict, open, &newly_unprotectable),
        allowed: verdict.allowed(),
        verdict,
        open,
        before: was,
        impediments: Vec::new(),
        newly_broken_rules: impediment::newly_broken(pool, &pool_after, same),
        newly_unprotectable,
        suggested_host: None,
        candidates: Vec::new(),
        not_judged: Vec::new(),
        unfit: Vec::new(),
        witness: assessment.witness,
        memory_before: MemoryReport::of(pool),
        memory_after: MemoryReport::of(&pool_after),
        after,
        pool_after,
    }
}

/// Assesses the pool after a change as far as the comparison needs.
fn assess_after(judge: &Judge<'_>, before: &Assessment, after: &Pool) -> Assessment {
    let known = crate::judge::guaranteed(after, before).proven.unwrap_or(0);
    judge.assess(after, judge.max_failures().unwrap_or_else(|| after.effective_target().max(known)))
}

fn verdict_of(before: &Standing, after: &Standing) -> Verdict {
    match after.objective.cmp(&before.objective) {
        Ordering::Less => Verdict::Improves,
        Ordering::Equal => Verdict::Fine,
        Ordering::Greater if !before.overcommitted && after.overcommitted => Verdict::BreaksTarget,
        Ordering::Greater => Verdict::MakesWorse,
    }
}

impl Admission {
    fn refuse_for(&mut self, impediments: Vec<Impediment>) {
        let words: Vec<String> = impediments.iter().map(|one| one.describe(&self.pool_after)).collect();
        self.reason = words.join("; ");
        self.impediments = impediments;
        self.verdict = Verdict::CannotBeDone;
        self.allowed = false;
        self.open = false;
    }
}

/// The first component that decided, in words.
fn reason(
    pool: &Pool,
    before: &Standing,
    after: &Standing,
    verdict: Verdict,
    open: bool,
    newly_unprotectable: &[VmIndex],
) -> String {
    let proven = |standing: &Standing| match standing.guaranteed.proven {
        _ if standing.is_broken() => String::from("none, not even without a failure"),
        Some(proven) => proven.to_string(),
        None => String::from("not settled"),
    };
    let names = |vms: &[VmIndex]| {
        let mut names: Vec<&str> = vms.iter().take(5).map(|&vm| pool.vm_id(vm)).collect();
        if vms.len() > names.len() {
            names.push("…");
        }
        names.join(", ")
    };
    let (old, new) = (&before.objective, &after.objective);
    let mut words = if verdict == Verdict::Fine {
        if after.overcommitted {
            String::from("the pool falls short of its target now and would not fall shorter")
        } else {
            format!("the target of {} still holds", after.effective_target)
        }
    } else if new.unplaced != old.unplaced {
        match after.unplaced.as_slice() {
            [] => String::from("all pending VMs would have a place"),
            left => format!("no place for {} pending VM(s): {}", left.len(), names(left)),
        }
    } else if new.unprotectable != old.unprotectable {
        match newly_unprotectable {
            [] => {
                format!("{} VM(s) would be unprotectable instead of {}", new.unprotectable, old.unprotectable)
            }
            new => format!("no other host could run {}", names(new)),
        }
    } else if after.guaranteed.proven == before.guaranteed.proven {
        let target = after.effective_target;
        format!(
            "tolerance would be {} as before, the target {target} instead of {}",
            proven(after),
            before.effective_target
        )
    } else {
        format!(
            "tolerance would be {} instead of {}, the target {}",
            proven(after),
            proven(before),
            after.effective_target
        )
    };
    if open {
        words.push_str(" (not proven within the limits, not refuted either)");
    }
    words
}

#[cfg(test)]
mod tests;
