//! Alerts of a pool: listed, taken note of. The channels by which people are told are in [`super::channels`].
use super::action::Action;
use super::ha::Nothing;
use super::listing::{Listing, Page};
use crate::engine::Transition;
use crate::error::ApiError;
use crate::served::Note;
use crate::served::alerts::Alert;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};

/// The alerts of a pool, newest first
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/alerts",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("state" = Option<String>, Query, description = "open, closed or all; all unless said otherwise"),
        ("limit" = Option<usize>, Query, description = "How many, 1 to 1000"),
        ("after" = Option<u64>, Query, description = "Older ones than this"),
    ),
    responses(
        (status = 200, description = "A page of alerts", content_type = "application/json",
            body = ref("#/components/schemas/AlertPage")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn list(
    State(service): State<Service>,
    Path(pool): Path<String>,
    listing: Listing,
) -> Result<Json<Page<Alert>>, ApiError> {
    let wanted = |alert: &&Alert| match listing.state.as_deref() {
        Some("open") => alert.is_open(),
        Some("closed") => !alert.is_open(),
        _ => true,
    };
    listing.check_state(&["open", "closed", "all"])?;
    let handle = service.pool(&pool)?;
    Ok(Json(
        handle.ledger(|ledger| listing.page(ledger.alerts.newest_first().filter(wanted), |alert| alert.id)),
    ))
}

/// Take note of an alert
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/alerts/{id}/acknowledge",
    params(("pool" = String, Path, description = "The pool"), ("id" = u64, Path, description = "The alert")),
    responses(
        (status = 200, description = "The alert", content_type = "application/json",
            body = ref("#/components/schemas/Alert")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn acknowledge(
    State(service): State<Service>,
    Path((pool, id)): Path<(String, String)>,
    asked: Action<Nothing>,
) -> Result<Json<Alert>, ApiError> {
    asked.insists.not_only()?;
    let handle = service.pool(&pool)?;
    let unknown = || ApiError::NotFound(format!("pool {pool} has no alert {id}"));
    let number: u64 = id.parse().map_err(|_| unknown())?;
    let turn = handle.turn().await?;
    if handle.ledger(|ledger| ledger.alerts.get(number).is_none()) {
        return Err(unknown());
    }
    let audit = vec![asked.actor.did("acknowledge", format!("pools/{pool}/alerts/{number}"))];
    let notes = vec![Note::Acknowledge { id: number, by: asked.actor.name }];
    turn.commit(Transition { notes, audit, ..Transition::default() }).acknowledged().await?;
    handle.ledger(|ledger| ledger.alerts.get(number).cloned()).map(Json).ok_or_else(unknown)
}
