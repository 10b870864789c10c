//! Terms: a pool comes to be, hosts die, another service takes over.
use super::{Beside, LIVE, POOL, host, path_of};
use lifeboat::clock::Stopwatch;
use lifeboat_link::FromService;
use lifeboat_link::frame::OperatorWish;
use lifeboat_protocol::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) fn led(folder: &std::path::Path, epoch: u64) -> Beside {
    let mut beside = Beside::start(folder, 1);
    beside.begin(epoch);
    beside.agreed([LIVE; 3]);
    beside
}

/// A pool of three hosts, whose VMs are protected.
pub(super) fn pool(folder: &std::path::Path) -> Beside {
    let mut beside = led(folder, 1);
    beside.session(1, &["web"]);
    beside.session(2, &["db1", "db2"]);
    beside.session(3, &[]);
    beside.see(&format!("/v1/pools/{POOL}"), |pool| {
        pool["hosts"].as_array().map(Vec::len) == Some(3) && pool["vms"].as_array().map(Vec::len) == Some(3)
    });
    for vm in ["web", "db1", "db2"] {
        beside.protect(vm);
    }
    beside
}

#[test]
fn a_pool_comes_to_be_from_what_its_hosts_say_and_is_conducted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (_, document) = beside.get(&format!("/v1/pools/{POOL}"));
    assert_eq!(document["vms"][0]["storages"], json!(["san"]));
    beside.dies(2);
    let since = Stopwatch::start();
    let mut started = BTreeSet::new();
    for _ in 0..2 {
        let (on, id, vm) = beside.start_order();
        // Two seconds is the promise, held in virtual time and measured on hosts; a machine that runs tests may stand still for so long.
        assert!(!since.has_reached(Duration::from_secs(4)), "evidence in hand, and {:?}", since.elapsed());
        assert_ne!(on, host(2));
        assert!(beside.is_told_of(on, &vm), "its host knows what it is made of first");
        beside.done(on, id);
        started.insert(vm);
    }
    assert_eq!(started, ["db1".to_owned(), "db2".to_owned()].into());
    beside.see(&format!("/v1/pools/{POOL}/hosts/h2"), |host| host["state"] == "fenced");
    for vm in ["db1", "db2"] {
        beside.see(&path_of(vm), |vm| vm["host"].is_string() && vm["host"] != "h2");
    }
    beside.see(&format!("/v1/pools/{POOL}/alerts"), |alerts| {
        let alerts = alerts["items"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|alert| alert["kind"] == "host-failed")
    });
}

#[test]
fn the_next_service_goes_on_with_everything_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = pool(folder.path());
    first.dies(2);
    let (on, _, vm) = first.start_order();
    // It is killed while restarts are under way: one start is out, the outcome unknown.
    first.killed();
    let mut second = led(folder.path(), 2);
    second.dies(2);
    let here = |number| if on == host(number) { vec!["web", &*vm] } else { vec!["web"] };
    second.session(1, &here(1));
    let there = if on == host(3) { vec![&*vm] } else { Vec::new() };
    second.session(3, &there);
    let (to, id, other) = second.start_order();
    assert_ne!(other, vm, "that one runs already");
    assert_ne!(to, host(2));
    assert_eq!(id.epoch.0, 2);
    let priority = second.see(&path_of("db1"), |vm| vm["id"] == "db1")["restart_priority"].clone();
    assert_eq!(priority, Value::from("restart"));
    second.see(&format!("/v1/pools/{POOL}/alerts"), |alerts| {
        let alerts = alerts["items"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|alert| alert["kind"] == "host-failed" && alert["closed_at"].is_null())
    });
    let starts = second.before.iter().filter(|frame| {
        matches!(frame, FromService::Order { order: Order::Start { vm: started, .. }, .. } if *started == vm)
    });
    assert_eq!(starts.count(), 0);
}

#[test]
fn a_service_that_cannot_open_its_store_has_another_host_lead() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("store.redb")).expect("a folder where the file should be");
    let mut beside = Beside::start(folder.path(), 1);
    beside.begin(1);
    assert_eq!(beside.wish(), OperatorWish::HandOver);
}
