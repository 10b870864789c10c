//! VMs crash, hang, stop, or do not start, mostly just when they are restarted because of something else.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

/// One to four troubles with VMs, while a host fails or not.
pub(super) fn faults(stage: &mut Stage, start: Duration) -> Duration {
    if stage.choice.chance(60) {
        let host = stage.host();
        stage.power_off(start, &[host]);
    }
    let mut end = start;
    for _ in 0..stage.choice.between(1, 4) {
        let vm = stage.choice.pick(&stage.vms.clone());
        let at = start + if stage.choice.chance(50) { stage.within() } else { stage.choice.span(0, 5_000) };
        let action = match stage.choice.between(0, 9) {
            0..=2 => Action::VmCrash { vm },
            3..=4 => Action::VmShutdownInside { vm },
            5 => Action::VmHang { vm },
            6 => Action::StartSlow { latency: stage.choice.span(500, 8_000) },
            _ => {
                let few = stage.hosts.len().div_ceil(2);
                Action::VmStartFails { vm, hosts: Some(stage.some_hosts(1, few)) }
            }
        };
        stage.at(at, action);
        end = end.max(at);
    }
    end + stage.fenced_after() + Duration::from_secs(5)
}
