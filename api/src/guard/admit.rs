//! The gate before each handler: who is it, is it too often, and may this be done?
use super::access::Access;
use super::door::Caller;
use super::refusal::Refusal;
use super::sentry::Guard;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

/// Lets a request through to its handler, with the [`Principal`](super::Principal) among its extensions.
///
/// The pool of the path is taken from the router's own reading of it, percent-decoded once, which is what handlers get as
/// well: there is no second reading that could differ.
pub(super) async fn admit(
    State((guard, access)): State<(Guard, Access)>,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    match judge(&guard, access, params.as_ref().ok(), request) {
        Ok(request) => timeout(guard.settings().request_time, next.run(request))
            .await
            .unwrap_or_else(|_| Refusal::TimedOut.into_response()),
        Err(refusal) => refusal.into_response(),
    }
}

fn judge(
    guard: &Guard,
    access: Access,
    params: Option<&RawPathParams>,
    mut request: Request,
) -> Result<Request, Refusal> {
    if access == Access::Open {
        return Ok(request);
    }
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
    let principal = guard.identify(request.headers(), &caller)?;
    guard.count(&principal)?;
    // Somebody who is known may be told that the path is wrong.
    let params = params.ok_or(Refusal::BadPath)?;
    let pool = params.iter().find(|(name, _)| *name == "pool").map(|(_, pool)| pool);
    if let Err(refusal) = access.judge(&principal, pool) {
        tracing::warn!(who = principal.name, via = %principal.via, code = refusal.code(), path = request.uri().path(), "not allowed");
        return Err(refusal);
    }
    request.extensions_mut().insert(principal);
    Ok(request)
}
