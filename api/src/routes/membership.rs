//! What a host of the pool has missed that was off, or is not heard; and where it says that it is reached.
use super::admit::Actor;
use super::pool_actions::without_agents;
use crate::clock;
use crate::conductor::enrolment::moved;
use crate::conductor::records;
use crate::conductor::shell::Conductor;
use crate::engine::once::to_its_end;
use crate::engine::{Entry, Transition};
use crate::error::ApiError;
use crate::guard::door::Caller;
use crate::guard::principal::Via;
use crate::guard::{AuditEntry, Principal, Refusal};
use crate::service::Service;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use lifeboat_link::Roster;
use lifeboat_link::join::{AddressChange, MembershipAnswer};
use lifeboat_model::HostIndex;
use lifeboat_store::Batch;
use serde_json::json;
use std::sync::Arc;

/// The present roster and heartbeat keys, for a host of the pool that has missed them
///
/// Called by agents, with their own certificate; a host that was removed is refused, whoever has its name now.
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/membership",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "The roster and the heartbeat keys", content_type = "application/json"),
        (status = 409, description = "The certificate's host is none of the pool's",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn show(
    State(service): State<Service>,
    Path(pool): Path<String>,
    principal: Principal,
    caller: Option<Extension<Caller>>,
) -> Result<Response, ApiError> {
    let (conductor, roster, place) = shown(&service, &pool, &principal, caller.as_ref())?;
    tracing::info!(host = roster.hosts[place].id, "a host asks for what it has missed");
    Ok(told(roster, &conductor))
}

/// A host of the pool says that its agent listens elsewhere now
///
/// Called by agents, with their own certificate. All other hosts are told where it is reached.
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}/membership/addresses",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content_type = "application/json", description = "Where it is reached on each heartbeat network"),
    responses(
        (status = 200, description = "The roster as it is now, and the heartbeat keys", content_type = "application/json"),
        (status = 409, description = "It cannot be reached there: the reason is in the answer",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn moves(
    State(service): State<Service>,
    Path(pool): Path<String>,
    actor: Actor,
    principal: Principal,
    caller: Option<Extension<Caller>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let ask: AddressChange =
        serde_json::from_slice(&body).map_err(|error| ApiError::BadBody(error.to_string()))?;
    let (conductor, _, place) = shown(&service, &pool, &principal, caller.as_ref())?;
    let changing = conductor.rosters().change().await;
    // Also if the host goes away: where it is reached is told to all.
    let roster = to_its_end(async move {
        let before = changing.roster();
        let id = before.hosts[place].id.clone();
        if before.hosts[place].removed {
            return Err(no_member());
        }
        let leads_others = place == conductor.me() && leads_others(&conductor, &before);
        let Some(roster) = moved(&before, place, &ask, leads_others)? else { return Ok((before, conductor)) };
        let mut records = Batch::default();
        records::put_roster(&mut records, &roster);
        let change = (json!(before.hosts[place].addresses), json!(ask.addresses));
        let did = AuditEntry::new(clock::now(), &actor.author, "move", format!("pools/{pool}/hosts/{id}"));
        let transition = Transition {
            entries: vec![Entry::new("host-moves", None, json!({"host": id, "addresses": ask.addresses}))],
            audit: vec![did.with_change(change.0, change.1)],
            records,
            ..Transition::default()
        };
        let engine = service.engine()?;
        let turn = service.pool(&pool)?.turn().await?;
        let committed = turn.commit(transition).acknowledged().await;
        changing.settle(roster.clone(), &engine, committed)?;
        Ok((roster, conductor))
    });
    let (roster, conductor) = roster.await.unwrap_or(Err(ApiError::Internal))?;
    Ok(told(roster, &conductor))
}

/// Whether there are hosts that hear of the roster from this one.
fn leads_others(conductor: &Conductor, roster: &Roster) -> bool {
    let may_be_member = |place: usize| {
        let standing = conductor.standing(HostIndex::new(place));
        standing.is_none_or(|standing| standing.member_boot().is_some())
    };
    let mut others = roster.hosts.iter().enumerate().filter(|(place, _)| *place != conductor.me());
    others.any(|(place, other)| !other.removed && may_be_member(place))
}

/// The roster, and the place in it of the host whose certificate was shown.
fn shown(
    service: &Service,
    pool: &str,
    principal: &Principal,
    caller: Option<&Extension<Caller>>,
) -> Result<(Arc<Conductor>, Roster, usize), ApiError> {
    let conductor = service.conductor(pool).ok_or_else(without_agents)?;
    let roster = conductor.roster();
    // A token of an agent's is no certificate.
    let by_certificate = matches!(principal.via, Via::Certificate { .. });
    let shown = caller.and_then(|caller| caller.agent.as_ref()).filter(|_| by_certificate);
    let place = shown.and_then(|agent| agent.place_in(&roster)).ok_or_else(no_member)?;
    Ok((conductor, roster, place))
}

fn no_member() -> ApiError {
    ApiError::Forbidden { code: "no-member", reason: Refusal::NoMember.to_string() }
}

fn told(roster: Roster, conductor: &Conductor) -> Response {
    let answer = MembershipAnswer { roster, keys: conductor.keys() };
    ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
