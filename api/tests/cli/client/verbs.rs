//! What the nouns show, what they ask of the service, and that nothing dangerous happens without `--yes`.
use super::Stub;
use crate::{lifeboat, root};
use lifeboat::cli::Status;
use serde_json::{Value, json};
use std::fs;
use tempfile::tempdir;

fn admission(change: &str) -> Value {
    let run = lifeboat(&format!("lifeboat check docs/examples/three-hosts.json {change} --json"));
    serde_json::from_str(&run.out).expect("JSON")
}

fn done(admission: &Value) -> Value {
    json!({"done": true, "forced": false, "revision": 8, "admission": admission, "task": null})
}

fn refused(admission: &Value) -> Value {
    json!({"title": "Would break the target", "status": 409, "code": "would-break-target",
        "detail": admission["reason"], "admission": admission})
}

/// Dangerous commands, the change that each makes, and what it looks at first.
const DANGEROUS: [(&str, &str, &str); 9] = [
    ("host remove a", "DELETE /v1/pools/p/hosts/a", ""),
    ("host disable a", "POST /v1/pools/p/hosts/a/actions/disable", ""),
    ("host confirm-dead a", "POST /v1/pools/p/hosts/a/actions/confirm-dead", ""),
    ("vm remove mail", "DELETE /v1/pools/p/vms/mail", ""),
    ("pool set-hftt 0", "PATCH /v1/pools/p/settings", "GET /v1/pools/p/settings"),
    ("pool disable-ha", "POST /v1/pools/p/ha/disable", ""),
    ("storage unplug a san", "PATCH /v1/pools/p/hosts/a", "GET /v1/pools/p/hosts/a"),
    ("network unplug a lan", "PATCH /v1/pools/p/hosts/a", "GET /v1/pools/p/hosts/a"),
    ("host evacuate a", "POST /v1/pools/p/hosts/a/actions/evacuate", "GET /v1/pools/p/hosts/a/evacuation"),
];

fn dangerous(change: &str, look: &str) -> Stub {
    let seen = json!({"id": "a", "memory_mib": 1, "storages": ["san", "x"], "networks": ["lan"],
        "host_failures_to_tolerate": 1, "complete": true, "moves": [], "stuck": [],
        "admission": admission("--maintenance c")});
    let stub = Stub::start().answers(change, 200, json!({"done": true, "revision": 2}));
    if look.is_empty() { stub } else { stub.answers(look, 200, seen) }
}

#[test]
fn nothing_dangerous_is_done_without_yes() {
    for (command, change, look) in DANGEROUS {
        let stub = dangerous(change, look);
        let run = stub.run(&format!("{command} --pool p"));
        assert_eq!(run.status, Status::Answered, "{command}: {}{}", run.out, run.err);
        assert!(run.out.contains("Nothing has been changed; --yes"), "{command}: {}", run.out);
        for asked in stub.changes() {
            assert!(asked.what.ends_with("?check=only"), "{command} asked {}", asked.what);
        }
    }
}

#[test]
fn with_yes_it_is_done_once_with_a_key() {
    for (command, change, look) in DANGEROUS {
        let stub = dangerous(change, look);
        let run = stub.run(&format!("{command} --pool p --yes"));
        assert_eq!(run.status, Status::Answered, "{command}: {}{}", run.out, run.err);
        let changes = stub.changes();
        assert_eq!(changes.len(), 1, "{command}");
        assert_eq!(changes[0].what, change, "{command}");
        assert!(changes[0].headers["idempotency-key"].len() > 30, "{command}");
    }
}

