//! How one state of a pool compares with another: lexicographically, never by a weighted sum. First the
//! pending VMs without a place, by order; then the protected VMs that nothing protects; then how far the
//! proven tolerance falls short of the target. Less is better.
use crate::judge::guaranteed;
use crate::{Assessment, TargetStatus};
use core::cmp::Reverse;
use lifeboat_model::verdict::{Bounds, Tolerance};
use lifeboat_model::{Pool, VmIndex};
use std::collections::BTreeMap;

/// What a change is judged by. The derived order is the comparison: less is better.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Objective {
    /// Pending VMs without a place: how many, by order, lowest order first. (An order reversed: one VM of
    /// order 0 outweighs any number of later ones.)
    pub unplaced: Vec<(Reverse<u32>, u32)>,
    /// Protected VMs that no host but their own could run.
    pub unprotectable: u32,
    /// Failures that the effective target asks for beyond those proven; one more where not even 0 is.
    pub shortfall: u32,
}

impl Objective {
    /// What the assessment of `pool` says.
    pub fn of(pool: &Pool, assessment: &Assessment) -> Self {
        let mut unplaced: BTreeMap<u32, u32> = BTreeMap::new();
        for left_out in &assessment.pending_unplaced {
            *unplaced.entry(pool.vm(left_out.vm).order).or_default() += 1;
        }
        let target = assessment.effective_target;
        let held = assessment.target_status == TargetStatus::Proven;
        let proven = guaranteed(pool, assessment).proven;
        Self {
            unplaced: unplaced.into_iter().map(|(order, count)| (Reverse(order), count)).collect(),
            unprotectable: assessment.unprotectable.len() as u32,
            shortfall: match proven {
                _ if held => 0,
                Some(proven) => target.saturating_sub(proven),
                None => target + 1,
            },
        }
    }
}

/// Where a pool stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What changes are compared by.
    pub objective: Objective,
    /// The bounds, as far as they were asked for.
    pub tolerance: Tolerance,
    /// The bounds that the pool's guarantee speaks of.
    pub guaranteed: Bounds,
    /// HFTT.
    pub target: u32,
    /// HFTT less the hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target holds.
    pub target_status: TargetStatus,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
    /// Pending VMs without a place.
    pub unplaced: Vec<VmIndex>,
    /// Protected VMs that no host but their own could run.
    pub unprotectable: Vec<VmIndex>,
}

impl Standing {
    /// Where the assessment of `pool` says that it stands.
    pub fn of(pool: &Pool, assessment: &Assessment) -> Self {
        Self {
            objective: Objective::of(pool, assessment),
            tolerance: assessment.tolerance,
            guaranteed: guaranteed(pool, assessment),
            target: assessment.target,
            effective_target: assessment.effective_target,
            target_status: assessment.target_status,
            overcommitted: assessment.overcommitted,
            unplaced: assessment.pending_unplaced.iter().map(|unplaced| unplaced.vm).collect(),
            unprotectable: assessment.unprotectable.clone(),
        }
    }

    /// Whether pending VMs have no place: the state is broken.
    pub fn is_broken(&self) -> bool {
        !self.unplaced.is_empty()
    }

    /// Whether more work could still show the target to hold, or that the pool falls less short of it than is proven.
    pub fn is_open(&self) -> bool {
        let Bounds { proven, refuted, .. } = self.guaranteed;
        let between = refuted.is_some_and(|refuted| proven.map_or(0, |proven| proven + 1) < refuted);
        match self.target_status {
            TargetStatus::Proven => false,
            TargetStatus::Open => true,
            TargetStatus::Refuted => !self.is_broken() && between,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(unplaced: &[(u32, u32)], unprotectable: u32, shortfall: u32) -> Objective {
        let unplaced = unplaced.iter().map(|&(order, count)| (Reverse(order), count)).collect();
        Objective { unplaced, unprotectable, shortfall }
    }

    #[test]
    fn an_earlier_component_outweighs_everything_after_it() {
        let ascending = [
            objective(&[], 0, 0),
            objective(&[], 0, 1),
            objective(&[], 1, 0),
            objective(&[], 9, 9),
            objective(&[(7, 1)], 0, 0),
            objective(&[(7, 50)], 3, 3),
            objective(&[(1, 1)], 0, 0),
            objective(&[(0, 1)], 0, 0),
            objective(&[(0, 1), (5, 9)], 0, 0),
            objective(&[(0, 1), (2, 1)], 0, 0),
            objective(&[(0, 2)], 0, 0),
        ];
        for (position, better) in ascending.iter().enumerate() {
            for worse in &ascending[position + 1..] {
                assert!(better < worse, "{better:?} is better than {worse:?}");
            }
        }
    }
}
