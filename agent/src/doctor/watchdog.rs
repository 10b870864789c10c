//! The watchdog, as the kernel describes it without being armed.
use super::{Finding, read};
use crate::config::WatchdogSection;
use std::path::Path;

const CHECK: &str = "watchdog";

pub(super) fn look(section: &WatchdogSection, sys: &Path) -> Vec<Finding> {
    match section {
        WatchdogSection::None { .. } => vec![Finding::warn(
            CHECK,
            "none",
            "without one a VM can run twice when this host hangs: set kind = \"device\" in [watchdog]",
        )],
        WatchdogSection::Supervisor { path } if path.exists() => {
            vec![Finding::ok(CHECK, "a supervisor listens")]
        }
        WatchdogSection::Supervisor { path } => {
            vec![Finding::refuse(CHECK, format!("{} is not there", path.display()), "start the supervisor")]
        }
        WatchdogSection::Device { path } => device(path, sys),
    }
}

fn device(path: &Path, sys: &Path) -> Vec<Finding> {
    let missing = "load the driver of this machine's watchdog (ipmi_watchdog, iTCO_wdt, sp5100_tco), or softdog at the least";
    if !path.exists() {
        return vec![Finding::refuse(CHECK, format!("{} is not there", path.display()), missing)];
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // `/dev/watchdog` is the first one.
    let name = if name == "watchdog" { "watchdog0".to_owned() } else { name };
    let at = |what: &str| read(&sys.join("class/watchdog").join(&name).join(what));
    let Some(identity) = at("identity") else {
        return vec![Finding::warn(
            CHECK,
            "the kernel does not describe it",
            "see that its driver is not an old one",
        )];
    };
    let mut findings = vec![if identity.to_lowercase().contains("software") {
        Finding::warn(
            CHECK,
            format!("{identity}: the kernel itself, which cannot reset a host whose kernel hangs"),
            "use the watchdog of the hardware where there is one",
        )
    } else {
        Finding::ok(CHECK, identity)
    }];
    if at("state").as_deref() == Some("active") {
        findings.push(Finding::warn(
            "watchdog in use",
            "something feeds it already",
            "if that is not lifeboat-agent, end it (systemd: RuntimeWatchdogSec=off): only one can",
        ));
    }
    if at("nowayout").as_deref() == Some("1") {
        findings.push(Finding::warn(
            "watchdog nowayout",
            "once armed it cannot be disarmed: a host that leaves the pool is reset",
            "load its driver with nowayout=0, unless that is meant",
        ));
    }
    findings
}
