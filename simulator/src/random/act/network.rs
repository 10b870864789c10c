//! The network splits, in all the ways in which networks do.
use super::super::stage::Stage;
use crate::scenario::Action;
use core::time::Duration;

/// Two sides that do not hear each other; perhaps some of the world is different on one of them.
pub(super) fn split(stage: &mut Stage, start: Duration) -> Duration {
    let (left, right) = stage.two_sides();
    let networks = stage.on_networks();
    let end = start + stage.hold();
    stage.at(start, Action::Partition { groups: vec![left.clone(), right], networks });
    match stage.choice.between(0, 11) {
        0 => {
            let at = start + stage.within();
            stage.power_off(at, &left[..1]);
        }
        1 => {
            let (at, lasts) = (start + stage.within(), stage.hold());
            stage.at(at, Action::AgentPause { hosts: left, lasts });
        }
        2 => {
            let at = start + stage.within();
            stage.at(at, Action::StorageLoss { hosts: Some(left), vm_storage: false });
            let back = end + stage.choice.span(0, 5_000);
            stage.at(back, Action::StorageHeal { hosts: None });
        }
        3 => {
            let at = start + stage.within();
            stage.power_off(at, &["coordinator".to_owned()]);
        }
        _ => {}
    }
    stage.at(end, Action::Heal);
    end + stage.choice.span(0, 5_000)
}

/// Three sides.
pub(super) fn three(stage: &mut Stage, start: Duration) -> Duration {
    let mut groups = vec![Vec::new(); 3];
    for host in stage.hosts.clone() {
        groups[stage.choice.between(0, 2)].push(host);
    }
    groups.retain(|group| !group.is_empty());
    let end = start + stage.hold();
    stage.at(start, Action::Partition { groups, networks: Vec::new() });
    stage.at(end, Action::Heal);
    end + stage.choice.span(0, 5_000)
}

/// Some pairs do not hear each other.
pub(super) fn partial(stage: &mut Stage, start: Duration) -> Duration {
    let hosts = stage.hosts.clone();
    let share = stage.choice.pick(&[8, 20, 40]);
    let spread = if stage.choice.chance(70) { 0 } else { stage.timeout.as_millis() as u64 };
    let mut cut_any = false;
    for (position, from) in hosts.iter().enumerate() {
        for to in &hosts[position + 1..] {
            if stage.choice.chance(share) || (!cut_any && position + 2 == hosts.len()) {
                cut_any = true;
                let at = start + stage.choice.span(0, spread);
                both_ways(stage, at, from, to);
            }
        }
    }
    let end = start + Duration::from_millis(spread) + stage.hold();
    stage.at(end, Action::Heal);
    end + stage.choice.span(0, 5_000)
}

fn both_ways(stage: &mut Stage, at: Duration, one: &str, other: &str) {
    let (one, other) = (vec![one.to_owned()], vec![other.to_owned()]);
    stage.at(at, Action::Cut { from: one.clone(), to: other.clone(), networks: Vec::new() });
    stage.at(at, Action::Cut { from: other, to: one, networks: Vec::new() });
}

/// What some hosts send does not arrive at some others, though they hear those well.
pub(super) fn one_way(stage: &mut Stage, start: Duration) -> Duration {
    let (from, to) = stage.two_sides();
    let few = stage.choice.between(1, to.len());
    let to = stage.choice.some_of(&to, few);
    let end = start + stage.hold();
    stage.at(start, Action::Cut { from, to, networks: Vec::new() });
    stage.at(end, Action::Heal);
    end + stage.choice.span(0, 5_000)
}

/// One way is cut on one network and the other way on the other: they hear each other on no network both ways.
pub(super) fn crossed(stage: &mut Stage, start: Duration) -> Duration {
    let (left, right) = stage.two_sides();
    let networks = stage.networks.clone();
    for (position, network) in networks.into_iter().enumerate() {
        let (from, to) =
            if position % 2 == 0 { (left.clone(), right.clone()) } else { (right.clone(), left.clone()) };
        stage.at(start, Action::Cut { from, to, networks: vec![network] });
    }
    let end = start + stage.hold();
    stage.at(end, Action::Heal);
    end + stage.choice.span(0, 5_000)
}

/// Cables are pulled.
pub(super) fn links(stage: &mut Stage, start: Duration) -> Duration {
    let most = stage.hosts.len() - 1;
    let hosts =
        if stage.choice.chance(70) { vec![stage.host_or_coordinator()] } else { stage.some_hosts(1, most) };
    let networks = stage.on_networks();
    let end = start + stage.hold();
    stage.at(start, Action::LinkDown { hosts, networks });
    stage.at(end, Action::LinkUp { hosts: stage.hosts.clone(), networks: Vec::new() });
    end + stage.choice.span(0, 5_000)
}

