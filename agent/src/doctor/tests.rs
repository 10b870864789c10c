//! Hosts as their kernels would describe them.
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

struct Host {
    folder: TempDir,
}

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is ours");
            fs::write(path, text).expect("it is ours");
        }
        Self { folder }
    }

    fn text(&self) -> String {
        let at = self.folder.path().display();
        format!(
            "[host]\nname = \"h1\"\n[[network]]\nname = \"hb0\"\ninterface = \"bond0\"\nlisten = \"127.0.0.1:7946\"\n\
             [medium]\nkind = \"statefile\"\npath = \"{at}/nowhere\"\n[watchdog]\nkind = \"device\"\npath = \"{at}/watchdog0\"\n\
             [hypervisor]\nkind = \"process\"\n"
        )
    }

    fn config(&self) -> Config {
        Config::read(&self.text()).expect("a configuration")
    }

    fn findings(&self) -> Vec<Finding> {
        examine(&self.config().into(), None, self.folder.path(), self.folder.path())
    }
}

fn judged<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap_or_else(|| panic!("{check} in {findings:?}"))
}

#[test]
fn a_host_without_watchdog_interface_and_statefile_is_refused_with_what_to_mend() {
    let findings = Host::new(&[]).findings();
    for check in ["watchdog", "network hb0", "statefile"] {
        let finding = judged(&findings, check);
        assert_eq!(finding.judgement, Judgement::Refuse, "{finding:?}");
        assert!(!finding.mend.is_empty());
    }
}

#[test]
fn what_is_weak_is_warned_of() {
    let host = Host::new(&[
        ("watchdog0", ""),
        ("class/watchdog/watchdog0/identity", "Software Watchdog\n"),
        ("class/watchdog/watchdog0/nowayout", "1\n"),
        ("class/watchdog/watchdog0/state", "active\n"),
        ("class/net/bond0/operstate", "up\n"),
        ("class/net/bond0/carrier", "1\n"),
        ("class/net/bond0/mtu", "1280\n"),
        ("class/net/bond0/bonding/slaves", "eth0 eth1\n"),
        ("class/net/eth0/carrier", "1\n"),
        ("class/net/eth1/carrier", "0\n"),
        ("devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"),
    ]);
    let findings = host.findings();
    for check in [
        "watchdog",
        "watchdog in use",
        "watchdog nowayout",
        "network hb0 MTU",
        "network hb0 bond",
        "networks",
        "clock source",
    ] {
        assert_eq!(judged(&findings, check).judgement, Judgement::Warn, "{check}");
    }
    assert!(judged(&findings, "network hb0 bond").found.contains("eth1"));
    assert_eq!(judged(&findings, "network hb0").judgement, Judgement::Ok);
}

#[test]
fn a_host_in_order_has_nothing_to_mend_there() {
    let host = Host::new(&[
        ("watchdog0", ""),
        ("class/watchdog/watchdog0/identity", "iTCO_wdt\n"),
        ("class/watchdog/watchdog0/nowayout", "0\n"),
        ("class/net/bond0/operstate", "up\n"),
        ("class/net/bond0/carrier", "1\n"),
        ("class/net/bond0/mtu", "9000\n"),
        ("class/net/bond0/bonding/slaves", "eth0 eth1\n"),
        ("class/net/eth0/carrier", "1\n"),
        ("class/net/eth1/carrier", "1\n"),
        ("devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    ]);
    let findings = host.findings();
    for check in ["watchdog", "network hb0", "network hb0 bond", "clock source"] {
        let finding = judged(&findings, check);
        assert_eq!((finding.judgement, finding.mend.as_str()), (Judgement::Ok, ""), "{check}");
    }
}

#[test]
fn who_may_lock_any_amount_of_memory_is_not_told_of_a_limit() {
    let host = Host::new(&[("self/status", "Name:\tx\nCapEff:\t0000000000004000\n")]);
    assert_eq!(judged(&host.findings(), "locked memory").judgement, Judgement::Ok);
    assert!(judged(&host.findings(), "locked memory").found.contains("any amount"));
}

#[test]
fn a_power_switch_that_answers_is_in_order_and_what_keeps_it_from_being_used_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = |name: &str, script: &str| {
        let path = folder.path().join(name);
        let text = format!("#!/bin/sh\ncat >{}\n{script}\n", path.with_extension("read").display());
        crate::testing::program(&path, &text);
        path.display().to_string()
    };
    let secret = folder.path().join("secret");
    fs::write(&secret, "hush\n").expect("it is ours");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let agents = format!(
        "[[fence.agent]]\nhost = \"h2\"\nagent = {:?}\n[[fence.agent]]\nhost = \"h3\"\nagent = {:?}\n\
         parameter_files = {{ password = {:?} }}\n[[fence.agent]]\nhost = \"h4\"\nagent = \"fence_nowhere\"\n",
        program("works", "echo Status: ON"),
        program("fails", "echo no route to $0 >&2; exit 1"),
        secret.display().to_string(),
    );
    let host = Host::new(&[]);
    let config = Config::read(&(host.text() + &agents)).expect("a configuration");
    let findings = examine(&config.into(), None, host.folder.path(), host.folder.path());
    assert_eq!(judged(&findings, "fencing h2").judgement, Judgement::Ok);
    assert_eq!(
        fs::read_to_string(folder.path().join("works.read")).expect("it was asked"),
        "action=status\n"
    );
    let of = |check: &str| -> Vec<String> {
        let of =
            findings.iter().filter(|finding| finding.check == check && finding.judgement == Judgement::Warn);
        of.map(|finding| finding.found.clone()).collect()
    };
    let (third, fourth) = (of("fencing h3"), of("fencing h4"));
    assert!(third.len() == 2 && third[0].contains("no route") && third[1].contains("secret"), "{third:?}");
    assert!(fourth.len() == 1 && fourth[0].contains("not installed"), "{fourth:?}");
    assert!(!format!("{findings:?}").contains("hush"));
}
