//! Promise: a restart plan is one that can be carried out, is complete where the set is survivable, the best
//! where it is not, and leaves the pool as tolerant as was proven.
use super::{Case, Facts, WORK, limits, position, require};
use crate::oracle::game::subsets;
use crate::oracle::{Budget, State};
use lifeboat_model::plan::{Restart, RestartPlan};
use lifeboat_model::spec::{HostState, RestartPriority};
use lifeboat_model::{HostIndex, HostSet};
use lifeboat_planner::{assess, restart_plan, state_after};

pub(super) fn are_right(case: &Case<'_>, facts: &mut Facts) -> Result<(), String> {
    let hosts = case.settled.hosts_that_can_fail();
    for size in 0..=hosts.len().min(3) {
        for failed in subsets(&hosts, size) {
            let set = HostSet::of(case.pool.hosts().len(), failed.iter().map(|&host| HostIndex::new(host)));
            let plan = restart_plan(case.pool, &set, case.answer, &limits(WORK, 1));
            facts.count("plans", true);
            facts.count("plans not called optimal", !plan.optimal);
            one(case, &failed, &set, &plan)
                .map_err(|complaint| format!("failed {failed:?}: {complaint}; {plan:?}"))?;
        }
    }
    Ok(())
}

fn one(case: &Case<'_>, failed: &[usize], set: &HostSet, plan: &RestartPlan) -> Result<(), String> {
    require(plan.failed == *set, || "the plan is for another set".into())?;
    lifeboat_check::check_plan(case.pool, plan).map_err(|fault| format!("the checker: {fault}"))?;
    names_each_vm_once(case, failed, plan)?;
    in_the_order_of_orders(plan)?;
    let (protected, all) = carried_out(case, failed, plan)?;
    best(case, failed, plan)?;
    remains_tolerant(case, failed, &protected, &all)?;
    state_after_is(case, failed, plan)
}

/// Protected VMs of failed hosts and pending ones are each named once; nothing else is but best-effort VMs.
fn names_each_vm_once(case: &Case<'_>, failed: &[usize], plan: &RestartPlan) -> Result<(), String> {
    let restarted = plan.restarts.iter().map(|restart| restart.vm.get());
    let mut named: Vec<usize> =
        restarted.chain(plan.unplaced.iter().map(|unplaced| unplaced.vm.get())).collect();
    named.sort_unstable();
    let total = named.len();
    named.dedup();
    require(named.len() == total, || "a VM is named twice".into())?;
    let homeless = |vm: usize| case.world.vms[vm].home.is_some_and(|host| failed.contains(&host));
    for (vm, state) in case.world.vms.iter().enumerate() {
        let must = state.pending || state.protected && homeless(vm);
        let may = must || state.best_effort && homeless(vm);
        let is = named.contains(&vm);
        require(is || !must, || format!("{} is left out in silence", state.id))?;
        // A best-effort VM that should run and runs nowhere is a borderline that the contract leaves open.
        require(may || !is || state.best_effort, || format!("{} needs no restart", state.id))?;
    }
    Ok(())
}

/// Protected before best-effort, lower orders first.
fn in_the_order_of_orders(plan: &RestartPlan) -> Result<(), String> {
    let key = |restart: &Restart| (restart.priority != RestartPriority::Restart, restart.order);
    require(plan.restarts.is_sorted_by_key(key), || "restarts out of order".into())
}

/// Carries the plan out in the oracle's world; gives the state with the protected VMs alone, and with all.
fn carried_out(case: &Case<'_>, failed: &[usize], plan: &RestartPlan) -> Result<(State, State), String> {
    let (mut state, homeless) = case.settled.fail(&case.settled.start, failed);
    let target = |vm: usize| plan.restarts.iter().find(|restart| restart.vm.get() == vm);
    for restart in &plan.restarts {
        let vm = &case.world.vms[restart.vm.get()];
        require(restart.from.map(position) == vm.home, || format!("{} does not come from there", vm.id))?;
        require(u64::from(restart.order) == vm.order, || format!("{} has another order", vm.id))?;
        let priority = if vm.protected { RestartPriority::Restart } else { RestartPriority::BestEffort };
        require(restart.priority == priority, || format!("{} has another priority", vm.id))?;
    }
    for &(vm, host) in &case.answer.pending_placement {
        if !failed.contains(&host.get()) {
            let to = target(vm.get()).map(|restart| restart.to);
            require(to == Some(host), || format!("pending {} goes to {to:?}", case.world.vms[vm.get()].id))?;
        }
    }
    for &item in &homeless {
        let vms = &case.settled.items[item];
        let to = target(vms[0]).map(|restart| restart.to.get());
        require(vms.iter().all(|&vm| target(vm).map(|restart| restart.to.get()) == to), || {
            format!("item {vms:?} is torn apart")
        })?;
        if let Some(host) = to {
            require(case.settled.can_take(&state, item, host), || {
                format!("item {vms:?} cannot go to {host}")
            })?;
            case.settled.put(&mut state, item, Some(host));
        }
    }
    let protected = state.clone();
    for restart in plan.restarts.iter().filter(|restart| restart.priority == RestartPriority::BestEffort) {
        let (vm, host) = (restart.vm.get(), restart.to.get());
        let described = &case.world.vms[vm];
        require(state.alive[host] && described.eligible[host], || {
            format!("{} cannot run there", described.id)
        })?;
        require(case.world.has_room(&state, host, &described.demand), || {
            format!("no room for {}", described.id)
        })?;
        state.at[vm] = Some(host);
    }
    for unplaced in &plan.unplaced {
        require(!unplaced.reason.is_empty(), || "no reason in words".into())?;
    }
    Ok((protected, state))
}

