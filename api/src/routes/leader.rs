//! Where another process leads, requests are sent there: 307 with the same path on its address.
use crate::error::Elsewhere;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::LOCATION;
use axum::middleware::Next;
use axum::response::Response;

/// Says where the leader is, in answers that could not be given here.
pub(crate) async fn redirect(request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
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
