//! Hosts boot anew, one group after another, and whoever leads next goes on with it.
use super::terms::{led, pool};
use super::{Beside, LIVE, POOL, host, path_of};
use lifeboat_link::note::{self, VmFacts};
use lifeboat_link::{FromService, OrderNote, ReportNote};
use lifeboat_model::HostIndex;
use lifeboat_protocol::order::Order;
use lifeboat_protocol::{Boot, ConfigurationNumber, Standing};
use serde_json::{Value, json};

const ROUTE: &str = "rolling-reboot";

fn path() -> String {
    format!("/v1/pools/{POOL}/{ROUTE}")
}

fn member(boot: u64) -> Standing {
    Standing::Member { boot: Boot(boot), joined: ConfigurationNumber(2) }
}

/// Waits until a host is told to boot anew.
fn told_to_reboot(beside: &mut Beside) -> HostIndex {
    beside.until("the word to boot anew", |frame| match frame {
        FromService::Order { host, order: Order::Note { bytes, .. } } => {
            matches!(note::unpack::<OrderNote>(bytes), Ok(OrderNote::Reboot)).then_some(*host)
        }
        _ => None,
    })
}

fn phase(told: &Value, of: &str) -> Value {
    let groups = told["run"]["groups"].as_array().cloned().unwrap_or_default();
    let mut hosts = groups.iter().flat_map(|group| group["hosts"].as_array().cloned().unwrap_or_default());
    hosts.find(|host| host["host"] == of).map_or(Value::Null, |host| host["phase"].clone())
}

#[test]
fn a_rolling_reboot_is_planned_shown_and_carried_out_across_a_change_of_the_coordinator() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, shown) = beside.get(&path());
    assert_eq!((status, &shown["run"]), (200, &Value::Null), "{shown}");
    let groups = shown["plan"]["groups"].as_array().expect("a plan").clone();
    assert_eq!(groups.last().expect("one at least")["hosts"], json!(["h1"]), "the coordinator's comes last");
    assert_eq!(shown["plan"]["complete"], json!(true));

    let (status, answer) = beside.act(ROUTE, &json!({"hosts": ["h2"]}));
    assert_eq!(status, 202, "{answer}");
    let (status, refused) = beside.act(ROUTE, &json!({}));
    assert_eq!((status, &refused["code"]), (409, &json!("rolling-reboot-runs")));
    let mut home = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let (on, Order::Migrate { id, vm, to }) = beside.order() else { panic!("a migration") };
        assert_eq!(on, host(2));
        home.insert(vm, to);
        beside.done(on, id);
    }
    let planned = beside.see(&path(), |told| phase(told, "h2") == "emptying");
    for step in planned["run"]["groups"][0]["moves"].as_array().expect("moves") {
        let to = home[step["vm"].as_str().expect("a name")];
        assert_eq!(step["to"], json!(format!("h{}", to.get() + 1)), "what is shown is what is done");
    }
    assert_eq!(told_to_reboot(&mut beside), host(2));
    beside.agreed([LIVE, Standing::Out, LIVE]);
    beside.see(&path(), |told| phase(told, "h2") == "rebooting");
    // Its service is killed, and the next one, on the same store, goes on.
    beside.killed();
    let mut next = Beside::start(folder.path(), 1);
    next.begin(2);
    next.agreed([LIVE, Standing::Out, LIVE]);
    let on = |number: usize| {
        let here = home.iter().filter(|(_, at)| **at == host(number)).map(|(vm, _)| vm.as_str());
        here.collect::<Vec<_>>()
    };
    next.session(1, &[&["web"][..], &on(1)].concat());
    next.session(3, &on(3));
    next.see(&path(), |told| phase(told, "h2") == "rebooting");
    next.agreed([LIVE, member(2), LIVE]);
    next.session(2, &[]);
    for _ in 0..2 {
        let (from, Order::Migrate { id, vm, to }) = next.order() else { panic!("a migration") };
        assert_eq!((to, from), (host(2), home[&vm]), "they come back");
        next.done(from, id);
    }
    let done = next.see(&path(), |told| told["run"]["state"] == "done");
    assert_eq!(phase(&done, "h2"), "done");
    for vm in ["db1", "db2"] {
        next.see(&path_of(vm), |vm| vm["host"] == "h2");
    }
    next.see(&format!("/v1/pools/{POOL}/hosts/h2"), |host| {
        host["state"].is_null() || host["state"] == "live"
    });
}

