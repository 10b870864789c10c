//! `GET /metrics`: what the service measures, for Prometheus.
use crate::metrics::CONTENT_TYPE;
use crate::service::Service;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// What the service measures, in the OpenMetrics text format
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(service): State<Service>) -> Response {
    let engine = service.engine().ok();
    let text = service.metrics().encode(engine.as_deref());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}
