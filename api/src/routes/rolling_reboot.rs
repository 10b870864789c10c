//! `/v1/pools/{pool}/rolling-reboot`: which hosts would boot anew together, the run that does it, and how far it is.
use super::action::Action;
use super::ha::Nothing;
use super::pool_actions::without_agents;
use super::vm_actions::find_host;
use crate::engine::{Entry, Transition};
use crate::error::ApiError;
use crate::rolling::drive::{WORK, named, stopped};
use crate::rolling::run::RunGroup;
use crate::rolling::{Plan, Run, RunState, Wish, plan};
use crate::served::Note;
use crate::served::alerts::Holds;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_planner::Limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long a host may take to come back if nobody says: slow firmware counts its memory.
const RETURNS_WITHIN_S: u64 = 1800;
/// The longest that can be asked for, in seconds.
const LONGEST_S: u64 = 86_400;

/// How long planning may take; hosts that are left then are planned one by one.
const PLANNED_WITHIN: Duration = Duration::from_secs(5);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "RollingRebootAsked")]
pub(crate) struct Asked {
    /// The hosts; none: all that take VMs.
    hosts: Vec<String>,
    /// The most hosts that are down at once; 0: as many as can be.
    at_once: usize,
    /// Whether VMs that can go nowhere may be stopped for as long as their host is down.
    stop_vms: bool,
    /// How long a host may take to come back, in seconds.
    returns_within_s: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { hosts: Vec::new(), at_once: 0, stop_vms: false, returns_within_s: RETURNS_WITHIN_S }
    }
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct HowMany {
    at_once: usize,
}

/// The plan, and the newest run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RollingRebootShown")]
pub(crate) struct Shown {
    /// The pool's revision that was planned on.
    revision: u64,
    /// What a run would do now; null: one goes on.
    plan: Option<Planned>,
    /// The run that goes on, or the newest that has ended; null: there was none.
    run: Option<Run>,
}

/// What a run would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RollingRebootPlan")]
pub(crate) struct Planned {
    /// Whether every host can be down, and every VM has somewhere to go.
    complete: bool,
    /// The groups, in their order.
    groups: Vec<PlannedGroup>,
    /// Hosts that the pool cannot do without even alone.
    needed: Vec<NeededHost>,
}

/// Hosts that are down together.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RollingRebootPlannedGroup")]
pub(crate) struct PlannedGroup {
    /// The hosts.
    hosts: Vec<String>,
    /// What moves where.
    moves: Vec<crate::rolling::run::PlannedMove>,
    /// VMs that can go nowhere.
    stuck: Vec<crate::rolling::run::PlannedStop>,
    /// Further failures that are proven survivable meanwhile, no more than were asked about.
    survives: u32,
}

/// A host that the pool cannot do without.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RollingRebootNeeded")]
pub(crate) struct NeededHost {
    /// The host.
    host: String,
    /// Why.
    reason: String,
}

impl Planned {
    fn of(pool: &Pool, plan: &Plan) -> Self {
        let groups = plan.groups.iter().map(|group| {
            let RunGroup { hosts, moves, stops, .. } = named(pool, group);
            let hosts = hosts.into_iter().map(|host| host.host).collect();
            PlannedGroup { hosts, moves, stuck: stops, survives: group.survives }
        });
        let needed = plan.needed.iter().map(|needed| NeededHost {
            host: pool.host_id(needed.host).to_owned(),
            reason: needed.reason.clone(),
        });
        Self {
            complete: plan.needed.is_empty() && plan.stuck().next().is_none(),
            groups: groups.collect(),
            needed: needed.collect(),
        }
    }
}

