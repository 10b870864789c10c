//! Requests, counted by the route that they matched and never by their path: a path has names in it, of which there is no end.
use super::Metrics;
use crate::clock::Stopwatch;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

/// Counts a request and how long it took until its answer began.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let clock = Stopwatch::start();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = word(request.method());
    let response = next.run(request).await;
    let route = route.as_deref().unwrap_or("none");
    metrics.answered(method, route, response.status().as_u16(), clock.elapsed());
    response
}

/// The method as a label; there are only so many.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
