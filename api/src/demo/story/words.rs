//! The sentences themselves.
use super::Tone;
use super::crowd::{Crowd, Kind};
use crate::cli::style::count;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_simulator::happening::Alert;
use lifeboat_simulator::scenario::Action;
use std::collections::BTreeSet;

/// Ranges of hosts in a sentence beyond which they are counted.
const MOST_RANGES: usize = 3;

/// What is said of a crowd.
pub(super) fn crowd(pool: &Pool, crowd: &Crowd) -> (Tone, String) {
    let (who, many) = (hosts(pool, &crowd.hosts), crowd.hosts.len() > 1);
    let verb = |one: &'static str, more: &'static str| if many { more } else { one };
    let vms = count(crowd.vms.len(), "VM");
    match &crowd.kind {
        Kind::PowerLost => {
            let has = verb("has", "have");
            (Tone::Bad, format!("{who} {has} lost power{}", gone(crowd)))
        }
        Kind::SwitchedOff => (Tone::Quiet, format!("{who} {} off, as asked", verb("is", "are"))),
        Kind::FencedItself => {
            let has = verb("has fenced itself", "have fenced themselves");
            (Tone::Bad, format!("{who} {has}{}", gone(crowd)))
        }
        Kind::Lost => (Tone::Warn, format!("the pool agrees on a liveset without {who}")),
        Kind::Left => {
            (Tone::Quiet, format!("{who} {} the pool, and will not be missed", verb("leaves", "leave")))
        }
        Kind::Safe { evidence } => {
            let are = verb("is", "are");
            (Tone::Plain, format!("{who} {are} safe to replace: {}", words_of_evidence(*evidence, many)))
        }
        Kind::Started { order } => (Tone::Plain, started(pool, crowd, *order)),
        Kind::Moved { from } => {
            let to = count(crowd.hosts.len(), "host");
            (Tone::Plain, format!("{vms} moved from {} to {to}, none of them stopped", pool.host_id(*from)))
        }
        Kind::Ordered => (Tone::Quiet, format!("{} stopped as ordered on {who}", vm_names(pool, &crowd.vms))),
        Kind::Crashed => {
            let crash = if crowd.vms.len() == 1 { "crashes" } else { "crash" };
            (Tone::Bad, format!("{} {crash} on {who}", vm_names(pool, &crowd.vms)))
        }
        Kind::Failed { reason } => {
            let names = vm_names(pool, &crowd.vms);
            (Tone::Warn, format!("{who} could not do what was ordered for {names}: {reason}"))
        }
        Kind::Waits { reason } => {
            let names = vm_names(pool, &crowd.vms);
            let verb = if crowd.vms.len() == 1 { "waits" } else { "wait" };
            (Tone::Warn, format!("{names} {verb}: {reason}"))
        }
        Kind::Up => (Tone::Quiet, format!("{who} {} booted", verb("has", "have"))),
        Kind::Rejoined => (Tone::Good, format!("{who} {} in the liveset again", verb("is", "are"))),
        Kind::AgentBack => (Tone::Quiet, format!("the agent on {who} is back: nothing was fenced")),
        Kind::MediumLost => {
            let has = verb("has", "have");
            (Tone::Warn, format!("{who} {has} lost the statefile: the others vouch over the network"))
        }
        Kind::MediumBack => (Tone::Good, format!("{who} {} the statefile again", verb("has", "have"))),
        Kind::Armed { armed: true } => (Tone::Good, format!("{who} {} armed again", verb("is", "are"))),
        Kind::Armed { armed: false } => {
            (Tone::Warn, format!("{who} {} disarmed: nobody fences, nothing restarts", verb("is", "are")))
        }
        Kind::Enabled => (Tone::Good, format!("{who} {} VMs again", verb("takes", "take"))),
        Kind::Disabled => (Tone::Warn, format!("{who} {} no new VMs", verb("takes", "take"))),
        Kind::Maintenance => {
            (Tone::Warn, format!("{who} {} being emptied for maintenance", verb("is", "are")))
        }
    }
}

/// What stopped with hosts.
fn gone(crowd: &Crowd) -> String {
    match crowd.vms.len() {
        0 => String::new(),
        all => format!(": {} stopped, {} of them protected", count(all, "VM"), crowd.protected),
    }
}

