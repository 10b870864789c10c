//! Which hosts can be down together. Each group is judged by the planner, on the pool as it is: where the VMs of all its hosts go at once, and
//! whether the pool keeps its effective target with these hosts in maintenance. Groups are filled host by host, the emptiest first, as far as
//! that judgement lets them grow.
use lifeboat_model::change::Change;
use lifeboat_model::spec::{Guarantee, HostState, RestartPriority};
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};
use lifeboat_planner::{Limits, assess, restart_plan};

/// What is to be booted anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The hosts.
    pub hosts: Vec<HostIndex>,
    /// The host that comes last, by itself: the coordinator's.
    pub last: Option<HostIndex>,
    /// The most hosts of a group; 0: as many as can be.
    pub at_once: usize,
}

/// Hosts that are down together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The hosts.
    pub hosts: Vec<HostIndex>,
    /// What moves where, in the order of the restart.
    pub moves: Vec<Move>,
    /// VMs that no other host can take.
    pub stuck: Vec<Stuck>,
    /// Further failures that are proven survivable meanwhile; no more than the effective target is asked for, at least one.
    pub survives: u32,
}

/// A VM moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The VM.
    pub vm: VmIndex,
    /// From there.
    pub from: HostIndex,
    /// To there.
    pub to: HostIndex,
}

/// A VM that cannot move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The VM.
    pub vm: VmIndex,
    /// Where it runs.
    pub host: HostIndex,
    /// Why, in words.
    pub reason: String,
}

/// A host that the pool cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The host.
    pub host: HostIndex,
    /// Why, in words.
    pub reason: String,
}

/// How hosts are booted anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The groups, in their order.
    pub groups: Vec<Group>,
    /// Hosts that cannot be down even alone.
    pub needed: Vec<Needed>,
}

impl Plan {
    /// VMs that would have to be stopped.
    pub fn stuck(&self) -> impl Iterator<Item = &Stuck> {
        self.groups.iter().flat_map(|group| &group.stuck)
    }
}

/// The hosts that are booted anew if nobody names any: those that take VMs. Others are in somebody's hands already.
pub fn usual_hosts(pool: &Pool) -> Vec<HostIndex> {
    pool.host_indices().filter(|&host| pool.host(host).state == HostState::Live).collect()
}

/// Plans the groups. Once it has `enough`, the hosts that are left are groups of one, which nobody has judged yet: a run judges each group
/// at its turn, whatever was planned.
pub fn plan(pool: &Pool, wish: &Wish, limits: &Limits<'_>, enough: &dyn Fn() -> bool) -> Plan {
    let mut waiting: Vec<HostIndex> =
        wish.hosts.iter().copied().filter(|&host| Some(host) != wish.last).collect();
    waiting.sort_by_key(|&host| (used(pool, host), host));
    waiting.dedup();
    let most = if wish.at_once == 0 { usize::MAX } else { wish.at_once };
    let mut made = Plan::default();
    while !waiting.is_empty() {
        let mut group: Option<Group> = None;
        let mut left = Vec::new();
        for host in std::mem::take(&mut waiting) {
            if enough() {
                left.push(host);
                continue;
            }
            let grown = match &group {
                None => judge(pool, &[host], limits),
                Some(group) if group.hosts.len() < most => grown(pool, group, host, limits),
                Some(_) => Err(String::new()),
            };
            match grown {
                Ok(grown) => group = Some(grown),
                Err(reason) if group.is_none() => made.needed.push(Needed { host, reason }),
                Err(_) => left.push(host),
            }
        }
        made.groups.extend(group);
        waiting = left;
        if enough() {
            made.groups.extend(waiting.drain(..).map(unjudged));
        }
    }
    if let Some(last) = wish.last.filter(|last| wish.hosts.contains(last)) {
        match if enough() { Ok(unjudged(last)) } else { judge(pool, &[last], limits) } {
            Ok(group) => made.groups.push(group),
            Err(reason) => made.needed.push(Needed { host: last, reason }),
        }
    }
    made
}

fn unjudged(host: HostIndex) -> Group {
    Group { hosts: vec![host], ..Group::default() }
}