#[test]
fn a_pool_is_not_replaced_deleted_or_disarmed_without_yes() {
    let there = json!({"format": "lifeboat.pool/v1", "id": "p", "vms": [{"id": "gone", "memory_mib": 1}],
        "hosts": [{"id": "a", "memory_mib": 9}, {"id": "old", "memory_mib": 9}]});
    let stub = Stub::start()
        .answers("GET /v1/pools/p", 200, there)
        .answers("PUT /v1/pools/p", 200, json!({"done": true}))
        .answers("DELETE /v1/pools/p", 200, json!({"done": true}))
        .answers("POST /v1/pools/p/ha/emergency-disable", 200, json!({}));
    let import = stub.run("pool import docs/examples/three-hosts.json --pool p");
    insta::assert_snapshot!(import.out);
    insta::assert_snapshot!(stub.run("pool delete p").out);
    assert!(
        stub.run("pool emergency-disable --pool p").out.contains("Nothing has been changed; --yes --reason")
    );
    assert!(stub.changes().is_empty(), "{:?}", stub.changes());
    assert_eq!(
        stub.run("pool import docs/examples/three-hosts.json --pool p --yes").status,
        Status::Answered
    );
    assert_eq!(stub.run("pool delete p --yes").status, Status::Answered);
    let run = stub.run("pool emergency-disable --pool p --yes --reason gone");
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    let asked: Vec<String> = stub.changes().into_iter().map(|asked| asked.what).collect();
    let disarmed = "POST /v1/pools/p/ha/emergency-disable?force=true&reason=gone";
    assert_eq!(asked, ["PUT /v1/pools/p", "DELETE /v1/pools/p", disarmed]);
    assert_eq!(stub.changes()[0].body["id"], "p", "it goes where it is meant to go");
}

#[test]
fn a_new_pool_is_made_at_once_but_over_none_that_has_come_meanwhile() {
    let unknown = json!({"title": "No such pool", "status": 404, "code": "no-such-pool"});
    let stub = Stub::start().answers("GET /v1/pools/three-hosts", 404, unknown.clone()).answers(
        "PUT /v1/pools/three-hosts",
        201,
        json!({"done": true}),
    );
    let document = fs::read(root().join("docs/examples/three-hosts.json")).expect("it is there");
    let id = serde_json::from_slice::<Value>(&document).expect("JSON")["id"].clone();
    let stub = stub
        .answers(&format!("GET /v1/pools/{}", id.as_str().expect("a name")), 404, unknown)
        .answers(&format!("PUT /v1/pools/{}", id.as_str().expect("a name")), 201, json!({"done": true}));
    let run = stub.run("pool import docs/examples/three-hosts.json");
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    assert_eq!(stub.changes()[0].headers["if-none-match"], "*");
}

#[test]
fn what_admission_refuses_is_shown_as_check_shows_it_and_ends_with_three() {
    let admission = admission("--hftt 2");
    let stub = Stub::start()
        .answers("GET /v1/pools/p/settings", 200, json!({"host_failures_to_tolerate": 1}))
        .answers("PATCH /v1/pools/p/settings", 409, refused(&admission));
    let run = stub.run("pool set-hftt 2 --pool p");
    assert_eq!(run.status, Status::Overcommitted);
    let shown = lifeboat("lifeboat check docs/examples/three-hosts.json --hftt 2").out;
    assert_eq!(run.out, shown, "the same report");
    insta::assert_snapshot!(run.err);
    let forced = stub.run("pool set-hftt 2 --pool p --force --reason 'today'");
    assert_eq!(forced.status, Status::Overcommitted);
    let what = stub.changes().pop().expect("asked").what;
    assert_eq!(what, "PATCH /v1/pools/p/settings?force=true&reason=%27today%27");
    assert_eq!(stub.run("pool set-hftt 2 --pool p --force").status, Status::Unusable, "a reason is needed");
}

#[test]
fn what_makes_no_sense_now_ends_with_three_too_and_says_what_does() {
    let live = json!({"title": "Not as things are", "status": 409, "code": "host-is-live", "detail": "host a is seen alive"});
    let stub = Stub::start().answers("POST /v1/pools/p/hosts/a/actions/confirm-dead", 409, live);
    let run = stub.run("host confirm-dead a --pool p");
    assert_eq!(run.status, Status::Overcommitted);
    insta::assert_snapshot!(run.err);
}

