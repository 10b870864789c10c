//! `lifeboat sim --random` and `--exhaustive`: many runs, several at once, told as they come in; a run that fails
//! says with which command it is repeated.
use super::documents::PoolDocuments;
use super::{Arguments, tell};
use crate::cli::Status;
use crate::cli::output::Output;
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, count, styled, table};
use crate::cli::trouble::Trouble;
use crate::clock::Stopwatch;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use indicatif::{ProgressBar, ProgressStyle};
use lifeboat_simulator::coverage::Tally;
use lifeboat_simulator::exhaustive::{self, Extent};
use lifeboat_simulator::random::{self, Report};
use lifeboat_simulator::run::Prepared;
use lifeboat_simulator::{RunError, Violation, Watch};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

/// Seeds that are run where none are named.
const USUAL: RangeInclusive<u64> = 0..=99;
/// Runs that failed and are told in full; the rest are counted.
const MOST_TOLD: usize = 20;

/// Runs pools and faults made from seeds.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let seeds = arguments.seeds.as_deref().map_or(Ok(USUAL), seeds)?;
    if seeds.start() == seeds.end() {
        return one(*seeds.start(), arguments, output);
    }
    let runs = seeds.end() - seeds.start() + 1;
    let mut many = Many::begin(runs, output.shows_progress());
    random::run_seeds(seeds, jobs(arguments), |report| {
        many.take(report, output);
        ControlFlow::Continue(())
    });
    many.end(arguments, output)
}

/// One seed, told line by line, or made small.
fn one(seed: u64, arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let unusable = |source: RunError| Trouble::Scenario { path: format!("seed {seed}"), source };
    if arguments.minimise {
        let report = random::run_seed(seed);
        let Some(violation) = report.violations.first() else {
            output.note(&format!("seed {seed} breaks no law: there is nothing to make small\n"));
            return Ok(Status::Answered);
        };
        output.note(&format!("looking for the smallest scenario that breaks: {}\n", violation.invariant));
        let smallest = random::smallest(seed, violation.invariant);
        let head = format!("# {}\n# lifeboat sim FILE --seed {seed}\n", report.summary);
        output.text(&(head + &smallest.print(&PoolDocuments))).map_err(Trouble::Output)?;
        return Ok(Status::Unmet);
    }
    let made = random::scenario(seed);
    let none = |_: &Path| Err("random scenarios name no files".to_owned());
    let prepared = Prepared::new(&made.scenario, &PoolDocuments, &none).map_err(unusable)?;
    let mut watch = Watch::all().until_well(made.healed);
    let outcome = prepared.run(seed, &mut watch).map_err(unusable)?;
    tell(arguments, output, &made.scenario, &outcome, watch.violations())
}

/// Tries every pair of faults from a small alphabet on three hosts.
pub(super) fn exhaust(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let scenarios = exhaustive::scenarios(Extent::SmallPairs);
    let mut many = Many::begin(scenarios.len() as u64, output.shows_progress());
    let none = |_: &Path| Err("these scenarios name no files".to_owned());
    for (position, scenario) in scenarios.iter().enumerate() {
        let unusable = |source: RunError| Trouble::Scenario { path: format!("number {position}"), source };
        let mut watch = Watch::all();
        let prepared = Prepared::new(scenario, &PoolDocuments, &none).map_err(unusable)?;
        let outcome = prepared.run(arguments.seed, &mut watch).map_err(unusable)?;
        let (violations, coverage) = watch.into_findings();
        if !violations.is_empty() {
            output.note(&format!(
                "# lifeboat sim FILE --seed {}\n{}\n",
                arguments.seed,
                scenario.print(&PoolDocuments)
            ));
        }
        let summary =
            scenario.events.iter().map(|event| super::words::event(&event.action)).collect::<Vec<_>>();
        let lasted = outcome.ended.since(lifeboat_simulator::At::START);
        many.take(
            Report { seed: position as u64, summary: summary.join("; "), violations, coverage, lasted },
            output,
        );
    }
    many.end(arguments, output)
}

fn jobs(arguments: &Arguments) -> NonZeroUsize {
    arguments.jobs.unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

/// `A..B` without B, `A..=B` with it, or one.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, Trouble> {
    let parsed = match text.split_once("..") {
        None => text.parse().ok().map(|seed| seed..=seed),
        Some((first, last)) => {
            let (last, beyond) = last.strip_prefix('=').map_or((last, 1), |last| (last, 0));
            let first = first.parse().ok();
            let last = last.parse::<u64>().ok().and_then(|last| last.checked_sub(beyond));
            first.zip(last).map(|(first, last)| first..=last)
        }
    };
    parsed.filter(|seeds| !seeds.is_empty()).ok_or_else(|| Trouble::Misspelt {
        option: "--seeds",
        text: text.to_owned(),
        expected: "a range of seeds such as 0..1000, nor one seed",
    })
}

