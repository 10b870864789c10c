//! Taking a host out of the protocol when nothing else works.
use super::harness::{Host, Pool, T, hold, wait};
use rustix::process::Signal;
use std::process::{Command, Output};

fn emergency_disable(host: &Host, argument: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat-agent"));
    command.arg("--config").arg(host.config()).args(["emergency-disable", argument]);
    command.output().expect("it starts")
}

#[test]
fn a_disabled_host_is_never_reset_and_stays_out_until_that_is_undone() {
    let mut pool = Pool::formed(1);
    let meaning = emergency_disable(&pool.hosts[0], "--json");
    assert!(!meaning.status.success(), "there is no such argument");
    let done = emergency_disable(&pool.hosts[0], "--yes");
    assert!(done.status.success(), "{done:?}");
    wait("its agent says so", || pool.hosts[0].phase() == "disabled");
    assert!(pool.hosts[0].watchdog().disarmed);
    // The medium is gone too, and the agent is started again.
    std::fs::remove_file(pool.statefile()).expect("it is there");
    pool.hosts[0].kill();
    pool.hosts[0].start();
    wait("it still says so", || pool.hosts[0].phase() == "disabled");
    hold(T * 2, "nothing resets it", || !pool.hosts[0].watchdog().bitten);
    let undone = emergency_disable(&pool.hosts[0], "--undo");
    assert!(undone.status.success(), "{undone:?}");
    pool.hosts[0].kill();
    pool.hosts[0].start();
    wait("it takes part again", || ["starting", "joining"].contains(&pool.hosts[0].phase().as_str()));
}

#[test]
fn a_host_whose_agent_hangs_is_disabled_all_the_same() {
    let mut pool = Pool::formed(1);
    pool.hosts[0].signal(Signal::STOP);
    // The client waits for an answer longer than the watchdog: it has to be told by another way that it is meant at once.
    let done = emergency_disable(&pool.hosts[0], "--yes");
    assert!(done.status.success(), "{done:?}");
    assert!(pool.hosts[0].has_ended(), "the agent that hung is gone");
    assert!(pool.hosts[0].watchdog().disarmed);
}
