//! The unit: what it promises in its own words, and what systemd says of it where systemd is installed.
use super::contrib;
use std::fs;
use std::process::Command;

fn unit() -> String {
    fs::read_to_string(contrib("systemd/lifeboat.service")).expect("the unit")
}

#[test]
fn the_unit_gives_the_service_nothing_that_it_does_not_need() {
    let unit = unit();
    for line in [
        "Type=notify",
        "User=lifeboat",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "PrivateTmp=yes",
        "MemoryDenyWriteExecute=yes",
        "SystemCallFilter=@system-service",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "StateDirectory=lifeboat",
        "StateDirectoryMode=0700",
        "UMask=0077",
    ] {
        assert!(unit.lines().any(|there| there == line), "{line}");
    }
}

#[test]
fn systemd_finds_no_fault_with_the_unit_and_calls_it_safe() {
    // Where there is no systemd there is nobody to ask.
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lifeboat.service");
    // The program is not installed where the tests run.
    fs::write(&path, unit().replace("/usr/bin/lifeboat", "/bin/true")).expect("written");
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output();
    let verified = verified.expect("systemd-analyze runs");
    let told = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("lifeboat.service")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{told}");
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--threshold=20"])
        .arg(&path)
        .output()
        .expect("systemd-analyze runs");
    assert!(judged.status.success(), "an exposure above 2.0:\n{}", String::from_utf8_lossy(&judged.stdout));
}

#[test]
fn scripts_are_what_a_shell_can_read() {
    for script in
        ["libvirt/qemu", "debian/scripts/postinst", "debian/scripts/postrm", "debian/agent-scripts/postinst"]
    {
        let checked = Command::new("sh").arg("-n").arg(contrib(script)).output().expect("a shell");
        assert!(checked.status.success(), "{script}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn packages_with_a_unit_have_scripts_that_systemds_part_goes_into() {
    for package in ["../api", "../agent"] {
        let manifest = std::fs::read_to_string(contrib(package).join("Cargo.toml")).expect("its manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let deb = &manifest["package"]["metadata"]["deb"];
        assert!(deb.get("systemd-units").is_some(), "{package}");
        // Without any the unit is shipped, and an update leaves the old program running.
        let scripts = deb.get("maintainer-scripts").and_then(toml::Value::as_str).expect("scripts");
        let postinst = contrib(package).join(scripts).join("postinst");
        let postinst = std::fs::read_to_string(postinst).expect("a postinst");
        assert!(postinst.contains("#DEBHELPER#"), "{package}");
    }
}
