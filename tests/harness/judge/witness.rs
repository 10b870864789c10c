//! Promise: a witness is true. The hosts really cannot fail, the VMs named really cannot all be placed, and
//! each of them is needed for that.
use super::{Case, position, require, vms};
use crate::oracle::{Budget, Settled};
use lifeboat_model::verdict::{Notion, ReasonCode, Witness};

pub(super) fn is_true(case: &Case<'_>) -> Result<(), String> {
    let tolerance = &case.answer.tolerance;
    let refuted = tolerance.simultaneous.refuted.or(tolerance.sequential.refuted);
    let Some(witness) = &case.answer.witness else {
        return require(refuted.is_none(), || format!("no witness, though {refuted:?} is refuted"));
    };
    let bounds = match witness.notion {
        Notion::Simultaneous => tolerance.simultaneous,
        Notion::Sequential => tolerance.sequential,
    };
    require(bounds.refuted == Some(witness.failures), || {
        format!("witness for other bounds: {witness:?} {bounds:?}")
    })?;
    require(witness.vms.is_sorted() && witness.failed_hosts.is_sorted(), || {
        format!("witness unsorted: {witness:?}")
    })?;
    require(!witness.reason.is_empty(), || format!("witness without words: {witness:?}"))?;
    if case.truth.is_none() {
        return pending(case, witness);
    }
    let failed: Vec<usize> = witness.failed_hosts.iter().copied().map(position).collect();
    require(failed.iter().all(|&host| case.world.can_fail[host]), || {
        format!("witness with a host that cannot fail: {witness:?}")
    })?;
    if witness.reason_code == ReasonCode::Liveness {
        let most = case.world.liveness_cap.map(|cap| cap as u32 + 1);
        return require(most == Some(witness.failures), || {
            format!("witness of liveness for another n: {witness:?}, {most:?}")
        });
    }
    if witness.notion == Notion::Sequential {
        return Ok(()); // That no policy survives is what the bounds were judged on.
    }
    require(failed.len() == witness.failures as usize, || {
        format!("witness with other than n hosts: {witness:?}")
    })?;
    let survived = case.settled.survives(&failed, &mut Budget(1_000_000));
    require(survived != Some(true), || format!("witness is survived: {witness:?}"))?;
    smallest(case.settled, &failed, witness)
}

/// The VMs named cannot all be placed; without any one of them the others can.
fn smallest(settled: &Settled<'_>, failed: &[usize], witness: &Witness) -> Result<(), String> {
    let (state, homeless) = settled.fail(&settled.start, failed);
    let named = vms(&witness.vms);
    require(!named.is_empty(), || format!("witness names no VM: {witness:?}"))?;
    let items: Vec<usize> = homeless
        .iter()
        .copied()
        .filter(|&item| settled.items[item].iter().any(|vm| named.contains(vm)))
        .collect();
    require(named.iter().all(|vm| items.iter().any(|&item| settled.items[item].contains(vm))), || {
        format!("witness names a VM that needs no restart: {witness:?}")
    })?;
    let placeable = |items: &[usize]| settled.placeable(&state, items, &mut Budget(1_000_000));
    require(placeable(&items) != Some(true), || format!("witness whose VMs can all be placed: {witness:?}"))?;
    for left_out in &items {
        let others: Vec<usize> = items.iter().copied().filter(|item| item != left_out).collect();
        require(placeable(&others) != Some(false), || {
            format!("witness is not smallest: {witness:?}, item {:?} is not needed", settled.items[*left_out])
        })?;
    }
    Ok(())
}

/// The state is broken: the pending VMs named cannot all be placed.
fn pending(case: &Case<'_>, witness: &Witness) -> Result<(), String> {
    let named = vms(&witness.vms);
    require(witness.failures == 0 && witness.failed_hosts.is_empty(), || {
        format!("witness of a broken state: {witness:?}")
    })?;
    require(!named.is_empty() && named.iter().all(|vm| case.world.to_place().contains(vm)), || {
        format!("witness of a broken state names none or other than pending VMs: {witness:?}")
    })?;
    let placeable = |vms: &[usize]| case.world.can_place_pending(vms, &mut Budget(1_000_000));
    require(placeable(&named) != Some(true), || format!("witness whose VMs can all be placed: {witness:?}"))?;
    for left_out in &named {
        let others: Vec<usize> = named.iter().copied().filter(|vm| vm != left_out).collect();
        require(placeable(&others) != Some(false), || {
            format!(
                "witness of a broken state is not smallest: {witness:?}, {} is not needed",
                case.world.vms[*left_out].id
            )
        })?;
    }
    Ok(())
}
