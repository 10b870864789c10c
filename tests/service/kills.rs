//! `kill -9` at random moments while events are told from several connections. What was acknowledged is there after the next
//! start, requests are there as a whole or not at all, and the log has no gap.
//!
//! `KILLS` says how often; a soak takes a thousand.
use super::client::Client;
use super::program::Serving;
use lifeboat_tests::program::{folder, from_environment};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Connections that tell events.
const TELLERS: usize = 4;
/// VMs told of in one request.
const TOGETHER: usize = 3;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let kills = from_environment("KILLS").unwrap_or(20);
    let seed = from_environment("SEED").unwrap_or(1);
    let store = folder("kills").join("store.redb");
    kill_again_and_again(&store.display().to_string(), kills, seed);
}

/// Kills a service on `store` so often, and looks after each start what is there.
pub(crate) fn kill_again_and_again(store: &str, kills: u64, seed: u64) {
    let mut draw = StdRng::seed_from_u64(seed);
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for round in 0..=kills {
        let serving = Serving::start(store);
        let client = Client::new(&serving.address);
        assert!(client.is_ready(), "the service is ready after kill {round} (SEED={seed})");
        if round == 0 {
            assert_eq!(client.put("/v1/pools/p", &empty_pool()), Some(201));
        }
        check(&client, &acknowledged, round, seed);
        if round == kills {
            return;
        }
        let enough = draw.random_range(1..120);
        acknowledged.extend(tell_until_killed(serving, round, enough));
    }
}

/// Tells of VMs until about `enough` requests were acknowledged, then kills. The VMs whose acknowledgement came.
fn tell_until_killed(serving: Serving, round: u64, enough: usize) -> Vec<String> {
    let told = AtomicUsize::new(0);
    let (reached, wait) = mpsc::channel::<()>();
    let address = serving.address.clone();
    thread::scope(|scope| {
        let tellers: Vec<_> = (0..TELLERS)
            .map(|teller| {
                let (client, told, reached) = (Client::new(&address), &told, reached.clone());
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    for request in 0.. {
                        let names: Vec<String> =
                            (0..TOGETHER).map(|vm| format!("r{round}-t{teller}-q{request}-{vm}")).collect();
                        let events: Value = names.iter().map(|name| created(name)).collect();
                        match client.post("/v1/pools/p/events", &events) {
                            Some((200, _)) => mine.extend(names),
                            _ => break,
                        }
                        if told.fetch_add(1, Ordering::Relaxed) + 1 == enough {
                            let _ = reached.send(());
                        }
                    }
                    mine
                })
            })
            .collect();
        // A service that acknowledges nothing is killed too, and the next look at it fails.
        let _ = wait.recv_timeout(Duration::from_secs(30));
        serving.kill();
        tellers.into_iter().flat_map(|teller| teller.join().expect("no panic")).collect()
    })
}

fn check(client: &Client, acknowledged: &BTreeSet<String>, round: u64, seed: u64) {
    let (status, document) = client.get("/v1/pools/p").expect("an answer");
    assert_eq!(status, 200, "the pool is there after kill {round} (SEED={seed})");
    let there: BTreeSet<String> = document["vms"]
        .as_array()
        .expect("VMs")
        .iter()
        .map(|vm| vm["id"].as_str().expect("a name").to_owned())
        .collect();
    let lost: Vec<&String> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged, and lost after kill {round} (SEED={seed}): {lost:?}");
    for name in &there {
        let (request, _) = name.rsplit_once('-').expect("a number at the end");
        let whole = (0..TOGETHER).all(|vm| there.contains(&format!("{request}-{vm}")));
        assert!(whole, "a part of request {request} is there after kill {round} (SEED={seed})");
    }
    check_log(client, round, seed);
}

/// Numbers of the log's entries rise by one.
fn check_log(client: &Client, round: u64, seed: u64) {
    let mut last: Option<u64> = None;
    loop {
        let after = last.map(|last| format!("&after={last}")).unwrap_or_default();
        let (status, page) = client.get(&format!("/v1/pools/p/events?limit=1000{after}")).expect("an answer");
        assert_eq!(status, 200, "{page}");
        let entries = page["items"].as_array().expect("entries");
        for entry in entries {
            let id = entry["id"].as_u64().expect("a number");
            assert!(
                last.is_none_or(|last| id == last + 1),
                "entry {id} follows {last:?} after kill {round} (SEED={seed})"
            );
            last = Some(id);
        }
        if entries.is_empty() {
            return;
        }
    }
}

pub(crate) fn created(name: &str) -> Value {
    json!({"kind": "vm-created", "vm": {"id": name, "memory_mib": 1, "host": "a", "restart_priority": "restart"}})
}

pub(crate) fn empty_pool() -> Value {
    let host = |id: &str| json!({"id": id, "memory_mib": 1_000_000});
    json!({
        "format": "lifeboat.pool/v1", "id": "p", "vms": [], "hosts": [host("a"), host("b"), host("c")],
        "settings": {"host_failures_to_tolerate": 1}
    })
}
