//! Where another process leads, requests are sent there: 307 with the same path on its address.
use crate::error::Elsewhere;
use crate::service::Service;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::LOCATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Says where the leader is, in answers that could not be given here.
pub(crate) async fn redirect(State(service): State<Service>, request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut response = match service.engine() {
        Err(elsewhere) if service.only_points() && !of_this_process(request.uri().path()) => {
            elsewhere.into_response()
        }
        _ => next.run(request).await,
    };
    let leader = response
        .extensions()
        .get::<Elsewhere>()
        .map(|elsewhere| elsewhere.0.trim_end_matches('/').to_owned());
    let location = leader.and_then(|leader| HeaderValue::try_from(format!("{leader}{target}")).ok());
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Whether a request is about this very process, whoever leads.
fn of_this_process(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics" | "/v1/openapi.json") || path.starts_with("/v1/docs")
}
