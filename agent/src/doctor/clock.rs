//! The clock: leases are measured with one that nobody sets, but logs, certificates and tokens with the time of day.
use super::{Finding, read};
use crate::clock;
use crate::hypervisor::command::{Run, run};
use std::path::Path;
use std::time::{Duration, SystemTime};

const CHECK: &str = "clock";
/// The time of day may run away from the other clock by this much while it is looked at.
const DRIFT: Duration = Duration::from_millis(50);

/// Both clocks at one moment.
pub(super) struct Watch {
    boot: lifeboat_protocol::Instant,
    wall: SystemTime,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self { boot: clock::now(), wall: clock::wall() }
    }

    pub(super) fn look(&self, sys: &Path) -> Vec<Finding> {
        let passed = clock::now().since(self.boot);
        let by_wall = clock::wall().duration_since(self.wall).unwrap_or_default();
        let steps = if passed.abs_diff(by_wall) > DRIFT {
            let found = format!("the time of day was set by {:?} just now", passed.abs_diff(by_wall));
            Finding::warn(CHECK, found, "let chrony or systemd-timesyncd slew it, and nothing else set it")
        } else {
            Finding::ok(CHECK, "not set while it was watched")
        };
        vec![steps, source(sys), synchronised()]
    }
}

fn source(sys: &Path) -> Finding {
    let check = "clock source";
    match read(&sys.join("devices/system/clocksource/clocksource0/current_clocksource")) {
        Some(source)
            if ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"]
                .contains(&source.as_str()) =>
        {
            Finding::ok(check, source)
        }
        Some(source) => Finding::warn(
            check,
            format!("{source}, which is slow to read or drifts"),
            "see in the kernel's log why the TSC is not used",
        ),
        None => Finding::warn(check, "unknown", "look at /sys/devices/system/clocksource"),
    }
}

fn synchronised() -> Finding {
    let check = "time of day";
    let command = ["timedatectl", "show", "-p", "NTPSynchronized", "--value"].map(String::from);
    let asked =
        run(&Run { command: &command, input: b"", within: Duration::from_secs(5), given_up: &|| false });
    let mend = "run chrony or systemd-timesyncd: certificates and logs need the time of day";
    match asked {
        Ok(said) if said.output.starts_with(b"yes") => Finding::ok(check, "synchronised"),
        Ok(said) if said.output.starts_with(b"no") => Finding::warn(check, "not synchronised", mend),
        _ => Finding::warn(check, "nobody says whether it is synchronised", mend),
    }
}
