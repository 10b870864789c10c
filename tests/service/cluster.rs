//! Two services on one etcd of three members: one leads, the other one says where. When the leader is killed the other one leads
//! with everything that was acknowledged, and when a member of etcd is killed as well it goes on.
use super::client::Client;
use super::etcd::Etcd;
use super::kills::{created, empty_pool, kill_again_and_again};
use super::program::Serving;
use lifeboat_tests::program::from_environment;

fn store(etcd: &Etcd, prefix: &str) -> String {
    etcd.address(prefix).to_string()
}

#[test]
fn the_other_one_leads_with_all_that_was_acknowledged_when_the_leader_is_killed() {
    let mut etcd = Etcd::start(3);
    let first = Serving::start(&store(&etcd, "two"));
    let leader = Client::new(&first.address);
    assert!(leader.is_ready(), "the first one leads");
    assert_eq!(leader.put("/v1/pools/p", &empty_pool()), Some(201));
    let second = Serving::start(&store(&etcd, "two"));
    let follower = Client::new(&second.address);
    assert!(follower.leads_elsewhere(&first.address), "the second one says where the leader is");
    let told: Vec<String> = (0..30).map(|vm| format!("vm-{vm}")).collect();
    for (number, name) in told.iter().enumerate() {
        if number == 10 {
            etcd.kill(0);
        }
        let told = leader.post_until_taken("/v1/pools/p/events", &created(name));
        assert!(told, "{name} is acknowledged, a member of etcd lost or not");
    }
    first.kill();
    assert!(follower.is_ready(), "the second one leads");
    let (_, document) = follower.get("/v1/pools/p").expect("an answer");
    let there = document["vms"].as_array().expect("VMs").len();
    assert_eq!(there, told.len(), "all that was acknowledged is there");
    assert!(follower.post_until_taken("/v1/pools/p/events", &created("one-more")));
}

#[test]
fn what_was_acknowledged_survives_kill_9_on_etcd() {
    let kills = from_environment("ETCD_KILLS").unwrap_or(5);
    let etcd = Etcd::start(3);
    kill_again_and_again(&store(&etcd, "kills"), kills, from_environment("SEED").unwrap_or(1));
}
