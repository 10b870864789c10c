//! What is done when a VM's guest answers no more: `/v1/pools/{pool}/vms/{id}/monitor`. Agents do it; they are told when it changes.
use super::action::Action;
use super::pool_actions::without_agents;
use crate::conductor::records;
use crate::conductor::shell::Event;
use crate::engine::{Entry, Transition};
use crate::error::ApiError;
use crate::served::{Kind, Resource, ServedError};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use lifeboat_link::note;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The longest spans, in seconds: a day.
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
        let note::Monitor { silent_for_s, grace_s, resets, window_s } = note::Monitor::default();
        Self { watched: true, silent_for_s, grace_s, resets, window_s }
    }
}

impl GuestMonitor {
    fn check(self) -> Result<Option<note::Monitor>, ApiError> {
        let Self { watched, silent_for_s, grace_s, resets, window_s } = self;
        let spans = [silent_for_s, window_s].iter().all(|span| (1..=LONGEST_S).contains(span));
        if !spans || grace_s > LONGEST_S || resets > MOST_RESETS {
            return Err(ApiError::BadBody(format!(
                "silent_for_s and window_s are 1 to {LONGEST_S}, grace_s at most that, resets at most {MOST_RESETS}"
            )));
        }
        Ok(watched.then_some(note::Monitor { silent_for_s, grace_s, resets, window_s }))
    }
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
pub(crate) async fn set(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
    asked: Action<GuestMonitor>,
) -> Result<Json<GuestMonitor>, ApiError> {
    asked.insists.not_only()?;
    let monitor = asked.body.check()?;
    let turn = service.pool(&pool)?.turn().await?;
    let conductor = service.conductor(&pool).ok_or_else(without_agents)?;
    if turn.view().pool.find_vm(&vm).is_none() {
        return Err(ServedError::Unknown(Resource::new(Kind::Vm, vm)).into());
    }
    let shown = serde_json::to_value(asked.body).unwrap_or_default();
    let did = asked.actor.did("set-monitor", format!("pools/{pool}/vms/{vm}/monitor"));
    let mut transition = Transition {
        entries: vec![Entry::new("vm-monitor", Some(&asked.actor.name), json!({"vm": vm, "monitor": shown}))],
        audit: vec![did.with_change(Value::Null, shown)],
        ..Transition::default()
    };
    records::put_monitor(&mut transition.records, &pool, &vm, monitor.as_ref());
    turn.commit(transition).acknowledged().await?;
    conductor.tell(Event::Watch(vm, monitor));
    Ok(Json(asked.body))
}
