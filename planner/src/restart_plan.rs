//! Restart plans. One function makes the plan that is shown and the plan that is executed.
use crate::{Assessment, Limits};
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::{HostSet, Pool};

/// The restart plan for a failure set (with the pending VMs): the proven policy's where everything fits, else
/// the best partial one.
pub fn restart_plan(_pool: &Pool, _failed: &HostSet, _assessment: &Assessment, _limits: &Limits<'_>) -> RestartPlan {
    unreachable!("skeleton")
}

/// The pool after a plan is carried out: failed hosts dead, restarted VMs where they were put.
pub fn state_after(_pool: &Pool, _plan: &RestartPlan) -> Pool {
    unreachable!("skeleton")
}
