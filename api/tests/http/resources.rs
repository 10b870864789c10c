//! Pools and what is in them: made, read, changed, removed, one by one.
use super::serving::Serving;
use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

pub(crate) fn small() -> Value {
    json!({
        "format": "lifeboat.pool/v1", "id": "p",
        "settings": {"host_failures_to_tolerate": 1},
        "storages": [{"id": "san"}], "networks": [{"id": "lan"}],
        "hosts": [{"id": "a", "memory_mib": 100}, {"id": "b", "memory_mib": 100}, {"id": "c", "memory_mib": 100, "state": "disabled"}],
        "vms": [
            {"id": "v1", "memory_mib": 10, "host": "a", "restart_priority": "restart", "storages": ["san"]},
            {"id": "v2", "memory_mib": 10, "host": "b", "restart_priority": "best-effort"},
            {"id": "v3", "memory_mib": 10, "host": "a"},
            {"id": "v4", "memory_mib": 10}
        ],
        "groups": [{"id": "g", "rule": "anti-affinity", "vms": ["v1", "v2"]}]
    })
}

pub(crate) async fn serving() -> Serving {
    let serving = Serving::new();
    serving.put("/v1/pools/p", &small()).await.is(201);
    serving
}

#[tokio::test]
async fn a_pool_goes_in_and_out() {
    let serving = serving().await;
    let out = serving.get("/v1/pools/p").await.is(200);
    assert_eq!(out.header("etag"), "\"1\"");
    assert_eq!(out.body["vms"].as_array().map(Vec::len), Some(4));
    let again = serving.put("/v1/pools/p", &out.body).await.is(200);
    assert_eq!(again.body["revision"], 1, "nothing has changed");
    assert_eq!(serving.put("/v1/pools/q", &small()).await.is(422).body["faults"][0]["pointer"], "/id");
    let listed = serving.get("/v1/pools").await.is(200);
    assert_eq!((&listed.body["items"][0]["pool"], &listed.body["next"]), (&json!("p"), &Value::Null));
    serving.delete("/v1/pools/p").await.is(200);
    assert_eq!(serving.get("/v1/pools/p").await.is(404).code(), "no-such-pool");
    let made = serving.put("/v1/pools/p", &small()).await.is(201);
    assert_eq!(made.body["revision"], 2, "a pool of the same name goes on counting");
}

#[tokio::test]
async fn a_pool_at_a_glance() {
    let serving = serving().await;
    let summary = serving.get("/v1/pools/p/summary").await.is(200).body;
    assert_eq!(summary["hosts"]["total"], 3);
    assert_eq!((&summary["hosts"]["live"], &summary["hosts"]["disabled"]), (&json!(2), &json!(1)));
    assert_eq!(
        summary["vms"],
        json!({"total": 4, "running": 3, "pending": 0, "protected": 1, "best_effort": 1})
    );
    assert_eq!((&summary["target"], &summary["guarantee"]), (&json!(1), &json!("sequential")));
}

