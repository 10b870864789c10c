//! Whole pools under random faults: no law is broken, and every pool heals. 200 seeds here; `SEEDS=A..B` runs others, and
//! `.ci/soak` tens of thousands.
use lifeboat_simulator::coverage::{Met, Tally};
use lifeboat_simulator::exhaustive::{self, Extent};
use lifeboat_simulator::random::{self, Report};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, RangeInclusive};

#[test]
fn no_law_is_broken_and_every_pool_heals() {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    random::run_seeds(seeds(), at_once(), |report| {
        tally.add(&report.coverage);
        if !report.violations.is_empty() {
            failed.push(told(&report));
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{} of {} seeds fail\n{}", failed.len(), tally.runs, failed.join("\n"));
    // What was never met was never tried.
    let least = tally.runs / 20;
    for (met, name) in [
        (Met::Takeover, "takeovers"),
        (Met::Fence, "fences"),
        (Met::SplitWithMedium, "splits with the medium up"),
        (Met::StorageLossWithSilence, "storage loss together with silence"),
        (Met::CoordinatorLostInRestarts, "coordinator lost during restarts"),
    ] {
        assert!(tally.count(met) >= least, "{name}: in {} of {} runs", tally.count(met), tally.runs);
    }
}

#[test]
fn a_seed_is_a_run_whatever_runs_beside_it() {
    let outcome = |at_once| {
        let mut out = Vec::new();
        random::run_seeds(1_000..=1_011, at_once, |report| {
            out.push((report.seed, report.violations, report.coverage, report.lasted));
            ControlFlow::Continue(())
        });
        out
    };
    assert_eq!(outcome(NonZeroUsize::MIN), outcome(NonZeroUsize::MIN.saturating_add(3)));
}

#[test]
fn every_pair_of_the_faults_that_matter_most_is_survived_by_three_hosts() {
    let scenarios = exhaustive::scenarios(Extent::SmallPairs);
    let mut failed = Vec::new();
    exhaustive::run_all(&scenarios, 1, at_once(), |report| {
        if let Some(violation) = report.violations.first() {
            let events = &scenarios[report.position].events;
            failed.push(format!("{}: {}\n{events:?}", violation.invariant, violation.text));
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{} of {} fail\n{}", failed.len(), scenarios.len(), failed.join("\n"));
}

fn told(report: &Report) -> String {
    let violation = &report.violations[0];
    let seed = report.seed;
    format!(
        "seed {seed}: {}: {}\n    {}\n    lifeboat sim --random --seeds {seed}",
        violation.invariant, violation.text, report.summary
    )
}

fn at_once() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[expect(clippy::disallowed_methods, reason = "the door through which a soak says which seeds")]
fn seeds() -> RangeInclusive<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return 0..=199 };
    let (first, beyond) = text.split_once("..").expect("SEEDS=A..B");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    number(first)..=number(beyond) - 1
}
