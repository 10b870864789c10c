//! Runs random scenarios, and makes those that fail small.
use super::{Random, scenario, with_events};
use crate::coverage::Coverage;
use crate::invariant::{Violation, Watch};
use crate::minimise::minimise;
use crate::run::run;
use crate::threads::in_order;
use crate::{NoDocuments, Scenario};
use core::num::NonZeroUsize;
use core::ops::{ControlFlow, RangeInclusive};
use core::time::Duration;

/// What came of a seed.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What it was, in one line.
    pub summary: String,
    /// What was broken, and when, counted from the beginning of the scenario; an end before its time is told here too.
    pub violations: Vec<Violation>,
    /// What the run has met.
    pub coverage: Coverage,
    /// How much virtual time it took.
    pub lasted: Duration,
}

/// Runs the scenario of a seed.
pub fn run_seed(seed: u64) -> Report {
    let random = scenario(seed);
    let summary = summary(&random);
    let mut watch = Watch::all().until_well(random.healed);
    match run(&random.scenario, seed, &NoDocuments, &mut watch) {
        Ok(outcome) => {
            let (violations, coverage) = watch.into_findings();
            Report { seed, summary, violations, coverage, lasted: outcome.ended.since(crate::At::START) }
        }
        Err(error) => {
            let text = error.to_string();
            let violation = Violation { invariant: "the scenario runs", at: crate::At::START, text };
            let coverage = Coverage::default();
            Report { seed, summary, violations: vec![violation], coverage, lasted: Duration::ZERO }
        }
    }
}

/// Runs the scenarios of seeds, so many at once, and hands each report over in the order of the seeds, until told to stop.
pub fn run_seeds(
    seeds: RangeInclusive<u64>,
    at_once: NonZeroUsize,
    hand_over: impl FnMut(Report) -> ControlFlow<()>,
) {
    in_order(seeds, at_once, run_seed, hand_over);
}

/// The scenario of a seed that fails, with as few and as simple events as still break the same law.
pub fn smallest(seed: u64, law: &str) -> Scenario {
    let random = scenario(seed);
    let fails = |events: &[_]| {
        let tried = with_events(&random.scenario, events);
        let mut watch = Watch::all().until_well(random.healed);
        // What cannot be run breaks no law.
        let ran = run(&tried, seed, &NoDocuments, &mut watch).is_ok();
        ran && watch.violations().iter().any(|violation| violation.invariant == law)
    };
    let events = minimise(&random.scenario.events, fails);
    with_events(&random.scenario, &events)
}

/// A seed in one line: the pool, and what happens to it.
fn summary(random: &Random) -> String {
    let scenario = &random.scenario;
    let crate::scenario::PoolSource::Document(pool) = &scenario.pool else { return String::new() };
    let medium = match scenario.settings.medium {
        Some(lifeboat_model::spec::Medium::Etcd) => "etcd",
        _ => "statefile",
    };
    let majority = if scenario.settings.storage_loss.is_some() { ", majority" } else { "" };
    format!(
        "{} hosts, {} VMs, {medium}{majority}, T = {} s, {} networks: {}",
        pool.hosts.len(),
        pool.vms.len(),
        scenario.settings.timeout_s.unwrap_or_default(),
        scenario.settings.networks().len(),
        random.acts.join("; ")
    )
}