/// Show which hosts would boot anew together, and the newest run
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/rolling-reboot",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("at_once" = Option<usize>, Query, description = "The most hosts that are down at once; 0: as many as can be"),
    ),
    responses(
        (status = 200, description = "The plan, and the newest run", content_type = "application/json",
            body = ref("#/components/schemas/RollingRebootShown")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn show(
    State(service): State<Service>,
    Path(pool): Path<String>,
    Query(how): Query<HowMany>,
) -> Result<Json<Shown>, ApiError> {
    let handle = service.pool(&pool)?;
    let (view, run) = (handle.view(), handle.ledger(|ledger| ledger.rolling.clone()));
    let plan = if run.as_ref().is_some_and(Run::goes_on) {
        None
    } else {
        let wish = Wish {
            hosts: plan::usual_hosts(&view.pool),
            last: leader(&service, &view.pool),
            at_once: how.at_once,
        };
        let plan = planned(&service, &view.pool, wish).await?;
        Some(Planned::of(&view.pool, &plan))
    };
    Ok(Json(Shown { revision: view.revision, plan, run }))
}

/// Boot hosts anew, group by group, with their VMs running on elsewhere
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/rolling-reboot",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/RollingRebootAsked"), content_type = "application/json"),
    responses(
        (status = 202, description = "It begins", content_type = "application/json",
            body = ref("#/components/schemas/RollingReboot")),
        (status = 409, description = "One goes on, or the pool cannot do without a host",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn begin(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Asked>,
) -> Result<Response, ApiError> {
    asked.insists.not_only()?;
    let Asked { hosts, at_once, stop_vms, returns_within_s } = &asked.body;
    if !(1..=LONGEST_S).contains(returns_within_s) {
        return Err(ApiError::BadBody(format!("returns_within_s is 1 to {LONGEST_S}")));
    }
    let handle = service.pool(&pool)?;
    service.conductor(&pool).ok_or_else(without_agents)?;
    let goes_on = || refused("rolling-reboot-runs", "one goes on: follow it, or cancel it first");
    if handle.ledger(|ledger| ledger.rolling.as_ref().is_some_and(Run::goes_on)) {
        return Err(goes_on());
    }
    let view = handle.view();
    let wanted: Vec<HostIndex> = if hosts.is_empty() {
        plan::usual_hosts(&view.pool)
    } else {
        hosts.iter().map(|host| find_host(&view.pool, host)).collect::<Result<_, _>>()?
    };
    if let Some(&taken) = wanted.iter().find(|&&host| view.pool.host(host).state != HostState::Live) {
        let name = view.pool.host_id(taken);
        return Err(refused(
            "host-not-live",
            &format!("host {name} is down, or in somebody's hands: enable it first"),
        ));
    }
    let wish = Wish { hosts: wanted, last: leader(&service, &view.pool), at_once: *at_once };
    let plan = planned(&service, &view.pool, wish).await?;
    if let Some(needed) = plan.needed.first() {
        let name = view.pool.host_id(needed.host);
        return Err(refused("host-needed", &format!("host {name} cannot be down: {}", needed.reason)));
    }
    if let Some(stuck) = plan.stuck().next().filter(|_| !stop_vms) {
        let (vm, host) = (view.pool.vm_id(stuck.vm), view.pool.host_id(stuck.host));
        return Err(refused(
            "cannot-be-evacuated",
            &format!(
                "{} VM(s) can go nowhere, {vm} on {host} among them ({}); stop them, or allow that they are stopped meanwhile",
                plan.stuck().count(),
                stuck.reason
            ),
        ));
    }
    if plan.groups.is_empty() {
        return Err(refused("no-hosts", "there is no host that could be booted anew"));
    }
    // Only now: planning takes long, and what has changed meanwhile each group is judged by at its turn.
    let turn = handle.turn().await?;
    let before = turn.pool().ledger(|ledger| ledger.rolling.clone());
    if before.as_ref().is_some_and(Run::goes_on) {
        return Err(goes_on());
    }
    let run = Run {
        id: before.as_ref().map_or(1, |run| run.id + 1),
        by: asked.actor.name.clone(),
        state: RunState::Running,
        reason: "it begins".to_owned(),
        stop_vms: *stop_vms,
        returns_within_s: *returns_within_s,
        groups: plan.groups.iter().map(|group| named(&view.pool, group)).collect(),
        ..Run::default()
    };
    let over = Holds::No { because: "it was begun again".to_owned() };
    let transition = Transition {
        entries: vec![Entry::new("rolling-reboot-begun", Some(&asked.actor.name), json!({"run": run.id}))],
        notes: vec![
            Note::Rolling(Box::new(run.clone())),
            Note::Found(Box::new(stopped(over, "it was begun again"))),
        ],
        audit: vec![asked.actor.did("rolling-reboot", format!("pools/{pool}"))],
        ..Transition::default()
    };
    turn.commit(transition).acknowledged().await?;
    Ok((StatusCode::ACCEPTED, Json(run)).into_response())
}

/// Cancel the rolling reboot: hosts that are down come back, no other goes
#[utoipa::path(
    delete,
    path = "/v1/pools/{pool}/rolling-reboot",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "It is canceled, or will be when the hosts that are down are back",
            content_type = "application/json", body = ref("#/components/schemas/RollingReboot")),
        (status = 409, description = "None goes on",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn cancel(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Nothing>,
) -> Result<Json<Run>, ApiError> {
    asked.insists.not_only()?;
    let turn = service.pool(&pool)?.turn().await?;
    let run = turn.pool().ledger(|ledger| ledger.rolling.clone()).filter(Run::goes_on);
    let mut run = run.ok_or_else(|| refused("no-rolling-reboot", "no rolling reboot goes on"))?;
    run.cancel(&asked.actor.name);
    let transition = Transition {
        notes: vec![Note::Rolling(Box::new(run.clone()))],
        audit: vec![asked.actor.did("cancel-rolling-reboot", format!("pools/{pool}"))],
        ..Transition::default()
    };
    turn.commit(transition).acknowledged().await?;
    Ok(Json(run))
}

fn refused(code: &'static str, reason: &str) -> ApiError {
    ApiError::Forbidden { code, reason: reason.to_owned() }
}

fn leader(service: &Service, pool: &Pool) -> Option<HostIndex> {
    let conductor = service.conductor(pool.id())?;
    pool.find_host(&conductor.roster().hosts.get(conductor.me())?.id)
}

async fn planned(service: &Service, pool: &Arc<Pool>, wish: Wish) -> Result<Plan, ApiError> {
    let pool = Arc::clone(pool);
    service
        .compute(PLANNED_WITHIN, move |stop| {
            let enough = || stop.reached(1.0);
            let limits = Limits { work: Some(WORK), stop: Some(&enough), ..Limits::default() };
            Ok(plan::plan(&pool, &wish, &limits, &enough))
        })
        .await
}
