//! `lifeboat plan`: the verdict and restart plans, as JSON and as text.
use crate::program::{lifeboat, write};
use flate2::{Compression, write::GzEncoder};
use lifeboat_tests::program::folder;
use serde_json::{Value, json};
use std::io::Write;

/// Memory free 40, 30, 0 GiB; VMs of 30, 20, 20 on the third host: tolerates exactly one.
pub(crate) fn pool() -> Value {
    json!({
        "format": "lifeboat.pool/v1", "id": "prod-a", "settings": { "host_failures_to_tolerate": 1 },
        "hosts": [
            { "id": "h1", "memory_mib": 40960 }, { "id": "h2", "memory_mib": 30720 }, { "id": "h3", "memory_mib": 71680 }
        ],
        "vms": [
            { "id": "db1", "memory_mib": 30720, "host": "h3", "restart_priority": "restart", "order": 0 },
            { "id": "web1", "memory_mib": 20480, "host": "h3", "restart_priority": "restart", "order": 1 },
            { "id": "web2", "memory_mib": 20480, "host": "h3", "restart_priority": "restart", "order": 1 },
            { "id": "lab7", "memory_mib": 1, "host": "h3", "restart_priority": "restart", "allowed_hosts": ["h3"] }
        ]
    })
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_verdict_has_the_shape_that_scripts_rely_on() {
    let folder = folder("plan-shape");
    let mut pool = pool();
    pool["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "pool.json", pool.to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json", "--json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let answer = ran.json();
    let bounds = json!({ "proven": 1, "refuted": 2, "stopped_by": null });
    let tolerance = json!({ "simultaneous": bounds, "sequential": bounds, "limited_by": "capacity" });
    assert_eq!(answer["tolerance"], tolerance);
    assert_eq!(answer["pool"], "prod-a");
    assert_eq!((&answer["hosts"], &answer["vms"], &answer["protected"]), (&json!(3), &json!(4), &json!(4)));
    assert_eq!((&answer["pending_placement"], &answer["over_full"]), (&json!([]), &json!([])));
    assert_eq!((&answer["target"], &answer["effective_target"]), (&json!(1), &json!(1)));
    assert_eq!((&answer["target_status"], &answer["overcommitted"]), (&json!("proven"), &json!(false)));
    assert!(answer["elapsed_us"].is_u64());
    let unprotectable = &answer["unprotectable"][0];
    assert_eq!(unprotectable["vm"], "lab7");
    assert_eq!(unprotectable["hosts"].as_array().map(Vec::len), Some(2), "a reason for each other host");
    assert!(
        ["host", "reason"].iter().all(|key| unprotectable["hosts"][0][key].is_string()),
        "{unprotectable}"
    );
    let witness = &answer["witness"];
    assert_eq!(keys(witness), ["failed_hosts", "n", "notion", "reason", "reason_code", "resource", "vms"]);
    assert_eq!((&witness["n"], &witness["notion"]), (&json!(2), &json!("simultaneous")));
    assert_eq!(witness["failed_hosts"].as_array().map(Vec::len), Some(2));
    assert_eq!(witness["resource"], "memory_mib");
}

#[test]
fn a_compressed_document_is_read_like_a_plain_one() {
    let folder = folder("plan-gzip");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(pool().to_string().as_bytes()).expect("memory");
    write(&folder, "pool.json.gz", encoder.finish().expect("memory"));
    write(&folder, "pool.json", pool().to_string());
    let without_time = |name: &str| {
        let ran = lifeboat(&folder, &["plan", name, "--allow-over-full", "--json"]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let mut answer = ran.json();
        answer["elapsed_us"] = Value::Null;
        answer
    };
    assert_eq!(without_time("pool.json.gz"), without_time("pool.json"));
}

#[test]
fn check_ends_with_three_where_the_target_is_not_proven_and_with_zero_where_it_is() {
    let folder = folder("plan-check");
    let mut document = pool();
    document["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "held.json", document.to_string());
    document["settings"]["host_failures_to_tolerate"] = json!(2);
    write(&folder, "missed.json", document.to_string());
    assert_eq!(lifeboat(&folder, &["plan", "held.json", "--check"]).status, 0);
    assert_eq!(lifeboat(&folder, &["plan", "missed.json"]).status, 0, "asked for a verdict, not for a check");
    let missed = lifeboat(&folder, &["plan", "missed.json", "--check", "--json"]);
    assert_eq!(missed.status, 3);
    assert_eq!(missed.json()["overcommitted"], true);
    assert_eq!(missed.json()["target_status"], "refuted");
}

#[test]
fn max_names_itself_as_what_stopped_the_search() {
    let folder = folder("plan-max");
    let document = json!({
        "format": "lifeboat.pool/v1", "id": "p",
        "hosts": (0..6).map(|host| json!({ "id": format!("h{host}"), "memory_mib": 10 })).collect::<Vec<_>>(),
        "vms": [{ "id": "v", "memory_mib": 1, "host": "h0", "restart_priority": "restart" }]
    });
    write(&folder, "pool.json", document.to_string());
    let answer = lifeboat(&folder, &["plan", "pool.json", "--max", "2", "--json"]).json();
    assert_eq!(answer["tolerance"]["simultaneous"]["proven"], 2);
    assert_eq!(answer["tolerance"]["simultaneous"]["stopped_by"], "max");
    let all = lifeboat(&folder, &["plan", "pool.json", "--json"]).json();
    assert_eq!(all["tolerance"]["sequential"], json!({ "proven": 5, "refuted": 6, "stopped_by": null }));
}

#[test]
fn the_same_work_limit_gives_the_same_bytes() {
    let folder = folder("plan-bytes");
    write(&folder, "pool.json", pool().to_string());
    let bytes = || {
        let arguments = [
            "plan",
            "pool.json",
            "--allow-over-full",
            "--json",
            "--work-limit",
            "1000",
            "--time-limit",
            "3600",
        ];
        let ran = lifeboat(&folder, &arguments);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let elapsed = format!("\"elapsed_us\": {}", ran.json()["elapsed_us"]);
        assert_eq!(ran.out.matches(&elapsed).count(), 1, "{}", ran.out);
        ran.out.replace(&elapsed, "")
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn a_restart_plan_names_every_restart_in_order_and_what_remains() {
    let folder = folder("plan-fail");
    let mut document = pool();
    document["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "pool.json", document.to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json", "--fail", "h3", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let answer = ran.json();
    assert_eq!(answer["failed"], json!(["h3"]));
    let restarts = answer["restarts"].as_array().expect("restarts");
    assert_eq!(
        restarts[0],
        json!({ "vm": "db1", "from": "h3", "to": "h2", "order": 0, "priority": "restart" })
    );
    let to: Vec<&Value> = restarts.iter().map(|restart| &restart["to"]).collect();
    assert_eq!(to, ["h2", "h1", "h1"]);
    assert_eq!(answer["unplaced"][0]["vm"], "lab7");
    assert_eq!(keys(&answer["unplaced"][0]), ["reason", "reason_code", "vm"]);
    assert_eq!(answer["remaining_tolerance"]["simultaneous"]["proven"], 0);
}

#[test]
fn text_for_people_names_the_tolerance_and_the_witness() {
    let folder = folder("plan-text");
    let mut document = pool();
    document["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "pool.json", document.to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json"]);
    assert_eq!(ran.status, 0);
    for word in ["prod-a", "1", "lab7", "h3"] {
        assert!(ran.out.contains(word), "no {word} in {}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}'), "no colours into a file");
}