/// Complete where the set is survivable; else the most of the lowest order, and so on.
fn best(case: &Case<'_>, failed: &[usize], plan: &RestartPlan) -> Result<(), String> {
    let (_, homeless) = case.settled.fail(&case.settled.start, failed);
    let items = || homeless.iter().flat_map(|&item| case.settled.items[item].iter().copied());
    let restarted = |vm: &usize| plan.restarts.iter().any(|restart| restart.vm.get() == *vm);
    let got = case.settled.by_order(items().filter(restarted));
    if case.settled.survives(failed, &mut Budget(1_000_000)) == Some(true) {
        return require(items().all(|vm| restarted(&vm)), || "survivable, but not all are placed".into());
    }
    let Some(best) = case.settled.best(failed, &mut Budget(1_000_000)) else { return Ok(()) };
    require(got <= best, || format!("places {got:?} by order, the oracle at best {best:?}"))?;
    require(!plan.optimal || got == best, || {
        format!("called optimal with {got:?} by order, {best:?} is possible")
    })
}

/// After a plan for no more hosts than are proven in turn, the rest of the proof still holds.
fn remains_tolerant(case: &Case<'_>, failed: &[usize], protected: &State, all: &State) -> Result<(), String> {
    let Some(proven) = case.answer.tolerance.sequential.proven.map(|proven| proven as usize) else {
        return Ok(());
    };
    let Some(left) = proven.checked_sub(failed.len()) else { return Ok(()) };
    let survives = |state, k| case.settled.survives_in_turn(state, k, &mut Budget(1_000_000));
    require(survives(protected, left) != Some(false), || {
        format!("{left} more failures were proven, and are not survived")
    })?;
    let target = proven.min(case.world.effective_target).saturating_sub(failed.len());
    require(survives(all, target) != Some(false), || "best-effort VMs cost the pool its target".into())
}

/// The state after the plan is the pool with the failed hosts dead and the VMs where they were put.
fn state_after_is(case: &Case<'_>, failed: &[usize], plan: &RestartPlan) -> Result<(), String> {
    let after = state_after(case.pool, plan);
    for host in after.host_indices() {
        let is_up = after.host(host).state.is_up();
        require(is_up == (case.world.up[host.get()] && !failed.contains(&host.get())), || {
            format!("{} is {:?} afterwards", after.host_id(host), after.host(host).state)
        })?;
        require(is_up || matches!(after.host(host).state, HostState::Dead | HostState::Fenced), || {
            "half dead".into()
        })?;
    }
    for vm in after.vm_indices() {
        let restart = plan.restarts.iter().find(|restart| restart.vm == vm);
        let stays = case.world.vms[vm.get()].home.filter(|host| !failed.contains(host));
        let expected = restart.map(|restart| restart.to.get()).or(stays);
        require(after.runs_on(vm).map(position) == expected, || {
            format!("{} runs on {:?} afterwards", after.vm_id(vm), after.runs_on(vm))
        })?;
    }
    // Judged anew, rules may bind differently (what was let be is forgotten), so only without them:
    let world = case.world;
    let no_rules = world.apart.is_empty() && world.together.is_empty() && world.liveness_cap.is_none();
    let best_effort = plan.restarts.iter().any(|restart| restart.priority != RestartPriority::Restart);
    let proven = case.answer.tolerance.sequential.proven.map(|proven| proven as usize);
    let Some(left) = proven.and_then(|proven| proven.checked_sub(failed.len())) else { return Ok(()) };
    if no_rules && !best_effort && !failed.is_empty() {
        let again = assess(&after, &limits(WORK, 1)).tolerance.sequential;
        require(again.refuted.is_none_or(|refuted| refuted as usize > left), || {
            format!("{left} more were proven before, afterwards {again:?}")
        })?;
    }
    Ok(())
}
