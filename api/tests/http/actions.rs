//! Requests that change a pool: judged, carried out or refused, forced and written down.
use super::serving::{Answer, Serving};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Three hosts of 100 with a protected VM of 50 on each: any one may fail. What is halted is there to be started.
fn tight() -> Value {
    json!({
        "format": "lifeboat.pool/v1", "id": "p",
        "settings": {"host_failures_to_tolerate": 1},
        "storages": [{"id": "san"}, {"id": "a-disk", "shared": false}],
        "hosts": [
            {"id": "a", "memory_mib": 100, "storages": ["san", "a-disk"]},
            {"id": "b", "memory_mib": 100, "storages": ["san"]},
            {"id": "c", "memory_mib": 100, "storages": ["san"]}
        ],
        "vms": [
            {"id": "v1", "memory_mib": 50, "host": "a", "restart_priority": "restart", "storages": ["san"]},
            {"id": "v2", "memory_mib": 50, "host": "b", "restart_priority": "restart"},
            {"id": "v3", "memory_mib": 50, "host": "c", "restart_priority": "restart"},
            {"id": "u", "memory_mib": 10, "host": "a"},
            {"id": "large", "memory_mib": 60, "restart_priority": "restart"},
            {"id": "much", "memory_mib": 45, "restart_priority": "restart"},
            {"id": "little", "memory_mib": 5, "restart_priority": "restart"},
            {"id": "w1", "memory_mib": 30}, {"id": "w2", "memory_mib": 30}
        ]
    })
}

async fn serving() -> Serving {
    let serving = Serving::new();
    serving.put("/v1/pools/p", &tight()).await.is(201);
    serving
}

async fn vm(serving: &Serving, vm: &str, action: &str, query: &str, body: Value) -> Answer {
    serving.post(&format!("/v1/pools/p/vms/{vm}/actions/{action}{query}"), &body).await
}

async fn host(serving: &Serving, host: &str, action: &str, query: &str) -> Answer {
    serving.post(&format!("/v1/pools/p/hosts/{host}/actions/{action}{query}"), &json!({})).await
}

async fn tell(serving: &Serving, event: Value) {
    let told = serving.post("/v1/pools/p/events", &event).await;
    assert!(told.status.is_success(), "{event}: {}", told.body);
}

/// Waits until the verdict speaks of the pool as it is, and nothing more is put into it.
async fn settled(serving: &Serving) {
    let pool = serving.engine.pool("p").expect("the pool");
    let mut outlooks = pool.outlooks();
    let settles = async {
        loop {
            let revision = pool.view().revision;
            if pool.outlook().is_some_and(|known| known.revision == revision && !known.provisional) {
                return;
            }
            outlooks.changed().await.expect("the pool is there");
        }
    };
    timeout(Duration::from_mins(1), settles).await.expect("a verdict in time");
}

