//! Runs random scenarios, and makes those that fail small.
use super::{Random, scenario, with_events};
use crate::coverage::Coverage;
use crate::invariant::{Violation, Watch};
use crate::minimise::minimise;
use crate::run::run;
use crate::{NoDocuments, Scenario};
use core::num::NonZeroUsize;
use core::ops::{ControlFlow, RangeInclusive};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::mpsc;

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
    mut hand_over: impl FnMut(Report) -> ControlFlow<()>,
) {
    let (first, last) = (*seeds.start(), *seeds.end());
    let next = AtomicU64::new(first);
    let stopped = AtomicBool::new(false);
    let (send, reports) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once.get() {
            let (send, next, stopped) = (send.clone(), &next, &stopped);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last || send.send(run_seed(seed)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut due = first;
        for report in reports {
            early.insert(report.seed, report);
            while let Some(report) = early.remove(&due) {
                due += 1;
                if hand_over(report).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    });
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
