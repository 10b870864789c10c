//! What the audit log has of changes, by whatever way they come; and changes that have another way than an edit.
use super::serving::{Answer, Serving};
use axum::body::to_bytes;
use axum::http::{Method, Request};
use lifeboat::router::router;
use serde_json::{Value, json};
use std::fs;
use tower::ServiceExt;

fn small() -> Value {
    json!({
        "format": "lifeboat.pool/v1",
        "id": "p",
        "settings": {"host_failures_to_tolerate": 1},
        "hosts": [{"id": "a", "memory_mib": 100}, {"id": "b", "memory_mib": 100}],
        "storages": [{"id": "san", "shared": true}],
        "vms": [{"id": "v1", "memory_mib": 40, "host": "a", "power_state": "running", "restart_priority": "restart",
                 "storages": ["san"]}]
    })
}

async fn serving() -> Serving {
    let serving = Serving::new();
    serving.put("/v1/pools/p", &small()).await.is(201);
    serving
}

/// The newest entry of the audit log.
async fn newest(serving: &Serving) -> Value {
    serving.get("/v1/audit?limit=1").await.is(200).body["items"][0].clone()
}

#[track_caller]
fn says(entry: &Value, action: &str, resource: &str, outcome: &str) {
    let told = [&entry["action"], &entry["resource"], &entry["outcome"]];
    assert_eq!(told, [action, resource, outcome], "{entry}");
}

#[tokio::test]
async fn the_state_of_a_host_is_changed_by_an_action_and_never_by_an_edit() {
    let serving = serving().await;
    let target = "/v1/pools/p/hosts/a";
    for (state, action) in [
        ("dead", "confirm-dead"),
        ("fenced", "confirm-dead"),
        ("disabled", "disable"),
        ("maintenance", "evacuate"),
    ] {
        let sent = json!({"memory_mib": 100, "state": state});
        for refused in [serving.patch(target, &sent).await, serving.put(target, &sent).await] {
            let refused: Answer = refused.is(409);
            assert_eq!(refused.code(), "use-the-action");
            let words = refused.body["detail"].as_str().expect("words");
            assert!(words.contains(&format!("hosts/a/actions/{action} ")), "{words}");
        }
        let refused = serving.patch(&format!("{target}?force=true&reason=now"), &sent).await.is(409);
        assert_eq!(refused.code(), "use-the-action", "force does not go round it");
    }
    assert_eq!(serving.get("/v1/pools/p").await.header("etag"), "\"1\"", "nothing has changed");
    serving.patch(target, &json!({"memory_mib": 99, "state": "live"})).await.is(200);
    serving.put("/v1/pools/p/hosts/c", &json!({"memory_mib": 50, "state": "disabled"})).await.is(201);
    let back = serving.put("/v1/pools/p/hosts/c", &json!({"memory_mib": 60})).await.is(409);
    assert!(
        back.body["detail"].as_str().is_some_and(|words| words.contains("actions/enable ")),
        "{}",
        back.body
    );
}

#[tokio::test]
async fn the_audit_log_has_what_an_edit_found_and_what_it_left() {
    let serving = serving().await;
    serving.patch("/v1/pools/p/hosts/b", &json!({"memory_mib": 90})).await.is(200);
    let entry = newest(&serving).await;
    says(&entry, "patch", "pools/p/hosts/b", "done");
    assert_eq!([&entry["before"]["memory_mib"], &entry["after"]["memory_mib"]], [100, 90], "{entry}");
    serving.put("/v1/pools/p/vms/v9", &json!({"memory_mib": 5})).await.is(201);
    let entry = newest(&serving).await;
    says(&entry, "put", "pools/p/vms/v9", "done");
    assert_eq!((&entry["before"], &entry["after"]["memory_mib"]), (&Value::Null, &json!(5)));
    serving.delete("/v1/pools/p/vms/v9").await.is(200);
    let entry = newest(&serving).await;
    says(&entry, "delete", "pools/p/vms/v9", "done");
    assert_eq!((&entry["before"]["memory_mib"], &entry["after"]), (&json!(5), &Value::Null));
    serving.patch("/v1/pools/p/settings", &json!({"timeout_s": 30})).await.is(200);
    let entry = newest(&serving).await;
    says(&entry, "patch", "pools/p/settings", "done");
    assert_eq!([&entry["before"]["timeout_s"], &entry["after"]["timeout_s"]], [15, 30], "{entry}");
}