#[test]
fn a_change_that_is_made_says_so_and_where_the_pool_stands() {
    let admission = admission("--stop build");
    let stub =
        Stub::start().answers("POST /v1/pools/p/vms/build/actions/suspend", 200, done(&admission)).answers(
            "POST /v1/pools/p/hosts/c/actions/enable",
            200,
            json!({"done": true, "forced": true, "task": 12}),
        );
    insta::assert_snapshot!(stub.run("vm suspend build --pool p").out);
    insta::assert_snapshot!(stub.run("host enable c --pool p").out);
    let judged = stub.run("vm suspend build --pool p --dry-run");
    assert!(judged.out.contains("Nothing has been changed; without --dry-run it is done."), "{}", judged.out);
}

#[test]
fn a_protected_vm_is_stopped_only_with_its_protection_lifted() {
    let vm = json!({"id": "db1", "memory_mib": 1024, "host": "a", "restart_priority": "restart"});
    let stub = Stub::start().answers("GET /v1/pools/p/vms/db1", 200, vm).answers(
        "POST /v1/pools/p/vms/db1/actions/stop",
        200,
        json!({"done": true}),
    );
    let run = stub.run("vm stop db1 --pool p");
    assert_eq!(run.status, Status::Unusable);
    insta::assert_snapshot!(run.err);
    assert!(stub.changes().is_empty());
    assert_eq!(stub.run("vm stop db1 --pool p --lift-protection").status, Status::Answered);
    assert_eq!(stub.changes()[0].body, json!({"lift_protection": true}));
}

#[test]
fn verbs_ask_for_what_they_say() {
    for (command, what, body) in [
        ("vm start v --on h", "POST /v1/pools/p/vms/v/actions/start", json!({"host": "h"})),
        ("vm start v", "POST /v1/pools/p/vms/v/actions/start", json!({})),
        ("vm migrate v h", "POST /v1/pools/p/vms/v/actions/migrate", json!({"host": "h"})),
        ("vm migrate v --abort", "POST /v1/pools/p/vms/v/actions/abort-migration", json!({})),
        ("vm protect v none", "PATCH /v1/pools/p/vms/v", json!({"restart_priority": ""})),
        ("vm delay v 30", "PATCH /v1/pools/p/vms/v", json!({"start_delay_s": 30})),
        ("vm set v resources/vcpus=8", "PATCH /v1/pools/p/vms/v", json!({"resources": {"vcpus": 8}})),
        ("host set h fault_domain=null", "PATCH /v1/pools/p/hosts/h", json!({"fault_domain": null})),
        ("pool set timeout_s=30", "PATCH /v1/pools/p/settings", json!({"timeout_s": 30})),
        ("pool admission warn --yes", "PUT /v1/pools/p/ha/admission", json!({"admission": "warn"})),
        ("pool enable-ha --storage s", "POST /v1/pools/p/ha/enable", json!({"storage": "s"})),
        ("alert acknowledge 3", "POST /v1/pools/p/alerts/3/acknowledge", json!({})),
        (
            "group create g anti-affinity v w",
            "PUT /v1/pools/p/groups/g",
            json!({"id": "g", "rule": "anti-affinity", "mode": "required", "vms": ["v", "w"]}),
        ),
    ] {
        let stub = Stub::start().answers(what, 200, json!({"done": true}));
        let run = stub.run(&format!("{command} --pool p"));
        assert_eq!(run.status, Status::Answered, "{command}: {}", run.err);
        assert_eq!(stub.changes()[0].body, body, "{command}");
    }
}

#[test]
fn a_storage_is_plugged_into_what_a_host_has_without_saying_so() {
    let storages = json!({"items": [{"id": "san1"}, {"id": "local", "shared": false}], "next": null});
    let stub = Stub::start()
        .answers("GET /v1/pools/p/hosts/a", 200, json!({"id": "a", "memory_mib": 1}))
        .answers("GET /v1/pools/p/storages", 200, storages)
        .answers("PATCH /v1/pools/p/hosts/a", 200, json!({"done": true}));
    assert_eq!(stub.run("storage plug a local --pool p").status, Status::Answered);
    assert_eq!(stub.changes()[0].body, json!({"storages": ["san1", "local"]}));
    let run = stub.run("storage plug a san1 --pool p");
    assert!(run.err.contains("nothing to do") && stub.changes().len() == 1, "{}", run.err);
}