#[test]
fn vms_that_were_stopped_for_a_reboot_start_again_but_for_one_that_is_not_to_run_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = led(folder.path(), 1);
    beside.session(1, &["web"]);
    beside.session(2, &["bound1", "bound2", "db"]);
    beside.session(3, &[]);
    for vm in ["bound1", "bound2"] {
        let bound = VmFacts { bound_by: vec!["a device".to_owned()], ..super::facts(vm) };
        beside.note(2, &ReportNote::Vm(bound));
        beside.see(&path_of(vm), |vm| vm["allowed_hosts"] == json!(["h2"]));
    }
    beside.see(&format!("/v1/pools/{POOL}/hosts/h3"), |host| host["memory_mib"] == 8192);
    let (status, refused) = beside.act(ROUTE, &json!({"hosts": ["h2"]}));
    assert_eq!((status, &refused["code"]), (409, &json!("cannot-be-evacuated")));
    let (status, answer) = beside.act(ROUTE, &json!({"hosts": ["h2"], "stop_vms": true}));
    assert_eq!(status, 202, "{answer}");
    for _ in 0..3 {
        let (on, Order::Stop { id, .. } | Order::Migrate { id, .. }) = beside.order() else {
            panic!("a stop or a migration")
        };
        beside.done(on, id);
    }
    assert_eq!(told_to_reboot(&mut beside), host(2));
    let (status, answer) = beside.act("vms/bound1/actions/stop", &json!({}));
    assert_eq!(status, 200, "{answer}");
    beside.agreed([LIVE, Standing::Out, LIVE]);
    beside.see(&path(), |told| phase(told, "h2") == "rebooting");
    beside.agreed([LIVE, member(2), LIVE]);
    beside.session(2, &[]);
    for _ in 0..2 {
        match beside.order() {
            (on, Order::Start { id, vm, .. }) => {
                assert_eq!((on, &*vm), (host(2), "bound2"), "the other was stopped for good");
                beside.done(on, id);
            }
            (on, Order::Migrate { id, vm, .. }) => {
                assert_eq!(vm, "db");
                beside.done(on, id);
            }
            (_, other) => panic!("{other:?}"),
        }
    }
    beside.see(&path(), |told| told["run"]["state"] == "done");
    beside.see(&path_of("bound2"), |vm| vm["host"] == "h2");
    beside.see(&path_of("bound1"), |vm| vm["host"].is_null() && vm["should_run"] != true);
}

#[test]
fn a_rolling_reboot_can_be_canceled_and_the_host_takes_vms_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, refused) = beside.ask("DELETE", &path(), None);
    assert_eq!((status, &refused["code"]), (409, &json!("no-rolling-reboot")));
    let (status, answer) = beside.act(ROUTE, &json!({"hosts": ["h2", "h3"], "at_once": 1}));
    assert_eq!(status, 202, "{answer}");
    let first = answer["groups"][0]["hosts"][0]["host"].as_str().expect("a host").to_owned();
    assert_eq!(first, "h3", "the emptiest");
    assert_eq!(told_to_reboot(&mut beside), host(3));
    assert_eq!(beside.ask("DELETE", &path(), None).0, 200);
    beside.see(&path(), |told| told["run"]["state"] == "canceled");
    beside.see(&format!("/v1/pools/{POOL}/hosts/h3"), |host| {
        host["state"].is_null() || host["state"] == "live"
    });
    let (_, told) = beside.get(&path());
    assert_eq!(phase(&told, "h2"), "waiting", "it was not touched");
}

#[test]
fn a_cancel_is_heard_while_vms_are_placed_back_and_none_sets_out_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = pool(folder.path());
    let (status, answer) = beside.act(ROUTE, &json!({"hosts": ["h2"]}));
    assert_eq!(status, 202, "{answer}");
    for _ in 0..2 {
        let (on, Order::Migrate { id, .. }) = beside.order() else { panic!("a migration") };
        beside.done(on, id);
    }
    assert_eq!(told_to_reboot(&mut beside), host(2));
    beside.agreed([LIVE, Standing::Out, LIVE]);
    beside.see(&path(), |told| phase(told, "h2") == "rebooting");
    beside.agreed([LIVE, member(2), LIVE]);
    beside.session(2, &[]);
    let (from, Order::Migrate { id, vm, to }) = beside.order() else { panic!("a migration") };
    assert_eq!(to, host(2), "it comes back");
    assert_eq!(beside.ask("DELETE", &path(), None).0, 200);
    let told = beside.see(&path(), |told| told["run"]["state"] == "canceled");
    assert_eq!(phase(&told, "h2"), "done");
    beside.done(from, id);
    beside.see(&path_of(&vm), |vm| vm["host"] == "h2");
    let (status, answer) = beside.act("vms/web/actions/migrate", &json!({"host": "h3"}));
    assert_eq!(status, 200, "{answer}");
    let (_, Order::Migrate { vm, .. }) = beside.order() else { panic!("a migration") };
    assert_eq!(vm, "web", "the other VM stays where it is");
}
