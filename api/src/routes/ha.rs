//! High availability of a pool: whether it is enabled and could be, and its being enabled, disabled, and disabled in an
//! emergency. The service keeps what the operator wants; agents on the hosts arm and disarm themselves by it.
use super::action::Action;
use super::admit::Actor;
use crate::clock;
use crate::dto::ha::{HaAnswer, PreconditionsAnswer, position};
use crate::engine::{Entry, Transition, Turn};
use crate::error::ApiError;
use crate::served::ha::{Ha, Policy};
use crate::served::{Kind, Note, Resource, ServedError};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Whether high availability is enabled, whether it could be, and which storages can carry the heartbeat
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/ha",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "The state and the preconditions", content_type = "application/json",
            body = ref("#/components/schemas/HaAnswer")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn show(
    State(service): State<Service>,
    Path(pool): Path<String>,
) -> Result<Json<HaAnswer>, ApiError> {
    let handle = service.pool(&pool)?;
    let (view, ha) = (handle.view(), handle.ledger(|ledger| ledger.ha.clone()));
    Ok(Json(HaAnswer::new(&view.pool, &ha)))
}

/// What an enablement may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "EnableHa")]
pub(crate) struct Enable {
    /// The storage that is to carry the heartbeat; null: the best that there is.
    storage: Option<String>,
    /// The timeout T of this enablement, in seconds; null: that of the pool's settings.
    timeout_s: Option<u32>,
}

/// Enable high availability
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/ha/enable",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("check" = Option<String>, Query, description = "enforce, or only: judge and change nothing"),
    ),
    request_body(content = ref("#/components/schemas/EnableHa"), content_type = "application/json"),
    responses(
        (status = 200, description = "It is enabled", content_type = "application/json",
            body = ref("#/components/schemas/HaAnswer")),
        (status = 409, description = "It cannot be enabled: every finding in `preconditions`",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn enable(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Enable>,
) -> Result<Json<HaAnswer>, ApiError> {
    let turn = service.pool(&pool)?.turn().await?;
    let (view, before) = (turn.view(), turn.pool().ledger(|ledger| ledger.ha.clone()));
    let Enable { storage, timeout_s } = asked.body;
    let find = |name: String| {
        let found = position(&view.pool, &name);
        found.ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Storage, name)))
    };
    let storage = storage.map(find).transpose()?;
    let timeout_s = timeout_s.unwrap_or(view.pool.settings().timeout_s);
    let found = PreconditionsAnswer::judge(&view.pool, storage, timeout_s);
    if !found.met {
        return Err(ApiError::CannotEnable(Box::new(found)));
    }
    if asked.insists.only {
        return Ok(Json(HaAnswer { state: before, preconditions: found }));
    }
    let ha = Ha {
        enabled: true,
        medium: Some(found.medium.clone()),
        storage: found.storage.clone(),
        timeout_s: Some(timeout_s),
        emergency: None,
        admission: before.admission,
        ..changed(&asked.actor)
    };
    let entry = json!({"storage": ha.storage, "medium": ha.medium, "timeout_s": ha.timeout_s});
    let state = set(&service, turn, ha, &asked.actor, "ha-enabled", entry).await?;
    Ok(Json(HaAnswer { state, preconditions: found }))
}

/// Nothing is to be told with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Disable high availability
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/ha/disable",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "It is disabled", content_type = "application/json",
            body = ref("#/components/schemas/HaAnswer")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn disable(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Nothing>,
) -> Result<Json<HaAnswer>, ApiError> {
    let turn = service.pool(&pool)?.turn().await?;
    end(&service, turn, &asked, None).await
}

/// Disable high availability although hosts cannot be asked: forced, with a reason
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/ha/emergency-disable",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("force" = bool, Query, description = "Must be true: hosts that do not hear of it may still fence themselves"),
        ("reason" = String, Query, description = "Why; written down"),
    ),
    responses(
        (status = 200, description = "It is disabled", content_type = "application/json",
            body = ref("#/components/schemas/HaAnswer")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn emergency_disable(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Nothing>,
) -> Result<Json<HaAnswer>, ApiError> {
    let handle = service.pool(&pool)?;
    let Some(reason) = asked.insists.force.clone() else {
        return Err(ApiError::Forbidden {
            code: "force-needed",
            reason: "an emergency has to be forced, with force=true and reason=…: hosts that do not hear of it may still \
                     fence themselves"
                .to_owned(),
        });
    };
    end(&service, handle.turn().await?, &asked, Some(reason)).await
}

async fn end(
    service: &Service,
    turn: Turn,
    asked: &Action<Nothing>,
    emergency: Option<String>,
) -> Result<Json<HaAnswer>, ApiError> {
    let (pool, before) = (turn.view().pool, turn.pool().ledger(|ledger| ledger.ha.clone()));
    if asked.insists.only || !before.enabled && emergency.is_none() {
        return Ok(Json(HaAnswer::new(&pool, &before)));
    }
    let kind = if emergency.is_some() { "ha-disabled-in-an-emergency" } else { "ha-disabled" };
    let entry = json!({"forced": emergency});
    let ha = Ha { emergency, admission: before.admission, ..changed(&asked.actor) };
    let state = set(service, turn, ha, &asked.actor, kind, entry).await?;
    Ok(Json(HaAnswer::new(&pool, &state)))
}

/// What admission is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SetAdmission")]
pub(crate) struct SetAdmission {
    /// `enforce` or `warn`.
    #[serde(default)]
    admission: Policy,
}

/// Set what admission does with changes that make matters worse: refuse them, or make them and warn
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}/ha/admission",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/SetAdmission"), content_type = "application/json"),
    responses(
        (status = 200, description = "It is set", content_type = "application/json",
            body = ref("#/components/schemas/HaAnswer")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn set_admission(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<SetAdmission>,
) -> Result<Json<HaAnswer>, ApiError> {
    asked.insists.not_only()?;
    let turn = service.pool(&pool)?.turn().await?;
    let (pool, before) = (turn.view().pool, turn.pool().ledger(|ledger| ledger.ha.clone()));
    let ha = Ha { admission: asked.body.admission, ..before };
    let entry = json!({"admission": ha.admission});
    let state = set(&service, turn, ha, &asked.actor, "admission-policy", entry).await?;
    Ok(Json(HaAnswer::new(&pool, &state)))
}

fn changed(actor: &Actor) -> Ha {
    Ha { since: Some(clock::now()), by: Some(actor.name.clone()), ..Ha::default() }
}

async fn set(
    service: &Service,
    turn: Turn,
    ha: Ha,
    actor: &Actor,
    kind: &'static str,
    said: Value,
) -> Result<Ha, ApiError> {
    let did = actor.did(kind, format!("pools/{}/ha", turn.pool().id()));
    let before = turn.pool().ledger(|ledger| serde_json::to_value(&ledger.ha));
    let after = serde_json::to_value(&ha);
    let did = did.with_change(before.unwrap_or_default(), after.unwrap_or_default());
    let transition = Transition {
        entries: vec![Entry::new(kind, Some(&actor.name), said)],
        notes: vec![Note::Ha(Box::new(ha.clone()))],
        audit: vec![match &ha.emergency {
            Some(reason) => did.forced(reason),
            None => did,
        }],
        ..Transition::default()
    };
    let pool = turn.pool().id().to_owned();
    turn.commit(transition).acknowledged().await?;
    if let Some(conductor) = service.conductor(&pool) {
        // It is renewed as long as the pool is disabled, and ends by itself where nobody renews it.
        conductor.wish(ha.wish())?;
    }
    Ok(ha)
}
