//! Emptying a host: which VM goes where, in which order, and which cannot go anywhere. The targets are the restart planner's,
//! asked what it would do if the host failed and all of its VMs were protected: so what is left afterwards tolerates as much
//! as a failure of the host would leave.
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::spec::{HostState, RestartPriority};
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};
use lifeboat_planner::{Limits, assess, restart_plan};

/// How a host is emptied.
#[derive(Clone, Debug, PartialEq)]
pub struct Evacuation {
    /// The host.
    pub host: HostIndex,
    /// The migrations, in the order in which to make them: protected VMs first, in their restart order.
    pub moves: Vec<Move>,
    /// VMs that no host can take, and why.
    pub stuck: Vec<Stuck>,
    /// VMs that are under migration to the host: they have to be moved on, or their migrations given up.
    pub arriving: Vec<VmIndex>,
}

/// One migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The VM.
    pub vm: VmIndex,
    /// Where to.
    pub to: HostIndex,
    /// Whether it is under way already.
    pub under_way: bool,
}

/// A VM that cannot go anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The VM.
    pub vm: VmIndex,
    /// Why, as a code.
    pub reason_code: &'static str,
    /// Why, in words.
    pub reason: String,
}

impl Evacuation {
    /// Every migration as it ends.
    pub fn ends(&self) -> Vec<Change> {
        self.moves.iter().map(|step| Change::EndMigration { vm: step.vm, to: step.to }).collect()
    }
}

/// Plans how to empty a host.
///
/// # Errors
/// If the host is down: nothing can be moved off it.
pub fn plan(pool: &Pool, host: HostIndex, limits: &Limits<'_>) -> Result<Evacuation, ChangeError> {
    if !pool.host(host).state.is_up() {
        return Err(ChangeError::HostDown { host: pool.host_id(host).to_owned() });
    }
    let here: Vec<VmIndex> = pool.vm_indices().filter(|&vm| pool.runs_on(vm) == Some(host)).collect();
    let arriving = pool.vm_indices().filter(|&vm| pool.migration_end(vm) == Some(host)).collect();
    let leaving = here.iter().filter_map(|&vm| {
        let to = pool.migration_end(vm)?;
        Some(Move { vm, to, under_way: true })
    });
    let mut moves: Vec<Move> = leaving.collect();
    let supposed = pool.with_all(&suppositions(host, &here, &moves))?;
    // The bounds are not asked for: only where pending VMs go, whose places are not to be taken.
    let assessment = assess(&supposed, &Limits { max_failures: Some(0), ..*limits });
    let failed = HostSet::of(pool.hosts().len(), [host]);
    let plan = restart_plan(&supposed, &failed, &assessment, limits);
    let restarts = plan.restarts.iter().filter(|restart| restart.from == Some(host));
    moves.extend(restarts.map(|restart| Move { vm: restart.vm, to: restart.to, under_way: false }));
    moves.sort_by_key(|step| {
        let vm = pool.vm(step.vm);
        (!step.under_way, vm.restart_priority, vm.order, step.vm)
    });
    let unplaced = plan.unplaced.iter().filter(|unplaced| here.contains(&unplaced.vm));
    let stuck = unplaced.map(|unplaced| Stuck {
        vm: unplaced.vm,
        reason_code: unplaced.reason_code.code(),
        reason: why(pool, unplaced.vm, host).unwrap_or_else(|| unplaced.reason.clone()),
    });
    Ok(Evacuation { host, stuck: stuck.collect(), moves, arriving })
}

/// What is supposed of the pool: VMs that leave have left, those that stay are protected, and the host can fail.
fn suppositions(host: HostIndex, here: &[VmIndex], leaving: &[Move]) -> Vec<Change> {
    let mut changes = vec![Change::HostState { host, state: HostState::Live }];
    for &vm in here {
        match leaving.iter().find(|step| step.vm == vm) {
            Some(step) => changes.push(Change::EndMigration { vm, to: step.to }),
            None => changes.push(Change::Protect { vm, priority: RestartPriority::Restart }),
        }
    }
    changes
}

/// What keeps a VM from every other host, where that can be said in a line.
fn why(pool: &Pool, vm: VmIndex, home: HostIndex) -> Option<String> {
    let profile = pool.profile(pool.vm(vm).profile);
    let mut reasons = Vec::new();
    for host in pool.target_hosts().iter().filter(|&host| host != home) {
        let obstacle = pool.obstacles(profile, host).into_iter().next()?;
        reasons.push(format!("{}: {}", pool.host_id(host), obstacle.describe(pool)));
    }
    let more = reasons.len().saturating_sub(3);
    reasons.truncate(3);
    if more > 0 {
        reasons.push(format!("{more} more"));
    }
    if reasons.is_empty() { Some("there is no other live host".to_owned()) } else { Some(reasons.join("; ")) }
}

#[cfg(test)]
mod tests;
