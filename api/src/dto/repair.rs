//! Remedies as JSON: what to do, in which order, and where the pool stands then.
use super::change::ChangeAnswer;
use super::standing::StandingAnswer;
use lifeboat_model::Pool;
use lifeboat_model::verdict::LimitedBy;
use lifeboat_planner::repair::{Certainty, Kind, Remedy, Repair};
use schemars::JsonSchema;
use serde::Serialize;

/// What would restore the target.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RepairAnswer")]
pub struct RepairAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// The target that is to hold, hosts in maintenance taken off.
    pub effective_target: u32,
    /// Where the pool stands, held against that target.
    pub before: StandingAnswer,
    /// Whether the target is not proven.
    pub falls_short: bool,
    /// What liveness would have to allow first; null where it does not stand in the way.
    pub beyond_liveness: Option<&'static str>,
    /// Verified remedies by kind; a kind that was tried in vain is missing.
    pub remedies: Vec<RemedyAnswer>,
    /// Kinds that were not searched to the end.
    pub unfinished: Vec<&'static str>,
    /// Time from the parsed document to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// A verified remedy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Remedy")]
pub struct RemedyAnswer {
    /// `migrate`, `make-agile`, `lower-to-best-effort`, `stop`, `add-memory`, `add-memory-everywhere` or
    /// `add-host`.
    pub kind: &'static str,
    /// Whether it restores the target; else it only protects VMs that nothing protects.
    pub restores_target: bool,
    /// `proven`: nothing smaller of the kind would do; `found`: the smallest that was found.
    pub certainty: &'static str,
    /// For memory and hosts: how much memory it takes in all.
    pub memory_mib: Option<u64>,
    /// What to do, in this order.
    pub steps: Vec<StepAnswer>,
    /// Where the pool would stand.
    pub after: StandingAnswer,
}

/// One step of a remedy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Step")]
pub struct StepAnswer {
    /// What to do.
    #[serde(flatten)]
    pub change: ChangeAnswer,
    /// For a migration: where the pool stands while the VM counts at both ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<StandingAnswer>,
    /// Where the pool stands after the step, where the order of steps matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<StandingAnswer>,
}

impl<'a> RepairAnswer<'a> {
    /// The answer for `pool`.
    pub fn new(pool: &'a Pool, repair: &Repair, elapsed_us: u64) -> Self {
        let liveness = |limit| super::verdict::LimitedByWord::from(LimitedBy::Liveness(limit)).word();
        Self {
            pool: pool.id(),
            effective_target: repair.target,
            before: StandingAnswer::new(pool, &repair.before),
            falls_short: repair.falls_short,
            beyond_liveness: repair.beyond_liveness.map(liveness),
            remedies: repair.remedies.iter().map(|remedy| RemedyAnswer::new(pool, remedy)).collect(),
            unfinished: repair.unfinished.iter().map(|kind| Kind::code(*kind)).collect(),
            elapsed_us,
        }
    }
}

impl RemedyAnswer {
    fn new(pool: &Pool, remedy: &Remedy) -> Self {
        let standing = |standing| StandingAnswer::new(pool, standing);
        Self {
            kind: remedy.kind.code(),
            restores_target: remedy.restores_target,
            certainty: match remedy.certainty {
                Certainty::Proven => "proven",
                Certainty::Found => "found",
            },
            memory_mib: remedy.memory_mib,
            steps: remedy
                .steps
                .iter()
                .map(|step| StepAnswer {
                    change: ChangeAnswer::new(pool, &step.change),
                    under_way: step.under_way.as_ref().map(standing),
                    after: step.after.as_ref().map(standing),
                })
                .collect(),
            after: standing(&remedy.after),
        }
    }
}
