//! `Idempotency-Key`: a request for a change that is sent again, because its answer was lost on the way, is not made again.
use super::question;
use crate::clock::Stopwatch;
use crate::engine::once::{Begun, KeptAnswer, MOST_ANSWER_BYTES};
use crate::error::ApiError;
use crate::guard::door::Caller;
use crate::service::Service;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The header that names a request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of a key.
const LONGEST_KEY: usize = 255;
/// Headers that are given again.
const HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// Gives a request that was answered before the same answer again.
pub(crate) async fn once(State(service): State<Service>, request: Request, next: Next) -> Response {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
    if !changes || !request.headers().contains_key(&KEY) {
        return next.run(request).await;
    }
    answer(&service, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(service: &Service, request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
    let Ok(principal) = service.guard().identify(&parts.headers, &caller) else {
        // Whoever is not known is turned away where everybody is.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let key = key(&parts)?;
    let engine = service.engine()?;
    let body = question::body(&parts.headers, body, service).await?;
    let taken = Stopwatch::start();
    let begun = engine.once().begin(&principal.share(), &key, fingerprint(&parts, &body)).await;
    let ticket = match begun? {
        Begun::First(ticket) => ticket,
        Begun::Known(answer) => return Ok(replayed(answer)),
        Begun::Reused => return Err(ApiError::KeyReused),
    };
    tracing::trace!(elapsed_us = taken.elapsed_us(), "the idempotency key is new");
    let request = Request::from_parts(parts, Body::from(body));
    let response = ticket.carry(next.run(request)).await;
    if !ticket.is_used() || !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| ApiError::Internal)?;
    // A secret is shown once and kept nowhere.
    let secret = parts.headers.get(CACHE_CONTROL).is_some_and(|caching| caching == "no-store");
    let kept = HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let small =
        (!secret && body.len() <= MOST_ANSWER_BYTES).then(|| String::from_utf8(body.to_vec()).ok()).flatten();
    let answer = KeptAnswer { status: parts.status.as_u16(), headers: kept.collect(), body: small };
    ticket.keep(engine.writer(), answer).await;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn key(parts: &Parts) -> Result<String, ApiError> {
    let bad = || {
        ApiError::BadHeader(format!("Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters"))
    };
    let key = parts.headers.get(&KEY).and_then(|key| key.to_str().ok()).ok_or_else(bad)?.trim();
    if key.is_empty() || key.len() > LONGEST_KEY { Err(bad()) } else { Ok(key.to_owned()) }
}

/// What tells requests apart: method, path with query, body.
fn fingerprint(parts: &Parts, body: &Bytes) -> String {
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update([0]);
    hash.update(parts.uri.path_and_query().map_or("", |path| path.as_str()));
    hash.update([0]);
    hash.update(body);
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn replayed(answer: Option<KeptAnswer>) -> Response {
    let lost = || KeptAnswer {
        status: 200,
        headers: vec![(CONTENT_TYPE.to_string(), "application/json".to_owned())],
        body: None,
    };
    let KeptAnswer { status, headers, body } = answer.unwrap_or_else(lost);
    let body = body.unwrap_or_else(|| {
        "{\"done\":true,\"answer\":\"it was done; what was answered is not kept\"}".to_owned()
    });
    let mut response = (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body).into_response();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
