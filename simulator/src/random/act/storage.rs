//! The medium is lost, slow, or wrong; together with silence on the network where it hurts.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

fn lose(stage: &mut Stage, at: Duration, hosts: Vec<String>) {
    let vm_storage = stage.choice.chance(6);
    stage.at(at, Action::StorageLoss { hosts: Some(hosts), vm_storage });
}

fn heal(stage: &mut Stage, at: Duration) {
    stage.at(at, Action::StorageHeal { hosts: None });
}

/// Something falls silent: a host by itself, or between hosts.
fn silence(stage: &mut Stage, at: Duration, host: &str) {
    let until = at + stage.hold();
    match stage.choice.between(0, 6) {
        0..=1 => stage.isolate(host, at, until),
        2 => stage.power_off(at, &[host.to_owned()]),
        3 => {
            let lasts = stage.hold();
            stage.at(at, Action::AgentPause { hosts: vec![host.to_owned()], lasts });
        }
        4 => {
            // Deaf, or mute, to one other host only.
            let others = stage.others(host);
            let (one, other) = (vec![host.to_owned()], vec![stage.choice.pick(&others)]);
            let (from, to) = if stage.choice.chance(50) { (one, other) } else { (other, one) };
            stage.at(at, Action::Cut { from, to, networks: Vec::new() });
            stage.at(until, Action::Heal);
        }
        _ => {
            let (left, right) = stage.two_sides();
            stage.at(at, Action::Partition { groups: vec![left, right], networks: Vec::new() });
            stage.at(until, Action::Heal);
        }
    }
}

/// A host loses medium and network at once or nearly so, while its agent is well: its lease must run out.
pub(super) fn isolated(stage: &mut Stage, start: Duration) -> Duration {
    let most = if stage.hosts.len() > 3 { 2 } else { 1 };
    let hosts = stage.some_hosts(1, most);
    let end = start + stage.hold();
    for host in hosts {
        let (one, other) = (start + stage.choice.span(0, 2_000), start + stage.choice.span(0, 2_000));
        lose(stage, one, vec![host.clone()]);
        stage.isolate(&host, other, end.max(other + Duration::from_millis(100)));
    }
    let back = end + stage.choice.span(0, 3_000);
    heal(stage, back);
    back
}

/// One host loses the medium and is vouched for; then somebody falls silent, perhaps.
pub(super) fn one(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host_or_coordinator();
    lose(stage, start, vec![host.clone()]);
    let mut at = start;
    if stage.choice.chance(75) {
        at = start + stage.timeout + stage.choice.span(0, 6_000);
        let silent = if stage.choice.chance(40) && host != "coordinator" { host } else { stage.host() };
        silence(stage, at, &silent);
    }
    let end = at + stage.hold();
    heal(stage, end);
    end
}

/// All lose the medium; before or after, a host dies, leaves, or falls silent.
pub(super) fn all(stage: &mut Stage, start: Duration) -> Duration {
    let mut at = start;
    match stage.choice.between(0, 5) {
        0 => {
            let host = stage.host();
            stage.power_off(start, &[host]);
            // Agreed on by the time, or not quite.
            at += stage.around(stage.fenced_after(), 2_000, 4_000);
        }
        1 => {
            let host = stage.host();
            stage.at(start, Action::Shutdown { hosts: vec![host] });
            at += stage.choice.span(0, 25_000);
        }
        _ => {}
    }
    for host in stage.hosts.clone() {
        let lost = at + if stage.choice.chance(60) { Duration::ZERO } else { stage.choice.span(0, 3_000) };
        lose(stage, lost, vec![host]);
    }
    at += stage.hold();
    if stage.choice.chance(50) {
        let silent = stage.host();
        silence(stage, at, &silent);
        at += stage.within();
    }
    let end = at + stage.hold();
    if stage.choice.chance(70) {
        heal(stage, end);
        return end;
    }
    let hosts = stage.hosts.clone();
    let mut last = end;
    for host in stage.choice.shuffled(&hosts) {
        last += stage.choice.span(0, 1_500);
        stage.at(last, Action::StorageHeal { hosts: Some(vec![host]) });
    }
    last
}