#[tokio::test]
async fn the_audit_log_has_what_was_told_of_things_and_leaves_what_vms_do_to_the_event_log() {
    let serving = serving().await;
    let before = newest(&serving).await["id"].clone();
    let events = "/v1/pools/p/events";
    serving.post(events, &json!({"kind": "vm-stopped", "vm": "v1"})).await.is(200);
    assert_eq!(newest(&serving).await["id"], before);
    let told = [
        (json!({"kind": "vm-changed", "vm": {"id": "v1", "memory_mib": 7}}), "pools/p/vms/v1"),
        (json!({"kind": "vm-removed", "vm": "v1"}), "pools/p/vms/v1"),
        (json!({"kind": "host-added", "host": {"id": "c", "memory_mib": 9}}), "pools/p/hosts/c"),
        (json!({"kind": "host-fenced", "host": "c"}), "pools/p/hosts/c"),
        (json!({"kind": "host-removed", "host": "c"}), "pools/p/hosts/c"),
    ];
    for (event, resource) in told {
        serving.post(events, &event).await.is(200);
        let entry = newest(&serving).await;
        says(&entry, event["kind"].as_str().expect("a kind"), resource, "done");
        let described = event["vm"].get("memory_mib").or_else(|| event["host"].get("memory_mib"));
        assert_eq!(entry["after"].get("memory_mib"), described, "{entry}");
    }
}

#[tokio::test]
async fn the_audit_log_tells_what_was_done_only_because_the_pool_warns() {
    let serving = serving().await;
    let policy = "/v1/pools/p/ha/admission";
    let looked = serving.put(&format!("{policy}?check=only"), &json!({"admission": "warn"})).await.is(400);
    assert_eq!(looked.code(), "bad-query");
    assert_eq!(serving.get("/v1/pools/p/ha").await.is(200).body["admission"], "enforce");
    serving.put(policy, &json!({"admission": "warn"})).await.is(200);
    let entry = newest(&serving).await;
    assert_eq!([&entry["before"]["admission"], &entry["after"]["admission"]], ["enforce", "warn"], "{entry}");
    let worse = json!({"memory_mib": 10});
    serving.patch("/v1/pools/p/hosts/b?force=true&reason=tonight", &worse).await.is(200);
    let entry = newest(&serving).await;
    says(&entry, "patch", "pools/p/hosts/b", "warned");
    assert_eq!(entry["forced"], "tonight");
}

#[tokio::test]
async fn a_backup_is_written_down_and_brings_every_pool_back() {
    let serving = serving().await;
    let request = Request::builder().method(Method::GET).uri("/v1/backup");
    let request = request.body(axum::body::Body::empty()).expect("a request");
    let response = router(&serving.service).oneshot(request).await.expect("an answer");
    let backup = to_bytes(response.into_body(), usize::MAX).await.expect("a backup");
    says(&newest(&serving).await, "backup", "store", "done");
    let folder = tempfile::TempDir::new().expect("a folder");
    let (file, store) = (folder.path().join("backup"), folder.path().join("store.redb"));
    fs::write(&file, &backup).expect("it is written");
    let restore = |file: &std::path::Path| {
        let line = ["lifeboat", "store", "restore", "--json", "--store"].map(Into::into);
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut output = lifeboat::cli::output::Output::new(&mut out, &mut errors);
        let line = line.into_iter().chain([store.clone().into_os_string(), file.as_os_str().to_owned()]);
        let status = lifeboat::cli::run(line, &mut output);
        (status, String::from_utf8_lossy(&out).into_owned() + &String::from_utf8_lossy(&errors))
    };
    let (status, said) = restore(&file);
    assert_eq!(status, lifeboat::cli::Status::Answered, "{said}");
    assert!(said.contains("\"records\""), "{said}");
    let restored = Serving::on(folder, lifeboat::engine::EngineSettings::default());
    let (before, after) = (serving.get("/v1/pools/p").await, restored.get("/v1/pools/p").await.is(200));
    assert_eq!(before.body, after.body);
}
