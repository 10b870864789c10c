//! The planner, from the coordinator's side: it proposes, [`lifeboat_check`] judges, the coordinator carries out.
use alloc::string::String;
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::{HostSet, Pool};

/// Whoever plans restarts. Equal questions must get equal answers.
pub trait Planner {
    /// The restart plan for the pending VMs of `pool` and for those that ran on `failed`.
    fn restart_plan(&mut self, pool: &Pool, failed: &HostSet) -> RestartPlan;

    /// How many failures the pool survives. May take its time: it is never asked while a restart could be ordered.
    fn outlook(&mut self, pool: &Pool) -> Outlook;
}

/// Where a pool stands against its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Failures proven survivable under the pool's guarantee; none: not even the present state holds.
    pub proven: Option<u32>,
    /// Whether the pool is broken, or its effective target is not proven.
    pub overcommitted: bool,
    /// Why not more, for people.
    pub reason: String,
}
