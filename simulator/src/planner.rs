//! The product's planner behind the coordinator's trait, bounded by work: the same question has the same answer, and
//! a simulated pool is not held up by proofs that nobody asked for.
use lifeboat_coordinator::{Outlook, Planner};
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::spec::Guarantee;
use lifeboat_model::{HostSet, Pool};
use lifeboat_planner::{Limits, assess, restart_plan};

/// The planner, with small limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct BoundedPlanner;

/// Work for one answer, about a microsecond each.
const WORK: u64 = 20_000;

impl Planner for BoundedPlanner {
    fn restart_plan(&mut self, pool: &Pool, failed: &HostSet) -> RestartPlan {
        // Whatever is proven beyond what fails now does not change the plan.
        let limits = Limits { max_failures: Some(1), work: Some(WORK), ..Limits::default() };
        restart_plan(pool, failed, &assess(pool, &limits), &limits)
    }

    fn outlook(&mut self, pool: &Pool) -> Outlook {
        let most = pool.effective_target().max(1);
        let limits = Limits { max_failures: Some(most), work: Some(WORK), ..Limits::default() };
        let assessment = assess(pool, &limits);
        let bounds = match pool.settings().guarantee {
            Guarantee::Sequential => &assessment.tolerance.sequential,
            Guarantee::Simultaneous => &assessment.tolerance.simultaneous,
        };
        let reason = assessment.witness.as_ref().map(|witness| witness.reason.clone()).unwrap_or_default();
        Outlook { proven: bounds.proven, overcommitted: assessment.overcommitted, reason }
    }
}
