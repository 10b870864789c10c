//! What every host must have: an agent, a watchdog, a clock, heartbeat networks that reach every other host.
use super::reasons::{Finding, Refusal, Warning};
use super::{AgentFacts, LATENCY_PROMISED, PoolFacts, Watchdog, Wish, agents, longest_latency};
use crate::settings::CLOCK_RATE_PPM;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// Judges the hosts apart from the medium.
pub(super) fn judge(
    facts: &PoolFacts,
    wish: &Wish,
    refusals: &mut Vec<Finding<Refusal>>,
    warnings: &mut Vec<Finding<Warning>>,
) {
    for (position, host) in facts.hosts.iter().enumerate() {
        let index = HostIndex::new(position);
        let Some(agent) = &host.agent else {
            refusals.push(Finding::of_host(index, Refusal::NoAgent));
            continue;
        };
        let unsafe_ones = host_refusals(agent, wish).chain(not_connected(facts, index, agent));
        refusals.extend(unsafe_ones.map(|reason| Finding::of_host(index, reason)));
        warnings.extend(host_warnings(agent, wish).map(|reason| Finding::of_host(index, reason)));
    }
}

/// Judges how the hosts reach etcd.
pub(super) fn judge_etcd(
    facts: &PoolFacts,
    timeout: Duration,
    refusals: &mut Vec<Finding<Refusal>>,
    warnings: &mut Vec<Finding<Warning>>,
) {
    for (host, agent) in agents(facts) {
        match agent.etcd {
            None => refusals.push(Finding::of_host(host, Refusal::NoEtcd)),
            Some(latency) if latency > longest_latency(timeout) => {
                refusals.push(Finding::of_host(host, Refusal::EtcdTooSlow));
            }
            Some(latency) if latency > LATENCY_PROMISED => {
                warnings.push(Finding::of_host(host, Warning::SlowMedium));
            }
            Some(_) => {}
        }
    }
}

fn host_refusals(agent: &AgentFacts, wish: &Wish) -> impl Iterator<Item = Refusal> {
    let off_by = agent.clock_rate_ppm.map_or(0, i32::unsigned_abs);
    let networks = usize::from(wish.settings.networks);
    let found = [
        (agent.watchdog == Watchdog::Missing, Refusal::NoWatchdog),
        (off_by > CLOCK_RATE_PPM, Refusal::ClockRate),
        (networks == 0 || agent.networks.len() != networks, Refusal::Networks),
    ];
    found.into_iter().filter_map(|(applies, reason)| applies.then_some(reason))
}

fn host_warnings(agent: &AgentFacts, wish: &Wish) -> impl Iterator<Item = Warning> {
    let working = agent.networks.iter().filter(|link| link.carrier);
    let links: BTreeSet<u32> = working.map(|link| link.physical).collect();
    let found = [
        (links.len() < 2, Warning::NotRedundant),
        (agent.networks.iter().any(|link| !link.carrier), Warning::LinkDown),
        (agent.watchdog == Watchdog::Kernel, Warning::KernelWatchdog),
        (agent.clock_rate_ppm.is_none(), Warning::ClockRateUnknown),
        (wish.settings.gateway && !agent.reaches_gateway, Warning::NoGateway),
    ];
    found.into_iter().filter_map(|(applies, reason)| applies.then_some(reason))
}

/// A refusal for every host of a higher index that this one exchanges no heartbeats with; so each pair is named
/// once, and hosts whose agent cannot be reached are named for that alone.
fn not_connected<'a>(
    facts: &'a PoolFacts,
    host: HostIndex,
    agent: &'a AgentFacts,
) -> impl Iterator<Item = Refusal> + 'a {
    let hears = |agent: &AgentFacts, other| {
        agent.networks.iter().map(|link| link.exchanged.contains(other)).collect::<Vec<_>>()
    };
    let others = agents(facts).filter(move |(other, _)| *other > host);
    others.filter_map(move |(other, facts_of_other)| {
        let there = hears(agent, other);
        let back = hears(facts_of_other, host);
        let exchange = there.into_iter().zip(back).any(|(there, back)| there && back);
        (!exchange).then_some(Refusal::NotConnected { with: other })
    })
}
