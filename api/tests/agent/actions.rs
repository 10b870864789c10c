//! What people ask for is done: the coordinator is asked, the agents are told, and the document says what has become of it.
use super::terms::{led, pool};
use super::{POOL, host, path_of};
use lifeboat_link::frame::OperatorWish;
use lifeboat_link::note;
use lifeboat_link::{FromService, OrderNote};
use lifeboat_protocol::order::{Gate, Order};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn a_vm_is_stopped_started_and_migrated_by_its_hosts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, refused) = beside.act("vms/db1/actions/stop", &json!({}));
    assert_eq!((status, &refused["code"]), (409, &json!("vm-is-protected")));
    let (status, answer) = beside.act("vms/db1/actions/stop", &json!({"lift_protection": true}));
    assert_eq!(status, 200, "{answer}");
    let (on, Order::Stop { id, vm }) = beside.order() else { panic!("a stop") };
    assert_eq!((on, &*vm), (host(2), "db1"));
    beside.done(on, id);
    beside.see(&path_of("db1"), |vm| vm["host"].is_null() && vm["restart_priority"].is_null());
    let (status, answer) = beside.act("vms/db1/actions/start", &json!({"host": "h3"}));
    assert_eq!(status, 200, "{answer}");
    let (on, Order::Start { id, .. }) = beside.order() else { panic!("a start") };
    assert_eq!(on, host(3));
    beside.done(on, id);
    beside.see(&path_of("db1"), |vm| vm["host"] == "h3");
    beside.act_when_free("vms/db1/actions/migrate", &json!({"host": "h1"}));
    let (on, Order::Migrate { id, to, .. }) = beside.order() else { panic!("a migration") };
    assert_eq!((on, to), (host(3), host(1)));
    assert!(beside.is_told_of(host(1), "db1"));
    beside.see(&path_of("db1"), |vm| vm["migrating_to"] == "h1");
    beside.done(on, id);
    beside.see(&path_of("db1"), |vm| vm["host"] == "h1" && vm["migrating_to"].is_null());
    let (status, refused) = beside.act("vms/db1/actions/suspend", &json!({}));
    assert_eq!((status, &refused["code"]), (409, &json!("told-by-agents")));
}

#[test]
fn a_host_is_emptied_leaves_and_gets_its_vms_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, answer) = beside.act("hosts/h2/actions/evacuate", &json!({}));
    assert_eq!(status, 200, "{answer}");
    let task = answer["task"].as_u64().expect("a task");
    for _ in 0..2 {
        let (on, Order::Migrate { id, .. }) = beside.order() else { panic!("a migration") };
        assert_eq!(on, host(2));
        beside.done(on, id);
    }
    beside.see(&format!("/v1/pools/{POOL}/tasks/{task}"), |task| task["state"] == "done");
    beside.see(&format!("/v1/pools/{POOL}/hosts/h2"), |host| host["state"] == "maintenance");
    let (status, answer) = beside.act("hosts/h2/actions/enable", &json!({}));
    assert_eq!(status, 200, "{answer}");
    for _ in 0..2 {
        let (from, Order::Migrate { id, to, .. }) = beside.order() else { panic!("a migration") };
        assert_eq!(to, host(2), "they come back");
        beside.done(from, id);
    }
    for vm in ["db1", "db2"] {
        beside.see(&path_of(vm), |vm| vm["host"] == "h2");
    }
    let (status, answer) = beside.act("hosts/h3/actions/shutdown", &json!({}));
    assert_eq!(status, 200, "{answer}");
    beside.until("the word that it may leave", |frame| match frame {
        FromService::Order { host: on, order: Order::Note { bytes, .. } } if *on == host(3) => {
            matches!(note::unpack::<OrderNote>(bytes), Ok(OrderNote::Leave)).then_some(())
        }
        _ => None,
    });
}