/// The group with one more host, if it can be down too without any VM finding no place that would find one otherwise.
fn grown(pool: &Pool, group: &Group, host: HostIndex, limits: &Limits<'_>) -> Result<Group, String> {
    let alone = judge(pool, &[host], limits)?;
    let hosts: Vec<HostIndex> = group.hosts.iter().copied().chain([host]).collect();
    let together = judge(pool, &hosts, limits)?;
    if together.stuck.len() > group.stuck.len() + alone.stuck.len() {
        return Err("their VMs do not fit elsewhere together".to_owned());
    }
    Ok(together)
}

/// Whether these hosts can be down together now: where their VMs go, or why not. VMs that no host can take are for the caller to judge.
///
/// # Errors
/// Why not, in words.
pub fn judge(pool: &Pool, hosts: &[HostIndex], limits: &Limits<'_>) -> Result<Group, String> {
    let failed = HostSet::of(pool.hosts().len(), hosts.iter().copied());
    if let Some(down) = hosts.iter().find(|&&host| !pool.host(host).state.is_up()) {
        return Err(format!("host {} is down", pool.host_id(*down)));
    }
    let here: Vec<VmIndex> = pool.vm_indices().filter(|&vm| on(pool, vm, &failed).is_some()).collect();
    let moving = pool.vm_indices().find(|&vm| {
        pool.migration_end(vm).is_some_and(|end| failed.contains(end) || on(pool, vm, &failed).is_some())
    });
    if let Some(vm) = moving {
        return Err(format!("VM {} is being migrated", pool.vm_id(vm)));
    }
    // Asked as if these hosts failed and all their VMs were protected: what is left then tolerates as much as it can.
    let mut suppositions: Vec<Change> =
        hosts.iter().map(|&host| Change::HostState { host, state: HostState::Live }).collect();
    suppositions.extend(here.iter().map(|&vm| Change::Protect { vm, priority: RestartPriority::Restart }));
    let supposed = pool.with_all(&suppositions).map_err(|fault| fault.to_string())?;
    let assessment = assess(&supposed, &Limits { max_failures: Some(0), ..*limits });
    let restarts = restart_plan(&supposed, &failed, &assessment, limits);
    let placed = restarts.restarts.iter().filter(|restart| here.contains(&restart.vm));
    let moves: Vec<Move> = placed
        .filter_map(|restart| Some(Move { vm: restart.vm, from: restart.from?, to: restart.to }))
        .collect();
    let unplaced = restarts.unplaced.iter().filter(|unplaced| here.contains(&unplaced.vm));
    let stuck: Vec<Stuck> = unplaced
        .filter_map(|unplaced| {
            let host = pool.runs_on(unplaced.vm)?;
            Some(Stuck { vm: unplaced.vm, host, reason: unplaced.reason.clone() })
        })
        .collect();
    let mut changes: Vec<Change> =
        moves.iter().map(|step| Change::EndMigration { vm: step.vm, to: step.to }).collect();
    changes.extend(stuck.iter().map(|stuck| Change::Stop { vm: stuck.vm }));
    changes.extend(hosts.iter().map(|&host| Change::HostState { host, state: HostState::Maintenance }));
    let after = pool.with_all(&changes).map_err(|fault| fault.to_string())?;
    let target = after.effective_target();
    let found = assess(&after, &Limits { max_failures: Some(target.max(1)), ..*limits });
    let bounds = match after.settings().guarantee {
        Guarantee::Sequential => found.tolerance.sequential,
        Guarantee::Simultaneous => found.tolerance.simultaneous,
    };
    match bounds.proven {
        Some(survives) if !found.overcommitted => Ok(Group { hosts: hosts.to_vec(), moves, stuck, survives }),
        proven => {
            let why = found.witness.map(|witness| format!(": {}", witness.reason)).unwrap_or_default();
            let proven = proven.map_or_else(|| "none, not even now,".to_owned(), |n| n.to_string());
            Err(format!("{target} more failure(s) should be survivable meanwhile, {proven} proven{why}"))
        }
    }
}

fn on(pool: &Pool, vm: VmIndex, hosts: &HostSet) -> Option<HostIndex> {
    pool.runs_on(vm).filter(|&host| hosts.contains(host))
}

fn used(pool: &Pool, host: HostIndex) -> u64 {
    let here = pool.vm_indices().filter(|&vm| pool.runs_on(vm) == Some(host));
    here.map(|vm| pool.demand_of(vm)[0]).fold(0, u64::saturating_add)
}
