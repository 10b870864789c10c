//! What keeps a VM from hosts, told to people: the same reason once, with the hosts that it holds for.
use super::style::{count, names};
use crate::dto::agility::{Unprotectable, obstacles, reason};
use lifeboat_model::{Pool, VmIndex};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Reasons beyond which the rest is counted.
const MOST_REASONS: usize = 4;

/// The name of the host that a VM is on.
pub(super) fn host_of(pool: &Pool, vm: VmIndex) -> String {
    pool.vm(vm).host.map_or_else(|| "-".to_owned(), |host| pool.host_id(host).to_owned())
}

/// What keeps a VM from all other hosts, the same reason told once.
pub(super) fn why_nowhere(pool: &Pool, vm: VmIndex) -> String {
    let others = pool.hosts().len() - usize::from(pool.runs_on(vm).is_some());
    let all = obstacles(pool, vm).map(|(host, obstacles)| (pool.host_id(host), reason(pool, &obstacles)));
    told_once(all, others)
}

/// Why an unprotectable VM can run on none of the other hosts, the same reason told once.
pub(super) fn why_unprotectable(vm: &Unprotectable<'_>) -> String {
    told_once(vm.hosts.iter().map(|host| (host.host, host.reason.clone())), vm.hosts.len())
}

/// Reasons with the hosts that they hold for, of `others` in all, the most frequent first.
fn told_once<'h>(all: impl Iterator<Item = (&'h str, String)>, others: usize) -> String {
    let mut hosts_by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (host, reason) in all {
        hosts_by_reason.entry(reason).or_default().push(host);
    }
    if hosts_by_reason.is_empty() {
        return "there is no other host".to_owned();
    }
    let mut reasons: Vec<(String, Vec<&str>)> = hosts_by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, hosts)| Reverse(hosts.len()));
    let told: Vec<String> = reasons
        .iter()
        .take(MOST_REASONS)
        .map(|(reason, hosts)| {
            let everywhere = hosts.len() == others && others > 2;
            let place = if everywhere { "every other host".to_owned() } else { names(hosts, 3) };
            format!("{place}: {reason}")
        })
        .collect();
    let more = reasons.len() - told.len();
    if more == 0 {
        told.join(" / ")
    } else {
        format!("{} / and {}", told.join(" / "), count(more, "other reason"))
    }
}
