//! A pool at a glance.
use crate::dto::verdict::{NotionWord, TargetStatusWord, ToleranceAnswer};
use crate::engine::PoolHandle;
use crate::served::Outlook;
use jiff::Timestamp;
use lifeboat_model::Pool;
use lifeboat_model::spec::{HostState, RestartPriority};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pool at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Summary")]
pub struct Summary {
    /// The pool's name.
    pub pool: String,
    /// Its revision: rises by one with each change.
    pub revision: u64,
    /// When the newest event happened that is in it.
    #[schemars(extend("format" = "date-time"))]
    pub newest: String,
    /// Its hosts, by state.
    pub hosts: HostCounts,
    /// Its VMs.
    pub vms: VmCounts,
    /// Its storages.
    pub storages: usize,
    /// Its networks.
    pub networks: usize,
    /// Its rules.
    pub groups: usize,
    /// Host failures to tolerate, as the operator set it.
    pub target: u32,
    /// The target less the hosts in maintenance.
    pub effective_target: u32,
    /// The notion that the target is held against.
    pub guarantee: NotionWord,
    /// The newest verdict; null until there is one.
    pub plan: Option<PlanSummary>,
}

/// How many hosts there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostCounts {
    /// In all.
    pub total: usize,
    /// Alive, and take VMs.
    pub live: usize,
    /// Alive, take no new VMs.
    pub disabled: usize,
    /// Being or been emptied.
    pub maintenance: usize,
    /// Known to have failed.
    pub dead: usize,
    /// Made certain that they run no VM.
    pub fenced: usize,
}

/// How many VMs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VmCounts {
    /// In all.
    pub total: usize,
    /// That hold resources on a host that is up.
    pub running: usize,
    /// Protected ones that should run and run nowhere.
    pub pending: usize,
    /// With the restart priority `restart`.
    pub protected: usize,
    /// With the restart priority `best-effort`.
    pub best_effort: usize,
}

/// The newest verdict at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PlanSummary")]
pub struct PlanSummary {
    /// The revision of the pool that it speaks of.
    pub revision: u64,
    /// When the newest event happened that it reflects.
    #[schemars(extend("format" = "date-time"))]
    pub reflects: String,
    /// Whether nothing has changed since.
    pub up_to_date: bool,
    /// How old it is, in milliseconds: 0 where it is up to date, else the time since `reflects`.
    pub age_ms: u64,
    /// Whether the search for what is open goes on.
    pub provisional: bool,
    /// How long the search took, in microseconds.
    pub took_us: u64,
    /// The bounds.
    pub tolerance: ToleranceAnswer,
    /// Whether the effective target holds under the pool's guarantee.
    pub target_status: TargetStatusWord,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
}

impl Summary {
    /// The summary of a pool as it is.
    pub fn of(handle: &PoolHandle, now: Timestamp) -> Self {
        let view = handle.view();
        let pool = &view.pool;
        let outlook = handle.outlook();
        Self {
            pool: pool.id().to_owned(),
            revision: view.revision,
            newest: view.newest.to_string(),
            hosts: HostCounts::of(pool),
            vms: VmCounts::of(pool),
            storages: pool.storages().len(),
            networks: pool.networks().len(),
            groups: pool.groups().len(),
            target: pool.settings().host_failures_to_tolerate,
            effective_target: pool.effective_target(),
            guarantee: pool.settings().guarantee.into(),
            plan: outlook.map(|outlook| PlanSummary::of(&outlook, view.revision, now)),
        }
    }
}

impl HostCounts {
    fn of(pool: &Pool) -> Self {
        let mut counts = Self { total: pool.hosts().len(), ..Self::default() };
        for host in pool.hosts() {
            *match host.state {
                HostState::Live => &mut counts.live,
                HostState::Disabled => &mut counts.disabled,
                HostState::Maintenance => &mut counts.maintenance,
                HostState::Dead => &mut counts.dead,
                HostState::Fenced => &mut counts.fenced,
            } += 1;
        }
        counts
    }
}

impl VmCounts {
    fn of(pool: &Pool) -> Self {
        let mut counts = Self { total: pool.vms().len(), ..Self::default() };
        for vm in pool.vm_indices() {
            counts.running += usize::from(pool.runs_on(vm).is_some());
            counts.pending += usize::from(pool.is_pending(vm));
            match pool.vm(vm).restart_priority {
                RestartPriority::Restart => counts.protected += 1,
                RestartPriority::BestEffort => counts.best_effort += 1,
                RestartPriority::Unprotected => {}
            }
        }
        counts
    }
}

impl PlanSummary {
    fn of(outlook: &Outlook, revision: u64, now: Timestamp) -> Self {
        let assessment = &outlook.assessment;
        let up_to_date = outlook.revision == revision;
        let age = now.duration_since(outlook.reflects).as_millis();
        Self {
            revision: outlook.revision,
            reflects: outlook.reflects.to_string(),
            up_to_date,
            age_ms: if up_to_date { 0 } else { u64::try_from(age).unwrap_or(0) },
            provisional: outlook.provisional,
            took_us: u64::try_from(outlook.took.as_micros()).unwrap_or(u64::MAX),
            tolerance: assessment.tolerance.into(),
            target_status: assessment.target_status.into(),
            overcommitted: assessment.overcommitted,
        }
    }
}
