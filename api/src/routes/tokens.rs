//! Tokens: listed, made, and taken back. The secret of a new one is shown once, in the answer that makes it.
use crate::clock;
use crate::engine::Engine;
use crate::engine::once::to_its_end;
use crate::error::ApiError;
use crate::guard::audit::Author;
use crate::guard::book::{TokenAnswer, TokenRequest};
use crate::guard::token::Randomness;
use crate::guard::{AuditEntry, Principal, TokenBook};
use crate::service::Service;
use crate::startup::TOKENS;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lifeboat_store::{Batch, Key};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// All tokens, without their secrets.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TokenList")]
pub struct TokenList {
    /// The tokens, by id.
    items: Vec<TokenAnswer>,
}

/// A new token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MadeToken")]
pub struct MadeToken {
    /// The whole token, secret included: it is shown this once.
    token: String,
    /// What is kept of it.
    record: TokenAnswer,
}

/// List the tokens
#[utoipa::path(
    get,
    path = "/v1/tokens",
    responses((status = 200, description = "All tokens, without their secrets",
        content_type = "application/json", body = ref("#/components/schemas/TokenList")))
)]
pub(crate) async fn list(State(service): State<Service>) -> Result<Json<TokenList>, ApiError> {
    service.engine()?;
    Ok(Json(TokenList { items: service.guard().book().list().collect() }))
}

/// Make a token
#[utoipa::path(
    post,
    path = "/v1/tokens",
    request_body(content = ref("#/components/schemas/NewToken"), content_type = "application/json"),
    responses((status = 201, description = "The token; its secret is shown this once",
        content_type = "application/json", body = ref("#/components/schemas/MadeToken")))
)]
pub(crate) async fn make(
    State(service): State<Service>,
    principal: Principal,
    author: Author,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: TokenRequest =
        serde_json::from_slice(&body).map_err(|error| ApiError::BadBody(error.to_string()))?;
    let engine = service.engine()?;
    let changing = service.changing_tokens().await;
    let random = Randomness::fetch().map_err(|_| ApiError::Internal)?;
    let mut book = TokenBook::clone(&service.guard().book());
    let (record, token) = book.issue(request, &principal, clock::now(), &random)?;
    let mut batch = Batch::default();
    let kept = serde_json::to_vec(&record).map_err(|_| ApiError::Internal)?;
    batch.put(Key::of(&[TOKENS, &record.id]), kept);
    let resource = format!("tokens/{}", record.id);
    let entry = AuditEntry::new(clock::now(), &author, "make-token", resource)
        .with_change(json!(null), json!({"name": record.name, "role": record.role, "pools": record.scope}));
    engine.audit().add(&mut batch, &entry);
    let id = record.id.clone();
    book.insert(record);
    kept_and_published(&service, engine, batch, book, changing).await?;
    let record = service.guard().book().list().find(|token| token.id == id).ok_or(ApiError::Internal)?;
    let mut response =
        (StatusCode::CREATED, Json(MadeToken { token: token.reveal(), record })).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Take a token back
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    params(("id" = String, Path, description = "The token's id, without its secret")),
    responses((status = 204, description = "It is worth nothing any more"))
)]
pub(crate) async fn remove(
    State(service): State<Service>,
    author: Author,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let engine = service.engine()?;
    let changing = service.changing_tokens().await;
    let mut book = TokenBook::clone(&service.guard().book());
    if !book.remove(&id) {
        return Err(ApiError::NoSuchToken(id));
    }
    let mut batch = Batch::default();
    batch.delete(Key::of(&[TOKENS, &id]));
    let entry = AuditEntry::new(clock::now(), &author, "remove-token", format!("tokens/{id}"));
    engine.audit().add(&mut batch, &entry);
    kept_and_published(&service, engine, batch, book, changing).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a change of the tokens durable and has it hold, whether its caller still waits or not: what the store forgets the guard
/// must not remember.
async fn kept_and_published(
    service: &Service,
    engine: Arc<Engine>,
    batch: Batch,
    book: TokenBook,
    changing: OwnedMutexGuard<()>,
) -> Result<(), ApiError> {
    let guard = service.guard().clone();
    let done = to_its_end(async move {
        engine.keep(batch).await?;
        guard.publish(book);
        drop(changing);
        Ok::<(), ApiError>(())
    });
    done.await.unwrap_or(Err(ApiError::Internal))
}
