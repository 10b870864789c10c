//! Processes stand still, crash and hang, while hosts and VMs are well.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

/// Agents stand still, for about as long as a lease lasts.
pub(super) fn pause(stage: &mut Stage, start: Duration) -> Duration {
    let all = stage.hosts.len();
    let hosts =
        if stage.choice.chance(12) { stage.hosts.clone() } else { stage.some_hosts(1, all.div_ceil(3)) };
    let mut end = start;
    for host in hosts {
        let at = start + stage.choice.span(0, 1_500);
        let lasts =
            if stage.choice.chance(70) { stage.around(stage.timeout, 500, 2_000) } else { stage.hold() };
        stage.at(at, Action::AgentPause { hosts: vec![host], lasts });
        end = end.max(at + lasts);
    }
    end + stage.choice.span(0, 4_000)
}

/// Agents crash, once or again and again.
pub(super) fn crash(stage: &mut Stage, start: Duration) -> Duration {
    let hosts = if stage.choice.chance(15) { stage.hosts.clone() } else { vec![stage.host_or_coordinator()] };
    let mut at = start;
    for _ in 0..stage.choice.between(1, 5) {
        stage.at(at, Action::AgentCrash { hosts: hosts.clone() });
        at += stage.choice.span(200, stage.timeout.as_millis() as u64 / 2);
    }
    at + stage.fenced_after()
}

/// A host is cut off from everything, and near the end of its lease its agent stands still or begins anew: what it
/// knew must not be forgotten, and what it does not know not be assumed.
pub(super) fn isolated(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host();
    let medium_too = stage.choice.chance(75);
    let end = start + stage.hold().max(stage.timeout) + stage.choice.span(0, 6_000);
    stage.isolate(&host, start, end);
    if medium_too {
        stage.at(start, Action::StorageLoss { hosts: Some(vec![host.clone()]), vm_storage: false });
        let back = end + stage.choice.span(0, 3_000);
        stage.at(back, Action::StorageHeal { hosts: None });
    }
    let at = start
        + if stage.choice.chance(60) { stage.around(stage.timeout, 3_000, 200) } else { stage.within() };
    let hosts = vec![host];
    if stage.choice.chance(50) {
        stage.at(at, Action::AgentCrash { hosts });
    } else {
        let lasts = stage.hold();
        stage.at(at, Action::AgentPause { hosts, lasts });
    }
    end.max(at) + stage.choice.span(0, 4_000)
}

/// The coordinator's process hangs or crashes: when it has nothing to do, or when a host has just been lost.
pub(super) fn coordinator(stage: &mut Stage, start: Duration) -> Duration {
    let mut at = start;
    if stage.choice.chance(55) {
        let host = stage.host();
        stage.power_off(start, &[host]);
        at += stage.within();
    }
    for _ in 0..stage.choice.between(1, 2) {
        let hosts = vec!["coordinator".to_owned()];
        let lasts = stage.choice.chance(40).then(|| stage.choice.span(1_000, 40_000));
        let action = match stage.choice.between(0, 3) {
            0 => Action::ControlCrash { hosts },
            _ => Action::ControlHang { hosts, lasts },
        };
        stage.at(at, action);
        at += stage.choice.span(500, 20_000);
    }
    at + Duration::from_secs(10)
}

/// The coordinator is replaced while its orders are still under way on a slow network: what it ordered must not
/// happen any more when its successor has begun.
pub(super) fn replaced(stage: &mut Stage, start: Duration) -> Duration {
    let jitter = stage.choice.span(300, (stage.timeout.as_millis() as u64 / 3).clamp(500, 5_000));
    let latency = Duration::from_millis(5);
    stage.at(start, Action::NetworkDelay { latency, jitter });
    stage.at(start, Action::Duplicate { in_a_million: 200_000 });
    let host = stage.host();
    let lost = start + Duration::from_secs(1);
    stage.power_off(lost, &[host]);
    let mut at = lost + stage.around(stage.fenced_after(), 100, 3_500);
    for _ in 0..stage.choice.between(1, 3) {
        let hosts = vec!["coordinator".to_owned()];
        let action = match stage.choice.between(0, 4) {
            0..=2 => Action::ControlCrash { hosts },
            3 => Action::StorageLoss { hosts: Some(hosts), vm_storage: false },
            _ => Action::AgentCrash { hosts },
        };
        stage.at(at, action);
        at += stage.choice.span(300, 3_000);
    }
    let end = at + jitter;
    stage.at(end, Action::NetworkDelay { latency: Duration::from_millis(1), jitter: Duration::ZERO });
    stage.at(end, Action::Duplicate { in_a_million: 0 });
    stage.at(end, Action::StorageHeal { hosts: None });
    end
}

/// A hypervisor daemon hangs; its VMs go on, and nobody knows it.
pub(super) fn hypervisor(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host();
    let lasts = Some(stage.choice.span(500, 30_000));
    stage.at(start, Action::HypervisorHang { hosts: vec![host], lasts });
    if stage.choice.chance(50) {
        let (at, other) = (start + stage.choice.span(0, 5_000), stage.host());
        stage.power_off(at, &[other]);
    }
    start + Duration::from_secs(30)
}
