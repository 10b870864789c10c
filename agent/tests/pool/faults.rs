//! What goes wrong, and who pays for it.
use super::harness::{Pool, T, hold, wait, wait_within};
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

#[test]
fn an_agent_that_is_paused_for_less_than_t_is_not_fenced() {
    let pool = Pool::formed(3);
    let late = || pool.hosts[1].status()["late"]["times"].as_u64();
    let before = late();
    assert!(before.is_some(), "it counts");
    pool.hosts[1].signal(Signal::STOP);
    lifeboat_agent::clock::wait(T / 3);
    pool.hosts[1].signal(Signal::CONT);
    wait("it has noticed that it stood still", || late() > before);
    hold(T * 2, "nobody pays for that", || {
        pool.hosts.iter().all(|host| host.is_member() && !host.watchdog().bitten)
    });
}

#[test]
fn an_agent_that_stays_paused_is_killed_by_its_watchdog_before_the_others_call_it_fenced() {
    let mut pool = Pool::formed(3);
    pool.hosts[1].signal(Signal::STOP);
    let bitten = || pool.hosts[1].watchdog().bitten;
    wait_within(T + Duration::from_secs(2), "the watchdog has ended it, or it is fenced already", || {
        bitten() || pool.standing(0, 1) == "fenced"
    });
    assert!(bitten(), "the watchdog comes first: only then is it safe to replace");
    wait("the others know that it is fenced", || pool.standing(0, 1) == "fenced");
    hold(T, "the others live", || pool.hosts[0].is_member() && pool.hosts[2].is_member());
    assert!(pool.hosts[1].has_ended());
}

#[test]
fn a_host_that_loses_power_is_fenced_by_the_others_and_joins_again_with_its_next_boot() {
    let mut pool = Pool::formed(3);
    let first = pool.hosts[2].status()["boot"].as_u64();
    pool.hosts[2].lose_power();
    wait("the others know", || pool.standing(0, 2) == "fenced");
    let leader = pool.leader(0);
    wait("the coordinator knows that it is safe to replace", || {
        pool.hosts[leader].service_log().contains("safe 2")
    });
    pool.hosts[2].boot("second");
    pool.hosts[2].start();
    wait("it is a member again", || pool.hosts[2].is_member() && pool.standing(0, 2) == "member");
    assert!(pool.hosts[2].status()["boot"].as_u64() > first, "a later boot");
    assert!(!pool.hosts[0].watchdog().bitten && !pool.hosts[1].watchdog().bitten);
}

#[test]
fn two_of_three_hosts_die_and_the_last_one_goes_on() {
    let mut pool = Pool::formed(3);
    pool.hosts[0].lose_power();
    pool.hosts[1].lose_power();
    wait("the last one leads alone", || {
        pool.standing(2, 0) == "fenced" && pool.standing(2, 1) == "fenced" && pool.hosts[2].is_member()
    });
    wait("its service began a term", || pool.hosts[2].service_log().contains("begin"));
    assert!(!pool.hosts[2].watchdog().bitten);
}

#[test]
fn all_lose_the_statefile_and_nobody_is_fenced_as_long_as_all_hear_each_other() {
    let pool = Pool::formed(3);
    let away = pool.directory.path().join("away");
    // Open descriptors still reach it: so it is cut off, and shows them nothing of the pool any more.
    fs::rename(pool.statefile(), &away).expect("it can be moved");
    fs::OpenOptions::new().write(true).open(&away).and_then(|file| file.set_len(0)).expect("it can be cut");
    let says = |by: usize, host: usize| pool.hosts[by].status()["hosts"][host]["medium_works"] == false;
    wait("all have lost it", || says(0, 1) && says(0, 2) && says(1, 0));
    hold(T * 3, "all are members", || {
        pool.hosts.iter().all(|host| host.is_member() && !host.watchdog().bitten)
    });
}

#[test]
fn a_host_without_its_watchdog_does_not_become_a_member() {
    let mut pool = Pool::new(1);
    fs::remove_file(pool.hosts[0].path("watchdog")).expect("it is there");
    pool.hosts[0].start();
    wait("its agent has ended", || pool.hosts[0].has_ended());
    let log = fs::read_to_string(pool.hosts[0].path("agent.log")).expect("it is there");
    assert!(log.contains("does not become a member without a watchdog"), "{log}");
}
