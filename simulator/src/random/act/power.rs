//! Hosts lose power, and get it back.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// One or two hosts lose power at nearly the same time; perhaps they come back.
pub(super) fn loss(stage: &mut Stage, start: Duration) -> Duration {
    let most = (stage.hosts.len() / 2).clamp(1, 3);
    let hosts = stage.some_hosts(1, most);
    let mut end = start;
    for host in hosts {
        let at = start + stage.choice.span(0, 2_500);
        stage.power_off(at, std::slice::from_ref(&host));
        end = end.max(at);
        if stage.choice.chance(40) {
            end = end.max(at + stage.hold());
            stage.power_on(end, &[host]);
        }
    }
    end + stage.fenced_after()
}

/// A second host loses power while the first one's failure is being answered.
pub(super) fn second(stage: &mut Stage, start: Duration) -> Duration {
    let hosts = stage.some_hosts(2, 3);
    let mut at = start;
    for host in hosts {
        stage.power_off(at, &[host]);
        at += stage.within();
    }
    at + stage.fenced_after()
}

/// The coordinator is lost while it answers another host's failure: its host, its process, its medium or its network.
pub(super) fn then_coordinator(stage: &mut Stage, start: Duration) -> Duration {
    let first = stage.host();
    stage.power_off(start, &[first]);
    let during = stage.choice.span(0, 3_500);
    let at = start + if stage.choice.chance(70) { stage.timeout + SECOND + during } else { stage.within() };
    let coordinator = vec!["coordinator".to_owned()];
    let to = at + stage.hold();
    match stage.choice.between(0, 9) {
        0..=3 => stage.power_off(at, &coordinator),
        4 => stage.at(at, Action::ControlCrash { hosts: coordinator }),
        5 => stage.at(at, Action::ControlHang { hosts: coordinator, lasts: None }),
        6 => stage.at(at, Action::AgentCrash { hosts: coordinator }),
        7 => {
            let lasts = stage.hold();
            stage.at(at, Action::AgentPause { hosts: coordinator, lasts });
        }
        8 => {
            stage.at(at, Action::StorageLoss { hosts: Some(coordinator), vm_storage: false });
            stage.at(to, Action::StorageHeal { hosts: None });
        }
        _ => {
            stage.at(at, Action::LinkDown { hosts: coordinator, networks: Vec::new() });
            stage.at(to, Action::LinkUp { hosts: stage.hosts.clone(), networks: Vec::new() });
        }
    }
    to
}

/// More than half lose power at once.
pub(super) fn most(stage: &mut Stage, start: Duration) -> Duration {
    let all = stage.hosts.len();
    let hosts = stage.some_hosts(all / 2 + 1, all - 1);
    let mut end = start;
    for host in hosts {
        end = start + stage.choice.span(0, 1_500);
        stage.power_off(end, &[host]);
    }
    end + stage.fenced_after()
}

/// A host is without power for so short a time that its next boot may be heard before its end was noticed.
pub(super) fn blink(stage: &mut Stage, start: Duration) -> Duration {
    let mut end = start;
    for host in stage.some_hosts(1, 2) {
        let off = start + stage.choice.span(0, 800);
        let on = off + stage.choice.span(50, 3_000);
        stage.power_off(off, std::slice::from_ref(&host));
        stage.power_on(on, &[host]);
        end = end.max(on);
    }
    end + stage.fenced_after()
}

/// Everything off, and on again in any order; some late, some only at the end, perhaps without network or medium at first.
pub(super) fn whole_pool(stage: &mut Stage, start: Duration) -> Duration {
    let all = stage.hosts.clone();
    if stage.choice.chance(60) {
        stage.power_off(start, &all);
    } else {
        for host in &all {
            let at = start + stage.choice.span(0, 2_000);
            stage.power_off(at, std::slice::from_ref(host));
        }
    }
    let on = start + Duration::from_secs(3) + stage.choice.span(0, 20_000);
    let (left, right) = stage.two_sides();
    let healed = on + stage.choice.span(5_000, 90_000);
    match stage.choice.between(0, 9) {
        0..=1 => {
            stage.at(on, Action::Partition { groups: vec![left, right], networks: Vec::new() });
            stage.at(healed, Action::Heal);
        }
        2 => {
            stage.at(on, Action::StorageLoss { hosts: Some(left), vm_storage: false });
            stage.at(healed, Action::StorageHeal { hosts: None });
        }
        _ => {}
    }
    let mut end = on;
    let late = stage.choice.chance(50);
    for (position, host) in stage.choice.shuffled(&all).into_iter().enumerate() {
        let at = match (position, late) {
            (0, _) | (_, false) => on + stage.choice.span(0, 3_000),
            _ if stage.choice.chance(35) => continue,
            // About when those that are up stop waiting for it: T + 60 s after their boot.
            _ => on + stage.timeout + stage.choice.span(55_000, 75_000),
        };
        stage.power_on(at, &[host]);
        end = end.max(at);
    }
    // Those that stay off are to be missed until the waiting is over.
    if late { end.max(on + stage.timeout + Duration::from_secs(80)) } else { end + 10 * SECOND }
}

/// A host comes and goes.
pub(super) fn flaps(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host();
    let mut at = start;
    for _ in 0..stage.choice.between(2, 4) {
        stage.power_off(at, std::slice::from_ref(&host));
        at += stage.hold();
        stage.power_on(at, std::slice::from_ref(&host));
        at += stage.choice.span(5_000, 25_000);
    }
    at
}