/// All but one lose the medium; then the keeper and the others part, or the keeper dies.
pub(super) fn keeper(stage: &mut Stage, start: Duration) -> Duration {
    let keeper = stage.host();
    let others = stage.others(&keeper);
    lose(stage, start, others.clone());
    let mut at = start + stage.hold();
    match stage.choice.between(0, 5) {
        0..=1 => {
            let until = at + stage.hold();
            stage.isolate(&keeper, at, until);
            at = until;
        }
        2 => stage.power_off(at, &[keeper]),
        3 => {
            let silent = stage.choice.pick(&others);
            silence(stage, at, &silent);
        }
        4 => {
            // The medium changes hands.
            stage.at(at, Action::StorageLoss { hosts: Some(vec![keeper]), vm_storage: false });
            let next = at + stage.choice.span(0, 4_000);
            stage.at(next, Action::StorageHeal { hosts: Some(vec![stage.hosts[0].clone()]) });
        }
        _ => {}
    }
    let end = at + stage.hold();
    heal(stage, end);
    end
}

/// Some lose the medium, and the network splits along that line or across it.
pub(super) fn some(stage: &mut Stage, start: Duration) -> Duration {
    let (without, with) = stage.two_sides();
    lose(stage, start, without.clone());
    let at = start + if stage.choice.chance(50) { stage.hold() } else { stage.choice.span(0, 2_000) };
    let end = at + stage.hold();
    match stage.choice.between(0, 4) {
        0..=1 => {
            stage.at(at, Action::Partition { groups: vec![without, with], networks: Vec::new() });
            stage.at(end, Action::Heal);
        }
        2 => {
            let silent = stage.choice.pick(&without);
            silence(stage, at, &silent);
        }
        3 => {
            let silent = stage.choice.pick(&with);
            silence(stage, at, &silent);
        }
        _ => {}
    }
    let back = end + stage.choice.span(0, 4_000);
    heal(stage, back);
    back
}

/// The medium answers slowly, up to beyond T; then somebody falls silent, so that it counts when what was done.
pub(super) fn slow(stage: &mut Stage, start: Duration) -> Duration {
    let timeout = stage.timeout.as_millis() as u64;
    let latency =
        stage.choice.pick(&[250, 500, 1_000, 2_000, timeout / 2, timeout - 1_000, timeout, timeout + 2_000]);
    let latency = Duration::from_millis(latency);
    let hosts = if stage.choice.chance(35) { stage.hosts.clone() } else { stage.some_hosts(1, 2) };
    stage.at(start, Action::StorageSlow { hosts: Some(hosts.clone()), latency });
    let at = start + stage.choice.span(500, timeout * 2);
    let silent = if stage.choice.chance(50) { stage.choice.pick(&hosts) } else { stage.host() };
    if stage.choice.chance(80) {
        silence(stage, at, &silent);
    }
    let end = at + stage.hold();
    stage.at(end, Action::StorageSlow { hosts: None, latency: Duration::from_millis(2) });
    end
}

/// What hosts asked of the medium takes effect when nobody expects it any more, even after they went down.
pub(super) fn late(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host_or_coordinator();
    let timeout = stage.timeout.as_millis() as u64;
    let lasts = stage.choice.span(500, timeout + 4_000);
    stage.at(start, Action::MediumDelay { hosts: Some(vec![host.clone()]), lasts });
    let at = start + stage.choice.span(0, 1_500);
    if host == "coordinator" || stage.choice.chance(40) {
        stage.power_off(at, &[host]);
    } else {
        silence(stage, at, &host);
    }
    start + lasts + stage.hold()
}

/// Requests fail for a while, or are acknowledged and lost.
pub(super) fn errors(stage: &mut Stage, start: Duration) -> Duration {
    let hosts = if stage.choice.chance(30) { None } else { Some(stage.some_hosts(1, 2)) };
    let lasts = stage.hold();
    if stage.choice.chance(65) {
        stage.at(start, Action::MediumError { hosts, lasts });
    } else {
        stage.at(start, Action::MediumLoseWrites { hosts, lasts });
    }
    if stage.choice.chance(60) {
        let (at, silent) = (start + stage.within(), stage.host());
        silence(stage, at, &silent);
    }
    start + lasts + stage.choice.span(0, 5_000)
}
