//! The one door through which the what-if modules ask for an assessment. They ask often, so each question
//! names the most failures that matter, and a search stops when it has asked as often as it may: a count, not
//! a clock, so that the same question gets the same answer every time.
use crate::{Assessment, Limits};
use core::cell::Cell;
use lifeboat_model::Pool;
use lifeboat_model::spec::Guarantee;
use lifeboat_model::verdict::Bounds;

/// Assesses a pool: [`crate::assess`] in production, brute force in tests.
pub(crate) type Assess<'a> = &'a dyn Fn(&Pool, &Limits<'_>) -> Assessment;

/// An assessor with a ration.
pub(crate) struct Judge<'a> {
    assess: Assess<'a>,
    limits: &'a Limits<'a>,
    left: Cell<u32>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(assess: Assess<'a>, limits: &'a Limits<'a>, assessments: u32) -> Self {
        Self { assess, limits, left: Cell::new(assessments) }
    }

    /// Assesses the pool up to `most` failures.
    pub(crate) fn assess(&self, pool: &Pool, most: u32) -> Assessment {
        self.left.set(self.left.get().saturating_sub(1));
        (self.assess)(pool, &Limits { max_failures: Some(most), ..*self.limits })
    }

    /// Whether the ration is used up, or the caller's clock says stop.
    pub(crate) fn exhausted(&self) -> bool {
        self.left.get() == 0 || self.limits.stop.is_some_and(|stop| stop())
    }

    /// How many assessments are left.
    pub(crate) fn left(&self) -> u32 {
        self.left.get()
    }

    /// The caller's own bound on failures.
    pub(crate) fn max_failures(&self) -> Option<u32> {
        self.limits.max_failures
    }
}

/// Limits for many assessments of pools that differ little from one that took so much work: each may take a
/// few times as much, and no more, so that one hard pool does not use up the time of all the others.
pub(crate) fn each_within<'a>(limits: &Limits<'a>, work: u64) -> Limits<'a> {
    let most = LEAST_WORK + TIMES_WORK * work;
    Limits { work: Some(limits.work.map_or(most, |limit| limit.min(most))), ..*limits }
}

/// Work that an assessment among many may always take: about 20 ms.
const LEAST_WORK: u64 = 20_000;
/// How much more work than the first assessment another among many may take.
const TIMES_WORK: u64 = 4;

/// The bounds that the pool's guarantee speaks of.
pub(crate) fn guaranteed(pool: &Pool, assessment: &Assessment) -> Bounds {
    match pool.settings().guarantee {
        Guarantee::Sequential => assessment.tolerance.sequential,
        Guarantee::Simultaneous => assessment.tolerance.simultaneous,
    }
}
