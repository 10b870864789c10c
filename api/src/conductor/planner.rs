//! The planner behind the coordinator's trait, bounded by work and by the clock: the thread that asks it also answers the agent's
//! health check, and one that does not answer is ended.
use crate::clock::Stopwatch;
use lifeboat_coordinator::{Outlook, Planner};
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::spec::Guarantee;
use lifeboat_model::{HostSet, Pool};
use lifeboat_planner::{Limits, assess, restart_plan};
use std::time::Duration;

/// The planner, with limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimedPlanner;

/// Work for one answer, about a microsecond each.
const WORK: u64 = 20_000;
/// Work for what a restart plan rests on.
const PROOF_WORK: u64 = 100_000;
/// How long what a plan rests on, and then the plan itself, may take each: VMs wait for it.
const PLANNED_WITHIN: Duration = Duration::from_millis(200);
/// How long a look at the tolerance may take: reports wait for it. The service's own searches take longer, and are what people see.
const LOOKED_WITHIN: Duration = Duration::from_millis(100);

impl Planner for TimedPlanner {
    fn restart_plan(&mut self, pool: &Pool, failed: &HostSet) -> RestartPlan {
        // As far as the pool's promise goes, and the failure that is dealt with: the policy that is proven for it is the one that is carried
        // out, and it is another one where less is looked at.
        let most = pool.effective_target().max(u32::try_from(failed.len()).unwrap_or(u32::MAX)).max(1);
        let clock = Stopwatch::start();
        let stop = move || clock.has_reached(PLANNED_WITHIN);
        let limits = Limits {
            max_failures: Some(most),
            work: Some(PROOF_WORK),
            stop: Some(&stop),
            ..Limits::default()
        };
        let proven = assess(pool, &limits);
        // What the proof has used up is not taken from the plan: without time it would leave VMs down that have a place.
        let clock = Stopwatch::start();
        let stop = move || clock.has_reached(PLANNED_WITHIN);
        let limits = Limits { work: Some(WORK), stop: Some(&stop), ..limits };
        restart_plan(pool, failed, &proven, &limits)
    }

    fn outlook(&mut self, pool: &Pool) -> Outlook {
        let clock = Stopwatch::start();
        let stop = move || clock.has_reached(LOOKED_WITHIN);
        let most = pool.effective_target().max(1);
        let limits =
            Limits { max_failures: Some(most), work: Some(WORK), stop: Some(&stop), ..Limits::default() };
        let assessment = assess(pool, &limits);
        let bounds = match pool.settings().guarantee {
            Guarantee::Sequential => &assessment.tolerance.sequential,
            Guarantee::Simultaneous => &assessment.tolerance.simultaneous,
        };
        let reason = assessment.witness.as_ref().map(|witness| witness.reason.clone()).unwrap_or_default();
        Outlook { proven: bounds.proven, overcommitted: assessment.overcommitted, reason }
    }
}
