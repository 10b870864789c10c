//! Changes that are no single typed change: a pool described anew. The two pools are compared, whatever lies between them;
//! things are told apart by their names.
use super::impediment::{Impediment, fuller, newly_stranded};
use super::same::Same;
use super::{Admission, Judge, assess_before, judge_after};
use crate::{Assessment, Limits};
use lifeboat_model::Pool;

/// Judges the step from `pool` to `after`, as [`check`](super::check) judges a typed change. Indices in the answer are
/// those of `after`.
pub fn compare(pool: &Pool, before: Option<&Assessment>, after: Pool, limits: &Limits<'_>) -> Admission {
    compare_with(&Judge::new(&crate::assess, limits, u32::MAX), pool, before, after)
}

pub(crate) fn compare_with(
    judge: &Judge<'_>,
    pool: &Pool,
    before: Option<&Assessment>,
    after: Pool,
) -> Admission {
    let assessed;
    let before = if let Some(known) = before {
        known
    } else {
        assessed = assess_before(judge, pool);
        &assessed
    };
    let same = Same::names(pool, &after);
    let mut impediments = newly_stranded(pool, &after, &same);
    impediments.extend(fuller(pool, &after, &same).into_iter().map(Impediment::from));
    let mut answer = judge_after(judge, pool, before, after, &same);
    if !impediments.is_empty() {
        answer.refuse_for(impediments);
    }
    answer
}

#[cfg(test)]
mod tests;