fn started(pool: &Pool, crowd: &Crowd, order: Option<u32>) -> String {
    let what = order.map_or_else(|| "best effort".to_owned(), |order| format!("order {order}"));
    let starts = if crowd.vms.len() == 1 { "starts" } else { "start" };
    let on = match (crowd.vms.len(), crowd.hosts.len()) {
        (1, _) | (_, 1) => hosts(pool, &crowd.hosts),
        (_, many) => count(many, "host"),
    };
    let vms = if crowd.vms.len() == 1 { vm_names(pool, &crowd.vms) } else { count(crowd.vms.len(), "VM") };
    format!("{what}: {vms} {starts} on {on}")
}

/// Said when the last protected VM is up.
pub(super) fn all_run(restarted: usize, hosts: usize) -> String {
    match restarted {
        0 => "all protected VMs run".to_owned(),
        _ => format!("all protected VMs run: {restarted} restarted on {}", count(hosts, "host")),
    }
}

/// An alert that nothing else in the story tells.
pub(super) fn alert(alert: &Alert) -> Option<(Tone, String)> {
    let tone = match alert.kind {
        "brake-applied" | "vm-runs-twice" | "plan-refused" => Tone::Bad,
        "host-quarantined" | "evacuation-stalled" | "host-state-unknown" => Tone::Warn,
        _ => return None,
    };
    let about = alert.host.iter().chain(&alert.vm).next().map(|name| format!("{name}: ")).unwrap_or_default();
    Some((tone, format!("alert {}: {about}{}", alert.kind, alert.text)))
}

/// Whether it does harm, from which other things follow.
pub(super) fn is_blow(action: &Action) -> bool {
    !matches!(
        action,
        Action::PowerOn { .. }
            | Action::Disable { .. }
            | Action::Enable { .. }
            | Action::Evacuate { .. }
            | Action::Shutdown { .. }
            | Action::Migrate { .. }
            | Action::ConfirmDead { .. }
            | Action::BmcConfirmsOff { .. }
            | Action::Heal
            | Action::LinkUp { .. }
            | Action::StorageHeal { .. }
            | Action::GatewayHeal { .. }
            | Action::Disarm { .. }
            | Action::Arm
            | Action::ReleaseBrake
    )
}

fn words_of_evidence(kind: EvidenceKind, many: bool) -> &'static str {
    match (kind, many) {
        (EvidenceKind::LeaseExpired, false) => "its lease has run out, and its watchdog's time with it",
        (EvidenceKind::LeaseExpired, true) => {
            "their leases have run out, and their watchdogs' time with them"
        }
        (EvidenceKind::Notice, false) => "it said that it has stopped all its VMs",
        (EvidenceKind::Notice, true) => "they said that they have stopped all their VMs",
        (EvidenceKind::CrashKernel, _) => "its crash kernel said so",
        (EvidenceKind::Rebooted, false) => "it has rebooted",
        (EvidenceKind::Rebooted, true) => "they have rebooted",
        (EvidenceKind::PowerOff, _) => "the BMC confirms power off",
        (EvidenceKind::Operator, _) => "an operator said so",
        (EvidenceKind::OperatorForced, _) => "an operator insisted",
        (EvidenceKind::Left, false) => "it left with no VM running",
        (EvidenceKind::Left, true) => "they left with no VM running",
    }
}

/// Hosts in words: `h07`, `h01 to h08`, `h03, h07 and h09`; where they are too scattered, how many.
pub(super) fn hosts(pool: &Pool, hosts: &BTreeSet<HostIndex>) -> String {
    let mut ranges: Vec<(HostIndex, HostIndex)> = Vec::new();
    for host in hosts {
        match ranges.last_mut() {
            Some((_, last)) if last.get() + 1 == host.get() => *last = *host,
            _ => ranges.push((*host, *host)),
        }
    }
    if ranges.len() > MOST_RANGES {
        return count(hosts.len(), "host");
    }
    let name = |(first, last): &(HostIndex, HostIndex)| match last.get() - first.get() {
        0 => pool.host_id(*first).to_owned(),
        1 => format!("{}, {}", pool.host_id(*first), pool.host_id(*last)),
        _ => format!("{} to {}", pool.host_id(*first), pool.host_id(*last)),
    };
    let named: Vec<String> = ranges.iter().map(name).collect();
    let named = named.join(", ");
    if hosts.len() > 4 { format!("{named} ({})", count(hosts.len(), "host")) } else { named }
}

fn vm_names(pool: &Pool, vms: &BTreeSet<VmIndex>) -> String {
    let names: Vec<&str> = vms.iter().map(|vm| pool.vm_id(*vm)).collect();
    crate::cli::style::names(&names, 3)
}
