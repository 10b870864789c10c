//! Every route of the service on one page.
use crate::error::ApiError;
use crate::metrics::measure;
use crate::routes::{
    alerts, check, explain, ha, host_actions, metrics, openapi, plan, served_check, tasks, tolerance,
    vm_actions,
};
use crate::service::Service;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

/// The service as an HTTP application.
pub fn router(service: Service) -> Router {
    let measured = from_fn_with_state(service.metrics().clone(), measure);
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/v1/plan", post(plan::plan))
        .route("/v1/check", post(check::check))
        .route("/v1/explain", post(explain::explain))
        .route("/v1/openapi.json", get(openapi::openapi))
        .route("/v1/pools/{pool}/tolerance", get(tolerance::tolerance))
        .route("/v1/pools/{pool}/plan", get(tolerance::plan))
        .route("/v1/pools/{pool}/check", post(served_check::check))
        .route("/v1/pools/{pool}/hypothetical", post(served_check::hypothetical))
        .route("/v1/pools/{pool}/vms/{id}/diagnosis", get(tolerance::diagnosis))
        .route("/v1/pools/{pool}/vms/{id}/actions/{action}", post(vm_actions::act))
        .route("/v1/pools/{pool}/hosts/{id}/evacuation", get(host_actions::evacuation))
        .route("/v1/pools/{pool}/hosts/{id}/actions/{action}", post(host_actions::act))
        .route("/v1/pools/{pool}/ha", get(ha::show))
        .route("/v1/pools/{pool}/ha/enable", post(ha::enable))
        .route("/v1/pools/{pool}/ha/disable", post(ha::disable))
        .route("/v1/pools/{pool}/ha/emergency-disable", post(ha::emergency_disable))
        .route("/v1/pools/{pool}/ha/admission", put(ha::set_admission))
        .route("/v1/pools/{pool}/alerts", get(alerts::list))
        .route("/v1/pools/{pool}/alerts/{id}/acknowledge", post(alerts::acknowledge))
        .route("/v1/pools/{pool}/tasks", get(tasks::list))
        .route("/v1/pools/{pool}/tasks/{id}", get(tasks::get))
        .route_layer(measured)
        .fallback(async || ApiError::NoSuchRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(service)
}
