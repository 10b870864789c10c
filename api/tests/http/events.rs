//! Events of pools: told, taken in in order, told on.
use super::resources::serving;
use super::serving::{Answer, Serving};
use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt;
use lifeboat::engine::EngineSettings;
use lifeboat::router::router;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;

const EVENTS: &str = "/v1/pools/p/events";

async fn tell(serving: &Serving, events: Value) -> Answer {
    serving.post(EVENTS, &events).await.is(200)
}

fn outcomes(answer: &Answer) -> Vec<String> {
    let outcomes = answer.body["outcomes"].as_array().expect("outcomes");
    let spelt = |one: &Value| match one["code"].as_str() {
        Some(code) => code.to_owned(),
        None => one["outcome"].as_str().expect("an outcome").to_owned(),
    };
    outcomes.iter().map(spelt).collect()
}

#[tokio::test]
async fn events_change_the_pool_in_their_order() {
    let serving = serving().await;
    let answer = tell(
        &serving,
        json!([
            {"kind": "vm-created", "vm": {"id": "w", "memory_mib": 5, "host": "a"}},
            {"kind": "vm-started", "vm": "v4", "host": "b"},
            {"kind": "vm-started", "vm": "v4", "host": "b"},
            {"kind": "vm-memory", "vm": "w", "memory_mib": 6},
            {"kind": "vm-stopped", "vm": "nobody"},
            {"kind": "migration-begun", "vm": "v3", "host": "b"},
            {"kind": "migration-ended", "vm": "v3", "host": "b"},
            {"kind": "vm-removed", "vm": "v2"},
            {"kind": "vm-started", "vm": "v2", "host": "a"},
            {"kind": "host-down", "host": "a"},
            {"kind": "vm-started", "vm": "w", "host": "a"}
        ]),
    )
    .await;
    assert_eq!(
        outcomes(&answer),
        [
            "applied",
            "applied",
            "known-already",
            "applied",
            "no-such-resource",
            "applied",
            "applied",
            "applied",
            "no-such-resource",
            "applied",
            "impossible-change"
        ]
    );
    assert_eq!((&answer.body["revision"], &answer.body["applied"]), (&json!(2), &json!(7)), "one turn");
    let vm = async |name: &str| serving.get(&format!("/v1/pools/p/vms/{name}")).await.is(200).body;
    let w = vm("w").await;
    assert_eq!((&w["memory_mib"], &w["should_run"]), (&json!(6), &json!(true)), "its host is dead");
    assert_eq!(vm("v3").await["host"], "b");
    assert_eq!(vm("v4").await["power_state"], "running");
    assert_eq!(serving.get("/v1/pools/p/groups/g").await.body["vms"], json!(["v1"]));
    serving.get("/v1/pools/p/vms/v2").await.is(404);
}

#[tokio::test]
async fn a_vm_that_went_and_came_back_is_the_new_one_also_after_a_restart() {
    let serving = serving().await;
    let came = json!([
        {"kind": "vm-removed", "vm": "v1"},
        {"kind": "vm-created", "vm": {"id": "v1", "memory_mib": 77}},
        {"kind": "vm-removed", "vm": "v3"}
    ]);
    assert_eq!(outcomes(&tell(&serving, came).await), ["applied"; 3]);
    let before = serving.get("/v1/pools/p").await.body;
    let serving = serving.again().await;
    assert_eq!(serving.get("/v1/pools/p").await.body, before);
    assert_eq!(serving.get("/v1/pools/p/vms").await.ids(), ["v2", "v4", "v1"]);
    assert_eq!(serving.get("/v1/pools/p/vms/v1").await.body["memory_mib"], 77);
}

