//! Taking a host out of the protocol when nothing else works.
use super::harness::{Host, Pool, T, hold, wait};
use rustix::process::Signal;
use std::path::Path;
use std::process::{Command, Output};

fn emergency_disable(host: &Host, argument: &str) -> Output {
    emergency_disable_by(&host.config(), argument)
}

fn emergency_disable_by(config: &Path, argument: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat-agent"));
    command.arg("--config").arg(config).args(["emergency-disable", argument]);
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
    wait("its watchdog is off", || pool.hosts[0].watchdog().disarmed);
}

#[test]
fn a_host_is_disabled_without_a_disk_or_a_configuration_that_is_whole() {
    let mut pool = Pool::formed(1);
    let config = pool.hosts[0].config();
    let text = std::fs::read_to_string(&config).expect("it is there");
    // A section that nobody knows; and what is kept goes nowhere.
    let state = pool.hosts[0].path("state").display().to_string();
    let broken = text.replace(&format!("{state:?}"), "\"/dev/null/state\"").replace("[service]", "[serfice]");
    let wrong = pool.hosts[0].path("wrong.toml");
    std::fs::write(&wrong, &broken).expect("there is room");
    let disable = |pool: &Pool| {
        let done = emergency_disable_by(&wrong, "--yes");
        assert!(done.status.success(), "{done:?}");
        let notes = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(notes.contains("cannot be kept"), "{notes}");
        wait("its watchdog is off", || pool.hosts[0].watchdog().disarmed);
    };
    disable(&pool);
    wait("its agent says so", || pool.hosts[0].phase() == "disabled");
    pool.hosts[0].kill();
    pool.hosts[0].watchdog().disarmed = false;
    pool.hosts[0].start();
    wait("it is a member again, as nothing was kept", || pool.hosts[0].is_member());
    pool.hosts[0].signal(Signal::STOP);
    disable(&pool);
}

#[test]
fn an_agent_that_is_told_to_end_does_so_at_once_and_its_host_is_not_fenced() {
    let mut pool = Pool::formed(2);
    pool.hosts[1].signal(Signal::TERM);
    wait("it has ended", || pool.hosts[1].has_ended());
    let log = std::fs::read_to_string(pool.hosts[1].path("agent.log")).expect("it is there");
    assert!(log.lines().last().is_some_and(|line| line.contains("this agent ends")), "{log}");
    assert!(!pool.hosts[1].watchdog().disarmed, "its watchdog goes on");
    pool.hosts[1].kill();
    pool.hosts[1].start();
    hold(T, "nobody fences it", || pool.standing(0, 1) == "member" && !pool.hosts[1].watchdog().bitten);
    wait("it is a member again", || pool.hosts[1].is_member());
}
