//! Hosts that are machines: QEMU with a Linux kernel of its own in each, a real `/dev/watchdog` (softdog) that really resets it, a shared disk,
//! a heartbeat network between them, and the agent as their init's only service. VMs are processes that write their name to the host's console
//! five times a second; all consoles are read here, against one clock.
//!
//! Needs no root and no KVM. Where a tool is missing the test fails, and names it and its package.
mod console;
mod image;
mod machine;
mod needs;
mod pool;

use console::Seen;
use pool::Pool;
use std::time::Duration;

/// T of the pool.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The protocol's margin at that T, and what an emulated machine on a busy one may be late by in saying so.
const MARGIN: Duration = Duration::from_millis(1_004);
const LATE: Duration = Duration::from_secs(4);

#[test]
fn a_host_whose_agent_is_frozen_is_reset_by_its_watchdog_and_its_vms_restart_elsewhere_only_after_that() {
    let needs = needs::Needs::find().unwrap_or_else(|missing| panic!("{missing}"));
    let pool = Pool::form(&needs, TIMEOUT);
    let vm = "vm1";
    let before = pool.runs(vm, Duration::from_mins(2)).expect("the pool starts its VM");
    println!("{vm} runs on {before}; its agent is frozen now");
    let frozen = pool.freeze_agent(&before);
    let reset = pool
        .wait_for(Duration::from_mins(1), |line| {
            line.host == before && line.text.contains("softdog: Initiating system reboot")
        })
        .unwrap_or_else(|| panic!("the watchdog resets the host:\n{}", pool.tell()));
    let restarted = pool
        .wait_for(Duration::from_mins(2), |line| line.host != before && line.runs(vm))
        .unwrap_or_else(|| panic!("the VM restarts elsewhere:\n{}", pool.tell()));
    let back = pool
        .wait_for(Duration::from_mins(2), |line| {
            line.host == before && line.at > reset.at && line.text.contains("HOST UP")
        })
        .unwrap_or_else(|| panic!("the host boots again:\n{}", pool.tell()));
    assert!(pool.answers(&before, Duration::from_mins(1)), "its agent is back:\n{}", pool.tell());
    let returned = pool.now();
    pool.wait_for(Duration::from_secs(10), |line| {
        line.at > returned && line.host == restarted.host && line.runs(vm)
    })
    .unwrap_or_else(|| panic!("the VM stays where it is:\n{}", pool.tell()));
    let lines = pool.lines();
    let last = last_seen(&lines, &before, vm);
    let until_reset = reset.at.saturating_sub(frozen);
    println!(
        "freeze to reset {:?}; reset to start elsewhere {:?}; the VM was silent for {:?}; the host was up again {:?} after its reset",
        until_reset,
        restarted.at.saturating_sub(reset.at),
        restarted.at.saturating_sub(last),
        back.at.saturating_sub(reset.at)
    );
    assert!(last > frozen, "the VM was silent before its host was reset, so this shows nothing");
    assert!(until_reset <= TIMEOUT + MARGIN + LATE, "reset {until_reset:?} after the freeze");
    assert!(
        restarted.at > reset.at,
        "restarted {:?} before the reset",
        reset.at.saturating_sub(restarted.at)
    );
    never_twice(&lines, vm, &before);
}

/// When the VM was last seen on this host.
fn last_seen(lines: &[Seen], host: &str, vm: &str) -> Duration {
    let there = lines.iter().filter(|line| line.host == host && line.runs(vm));
    there.map(|line| line.at).max().expect("it was seen there")
}

/// Once it was seen on another host it is never seen on the first one again.
fn never_twice(lines: &[Seen], vm: &str, first: &str) {
    let elsewhere = lines.iter().find(|line| line.runs(vm) && line.host != first).expect("it was restarted");
    let late: Vec<_> =
        lines.iter().filter(|line| line.runs(vm) && line.host == first && line.at > elsewhere.at).collect();
    assert!(late.is_empty(), "it runs twice: {late:?}");
}