#[test]
fn lists_read_well_in_a_terminal_and_out_of_one() {
    let hosts = json!({"next": null, "items": [
        {"id": "h01", "memory_mib": 786_432, "reserved_mib": 8192, "resources": {"vcpus": 256}, "fault_domain": "rack-1"},
        {"id": "h02", "memory_mib": 786_432, "state": "dead"}]});
    let vms = json!({"next": "c", "items": [
        {"id": "db1", "memory_mib": 65_536, "overhead_mib": 512, "host": "h01", "restart_priority": "restart",
         "order": 0, "start_delay_s": 30, "migrating_to": "h03"},
        {"id": "lost", "memory_mib": 512, "restart_priority": "restart", "should_run": true},
        {"id": "lab7", "memory_mib": 1536, "host": "h02", "power_state": "paused"}]});
    let stub =
        Stub::start().answers("GET /v1/pools/p/hosts", 200, hosts).answers("GET /v1/pools/p/vms", 200, vms);
    insta::assert_snapshot!(stub.run("host list --pool p").out);
    insta::assert_snapshot!(stub.run_at("vm list --pool p", Some(60)).out);
}

#[test]
fn secrets_of_new_tokens_go_to_a_file_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let made = json!({"token": "lb_4kq7_hush", "record": {"id": "4kq7", "name": "x", "role": "viewer"}});
    let stub = Stub::start().answers("POST /v1/tokens", 201, made);
    let run = stub.run("token create x --role viewer --for-pool a --days 2");
    assert_eq!(run.out, "lb_4kq7_hush\n", "nothing else, so that it can be sent to a file");
    assert_eq!(
        stub.changes()[0].body,
        json!({"name": "x", "role": "viewer", "pools": ["a"], "expires_in_s": 172_800})
    );
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("x.token");
    let run = stub.run(&format!("token create x --role viewer --json --out {}", file.display()));
    assert!(!format!("{}{}", run.out, run.err).contains("hush"), "{}{}", run.out, run.err);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "lb_4kq7_hush\n");
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(
        stub.run(&format!("token create x --role viewer --out {}", file.display())).status,
        Status::Unusable
    );
}

#[test]
fn events_are_told_one_by_one_or_many_and_what_is_left_out_is_named() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    fs::write(&file, "{\"kind\":\"host-down\",\"host\":\"a\"}\n[{\"kind\":\"host-up\",\"host\":\"b\"}]\n")
        .expect("a place");
    let outcomes = json!({"revision": 3, "outcomes": [{"outcome": "applied"},
        {"outcome": "refused", "code": "unknown", "detail": "the pool has no host \"b\""}]});
    let stub = Stub::start().answers("POST /v1/pools/p/events", 200, outcomes);
    let run = stub.run(&format!("event tell {} --pool p", file.display()));
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, "done: 1 event told\n"));
    assert_eq!(run.err, "left out: event 2: the pool has no host \"b\"\n");
    assert_eq!(stub.changes()[0].body.as_array().map(Vec::len), Some(2));
}

#[test]
fn the_verbs_of_the_planner_take_a_served_pool() {
    let document: Value = serde_json::from_slice(
        &fs::read(root().join("docs/examples/three-hosts.json")).expect("it is there"),
    )
    .expect("JSON");
    let stub = Stub::start().answers("GET /v1/pools/p", 200, document);
    for verb in [
        "plan",
        "explain",
        "repair",
        "check --hftt 2",
        "capacity --memory-mib 1024",
        "diagnose",
        "plan --fail a",
    ] {
        let served = stub.run(
            &format!("{verb} --pool p --work-limit 100000")
                .replace("diagnose --pool p --work-limit 100000", "diagnose --pool p"),
        );
        let (name, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        let filed = lifeboat(&format!("lifeboat {name} docs/examples/three-hosts.json {rest}"));
        assert_eq!((served.status, served.out), (filed.status, filed.out), "{verb}: {}", served.err);
    }
    let one = stub.run("diagnose --pool p mail");
    assert_eq!(one.out, lifeboat("lifeboat diagnose docs/examples/three-hosts.json mail").out);
    let both = stub.run("plan docs/examples/three-hosts.json --pool p");
    assert_eq!(both.status, Status::Unusable, "one or the other");
}
