//! Input that cannot be used: every fault with its JSON pointer on standard error, status 1, never a panic.
use crate::plan::pool;
use crate::program::{lifeboat, write};
use lifeboat_tests::program::folder;
use serde_json::json;

#[test]
fn every_fault_of_a_document_is_reported_with_its_pointer() {
    let folder = folder("faults-all");
    let mut document = pool();
    document["hosts"][1]["id"] = json!("h1");
    document["hosts"][0]["colour"] = json!("red");
    document["vms"][0]["host"] = json!("nowhere");
    document["vms"][1]["memory_mib"] = json!("much");
    document["vms"][2]["order"] = json!(-1);
    document["groups"] = json!([{ "id": "g", "rule": "anti-affinity", "vms": ["db1", "ghost"] }]);
    write(&folder, "pool.json", document.to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json", "--json"]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    for pointer in [
        "/hosts/1/id",
        "/hosts/0/colour",
        "/vms/0/host",
        "/vms/1/memory_mib",
        "/vms/2/order",
        "/groups/0/vms/1",
    ] {
        assert!(ran.err.contains(pointer), "no {pointer} in {}", ran.err);
    }
}

#[test]
fn what_is_no_document_at_all_is_refused_without_a_panic() {
    let folder = folder("faults-garbage");
    let texts: [&[u8]; 8] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"format\":\"lifeboat.pool/v2\"}",
        b"\x1f\x8b\x08garbage",
        b"1e999",
    ];
    for text in texts {
        write(&folder, "pool.json", text);
        let ran = lifeboat(&folder, &["plan", "pool.json"]);
        assert_eq!(ran.status, 1, "{text:?}: {}", ran.err);
        assert!(!ran.err.is_empty() && !ran.err.contains("panicked"), "{text:?}: {}", ran.err);
    }
    assert_eq!(lifeboat(&folder, &["plan", "not-there.json"]).status, 1);
    assert_eq!(lifeboat(&folder, &["plan", "pool.json", "--no-such-flag"]).status, 1);
}

#[test]
fn over_full_hosts_are_a_fault_unless_allowed() {
    let folder = folder("faults-over-full");
    let mut document = pool();
    document["hosts"][2]["memory_mib"] = json!(71680 - 1024);
    write(&folder, "pool.json", document.to_string());
    let refused = lifeboat(&folder, &["plan", "pool.json"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("/hosts/2"), "{}", refused.err);
    let allowed = lifeboat(&folder, &["plan", "pool.json", "--allow-over-full", "--json"]);
    assert_eq!(allowed.status, 0, "{}", allowed.err);
    assert_eq!(allowed.json()["over_full"], json!([{ "host": "h3", "resource": "memory_mib", "by": 1025 }]));
}

#[test]
fn a_host_that_is_not_there_cannot_fail() {
    let folder = folder("faults-fail");
    write(&folder, "pool.json", pool().to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json", "--allow-over-full", "--fail", "h1,h99"]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("h99"), "{}", ran.err);
}
