//! Whether the process lives, and whether it can be asked: for whoever restarts it, and for whoever sends requests to it.
use crate::engine::pool::ChangeError;
use crate::engine::writer::WriterError;
use crate::error::ApiError;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Whether the process lives
#[utoipa::path(
    get,
    path = "/livez",
    responses((status = 200, description = "It does", content_type = "application/json"))
)]
pub(crate) async fn livez() -> Json<Value> {
    Json(json!({"alive": true}))
}

/// Whether requests should be sent here: this process leads, and the store takes changes
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "They should", content_type = "application/json"),
        (status = 503, description = "They should not: another process leads, or the store does not answer",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn readyz(State(service): State<Service>) -> Result<Json<Value>, ApiError> {
    let engine = service.engine().map_err(|_| ApiError::NotLeader { leader: None })?;
    let health = engine.writer().health();
    if health.is_failing() {
        return Err(ChangeError::Writer(WriterError::Failing).into());
    }
    Ok(Json(json!({"ready": true, "pools": engine.pools().len()})))
}
