//! Hosts whose heartbeat addresses change: a line of `agent.toml`, and a restart of the agent.
use super::pool::Pool;
use serde_json::json;

#[test]
fn a_host_that_is_reached_elsewhere_is_heard_there_and_not_fenced() {
    // The usual T. With the shortest one a restart on one network only is a matter of luck.
    let mut pool = Pool::of(3, &["--timeout", "15"]);
    let address =
        |pool: &Pool, by: usize, of: usize| pool.hosts[by].roster()["hosts"][of]["addresses"][0].clone();
    for host in [1, 0] {
        // Who leads tells the others by a network on which it would not hear them: another one leads before.
        if pool.leader().name == pool.hosts[host].name {
            pool.wait("another host is to lead", || {
                pool.ask("POST", "/actions/hand-over", Some(&json!({}))).is_some()
            });
            pool.wait("another host leads", || pool.leader().name != pool.hosts[host].name);
        }
        pool.hosts[host].kill();
        let moved = json!(pool.hosts[host].moves());
        pool.hosts[host].start();
        pool.wait("everybody knows where it is", || (0..3).all(|by| address(&pool, by, host) == moved));
        pool.wait("all are members", || (0..3).all(|host| pool.hosts[host].is_member()));
    }
    for host in &pool.hosts {
        assert!(!host.read("agent.log").contains("LeaseLost"), "{} was fenced", host.name);
    }
}