#[tokio::test]
async fn lists_come_page_by_page_and_narrowed() {
    let serving = serving().await;
    let first = serving.get("/v1/pools/p/vms?limit=3").await.is(200);
    assert_eq!(first.ids(), ["v1", "v2", "v3"]);
    let next = first.body["next"].as_str().expect("there is more");
    let second = serving.get(&format!("/v1/pools/p/vms?limit=3&after={next}")).await.is(200);
    assert_eq!((second.ids(), &second.body["next"]), (vec!["v4"], &Value::Null));
    assert_eq!(serving.get("/v1/pools/p/vms?host=a").await.ids(), ["v1", "v3"]);
    assert_eq!(serving.get("/v1/pools/p/vms?host=a&priority=restart").await.ids(), ["v1"]);
    assert_eq!(serving.get("/v1/pools/p/vms?priority=").await.ids(), ["v3", "v4"]);
    assert_eq!(serving.get("/v1/pools/p/vms?state=halted").await.ids(), ["v4"]);
    assert_eq!(serving.get("/v1/pools/p/hosts?state=disabled").await.ids(), ["c"]);
    for target in [
        "vms?limit=0",
        "vms?limit=1001",
        "vms?state=asleep",
        "vms?host=z",
        "groups?state=live",
        "vms?color=red",
        "hosts?host=a",
    ] {
        assert_eq!(
            serving.get(&format!("/v1/pools/p/{target}")).await.is(400).code(),
            "bad-query",
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_whatever_has_gone() {
    let serving = serving().await;
    let first = serving.get("/v1/pools/p/vms?limit=2").await;
    let next = first.body["next"].as_str().expect("there is more");
    serving.patch("/v1/pools/p/groups/g", &json!({"vms": ["v1"]})).await.is(200);
    serving.delete("/v1/pools/p/vms/v2").await.is(200);
    assert_eq!(serving.get(&format!("/v1/pools/p/vms?after={next}")).await.ids(), ["v3", "v4"]);
}

#[tokio::test]
async fn every_kind_of_thing_is_put_read_changed_and_removed() {
    let serving = serving().await;
    let things = [
        ("storages/s2", json!({"shared": false}), json!({"shared": true})),
        ("networks/dmz", json!({}), json!({})),
        ("hosts/d", json!({"memory_mib": 50}), json!({"memory_mib": 60})),
        ("vms/v9", json!({"memory_mib": 5}), json!({"memory_mib": 6})),
        ("groups/h", json!({"rule": "spread", "vms": ["v1"]}), json!({"mode": "preferred"})),
    ];
    for (path, document, change) in things {
        let target = format!("/v1/pools/p/{path}");
        assert_eq!(serving.get(&target).await.is(404).code(), "no-such-resource", "{path}");
        let made = serving.put(&target, &document).await.is(201);
        let read = serving.get(&target).await.is(200);
        assert_eq!(made.header("etag"), read.header("etag"), "{path}");
        let changed = serving.patch(&target, &change).await.is(200);
        let read = serving.get(&target).await.is(200);
        for (field, value) in change.as_object().expect("an object") {
            assert_eq!(&read.body[field], value, "{path}");
        }
        assert_eq!(changed.header("etag") == made.header("etag"), path.starts_with("networks"), "{path}");
        serving.delete(&format!("{target}?force=true&reason=test")).await.is(200);
        serving.get(&target).await.is(404);
        serving.delete(&target).await.is(404);
        serving.patch(&target, &change).await.is(404);
    }
    assert_eq!(serving.get("/v1/pools/p/settings").await.is(200).body["timeout_s"], 15);
    serving.patch("/v1/pools/p/settings", &json!({"timeout_s": 30})).await.is(200);
    assert_eq!(serving.get("/v1/pools/p/settings").await.body["host_failures_to_tolerate"], 1);
    serving.put("/v1/pools/p/settings", &json!({"timeout_s": 20})).await.is(200);
    let settings = serving.get("/v1/pools/p/settings").await.body;
    assert_eq!((&settings["timeout_s"], &settings["host_failures_to_tolerate"]), (&json!(20), &json!(0)));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_thing_is_told_with_its_place_in_it() {
    let serving = serving().await;
    let wrong = json!({"memory_mib": -1, "storages": ["nas"], "netwroks": [], "order": 2_000_000});
    for _ in 0..2 {
        let refused = serving.put("/v1/pools/p/vms/v1", &wrong).await.is(422);
        assert_eq!(refused.code(), "faulty-document");
        let faults = refused.body["faults"].as_array().expect("faults");
        let pointers: Vec<&str> = faults.iter().filter_map(|fault| fault["pointer"].as_str()).collect();
        assert_eq!(pointers, ["/memory_mib", "/netwroks", "/order", "/storages/0"]);
    }
    let refused = serving.patch("/v1/pools/p/hosts/b", &json!({"reserved_mib": 200})).await.is(422);
    assert_eq!(refused.body["faults"][0]["pointer"], "/reserved_mib");
    let refused = serving.patch("/v1/pools/p/settings", &json!({"timeout_s": 1})).await.is(422);
    assert_eq!(refused.body["faults"][0]["pointer"], "/timeout_s");
    let refused = serving.ask(Method::PATCH, "/v1/pools/p/hosts/b", &[], "{").await.is(422);
    assert_eq!(refused.body["faults"][0]["code"], "not-json");
    assert_eq!(serving.get("/v1/pools/p").await.header("etag"), "\"1\"", "nothing has changed");
}

#[tokio::test]
async fn what_others_still_need_is_not_removed() {
    let serving = serving().await;
    assert_eq!(serving.delete("/v1/pools/p/storages/san").await.is(409).code(), "still-named");
    assert_eq!(serving.delete("/v1/pools/p/hosts/a").await.is(409).code(), "still-named");
}

#[tokio::test]
async fn conditions_keep_two_editors_apart() {
    let serving = serving().await;
    let target = "/v1/pools/p/hosts/b";
    let etag = serving.get(target).await.header("etag").to_owned();
    let same = serving.ask(Method::GET, target, &[("if-none-match", &etag)], Body::empty()).await.is(304);
    assert_eq!(same.header("etag"), etag);
    let change = |memory: u64| json!({"memory_mib": memory}).to_string();
    serving.ask(Method::PATCH, target, &[("if-match", &etag)], change(90)).await.is(200);
    let second = serving.ask(Method::PATCH, target, &[("if-match", &etag)], change(80)).await.is(412);
    assert_eq!(second.code(), "precondition-failed");
    serving.ask(Method::PUT, target, &[("if-none-match", "*")], change(80)).await.is(412);
    serving.ask(Method::DELETE, target, &[("if-match", &etag)], "").await.is(412);
    serving.ask(Method::PUT, "/v1/pools/p/hosts/new", &[("if-none-match", "*")], change(80)).await.is(201);
    serving.ask(Method::GET, target, &[("if-match", "90")], "").await.is(400);
    assert_eq!(serving.get(target).await.body["memory_mib"], 90);
    let pool = serving.get("/v1/pools/p").await;
    serving.ask(Method::GET, "/v1/pools/p", &[("if-none-match", pool.header("etag"))], "").await.is(304);
    serving.ask(Method::PUT, "/v1/pools/p", &[("if-none-match", "*")], small().to_string()).await.is(412);
}

#[tokio::test]
async fn a_change_that_is_only_to_be_judged_changes_nothing() {
    let serving = serving().await;
    let judged = serving.patch("/v1/pools/p/hosts/b?check=only", &json!({"memory_mib": 90})).await.is(200);
    assert_eq!(judged.body["done"], false);
    assert_eq!(serving.get("/v1/pools/p/hosts/b").await.body["memory_mib"], 100);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let serving = serving().await;
    serving.put("/v1/pools/p/vms/v9", &json!({"memory_mib": 5, "host": "b"})).await.is(201);
    serving.delete("/v1/pools/p/vms/v4").await.is(200);
    let before = serving.get("/v1/pools/p").await;
    let serving = serving.again().await;
    let after = serving.get("/v1/pools/p").await;
    assert_eq!(after.body, before.body);
    assert_ne!(after.header("etag"), before.header("etag"), "no tag is given out twice");
    assert_eq!(serving.get("/v1/pools/p/vms").await.ids(), ["v1", "v2", "v3", "v9"]);
}
