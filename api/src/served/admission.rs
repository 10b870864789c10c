//! May this be done? Every request that changes a pool is judged here, and by nothing else: the planner compares the pool
//! before and after, and the answer says what it found. A request that does not make matters worse is never refused; a pool
//! that falls short already is guarded all the same.
//!
//! The first look is short. Where it settles nothing, a longer one follows: nobody is refused because a search was cut short
//! early, and nothing is let through only because nobody had looked how well the pool stands.
use super::edit::{self, Edit};
use super::outlook::Outlook;
use super::{Kind, ServedError, Step};
use crate::clock::Stopwatch;
use crate::dto::admission::AdmissionAnswer;
use crate::dto::change::ChangeAnswer;
use crate::dto::served_admission::ServedAdmission;
use crate::dto::standing::StandingAnswer;
use lifeboat_model::change::Change;
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_planner::admission::{self, Admission, Standing, Verdict};
use lifeboat_planner::{Assessment, Limits, assess};
use serde_json::value::{RawValue, to_raw_value};

/// What is asked for, with the names of the pool resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// One typed change.
    Change(Box<Change>),
    /// Several, judged together: the pool after all of them counts.
    Changes(Vec<Change>),
    /// A live migration begins. Judged by where it ends; it must be possible to hold the VM at both ends meanwhile.
    Migrate {
        /// The VM.
        vm: VmIndex,
        /// Where to.
        to: HostIndex,
    },
    /// A host is emptied: it goes into maintenance. Judged by where the pool stands when it is empty.
    Evacuate {
        /// The host.
        host: HostIndex,
        /// The migrations, as they end.
        ends: Vec<Change>,
    },
    /// Something is described anew.
    Edit(Box<Edit>),
}

impl From<Change> for Wish {
    fn from(change: Change) -> Self {
        Self::Change(Box::new(change))
    }
}

impl From<Edit> for Wish {
    fn from(edit: Edit) -> Self {
        Self::Edit(Box::new(edit))
    }
}

/// How much work one judgement may take.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Work units of a search at first sight; about a microsecond each.
    pub quick: u64,
    /// Work units of a search where the first one leaves it open; none: there is no second one.
    pub deep: Option<u64>,
    /// Hosts that are judged for a start that names none.
    pub candidates: usize,
    /// Milliseconds for remedies, where it is refused.
    pub remedies_ms: u64,
}

impl Effort {
    /// For requests: a turn of the pool is held meanwhile.
    pub const REQUEST: Self = Self { quick: 3_000, deep: Some(200_000), candidates: 4, remedies_ms: 20 };
    /// For questions, of which there may be a thousand a second.
    pub const QUESTION: Self = Self { quick: 2_000, deep: None, candidates: 3, remedies_ms: 3 };
}

/// What is known of the pool that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its assessment.
    pub assessment: &'a Assessment,
    /// Whether more work is still to be put into what that leaves open.
    pub provisional: bool,
}

impl<'a> From<&'a Outlook> for Known<'a> {
    fn from(outlook: &'a Outlook) -> Self {
        Self { assessment: &outlook.assessment, provisional: outlook.provisional }
    }
}

/// A judgement.
#[derive(Debug)]
pub struct Judged {
    /// The pool, should it be done.
    pub pool: Pool,
    /// How its indices relate to those of the pool before.
    pub step: Step,
    /// What it would do.
    pub verdict: Verdict,
    /// Whether it may be done.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// Where a VM goes that is started or moved.
    pub host: Option<String>,
    /// The whole answer, as it is sent.
    pub answer: Box<RawValue>,
}

/// Judges `wish`. `known` is what was found of this very pool, where somebody looked. `stop` is asked now and then whether the
/// caller has gone away.
///
/// # Errors
/// Where the wish makes no sense for the pool.
pub fn judge(
    pool: &Pool,
    revision: u64,
    known: Option<Known<'_>>,
    wish: &Wish,
    effort: &Effort,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Judged, ServedError> {
    let clock = Stopwatch::start();
    let case = Case { pool, wish, candidates: effort.candidates, stop };
    let assessment = known.map(|known| known.assessment);
    let mut found = case.look(assessment, effort.quick)?;
    if let Some(deep) = effort.deep
        && found.admission.open
        && !stop()
    {
        // What is allowed stays so unless the pool stands better than was known; what the service has put its own work into does not.
        let looked_at_before = known.is_some_and(|known| !known.provisional);
        if !found.admission.allowed || !looked_at_before && case.is_settled_by(deep) {
            let assessment = assessment.filter(|assessment| !Standing::of(pool, assessment).is_open());
            found = case.look(assessment, deep)?;
        }
    }
    Ok(found.told(&case, revision, effort, clock))
}

struct Case<'a> {
    pool: &'a Pool,
    wish: &'a Wish,
    candidates: usize,
    stop: &'a (dyn Fn() -> bool + Sync),
}

/// What a look has found.
struct Found {
    admission: Admission,
    step: Step,
    /// The pool to adopt, where it is not the one that was judged.
    instead: Option<Pool>,
    under_way: Option<Standing>,
    change: ChangeAnswer,
}

