//! Promise: proven ≤ truth < refuted, in both notions, and everything that is derived from the bounds.
use super::{Case, require};
use lifeboat_model::verdict::{Bounds, LimitedBy};
use lifeboat_planner::TargetStatus;

pub(super) fn hold(case: &Case<'_>) -> Result<(), String> {
    let tolerance = &case.answer.tolerance;
    let (simultaneous, sequential) = (tolerance.simultaneous, tolerance.sequential);
    match case.truth {
        None => {
            for bounds in [simultaneous, sequential] {
                require(bounds.proven.is_none() && bounds.refuted == Some(0), || {
                    format!("broken, yet {bounds:?}")
                })?;
            }
        }
        Some((at_once, in_turn)) => {
            notion(case, "simultaneous", simultaneous, at_once)?;
            notion(case, "sequential", sequential, in_turn)?;
            limited_by(case, at_once, in_turn)?;
        }
    }
    require(sequential.proven <= simultaneous.proven, || {
        format!("sequential above simultaneous: {tolerance:?}")
    })?;
    target(case)
}

fn notion(case: &Case<'_>, name: &str, bounds: Bounds, uncapped: usize) -> Result<(), String> {
    let hosts = case.world.failable() as u32;
    let cap = case.world.liveness_cap.map(|cap| cap as u32);
    let truth = cap.map_or(uncapped as u32, |cap| cap.min(uncapped as u32));
    require(bounds.proven.is_none_or(|proven| proven <= truth), || {
        format!("{name}: proven {:?}, but only {truth} of {hosts} is true", bounds.proven)
    })?;
    require(bounds.refuted.is_none_or(|refuted| truth < refuted), || {
        format!("{name}: refuted {:?}, but {truth} of {hosts} is true", bounds.refuted)
    })?;
    require(bounds.proven.is_some(), || {
        format!("{name}: not even 0 is proven, yet the state is not broken")
    })?;
    let all_survived = bounds.proven == Some(hosts);
    require(bounds.stopped_by.is_none() == (bounds.is_exact() || all_survived), || {
        format!("{name}: {bounds:?} names what stopped the search just when the bounds meet")
    })?;
    require(bounds.refuted.is_some() || bounds.stopped_by.is_some() || all_survived, || {
        format!("{name}: {bounds:?} refutes nothing")
    })
}

fn limited_by(case: &Case<'_>, at_once: usize, in_turn: usize) -> Result<(), String> {
    let says = case.answer.tolerance.limited_by;
    match case.world.liveness_cap {
        Some(cap) if cap < in_turn => require(matches!(says, LimitedBy::Liveness(_)), || {
            format!("liveness caps at {cap}, not {says:?}")
        }),
        Some(cap) if cap <= at_once => Ok(()),
        _ => require(says == LimitedBy::Capacity, || format!("capacity decides, not {says:?}")),
    }
}

fn target(case: &Case<'_>) -> Result<(), String> {
    let answer = case.answer;
    let target = case.world.effective_target as u32;
    require(answer.effective_target == target, || {
        format!("effective target {}, not {target}", answer.effective_target)
    })?;
    let bounds = if case.world.target_is_sequential {
        answer.tolerance.sequential
    } else {
        answer.tolerance.simultaneous
    };
    let status = if bounds.proven.is_some_and(|proven| proven >= target) {
        TargetStatus::Proven
    } else if bounds.refuted.is_some_and(|refuted| refuted <= target) || target > case.world.failable() as u32
    {
        // More hosts than there are cannot be lost, so that is no target that holds either.
        TargetStatus::Refuted
    } else {
        TargetStatus::Open
    };
    require(answer.target_status == status, || {
        format!("target {target} is {:?}, though {bounds:?}", answer.target_status)
    })?;
    require(answer.overcommitted == (status != TargetStatus::Proven), || {
        format!("overcommitted {}, though the target is {status:?}", answer.overcommitted)
    })
}
