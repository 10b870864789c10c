//! Requests with an idempotency key: made once, however often they are sent.
use super::resources::serving;
use super::serving::Serving;
use axum::http::Method;
use serde_json::json;

const EVENTS: &str = "/v1/pools/p/events";

async fn create(serving: &Serving, key: &str, memory: u64) -> super::serving::Answer {
    let event = json!({"kind": "vm-created", "vm": {"id": "w", "memory_mib": memory}});
    serving.ask(Method::POST, EVENTS, &[("idempotency-key", key)], event.to_string()).await
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_before_and_not_made_again() {
    let serving = serving().await;
    let first = create(&serving, "one", 5).await.is(200);
    let again = create(&serving, "one", 5).await.is(200);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!((&again.body, again.header("content-type")), (&first.body, "application/json"));
    let other = create(&serving, "one", 6).await.is(422);
    assert_eq!(other.code(), "idempotency-key-reused");
    assert_eq!(create(&serving, "two", 5).await.is(200).body["revision"], first.body["revision"], "no news");
    let serving = serving.again().await;
    assert_eq!(create(&serving, "one", 5).await.is(200).body, first.body, "also after a restart");
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_made_with_the_same_key() {
    let serving = serving().await;
    let header = [("idempotency-key", "k")];
    let target = "/v1/pools/p/hosts/new";
    serving.ask(Method::PUT, target, &header, "{}").await.is(422);
    let made = serving.ask(Method::PUT, target, &header, "{\"memory_mib\":7}").await.is(201);
    let again = serving.ask(Method::PUT, target, &header, "{\"memory_mib\":7}").await.is(201);
    assert_eq!((again.header("etag"), again.header("idempotent-replayed")), (made.header("etag"), "true"));
    serving.ask(Method::PUT, target, &[("idempotency-key", "")], "{}").await.is(400);
}

#[tokio::test]
async fn requests_with_one_key_at_once_are_one() {
    let serving = serving().await;
    let answers = tokio::join!(create(&serving, "k", 5), create(&serving, "k", 5), create(&serving, "k", 5));
    let replayed =
        [&answers.0, &answers.1, &answers.2].map(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replayed.iter().filter(|replayed| **replayed).count(), 2);
    assert!(answers.0.body == answers.1.body && answers.1.body == answers.2.body);
    let log = serving.get("/v1/pools/p/events?kind=vm-created").await.body;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
}
