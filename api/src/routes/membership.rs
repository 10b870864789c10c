//! What a host of the pool has missed that was off, or is not heard.
use super::pool_actions::without_agents;
use crate::error::ApiError;
use crate::guard::Principal;
use crate::guard::door::Caller;
use crate::guard::principal::Via;
use crate::service::Service;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use lifeboat_link::join::MembershipAnswer;

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
    let conductor = service.conductor(&pool).ok_or_else(without_agents)?;
    let roster = conductor.roster();
    // A token of an agent's is no certificate.
    let by_certificate = matches!(principal.via, Via::Certificate { .. });
    let shown = caller.as_ref().and_then(|caller| caller.agent.as_ref()).filter(|_| by_certificate);
    let Some(place) = shown.and_then(|agent| agent.place_in(&roster)) else {
        return Err(ApiError::Forbidden {
            code: "no-member",
            reason: "the certificate is of no host that belongs to the pool: who was removed joins anew, with a token of `lifeboat host invite`".to_owned(),
        });
    };
    tracing::info!(host = roster.hosts[place].id, "a host asks for what it has missed");
    let answer = MembershipAnswer { roster, keys: conductor.keys() };
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