#[test]
fn what_operators_want_of_the_agents_is_told_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, _) = beside.act("ha/disable", &json!({}));
    assert_eq!(status, 200);
    assert!(matches!(beside.wish(), OperatorWish::Disarm { lasts_s } if lasts_s >= 60));
    for (action, wish) in [
        ("hand-over", OperatorWish::HandOver),
        ("release-brake", OperatorWish::ReleaseBrake),
        ("rotate-key", OperatorWish::RotateKey),
    ] {
        let (status, answer) = beside.act(&format!("actions/{action}"), &json!({}));
        assert_eq!(status, 202, "{answer}");
        assert_eq!(beside.other_wish(), wish);
    }
    let (status, refused) = beside.act("hosts/h2/actions/confirm-dead", &json!({}));
    assert_eq!((status, &refused["code"]), (409, &json!("host-is-live")));
    let forced = "hosts/h2/actions/confirm-dead?force=true&reason=seen";
    assert_eq!(beside.act(forced, &json!({})).0, 200);
    assert_eq!(beside.other_wish(), OperatorWish::ConfirmDead { host: 1, forced: true });
    assert_eq!(beside.act("actions/reset-coordinator", &json!({})).0, 202);
    assert_eq!(beside.ends_by_itself().code(), Some(70));
}

#[test]
fn how_a_guest_is_watched_is_told_to_the_host_where_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let path = format!("/v1/pools/{POOL}/vms/db1/monitor");
    assert_eq!(beside.ask("PUT", &path, Some(&json!({"silent_for_s": 0}))).0, 400);
    let (status, answer) = beside.ask("PUT", &path, Some(&json!({"silent_for_s": 30, "resets": 1})));
    assert_eq!((status, &answer["grace_s"]), (200, &json!(240)), "{answer}");
    let told = beside.until("how it is watched", |frame| match frame {
        FromService::Order { host: on, order: Order::Note { bytes, .. } } if *on == host(2) => {
            match note::unpack::<OrderNote>(bytes) {
                Ok(OrderNote::Vm(vm)) if vm.vm == "db1" => vm.monitor,
                _ => None,
            }
        }
        _ => None,
    });
    assert_eq!((told.silent_for_s, told.resets), (30, 1));
}

#[test]
fn what_operators_choose_of_restarts_is_shown_followed_and_known_to_the_next_term() {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = pool(folder.path());
    let settings = format!("/v1/pools/{POOL}/restart-settings");
    let readiness = format!("/v1/pools/{POOL}/vms/db1/readiness");
    assert_eq!(beside.get(&readiness), (200, json!({"when": "started"})));
    let (status, refused) = beside.ask("PUT", &settings, Some(&json!({"starts_per_host": 0})));
    assert_eq!(status, 400, "{refused}");
    assert_eq!(beside.ask("PUT", &readiness, Some(&json!({"when": "tcp"}))).0, 422);
    let nobody = format!("/v1/pools/{POOL}/vms/nobody/readiness");
    assert_eq!(beside.ask("PUT", &nobody, Some(&json!({"when": "started"}))).0, 404);
    let (status, set) = beside.ask("PUT", &settings, Some(&json!({"starts_per_host": 1})));
    assert_eq!((status, &set["starts_in_pool"]), (200, &json!(128)), "{set}");
    let tcp = json!({"when": "tcp", "port": 5432});
    assert_eq!(beside.ask("PUT", &readiness, Some(&tcp)), (200, tcp.clone()));
    beside.killed();
    let mut next = led(folder.path(), 2);
    next.session(1, &["web"]);
    next.session(2, &["db1", "db2"]);
    next.session(3, &[]);
    next.see(&readiness, |shown| *shown == tcp);
    next.see(&settings, |shown| shown["starts_per_host"] == 1);
    next.dies(2);
    let mut gates = BTreeMap::new();
    for _ in 0..2 {
        let (on, Order::Start { id, gate, vm }) = next.order() else { panic!("a start") };
        gates.insert(vm, gate);
        next.done(on, id);
    }
    let asked = [("db1".to_owned(), Gate::Tcp { port: 5432 }), ("db2".to_owned(), Gate::Started)];
    assert_eq!(gates, asked.into());
}