async fn open_alerts(serving: &Serving) -> Vec<String> {
    let answer = serving.get("/v1/pools/p/alerts?state=open").await.is(200);
    let items = answer.body["items"].as_array().expect("a list");
    let mut kinds: Vec<String> =
        items.iter().map(|alert| alert["kind"].as_str().expect("a kind").to_owned()).collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn what_makes_nothing_worse_is_done_and_what_does_is_refused_with_the_whole_answer() {
    let serving = serving().await;
    let refused = vm(&serving, "large", "start", "", json!({"host": "b"})).await.is(409);
    assert_eq!(refused.code(), "cannot-be-done");
    assert_eq!(refused.body["admission"]["impediments"][0]["reason_code"], "over-full");
    let refused = vm(&serving, "much", "start", "", json!({"host": "b"})).await.is(409);
    assert_eq!(refused.code(), "would-break-target");
    let admission = &refused.body["admission"];
    assert_eq!((&admission["allowed"], &admission["verdict"]), (&json!(false), &json!("breaks-target")));
    assert_eq!(admission["before"]["tolerance"]["sequential"]["proven"], 1);
    assert_eq!(admission["after"]["tolerance"]["sequential"]["refuted"], 1);
    assert_eq!(admission["witness"]["failed_hosts"], json!(["c"]));
    assert_eq!(admission["memory_before"]["pool"]["protected_mib"], 150);
    assert_eq!(admission["memory_after"]["hosts"][1]["protected_mib"], 95);
    assert!(admission["remedies"].as_array().is_some_and(|remedies| !remedies.is_empty()), "{admission}");
    let done = vm(&serving, "little", "start", "", json!({})).await.is(200);
    assert_eq!((&done.body["done"], &done.body["forced"]), (&json!(true), &json!(false)));
    assert_eq!(done.body["admission"]["suggested_host"], "a", "b and c need their room for one another");
    assert_eq!(serving.get("/v1/pools/p/vms/little").await.is(200).body["host"], "a");
    let log = serving.get("/v1/pools/p/events").await.is(200).body;
    let last = log["items"].as_array().expect("a list").iter().rfind(|entry| entry["kind"] == "vm-started");
    assert_eq!(last.expect("it is logged")["host"], "a");
}

#[tokio::test]
async fn a_check_judges_and_changes_nothing() {
    let serving = serving().await;
    let only = vm(&serving, "much", "start", "?check=only", json!({"host": "b"})).await.is(200);
    assert_eq!((&only.body["done"], &only.body["admission"]["allowed"]), (&json!(false), &json!(false)));
    for (change, verdict) in [
        (json!({"start": {"vm": "little", "host": "a"}}), "fine"),
        (json!({"start": {"vm": "much", "host": "c"}}), "breaks-target"),
        (json!({"start": {"vm": "large", "host": null}}), "cannot-be-done"),
        (json!({"stop": {"vm": "v1"}}), "fine"),
        (json!({"vm-memory": {"vm": "v2", "memory_mib": 51}}), "breaks-target"),
        (json!({"restart-priority": {"vm": "u", "restart_priority": "restart"}}), "fine"),
        (json!({"host-state": {"host": "a", "state": "disabled"}}), "fine"),
        (json!({"host-memory": {"host": "b", "memory_mib": 99}}), "breaks-target"),
        (json!({"host-memory": {"host": "b", "memory_mib": 120}}), "fine"),
        (json!({"unplug-storage": {"host": "a", "storage": "san"}}), "cannot-be-done"),
        (json!({"unplug-storage": {"host": "b", "storage": "san"}}), "fine"),
        (json!({"target": {"host_failures_to_tolerate": 2}}), "breaks-target"),
        (json!({"target": {"host_failures_to_tolerate": 0}}), "fine"),
        (json!({"migrate": {"vm": "u", "host": "b"}}), "fine"),
        (json!({"migrate": {"vm": "v2", "host": "a"}}), "cannot-be-done"),
        (json!({"remove-host": {"host": "a", "leave_pending": true}}), "breaks-target"),
    ] {
        let answer = serving.post("/v1/pools/p/check", &change).await.is(200);
        assert_eq!(answer.body["verdict"], verdict, "{change}: {}", answer.body["reason"]);
    }
    let target =
        serving.post("/v1/pools/p/check", &json!({"target": {"host_failures_to_tolerate": 2}})).await;
    assert_eq!(target.body["most_proven"], 1);
    assert_eq!(
        serving.post("/v1/pools/p/check", &json!({"stop": {"vm": "x"}})).await.is(422).code(),
        "faulty-document"
    );
    assert_eq!(serving.get("/v1/pools/p").await.is(200).header("etag"), "\"1\"", "nothing has changed");
}

#[tokio::test]
async fn forcing_needs_a_reason_which_is_written_down_everywhere() {
    let serving = serving().await;
    // What was tolerated before is known: without that nothing drops.
    settled(&serving).await;
    let start = |query: &'static str| vm(&serving, "much", "start", query, json!({"host": "b"}));
    assert_eq!(start("?force=true").await.is(400).code(), "bad-query");
    start("").await.is(409);
    let forced = start("?force=true&reason=night%20shift").await.is(200);
    assert_eq!(forced.body["forced"], true);
    let no = vm(&serving, "large", "start", "?force=true&reason=x", json!({"host": "b"})).await.is(409);
    assert_eq!(no.code(), "cannot-be-done", "force does not make room");
    let log = serving.get("/v1/pools/p/events").await.is(200).body;
    let entry = log["items"].as_array().expect("a list").iter().find(|entry| entry["kind"] == "vm-started");
    assert_eq!(entry.expect("it is logged")["forced"], "night shift");
    // Refusals are written down without being waited for; whatever is acknowledged after them comes behind them.
    serving.put("/v1/pools/p/ha/admission", &json!({"admission": "enforce"})).await.is(200);
    let audit = serving.get("/v1/audit").await.is(200).body;
    let items = audit["items"].as_array().expect("a list");
    let of = |outcome: &str| {
        items
            .iter()
            .filter(|one| one["outcome"] == outcome)
            .map(|one| one["resource"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("forced"), ["pools/p/vms/much"]);
    assert_eq!(of("refused"), ["pools/p/vms/large", "pools/p/vms/much"]);
    settled(&serving).await;
    assert_eq!(open_alerts(&serving).await, ["overcommitted", "tolerance-dropped"]);
    // A pool that falls short is guarded all the same.
    let settings = json!({"host_failures_to_tolerate": 2});
    let worse = serving.patch("/v1/pools/p/settings", &settings).await.is(409);
    assert_eq!(worse.code(), "would-make-worse");
    vm(&serving, "little", "start", "", json!({"host": "a"})).await.is(200);
    vm(&serving, "much", "stop", "", json!({"lift_protection": true})).await.is(200);
    settled(&serving).await;
    assert_eq!(open_alerts(&serving).await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_pool_may_only_be_warned() {
    let serving = serving().await;
    serving.put("/v1/pools/p/ha/admission", &json!({"admission": "warn"})).await.is(200);
    let done = vm(&serving, "much", "start", "", json!({"host": "b"})).await.is(200);
    assert_eq!((&done.body["done"], &done.body["admission"]["allowed"]), (&json!(true), &json!(false)));
    assert_eq!(serving.get("/v1/pools/p/ha").await.is(200).body["admission"], "warn");
}

#[tokio::test]
async fn of_two_starts_that_fit_alone_and_not_together_one_is_refused() {
    for round in 0..10 {
        let serving = Serving::new();
        let pool = json!({
            "format": "lifeboat.pool/v1", "id": "p", "settings": {"host_failures_to_tolerate": 1},
            "hosts": [{"id": "a", "memory_mib": 100}, {"id": "b", "memory_mib": 100}],
            "vms": [
                {"id": "p", "memory_mib": 40, "host": "a", "restart_priority": "restart"},
                {"id": "q", "memory_mib": 40, "host": "b", "restart_priority": "restart"},
                {"id": "s1", "memory_mib": 15, "restart_priority": "restart"},
                {"id": "s2", "memory_mib": 15, "restart_priority": "restart"}
            ]
        });
        serving.put("/v1/pools/p", &pool).await.is(201);
        let (first, second) = tokio::join!(
            vm(&serving, "s1", "start", "", json!({"host": "a"})),
            vm(&serving, "s2", "start", "", json!({"host": "b"})),
        );
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}: {} {}", first.body, second.body);
    }
}

#[tokio::test]
async fn vms_stop_migrate_suspend_and_resume() {
    let serving = serving().await;
    assert_eq!(vm(&serving, "v1", "stop", "", json!({})).await.is(409).code(), "vm-is-protected");
    vm(&serving, "v1", "stop", "", json!({"lift_protection": true})).await.is(200);
    let stopped = serving.get("/v1/pools/p/vms/v1").await.is(200).body;
    let priority = stopped["restart_priority"].as_str().unwrap_or_default();
    assert_eq!((&stopped["power_state"], priority), (&json!("halted"), ""));
    vm(&serving, "u", "stop", "", json!({})).await.is(200);
    vm(&serving, "w1", "start", "", json!({"host": "a"})).await.is(200);
    vm(&serving, "v2", "migrate", "", json!({"host": "a"})).await.is(200);
    assert_eq!(serving.get("/v1/pools/p/vms/v2").await.is(200).body["migrating_to"], "a");
    vm(&serving, "v2", "abort-migration", "", json!({})).await.is(200);
    assert_eq!(
        vm(&serving, "v2", "abort-migration", "", json!({})).await.is(409).code(),
        "impossible-change"
    );
    let migration = vm(&serving, "v2", "migrate", "", json!({"host": "a"})).await.is(200);
    assert!(migration.body["admission"]["under_way"]["tolerance"].is_object(), "{}", migration.body);
    vm(&serving, "v2", "end-migration", "", json!({})).await.is(200);
    assert_eq!(serving.get("/v1/pools/p/vms/v2").await.is(200).body["host"], "a");
    vm(&serving, "w1", "suspend", "", json!({})).await.is(200);
    assert_eq!(vm(&serving, "v2", "resume", "", json!({})).await.is(409).code(), "vm-not-suspended");
    vm(&serving, "w1", "resume", "", json!({})).await.is(200);
    assert_eq!(vm(&serving, "w1", "explode", "", json!({})).await.is(404).code(), "no-such-route");
    assert_eq!(vm(&serving, "nobody", "start", "", json!({})).await.is(404).code(), "no-such-resource");
    assert_eq!(vm(&serving, "w1", "start", "", json!({"hots": "a"})).await.is(422).code(), "faulty-document");
}

#[tokio::test]
async fn a_host_is_emptied_step_by_step_as_it_is_told() {
    let serving = serving().await;
    let plan = serving.get("/v1/pools/p/hosts/a/evacuation").await.is(200).body;
    assert_eq!((&plan["complete"], &plan["admission"]["allowed"]), (&json!(true), &json!(true)));
    let moves = plan["moves"].as_array().expect("moves").clone();
    assert_eq!((moves.len(), &moves[0]["vm"], &moves[1]["vm"]), (2, &json!("v1"), &json!("u")));
    let begun = host(&serving, "a", "evacuate", "").await.is(200);
    let task = begun.body["task"].as_u64().expect("a task");
    assert_eq!(serving.get("/v1/pools/p/hosts/a").await.is(200).body["state"], "maintenance");
    assert_eq!(host(&serving, "a", "evacuate", "").await.is(200).body["task"], task, "it is one evacuation");
    let target = format!("/v1/pools/p/tasks/{task}");
    for step in &moves {
        tell(&serving, json!({"kind": "migration-begun", "vm": step["vm"], "host": step["to"]})).await;
        let state = serving.get(&target).await.is(200).body;
        let at = state["steps"].as_array().expect("steps").iter().find(|one| one["vm"] == step["vm"]);
        assert_eq!(at.expect("the step")["state"], "under-way");
        assert_eq!(state["state"], "running");
        tell(&serving, json!({"kind": "migration-ended", "vm": step["vm"], "host": step["to"]})).await;
    }
    let ended = serving.get(&target).await.is(200).body;
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("done"), &json!("nothing runs there any more")));
    tell(&serving, json!({"kind": "host-down", "host": "a"})).await;
    assert!(!open_alerts(&serving).await.contains(&"host-failed".to_owned()), "it was emptied first");
    assert_eq!(host(&serving, "a", "enable", "").await.is(409).code(), "host-is-down");
    tell(&serving, json!({"kind": "host-up", "host": "a"})).await;
    host(&serving, "a", "enable", "").await.is(200);
    host(&serving, "b", "disable", "").await.is(200);
}

#[tokio::test]
async fn an_evacuation_is_given_up_by_enabling_the_host_and_outlives_the_service() {
    let serving = serving().await;
    let task = host(&serving, "c", "evacuate", "").await.is(200).body["task"].as_u64().expect("a task");
    let serving = serving.again().await;
    let target = format!("/v1/pools/p/tasks/{task}");
    assert_eq!(serving.get(&target).await.is(200).body["state"], "running");
    host(&serving, "c", "enable", "").await.is(200);
    assert_eq!(serving.get(&target).await.is(200).body["state"], "canceled");
    let listed = serving.get("/v1/pools/p/tasks?state=ended").await.is(200).body;
    assert_eq!(listed["items"][0]["id"], task);
    assert_eq!(serving.get("/v1/pools/p/tasks/99").await.is(404).code(), "not-found");
}

#[tokio::test]
async fn a_vm_that_can_go_nowhere_is_named_before_a_host_is_emptied() {
    let serving = serving().await;
    let local = json!({"id": "local", "memory_mib": 1, "host": "a", "storages": ["a-disk"]});
    tell(&serving, json!({"kind": "vm-created", "vm": local})).await;
    let refused = host(&serving, "a", "evacuate", "").await.is(409);
    assert_eq!(refused.code(), "cannot-be-evacuated");
    assert!(
        refused.body["detail"].as_str().is_some_and(|detail| detail.contains("local")),
        "{}",
        refused.body
    );
    let forced = host(&serving, "a", "evacuate", "?force=true&reason=repair").await.is(200);
    let task = serving.get(&format!("/v1/pools/p/tasks/{}", forced.body["task"])).await.is(200).body;
    let stuck = task["steps"].as_array().expect("steps").iter().find(|step| step["state"] == "stuck");
    assert_eq!(stuck.expect("it is named")["vm"], "local");
}

#[tokio::test]
async fn a_host_is_dead_on_an_operators_word_and_on_force_while_it_is_seen_alive() {
    let serving = serving().await;
    assert_eq!(host(&serving, "b", "confirm-dead", "").await.is(409).code(), "host-is-live");
    tell(&serving, json!({"kind": "host-down", "host": "b"})).await;
    assert!(open_alerts(&serving).await.contains(&"host-failed".to_owned()));
    host(&serving, "b", "confirm-dead", "").await.is(200);
    assert_eq!(serving.get("/v1/pools/p/hosts/b").await.is(200).body["state"], "fenced");
    let forced = host(&serving, "c", "confirm-dead", "?force=true&reason=unplugged").await.is(200);
    assert_eq!(forced.body["forced"], true);
    let alerts = serving.get("/v1/pools/p/alerts").await.is(200).body;
    let id = alerts["items"].as_array().expect("a list").iter().find(|alert| alert["kind"] == "host-failed");
    let id = id.expect("one failed")["id"].as_u64().expect("a number");
    let noted = serving.post(&format!("/v1/pools/p/alerts/{id}/acknowledge"), &json!({})).await.is(200).body;
    assert_eq!(noted["acknowledged"]["by"], "local");
    let serving = serving.again().await;
    let kept = serving.get("/v1/pools/p/alerts?limit=1000").await.is(200).body;
    let kept = kept["items"].as_array().expect("a list").iter().find(|alert| alert["id"] == id).cloned();
    assert_eq!(kept.expect("it is kept"), noted);
    tell(&serving, json!({"kind": "host-up", "host": "b"})).await;
    let closed = serving.get("/v1/pools/p/alerts?state=closed").await.is(200).body;
    assert!(
        closed["items"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|alert| alert["closed_because"] == "the host is up again")
    );
}

#[tokio::test]
async fn high_availability_is_enabled_where_nothing_is_against_it() {
    let serving = serving().await;
    let shown = serving.get("/v1/pools/p/ha").await.is(200).body;
    assert_eq!((&shown["enabled"], &shown["preconditions"]["met"]), (&json!(false), &json!(true)));
    assert_eq!(shown["preconditions"]["storage"], "san");
    let disk = &shown["preconditions"]["storages"][1];
    assert_eq!((&disk["fit"], &disk["obstacles"][0]["code"]), (&json!(false), &json!("not-shared")));
    let warned = shown["preconditions"]["warnings"].as_array().expect("warnings");
    assert!(warned.iter().any(|one| one["code"] == "unknown-until-an-agent-reports"), "{warned:?}");
    let unfit = serving.post("/v1/pools/p/ha/enable", &json!({"storage": "a-disk"})).await.is(409);
    assert_eq!(
        (unfit.code(), &unfit.body["preconditions"]["refusals"][0]["code"]),
        ("cannot-enable", &json!("storage-unfit"))
    );
    let fast = serving.post("/v1/pools/p/ha/enable", &json!({"timeout_s": 1})).await.is(409);
    assert_eq!(fast.body["preconditions"]["refusals"][0]["code"], "timeout-out-of-range");
    let enabled = serving.post("/v1/pools/p/ha/enable", &json!({"timeout_s": 20})).await.is(200).body;
    assert_eq!(
        (&enabled["enabled"], &enabled["storage"], &enabled["timeout_s"]),
        (&json!(true), &json!("san"), &json!(20))
    );
    let cut = serving.patch("/v1/pools/p/hosts/b", &json!({"storages": []})).await.is(409);
    assert_eq!(cut.code(), "heartbeat-storage-in-use");
    let serving = serving.again().await;
    assert_eq!(serving.get("/v1/pools/p/ha").await.is(200).body["enabled"], true);
    let hasty = serving.post("/v1/pools/p/ha/emergency-disable", &json!({})).await.is(409);
    assert_eq!(hasty.code(), "force-needed");
    let disabled = serving
        .post("/v1/pools/p/ha/emergency-disable?force=true&reason=fire", &json!({}))
        .await
        .is(200)
        .body;
    assert_eq!((&disabled["enabled"], &disabled["emergency"]), (&json!(false), &json!("fire")));
    tell(&serving, json!({"kind": "host-down", "host": "c"})).await;
    let refused = serving.post("/v1/pools/p/ha/enable", &json!({})).await.is(409).body;
    let down = json!({"code": "host-not-live", "host": "c", "text": "the host is not live"});
    assert!(
        refused["preconditions"]["refusals"].as_array().is_some_and(|all| all.contains(&down)),
        "{refused}"
    );
}

#[tokio::test]
async fn the_published_verdict_the_plan_and_suppositions_can_be_read() {
    let serving = serving().await;
    settled(&serving).await;
    let verdict = serving.get("/v1/pools/p/tolerance").await.is(200).body;
    assert_eq!((&verdict["revision"], &verdict["up_to_date"]), (&json!(1), &json!(true)));
    assert_eq!(verdict["tolerance"]["sequential"]["proven"], 1);
    let log = serving.get("/v1/pools/p/events").await.is(200).body;
    let told = log["items"].as_array().expect("a list").iter().filter(|entry| entry["kind"] == "verdict");
    let told: Vec<&Value> = told.collect();
    assert_eq!(told.last().expect("it is logged")["sequential"], json!({"proven": 1, "refuted": 2}));
    let plan = serving.get("/v1/pools/p/plan?fail=a").await.is(200).body;
    assert_eq!((&plan["restarts"][0]["vm"], &plan["unplaced"]), (&json!("v1"), &json!([])));
    assert_eq!(serving.get("/v1/pools/p/plan?fail=x").await.is(400).code(), "unknown-host");
    let diagnosis = serving.get("/v1/pools/p/vms/v1/diagnosis").await.is(200).body;
    assert_eq!(diagnosis["vm"], "v1");
    let suppose = json!({"restart_priorities": {"v1": "", "v2": "best-effort", "v3": ""}});
    let supposed = serving.post("/v1/pools/p/hypothetical", &suppose).await.is(200).body;
    assert_eq!((&supposed["most_proven"], &supposed["now"]["sequential"]["proven"]), (&json!(3), &json!(1)));
    let unknown = json!({"restart_priorities": {"nobody": ""}});
    assert_eq!(serving.post("/v1/pools/p/hypothetical", &unknown).await.is(404).code(), "no-such-resource");
}

#[tokio::test]
async fn what_is_measured_can_be_read() {
    let serving = serving().await;
    settled(&serving).await;
    vm(&serving, "much", "start", "", json!({"host": "b"})).await.is(409);
    let text = serving.service.metrics().encode(Some(&serving.engine));
    for line in [
        "lifeboat_pool_tolerance{pool=\"p\",notion=\"sequential\",bound=\"proven\"} 1",
        "lifeboat_pool_margin{pool=\"p\"} 0",
        "lifeboat_pool_overcommitted{pool=\"p\"} 0",
        "lifeboat_pool_plan_age_seconds{pool=\"p\"} 0.0",
        "lifeboat_pool_hosts{pool=\"p\",state=\"live\"} 3",
        "lifeboat_admission_verdicts_total{pool=\"p\",verdict=\"breaks-target\",outcome=\"refused\"} 1",
        "lifeboat_http_requests_total{method=\"POST\",route=\"/v1/pools/{pool}/vms/{id}/actions/{action}\",status=\"409\"} 1",
        "lifeboat_store_failing 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is missing in\n{text}");
    }
}
