//! Hosts that were off while the pool changed.
use super::pool::Pool;
use serde_json::json;

fn fenced(pool: &Pool, host: usize) {
    pool.wait("it is known to run nothing", || pool.standing(0, host) == "fenced");
}

#[test]
fn a_host_that_was_off_while_another_joined_is_a_member_when_it_is_back() {
    let mut pool = Pool::of(2, &[]);
    pool.hosts[1].kill();
    fenced(&pool, 1);
    let third = pool.joins();
    pool.wait("the third is a member", || pool.hosts[third].is_member());
    assert_eq!(pool.hosts[1].roster()["hosts"].as_array().map(Vec::len), Some(2), "it was not told");
    pool.hosts[1].switch_on();
    pool.wait("all three are members", || (0..3).all(|host| pool.hosts[host].is_member()));
    assert_eq!(pool.hosts[1].roster(), pool.hosts[0].roster());
    let asked = &pool.hosts[1].status()["threads"]["membership"];
    assert!(asked["answer"].as_str().is_some_and(|answer| answer.starts_with("roster 3")), "{asked}");
}

#[test]
fn a_host_that_was_off_while_the_heartbeat_key_changed_is_a_member_when_it_is_back() {
    let mut pool = Pool::of(2, &[]);
    pool.hosts[1].kill();
    fenced(&pool, 1);
    let seals = |pool: &Pool| pool.hosts[0].status()["threads"]["keys"]["pool_seals_under"].as_u64();
    for _ in 0..2 {
        let before = seals(&pool);
        pool.wait("the key is to be changed", || {
            pool.ask("POST", "/actions/rotate-key", Some(&json!({}))).is_some()
        });
        pool.wait("the pool seals under another key", || seals(&pool) > before);
    }
    pool.hosts[1].switch_on();
    pool.wait("both are members", || (0..2).all(|host| pool.hosts[host].is_member()));
    assert!(
        pool.hosts[1].log().contains("THIS HOST IS DEAF") || pool.hosts[1].read("agent.log").contains("DEAF")
    );
    let known = |host: usize| pool.hosts[host].status()["threads"]["keys"].clone();
    pool.wait("it seals under the key of the pool", || known(1) == known(0));
}

#[test]
fn a_host_that_was_removed_is_told_nothing_whoever_has_its_name() {
    let mut pool = Pool::of(2, &[]);
    pool.hosts[1].kill();
    fenced(&pool, 1);
    pool.wait("it is removed", || pool.ask("DELETE", "/hosts/h2", None).is_some());
    pool.hosts[1].switch_on();
    pool.wait("it is refused", || {
        let asked = pool.hosts[1].status()["threads"]["membership"]["answer"].clone();
        asked.as_str().is_some_and(|answer| answer.contains("no host that belongs to the pool"))
    });
    assert!(!pool.hosts[1].is_member());
}