#[tokio::test]
async fn one_event_needs_no_array_and_a_wrong_one_changes_nothing() {
    let serving = serving().await;
    tell(&serving, json!({"kind": "vm-stopped", "vm": "v1"})).await;
    let wrong = json!([{"kind": "vm-stopped", "vm": "v2"}, {"kind": "vm-stopped"}]);
    let refused = serving.post(EVENTS, &wrong).await.is(422);
    assert_eq!((refused.code(), &refused.body["faults"][0]["pointer"]), ("faulty-document", &json!("/1/vm")));
    assert_eq!(serving.get("/v1/pools/p/vms/v2").await.body["power_state"], "running");
    assert_eq!(serving.post("/v1/pools/q/events", &json!([])).await.is(404).code(), "no-such-pool");
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let serving = serving().await;
    for vm in ["v1", "v2", "v3"] {
        tell(&serving, json!({"kind": "vm-stopped", "vm": vm})).await;
    }
    let stopped = "/v1/pools/p/events?kind=vm-stopped";
    let first = serving.get(&format!("{stopped}&limit=2")).await.is(200).body;
    assert_eq!((&first["items"][0]["vm"], &first["items"][1]["vm"]), (&json!("v1"), &json!("v2")));
    assert_eq!(
        (&first["items"][0]["kind"], &first["items"][0]["by"]),
        (&json!("vm-stopped"), &json!("local"))
    );
    let next = first["next"].as_str().expect("there is more");
    let second = serving.get(&format!("{stopped}&limit=2&after={next}")).await.body;
    assert_eq!((second["items"].as_array().map(Vec::len), &second["next"]), (Some(1), &Value::Null));
    let changed = serving.get("/v1/pools/p/events?kind=changed").await.body;
    assert_eq!(changed["items"][0]["changed"], json!(["pool"]));
}

/// A client that listens.
struct Listener {
    body: BodyDataStream,
    read: String,
}

impl Listener {
    async fn of(serving: &Serving, target: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(target).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = router(&serving.service).oneshot(request).await.expect("an answer");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event: its kind, its id and its data; none if the stream has ended.
    async fn next(&mut self) -> Option<(String, Option<u64>, Value)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let data = serde_json::from_str(&field("data:").unwrap_or_default()).expect("JSON");
                let found =
                    (field("event:").unwrap_or_default(), field("id:").and_then(|id| id.parse().ok()), data);
                let rest = rest.to_owned();
                self.read = rest;
                return Some(found);
            }
            let more = timeout(Duration::from_secs(20), self.body.next()).await.expect("in time")?;
            self.read.push_str(std::str::from_utf8(&more.expect("a piece")).expect("text"));
        }
    }
}

#[tokio::test]
async fn whoever_listens_hears_what_happens_and_goes_on_where_it_was() {
    let serving = serving().await;
    let mut listener = Listener::of(&serving, "/v1/pools/p/events?kind=vm-stopped,vm-memory", None).await;
    tell(&serving, json!([{"kind": "vm-stopped", "vm": "v1"}, {"kind": "host-disabled", "host": "b"}])).await;
    let (kind, id, data) = listener.next().await.expect("an event");
    assert_eq!((kind.as_str(), &data["vm"], data["id"].as_u64()), ("vm-stopped", &json!("v1"), id));
    drop(listener);
    tell(&serving, json!({"kind": "vm-memory", "vm": "v1", "memory_mib": 11})).await;
    let last = id.expect("an id").to_string();
    let mut listener =
        Listener::of(&serving, "/v1/pools/p/events?after=0&kind=vm-stopped,vm-memory", Some(&last)).await;
    assert_eq!(listener.next().await.expect("an event").2["memory_mib"], 11);
    serving.delete("/v1/pools/p").await.is(200);
    while let Some((kind, ..)) = listener.next().await {
        assert_ne!(kind, "gap");
    }
}

#[tokio::test]
async fn streams_end_when_the_process_leads_no_more() {
    let serving = serving().await;
    let mut listener = Listener::of(&serving, "/v1/pools/p/events?kind=none", None).await;
    serving.service.set_engine(None);
    assert!(listener.next().await.is_none());
}

#[tokio::test]
async fn what_is_kept_no_more_is_told_as_a_gap() {
    let serving = Serving::with(EngineSettings { entries_kept: 3, ..EngineSettings::default() });
    serving.put("/v1/pools/p", &super::resources::small()).await.is(201);
    for memory in 1..10 {
        tell(&serving, json!({"kind": "vm-memory", "vm": "v1", "memory_mib": memory})).await;
    }
    let mut listener = Listener::of(&serving, "/v1/pools/p/events?after=1", None).await;
    let (kind, id, data) = listener.next().await.expect("an event");
    assert_eq!((kind.as_str(), id, &data["after"]), ("gap", None, &json!(1)));
    let next = data["next"].as_u64();
    assert_eq!(listener.next().await.expect("an event").1, next);
    assert_eq!(serving.get("/v1/pools/p/events?after=1").await.body["gap"], true);
}
