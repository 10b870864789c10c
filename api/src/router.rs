//! Every route of the service on one page.
use crate::error::ApiError;
use crate::routes::{check, explain, openapi, plan};
use crate::service::Service;
use axum::Router;
use axum::routing::{get, post};

/// The service as an HTTP application.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/v1/plan", post(plan::plan))
        .route("/v1/check", post(check::check))
        .route("/v1/explain", post(explain::explain))
        .route("/v1/openapi.json", get(openapi::openapi))
        .fallback(async || ApiError::NoSuchRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(service)
}
