//! What operators choose for a pool whose hosts have agents, beyond its document: how its restarts go, when a VM counts as ready, what is done
//! when a guest answers no more. Each is shown and set as a whole; what is left out is as usual.
use super::action::Action;
use super::admit::Actor;
use super::pool_actions::without_agents;
use crate::conductor::choices::{
    Choice, Readiness, RestartSettings, monitor_key, readiness_key, restarts_key,
};
use crate::conductor::shell::Event;
use crate::engine::{Entry, Transition};
use crate::error::ApiError;
use crate::served::{Kind, Resource, ServedError};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use lifeboat_link::note::Monitor;
use lifeboat_model::Pool;
use lifeboat_store::Key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The longest spans of a monitor, in seconds: a day.
const LONGEST_S: u64 = 86_400;
/// The most resets within the window.
const MOST_RESETS: u32 = 100;

/// How a VM's guest is watched, and what is done when it answers no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GuestMonitor {
    /// Whether it is watched at all.
    watched: bool,
    /// After so many seconds without a heartbeat and without activity on disks and networks.
    silent_for_s: u64,
    /// After its start it is left alone for so many seconds.
    grace_s: u64,
    /// Resets within the window; then it is restarted elsewhere.
    resets: u32,
    /// The window, in seconds.
    window_s: u64,
}

impl Default for GuestMonitor {
    fn default() -> Self {
        Self::from(Monitor::default())
    }
}

impl From<Monitor> for GuestMonitor {
    fn from(Monitor { silent_for_s, grace_s, resets, window_s }: Monitor) -> Self {
        Self { watched: true, silent_for_s, grace_s, resets, window_s }
    }
}

impl GuestMonitor {
    fn check(self) -> Result<Option<Monitor>, ApiError> {
        let Self { watched, silent_for_s, grace_s, resets, window_s } = self;
        let spans = [silent_for_s, window_s].iter().all(|span| (1..=LONGEST_S).contains(span));
        if !spans || grace_s > LONGEST_S || resets > MOST_RESETS {
            return Err(ApiError::BadBody(format!(
                "silent_for_s and window_s are 1 to {LONGEST_S}, grace_s at most that, resets at most {MOST_RESETS}"
            )));
        }
        Ok(watched.then_some(Monitor { silent_for_s, grace_s, resets, window_s }))
    }
}

