//! The agent's unit: what it promises in its own words, and what systemd says of it where systemd is installed.
use std::fs;
use std::path::Path;
use std::process::Command;

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contrib/systemd/lifeboat-agent.service");
    fs::read_to_string(path).expect("the unit")
}

#[test]
fn the_unit_lets_vms_and_the_watchdog_outlive_the_agent_and_the_agent_come_back_at_once() {
    let unit = unit();
    for line in [
        "Type=notify",
        "Restart=always",
        "RestartSec=100ms",
        "StartLimitIntervalSec=0",
        "KillMode=process",
        "RuntimeDirectoryPreserve=yes",
        "OOMScoreAdjust=-1000",
        "LimitMEMLOCK=infinity",
        "StateDirectoryMode=0700",
        "UMask=0077",
    ] {
        assert!(unit.lines().any(|there| there == line), "{line}");
    }
    assert!(!unit.contains("ExecStop"), "to stop it is no leave: an update stops it too");
}

#[test]
fn systemd_finds_no_fault_with_the_unit() {
    // Where there is no systemd there is nobody to ask.
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lifeboat-agent.service");
    // The program is not installed where the tests run.
    fs::write(&path, unit().replace("/usr/bin/lifeboat-agent", "/bin/true")).expect("written");
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output();
    let verified = verified.expect("systemd-analyze runs");
    let told = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("lifeboat-agent.service")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{told}");
}
