//! Promise: pending VMs are placed first, all of them if they can be, by the rules; and who is unprotectable.
use super::{Case, require, vms};
use crate::oracle::pending::Placement;
use crate::oracle::{Budget, Settled, World};
use lifeboat_planner::Assessment;

/// Gives the planner's placement, which is a right one.
pub(super) fn is_right(world: &World, answer: &Assessment, broken: bool) -> Result<Placement, String> {
    let placement: Placement =
        answer.pending_placement.iter().map(|&(vm, host)| (vm.get(), host.get())).collect();
    require(broken != answer.pending_unplaced.is_empty(), || {
        format!("broken is {broken}, but unplaced are {:?}", answer.pending_unplaced)
    })?;
    require(world.admits(&placement), || {
        format!("pending placement {placement:?} breaks a rule or has no room")
    })?;
    let unplaced = answer.pending_unplaced.iter().map(|unplaced| unplaced.vm.get());
    let mut named: Vec<usize> = placement.iter().map(|&(vm, _)| vm).chain(unplaced).collect();
    named.sort_unstable();
    require(named == world.to_place(), || format!("to place {:?}, named {named:?}", world.to_place()))?;
    Ok(placement)
}

/// Once pending VMs are placed, exactly the VMs that no host but their own could run are named so. (Of the pending
/// VMs of a broken state only those are judged that could run nowhere at all.)
pub(super) fn unprotectable_are_named(
    settled: &Settled<'_>,
    answer: &Assessment,
    broken: bool,
) -> Result<(), String> {
    let world = settled.world;
    let says = vms(&answer.unprotectable);
    let judged = |vm: &usize| {
        let vm = &world.vms[*vm];
        vm.home.is_some() || vm.pending && (!broken || !vm.eligible.contains(&true))
    };
    for vm in (0..world.vms.len()).filter(judged) {
        require(settled.unprotectable.contains(&vm) == says.contains(&vm), || {
            format!("{} unprotectable: {}", world.vms[vm].id, says.contains(&vm))
        })?;
    }
    Ok(())
}

/// Whether some other placement tolerates more in turn. No promise ("the highest found"), but worth counting.
pub(super) fn could_be_better(case: &Case<'_>, placements: &[Placement]) -> bool {
    let Some((_, in_turn)) = case.truth else { return false };
    let mut budget = Budget(500_000);
    placements.iter().take(50).any(|placement| {
        let other = Settled::new(case.world, placement).sequential(&mut budget);
        other.is_some_and(|other| other > in_turn)
    })
}
