//! Where a pool stands, in one line for people.
use super::style::{BAD, GOOD, OPEN, count, names, styled};
use crate::dto::standing::StandingAnswer;
use crate::dto::verdict::{BoundsAnswer, NotionWord, TargetStatusWord};
use std::fmt::Write as _;

/// Bounds in few words: `2`, `2 to 4 (open)`.
pub(super) fn bounds(bounds: &BoundsAnswer) -> String {
    match (bounds.proven, bounds.refuted) {
        (None, Some(0)) => "none: pending VMs cannot all be placed".to_owned(),
        (None, _) => "not settled".to_owned(),
        (Some(proven), Some(refuted)) if refuted == proven + 1 => proven.to_string(),
        (Some(proven), Some(refuted)) => format!("{proven} to {} (open)", refuted - 1),
        (Some(proven), None) if bounds.stopped_by.is_some() => format!("at least {proven}"),
        (Some(proven), None) => proven.to_string(),
    }
}

/// The bounds that the target is held against.
pub(super) fn guaranteed(standing: &StandingAnswer) -> &BoundsAnswer {
    match standing.guarantee {
        NotionWord::Sequential => &standing.tolerance.sequential,
        NotionWord::Simultaneous => &standing.tolerance.simultaneous,
    }
}

/// Tolerance, target, and what else is amiss.
pub(super) fn line(standing: &StandingAnswer) -> String {
    let status = match standing.target_status {
        TargetStatusWord::Proven if standing.overcommitted => styled(BAD, "overcommitted"),
        TargetStatusWord::Proven => styled(GOOD, "proven"),
        TargetStatusWord::Refuted => styled(BAD, "refuted"),
        TargetStatusWord::Open => styled(OPEN, "open"),
    };
    let tolerance = bounds(guaranteed(standing));
    let mut line = format!("tolerates {tolerance}; target {}: {status}", standing.effective_target);
    for (vms, what) in [(&standing.unplaced, "without a place"), (&standing.unprotectable, "unprotectable")] {
        if !vms.is_empty() {
            let told: Vec<&str> = vms.iter().map(String::as_str).collect();
            let _ = write!(line, "; {} {what} ({})", count(vms.len(), "VM"), names(&told, 3));
        }
    }
    line
}