/// Many runs, as they come in.
struct Many {
    bar: Option<ProgressBar>,
    clock: Stopwatch,
    tally: Tally,
    lasted: Duration,
    failed: Vec<Failed>,
}

struct Failed {
    seed: u64,
    summary: String,
    violations: Vec<Violation>,
}

impl Many {
    fn begin(runs: u64, live: bool) -> Self {
        let bar = live.then(|| {
            let style = ProgressStyle::with_template("{bar:40} {pos} of {len}, {per_sec}, {msg} {eta} to go");
            ProgressBar::new(runs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let (tally, lasted) = (Tally::default(), Duration::ZERO);
        Self { bar, clock: Stopwatch::start(), tally, lasted, failed: Vec::new() }
    }

    fn take(&mut self, report: Report, output: &mut Output<'_>) {
        self.tally.add(&report.coverage);
        self.lasted += report.lasted;
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(if self.failed.is_empty() {
                String::new()
            } else {
                format!("{} failed,", self.failed.len())
            });
        }
        if report.violations.is_empty() {
            return;
        }
        let failed = Failed { seed: report.seed, summary: report.summary, violations: report.violations };
        if self.failed.len() < MOST_TOLD && self.bar.is_some() {
            // What waits for the end would be lost with an interrupt.
            let bar = self.bar.take();
            if let Some(bar) = &bar {
                bar.suspend(|| output.note(&failed.text()));
            }
            self.bar = bar;
        }
        self.failed.push(failed);
    }

    fn end(self, arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if arguments.json {
            output.json(&self.answer()).map_err(Trouble::Output)?;
        } else {
            output.text(&self.text(output.width())).map_err(Trouble::Output)?;
        }
        Ok(if self.failed.is_empty() { Status::Answered } else { Status::Unmet })
    }

    fn answer(&self) -> Value {
        let failed = self.failed.iter().map(|failed| {
            let violation =
                |violation: &Violation| json!({ "invariant": violation.invariant, "text": violation.text });
            json!({
                "seed": failed.seed,
                "scenario": failed.summary,
                "violations": failed.violations.iter().map(violation).collect::<Vec<_>>(),
                "repeat": failed.repeat(),
            })
        });
        let met = self.tally.rows().map(|(name, runs, _)| json!({ "what": name, "runs": runs }));
        json!({
            "runs": self.tally.runs,
            "virtual_s": self.lasted.as_secs(),
            "failed": failed.collect::<Vec<_>>(),
            "met": met.collect::<Vec<_>>(),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    fn text(&self, width: Option<u16>) -> String {
        let mut text = String::new();
        for failed in self.failed.iter().take(MOST_TOLD) {
            text.push_str(&failed.text());
        }
        if self.failed.len() > MOST_TOLD {
            let _ =
                writeln!(text, "and {} more that failed; --json has them all", self.failed.len() - MOST_TOLD);
        }
        let share = |runs: u64| format!("{:.1} %", runs as f64 * 100.0 / self.tally.runs.max(1) as f64);
        let lacking = self.tally.lacking();
        let rows = self.tally.rows().map(|(name, runs, _)| {
            let seldom = if lacking.contains(&name) && self.tally.runs >= 1000 { "too seldom" } else { "" };
            [name.to_owned(), runs.to_string(), share(runs), styled(OPEN, seldom)]
        });
        text.push_str(&table(["met", "runs", "", ""], rows, width));
        let wall = self.clock.elapsed().as_secs_f64().max(1e-6);
        let pace = format!(
            "{:.1} runs and {:.2} hours of virtual time a second",
            self.tally.runs as f64 / wall,
            self.lasted.as_secs_f64() / 3600.0 / wall
        );
        let verdict = match self.failed.len() {
            0 => styled(GOOD, "every law held in each"),
            failed => styled(BAD, format!("{failed} failed")),
        };
        let runs = count(self.tally.runs as usize, "run");
        let _ = writeln!(text, "{runs}: {verdict}\n{}", styled(QUIET, pace));
        text
    }
}

impl Failed {
    fn repeat(&self) -> String {
        format!("lifeboat sim --random --seeds {}", self.seed)
    }

    fn text(&self) -> String {
        let mut text = format!("{} {}: {}\n", styled(BAD, "seed"), self.seed, self.summary);
        for violation in self.violations.iter().take(3) {
            let _ = writeln!(text, "  {}: {}", violation.invariant, violation.text);
        }
        let _ = writeln!(text, "  {} {}", styled(QUIET, "repeat:"), self.repeat());
        text
    }
}
