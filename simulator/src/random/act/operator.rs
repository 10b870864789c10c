//! Operators at work, while things fail.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

/// A host is disabled, emptied, shut down; meanwhile another fails, perhaps; at last it comes back.
pub(super) fn maintenance(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host_or_coordinator();
    let hosts = vec![host];
    match stage.choice.between(0, 5) {
        0 => stage.at(start, Action::Disable { hosts: hosts.clone() }),
        1 => stage.at(start, Action::Evacuate { hosts: hosts.clone() }),
        _ => stage.at(start, Action::Shutdown { hosts: hosts.clone() }),
    }
    if stage.choice.chance(50) {
        let (at, other) = (start + stage.choice.span(0, 20_000), stage.host_or_coordinator());
        stage.power_off(at, &[other]);
    }
    let end = start + stage.timeout + stage.choice.span(5_000, 40_000);
    stage.at(end, Action::PowerOn { hosts: stage.hosts.clone() });
    stage.at(end, Action::Enable { hosts: stage.hosts.clone() });
    end + stage.choice.span(0, 8_000)
}

/// A VM is under way from one host to another when one of them is lost.
pub(super) fn migration(stage: &mut Stage, start: Duration) -> Duration {
    let (vm, to) = (stage.choice.pick(&stage.vms.clone()), stage.host());
    stage.at(start, Action::Migrate { vm, to: to.clone() });
    let at = start + stage.choice.span(0, 12_000);
    match stage.choice.between(0, 4) {
        0 => stage.power_off(at, &[to]),
        1 => {
            let other = stage.host_or_coordinator();
            stage.power_off(at, &[other]);
        }
        2 => {
            let until = at + stage.hold();
            stage.isolate(&to, at, until);
        }
        3 => {
            let (lasts, hosts) = (stage.hold(), vec![to]);
            stage.at(at, Action::AgentPause { hosts, lasts });
        }
        _ => {}
    }
    at + stage.timeout
}

/// The pool is disarmed for a while; hosts fail in it, and are silent or not when it ends.
pub(super) fn disarm(stage: &mut Stage, start: Duration) -> Duration {
    let lasts = stage.choice.span(2_000, 45_000);
    stage.at(start, Action::Disarm { lasts });
    let ends = start + lasts;
    let at = if stage.choice.chance(50) {
        start + stage.choice.span(0, lasts.as_millis() as u64)
    } else {
        ends.saturating_sub(stage.choice.span(0, 3_000))
    };
    let host = stage.host_or_coordinator();
    let until = at + stage.hold();
    match stage.choice.between(0, 6) {
        0..=1 => stage.power_off(at, &[host]),
        2 => {
            let lasts = stage.hold() + stage.hold();
            stage.at(at, Action::AgentPause { hosts: vec![host], lasts });
        }
        3 => {
            let (left, right) = stage.two_sides();
            stage.at(at, Action::Partition { groups: vec![left, right], networks: Vec::new() });
            stage.at(until, Action::Heal);
        }
        4 => {
            let host = stage.host();
            stage.isolate(&host, at, until);
            stage.at(at, Action::StorageLoss { hosts: Some(vec![host]), vm_storage: false });
            stage.at(until, Action::StorageHeal { hosts: None });
        }
        5 => stage.at(at, Action::AgentCrash { hosts: vec![host] }),
        _ => {
            let host = stage.host();
            stage.power_off(at, std::slice::from_ref(&host));
            let on = at + stage.choice.span(0, 5_000);
            stage.power_on(on, &[host]);
        }
    }
    let end = ends.max(until) + stage.choice.span(0, 4_000);
    if stage.choice.chance(25) {
        let armed = start + stage.choice.span(0, 20_000);
        stage.at(armed, Action::Arm);
    }
    end
}

/// Somebody says that a host is dead: a management controller, which never errs here, or an operator, who is right
/// or is refused, because the medium shows the host alive.
pub(super) fn words(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host();
    let hosts = vec![host];
    if stage.choice.chance(25) {
        stage.at(start, Action::ConfirmDead { hosts, force: false });
        return start + Duration::from_secs(3);
    }
    stage.power_off(start, &hosts);
    let at = start + stage.choice.span(0, stage.timeout.as_millis() as u64);
    if stage.choice.chance(60) {
        stage.at(at, Action::BmcConfirmsOff { hosts: hosts.clone() });
    } else {
        stage.at(at, Action::ConfirmDead { hosts: hosts.clone(), force: false });
    }
    if stage.choice.chance(30) {
        let on = at + stage.choice.span(0, 5_000);
        stage.power_on(on, &hosts);
    }
    at + stage.timeout
}