impl Case<'_> {
    fn look(&self, known: Option<&Assessment>, work: u64) -> Result<Found, ServedError> {
        let limits = Limits { work: Some(work), stop: Some(self.stop), ..Limits::default() };
        let assessed;
        let known = match known {
            // How far the target could be raised is part of the answer.
            None if self.is_about_the_target() => {
                assessed = assess(self.pool, &limits);
                Some(&assessed)
            }
            known => known,
        };
        match self.wish {
            Wish::Change(change) => {
                let admission = admission::check_quickly(self.pool, known, change, self.candidates, &limits)?;
                Ok(Found::plain(admission, ChangeAnswer::new(self.pool, change), Step::Kept))
            }
            Wish::Changes(changes) => {
                let after = self.pool.with_all(changes)?;
                let admission = admission::compare(self.pool, known, after, &limits);
                Ok(Found::plain(admission, together(self.pool, changes), Step::Kept))
            }
            Wish::Migrate { vm, to } => self.migration(*vm, *to, known, &limits),
            Wish::Evacuate { host, ends } => {
                let maintenance = Change::HostState { host: *host, state: HostState::Maintenance };
                let begun = self.pool.with(&maintenance)?;
                let after = begun.with_all(ends)?;
                let change = ChangeAnswer {
                    host: Some(self.pool.host_id(*host).to_owned()),
                    ..ChangeAnswer::of_edit("evacuate", format!("evacuate {}", self.pool.host_id(*host)))
                };
                let admission = admission::compare(self.pool, known, after, &limits);
                Ok(Found { instead: Some(begun), ..Found::plain(admission, change, Step::Kept) })
            }
            Wish::Edit(edit) => {
                let (after, step) = self.edited(edit)?;
                let change = ChangeAnswer::of_edit(edit.word(), edit.describe());
                Ok(Found::plain(admission::compare(self.pool, known, after, &limits), change, step))
            }
        }
    }

    /// Whether it is certain, after so much work, how the pool stands now.
    fn is_settled_by(&self, work: u64) -> bool {
        let max_failures = Some(self.pool.effective_target());
        let limits = Limits { work: Some(work), stop: Some(self.stop), max_failures, ..Limits::default() };
        !Standing::of(self.pool, &assess(self.pool, &limits)).is_open()
    }

    fn migration(
        &self,
        vm: VmIndex,
        to: HostIndex,
        known: Option<&Assessment>,
        limits: &Limits<'_>,
    ) -> Result<Found, ServedError> {
        let (begin, end) = (Change::BeginMigration { vm, to }, Change::EndMigration { vm, to });
        let under_way = admission::check(self.pool, known, &begin, limits)?;
        let change = ChangeAnswer::new(self.pool, &end);
        if under_way.verdict == Verdict::CannotBeDone {
            return Ok(Found::plain(under_way, change, Step::Kept));
        }
        let admission = admission::check(self.pool, known, &end, limits)?;
        Ok(Found {
            instead: Some(under_way.pool_after),
            under_way: Some(under_way.after),
            ..Found::plain(admission, change, Step::Kept)
        })
    }

    fn edited(&self, edit: &Edit) -> Result<(Pool, Step), ServedError> {
        if let Edit::Remove(resource) = edit
            && resource.kind == Kind::Vm
            && let Some(vm) = self.pool.find_vm(&resource.id)
        {
            return Ok((self.pool.without_vm(vm)?, Step::Without(vm)));
        }
        Ok((edit::rebuilt(self.pool, edit)?, Step::Rebuilt))
    }

    fn is_about_the_target(&self) -> bool {
        match self.wish {
            Wish::Change(change) => matches!(**change, Change::Target { .. } | Change::Guarantee { .. }),
            Wish::Edit(edit) => matches!(**edit, Edit::PutSettings(_) | Edit::Replace(_)),
            Wish::Changes(_) | Wish::Migrate { .. } | Wish::Evacuate { .. } => false,
        }
    }
}

impl Found {
    fn plain(admission: Admission, change: ChangeAnswer, step: Step) -> Self {
        Self { admission, step, instead: None, under_way: None, change }
    }

    /// The judgement with its answer spelt, which is what leaves the thread.
    fn told(self, case: &Case<'_>, revision: u64, effort: &Effort, clock: Stopwatch) -> Judged {
        let Self { admission, step, instead, under_way, change } = self;
        let after = &admission.pool_after;
        let host = admission.suggested_host.map(|host| after.host_id(host).to_owned());
        let mut answer =
            ServedAdmission::new(AdmissionAnswer::of(case.pool, change, &admission, 0), revision);
        answer.not_judged = admission.not_judged.iter().map(|&host| after.host_id(host)).collect();
        answer.under_way = under_way.as_ref().map(|standing| StandingAnswer::new(after, standing));
        if case.is_about_the_target() {
            answer.most_proven = admission.before.guaranteed.proven;
        }
        if !admission.allowed && admission.verdict != Verdict::CannotBeDone {
            answer.look_for_remedies(after, effort.remedies_ms, case.stop);
        }
        answer.admission.elapsed_us = clock.elapsed_us();
        let answer = to_raw_value(&answer).expect("answers are maps with text keys and finite numbers");
        Judged {
            verdict: admission.verdict,
            allowed: admission.allowed,
            reason: admission.reason,
            pool: instead.unwrap_or(admission.pool_after),
            step,
            host,
            answer,
        }
    }
}

fn together(pool: &Pool, changes: &[Change]) -> ChangeAnswer {
    let words: Vec<String> = changes.iter().map(|change| change.describe(pool)).collect();
    match changes {
        [.., last] => ChangeAnswer { text: words.join(" and "), ..ChangeAnswer::new(pool, last) },
        [] => ChangeAnswer::default(),
    }
}

#[cfg(test)]
mod tests;
