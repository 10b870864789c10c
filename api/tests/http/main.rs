//! The service as its users meet it: in process for what it answers, over a real socket for what clients do to
//! it.
mod access;
mod actions;
mod answers;
mod events;
mod limits;
mod once;
mod resources;
mod serving;
mod socket;
mod tls;
mod written;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use lifeboat::router::router;
use lifeboat::service::{Service, ServiceSettings};
use serde_json::Value;
use std::fs;
use tower::ServiceExt;

/// An example of the pages.
fn example(name: &str) -> Vec<u8> {
    let path = format!("{}/../docs/examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read(path).expect("the example is there")
}

/// A service with room for everything.
fn service() -> Service {
    Service::new(ServiceSettings::default())
}

/// What the service answers.
async fn ask(service: &Service, request: Request<Body>) -> Response<Body> {
    router(service).oneshot(request).await.expect("the router does not fail")
}

/// The answer to a document posted to `target`.
async fn post(service: &Service, target: &str, document: impl Into<Body>) -> Response<Body> {
    ask(service, Request::post(target).body(document.into()).expect("a request")).await
}

/// The body as JSON.
async fn body(response: Response<Body>) -> Value {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    serde_json::from_slice(&bytes).expect("JSON")
}