/// What is done when a VM's guest answers no more
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/vms/{id}/monitor",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The VM")),
    responses(
        (status = 200, description = "What is set", content_type = "application/json",
            body = ref("#/components/schemas/GuestMonitor")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn monitor(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
) -> Result<Json<GuestMonitor>, ApiError> {
    find(&service, &pool, Some(&vm))?;
    Ok(Json(match kept(&service, monitor_key(&pool, &vm)).await? {
        Some(Choice::Monitor { monitor: Some(monitor), .. }) => monitor.into(),
        _ => GuestMonitor { watched: false, ..GuestMonitor::default() },
    }))
}

/// Set what is done when a VM's guest answers no more
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}/vms/{id}/monitor",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The VM")),
    request_body(content = ref("#/components/schemas/GuestMonitor"), content_type = "application/json"),
    responses(
        (status = 200, description = "It is set", content_type = "application/json",
            body = ref("#/components/schemas/GuestMonitor")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn set_monitor(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
    asked: Action<GuestMonitor>,
) -> Result<Json<GuestMonitor>, ApiError> {
    asked.insists.not_only()?;
    let monitor = asked.body.check()?;
    let shown = serde_json::to_value(asked.body).unwrap_or_default();
    let choice = Choice::Monitor { vm, monitor };
    choose(&service, &pool, &asked.actor, choice, shown).await?;
    Ok(Json(asked.body))
}

/// When a VM that has been started counts as ready
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/vms/{id}/readiness",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The VM")),
    responses(
        (status = 200, description = "What is set", content_type = "application/json",
            body = ref("#/components/schemas/Readiness")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn readiness(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
) -> Result<Json<Readiness>, ApiError> {
    find(&service, &pool, Some(&vm))?;
    Ok(Json(match kept(&service, readiness_key(&pool, &vm)).await? {
        Some(Choice::Readiness { readiness, .. }) => readiness,
        _ => Readiness::default(),
    }))
}

/// Set when a VM that has been started counts as ready: the next order begins then
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}/vms/{id}/readiness",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The VM")),
    request_body(content = ref("#/components/schemas/Readiness"), content_type = "application/json"),
    responses(
        (status = 200, description = "It is set", content_type = "application/json",
            body = ref("#/components/schemas/Readiness")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn set_readiness(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
    asked: Action<Readiness>,
) -> Result<Json<Readiness>, ApiError> {
    asked.insists.not_only()?;
    let shown = serde_json::to_value(asked.body).unwrap_or_default();
    let choice = Choice::Readiness { vm, readiness: asked.body };
    choose(&service, &pool, &asked.actor, choice, shown).await?;
    Ok(Json(asked.body))
}

/// How restarts go in a pool whose hosts have agents
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/restart-settings",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "What is set", content_type = "application/json",
            body = ref("#/components/schemas/RestartSettings")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn restarts(
    State(service): State<Service>,
    Path(pool): Path<String>,
) -> Result<Json<RestartSettings>, ApiError> {
    find(&service, &pool, None)?;
    Ok(Json(match kept(&service, restarts_key(&pool)).await? {
        Some(Choice::Restarts(settings)) => settings,
        _ => RestartSettings::default(),
    }))
}

/// Set how restarts go in a pool whose hosts have agents; it holds from then on
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}/restart-settings",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/RestartSettings"), content_type = "application/json"),
    responses(
        (status = 200, description = "It is set", content_type = "application/json",
            body = ref("#/components/schemas/RestartSettings")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn set_restarts(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<RestartSettings>,
) -> Result<Json<RestartSettings>, ApiError> {
    asked.insists.not_only()?;
    if let Some(fault) = asked.body.fault() {
        return Err(ApiError::BadBody(fault));
    }
    let shown = serde_json::to_value(&asked.body).unwrap_or_default();
    choose(&service, &pool, &asked.actor, Choice::Restarts(asked.body.clone()), shown).await?;
    Ok(Json(asked.body))
}

/// Whether this pool is coordinated here, and has this VM.
fn find(service: &Service, pool: &str, vm: Option<&str>) -> Result<(), ApiError> {
    let known = service.pool(pool)?.view().pool;
    service.conductor(pool).ok_or_else(without_agents)?;
    has(&known, vm)
}

fn has(pool: &Pool, vm: Option<&str>) -> Result<(), ApiError> {
    match vm.filter(|vm| pool.find_vm(vm).is_none()) {
        Some(vm) => Err(ServedError::Unknown(Resource::new(Kind::Vm, vm.to_owned())).into()),
        None => Ok(()),
    }
}

/// What is kept there; nothing if nobody has chosen.
async fn kept(service: &Service, key: Key) -> Result<Option<Choice>, ApiError> {
    let store = Arc::clone(service.engine()?.store());
    let (read, key) = spawn_blocking(move || (store.get(&key), key)).await.map_err(|_| ApiError::Internal)?;
    let Some(value) = read.map_err(ApiError::Store)? else { return Ok(None) };
    let path: Vec<&str> = key.names().skip(2).collect();
    // What cannot be read is not shown as usual: whoever changes a part of it would lose the rest.
    let choice = Choice::read(&path, &value).ok_or_else(|| {
        tracing::error!(?path, "what is kept of it cannot be read by this version");
        ApiError::Internal
    })?;
    Ok(Some(choice))
}

/// Keeps a choice, then tells the coordinator.
async fn choose(
    service: &Service,
    pool: &str,
    actor: &Actor,
    choice: Choice,
    shown: Value,
) -> Result<(), ApiError> {
    let (event, vm, what) = match &choice {
        Choice::Restarts(_) => ("restart-settings", None, "restart-settings".to_owned()),
        Choice::Readiness { vm, .. } => ("vm-readiness", Some(vm), format!("vms/{vm}/readiness")),
        Choice::Monitor { vm, .. } => ("vm-monitor", Some(vm), format!("vms/{vm}/monitor")),
    };
    let turn = service.pool(pool)?.turn().await?;
    let conductor = service.conductor(pool).ok_or_else(without_agents)?;
    has(&turn.view().pool, vm.map(String::as_str))?;
    let did = actor.did("set", format!("pools/{pool}/{what}"));
    let mut transition = Transition {
        entries: vec![Entry::new(event, Some(&actor.name), json!({"vm": vm, "set": shown}))],
        audit: vec![did.with_change(Value::Null, shown)],
        ..Transition::default()
    };
    choice.put(&mut transition.records, pool);
    turn.commit(transition).acknowledged().await?;
    conductor.tell(Event::Chosen(choice));
    Ok(())
}