/// A cable that makes contact now and then, around the time at which it matters.
pub(super) fn flap(stage: &mut Stage, start: Duration) -> Duration {
    let host = vec![stage.host()];
    let mut at = start;
    for _ in 0..stage.choice.between(2, 5) {
        stage.at(at, Action::LinkDown { hosts: host.clone(), networks: Vec::new() });
        at += stage.around(stage.silence(), 700, 900);
        stage.at(at, Action::LinkUp { hosts: host.clone(), networks: Vec::new() });
        at += stage.choice.span(20, 2_500);
    }
    at
}

/// One split gives way to another before or while the first is dealt with.
pub(super) fn moves(stage: &mut Stage, start: Duration) -> Duration {
    let mut at = start;
    for _ in 0..stage.choice.between(2, 4) {
        let (left, right) = stage.two_sides();
        stage.at(at, Action::Partition { groups: vec![left, right], networks: Vec::new() });
        at += stage.within();
        // Which splits add up and which replace one another is up to `heal`.
        if stage.choice.chance(70) {
            stage.at(at, Action::Heal);
        }
    }
    at += stage.hold();
    stage.at(at, Action::Heal);
    at
}

/// A split whose sides reach the medium at different speeds: proposals for one number overtake one another.
pub(super) fn duel(stage: &mut Stage, start: Duration) -> Duration {
    let quick = stage.timeout.as_millis() as u64;
    for host in stage.hosts.clone() {
        if stage.choice.chance(65) {
            let latency = stage.choice.span(30, (quick / 4).min(2_500));
            stage.at(start, Action::StorageSlow { hosts: Some(vec![host]), latency });
        }
    }
    let at = start + stage.choice.span(500, 3_000);
    let end = match stage.choice.between(0, 4) {
        0 => partial(stage, at),
        1 => moves(stage, at),
        2 => three(stage, at),
        _ => split(stage, at),
    };
    stage.at(end, Action::StorageSlow { hosts: None, latency: Duration::from_millis(2) });
    end
}

/// Loss, doubling and long delays, under which all else goes on.
pub(super) fn bad(stage: &mut Stage, start: Duration) -> Duration {
    let end = start + stage.hold() + stage.hold();
    let timeout = stage.timeout.as_millis() as u64;
    if stage.choice.chance(60) {
        let in_a_million = stage.choice.pick(&[20_000, 100_000, 200_000, 300_000]);
        let hosts = stage.choice.chance(40).then(|| stage.some_hosts(1, 2));
        stage.at(start, Action::PacketLoss { hosts, in_a_million, networks: Vec::new() });
        stage.at(end, Action::PacketLoss { hosts: None, in_a_million: 0, networks: Vec::new() });
    }
    if stage.choice.chance(60) {
        let latency = stage.choice.span(1, 200);
        // Some datagrams come when everything has been decided already.
        let jitter = stage.choice.pick(&[50, 400, timeout / 4, timeout + 3_000]);
        stage.at(start, Action::NetworkDelay { latency, jitter: Duration::from_millis(jitter) });
        stage.at(end, Action::NetworkDelay { latency: Duration::from_millis(1), jitter: Duration::ZERO });
    }
    if stage.choice.chance(50) {
        stage.at(start, Action::Duplicate { in_a_million: 300_000 });
        stage.at(end, Action::Duplicate { in_a_million: 0 });
    }
    end
}

/// A host lives by what it hears over a slow network alone, and then hears nothing more: all spans of travel count.
pub(super) fn slow_then_isolated(stage: &mut Stage, start: Duration) -> Duration {
    let host = stage.host();
    let latency = stage.choice.span(300, (stage.timeout.as_millis() as u64 / 5).clamp(300, 2_500));
    stage.at(start, Action::NetworkDelay { latency, jitter: Duration::from_millis(10) });
    stage.at(start, Action::StorageLoss { hosts: Some(vec![host.clone()]), vm_storage: false });
    let silent = start + stage.timeout + stage.choice.span(2_000, 8_000);
    let end = silent + stage.timeout * 2;
    if stage.choice.chance(60) {
        stage.isolate(&host, silent, end);
    } else {
        let lasts = stage.timeout * 2;
        stage.at(silent, Action::AgentPause { hosts: vec![host], lasts });
    }
    stage.at(end, Action::NetworkDelay { latency: Duration::from_millis(1), jitter: Duration::ZERO });
    stage.at(end, Action::StorageHeal { hosts: None });
    end
}
