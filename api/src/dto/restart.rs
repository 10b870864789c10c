//! A restart plan as JSON: what starts where, in which order, what cannot, and what the pool tolerates then.
use super::verdict::{ToleranceAnswer, UnplacedAnswer};
use lifeboat_model::Pool;
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::verdict::Tolerance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The restart plan for a failure set.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RestartPlan")]
pub struct RestartPlanAnswer<'a> {
    /// The hosts that fail.
    #[serde(borrow)]
    pub failed: Vec<&'a str>,
    /// The restarts, in the order in which they will be made.
    #[serde(borrow)]
    pub restarts: Vec<RestartAnswer<'a>>,
    /// What cannot be restarted.
    #[serde(borrow)]
    pub unplaced: Vec<UnplacedAnswer<'a>>,
    /// What the pool tolerates once the plan is carried out.
    pub remaining_tolerance: ToleranceAnswer,
    /// Whether it is proven that no plan restarts more, order by order.
    pub optimal: bool,
    /// Time from the parsed document to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// One restart.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Restart")]
pub struct RestartAnswer<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The host that it ran on; null for a pending VM.
    #[serde(borrow)]
    pub from: Option<&'a str>,
    /// The host that it is started on.
    pub to: &'a str,
    /// Its restart order.
    pub order: u32,
    /// `restart` or `best-effort`.
    pub priority: &'a str,
}

impl<'a> RestartPlanAnswer<'a> {
    /// The answer for a plan of `pool`.
    pub fn new(pool: &'a Pool, plan: &'a RestartPlan, remaining: Tolerance, elapsed_us: u64) -> Self {
        Self {
            failed: plan.failed.iter().map(|host| pool.host_id(host)).collect(),
            restarts: plan
                .restarts
                .iter()
                .map(|restart| RestartAnswer {
                    vm: pool.vm_id(restart.vm),
                    from: restart.from.map(|host| pool.host_id(host)),
                    to: pool.host_id(restart.to),
                    order: restart.order,
                    priority: priority_word(restart.priority),
                })
                .collect(),
            unplaced: UnplacedAnswer::list(pool, &plan.unplaced),
            remaining_tolerance: remaining.into(),
            optimal: plan.optimal,
            elapsed_us,
        }
    }
}

/// A restart priority as documents spell it.
pub fn priority_word(priority: RestartPriority) -> &'static str {
    match priority {
        RestartPriority::Restart => "restart",
        RestartPriority::BestEffort => "best-effort",
        RestartPriority::Unprotected => "",
    }
}
