//! `lifeboat bench`: how long each step takes on the user's own pool and machine, from the file to the checked
//! certificate. The figures that the pages quote come from the report in `benches/`; this one is for everybody
//! who wants to know whether they hold at home.
use super::Status;
use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::style::{STRONG, count, elapsed, styled, table};
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::dto::bench::{BenchAnswer, StepAnswer};
use crate::{dto, source};
use lifeboat_check::verify;
use lifeboat_model::{HostSet, Pool};
use lifeboat_planner::{Assessment, Limits, assess, restart_plan};
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  lifeboat bench pool.json.gz
  lifeboat bench pool.json.gz --repeat 100 --threads 1 --json";

/// Measure how long each step takes on a pool
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Run each step this often, less often where it takes seconds
    #[arg(long, value_name = "N", default_value = "20")]
    repeat: NonZeroU32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// No step is begun again when it has taken this long in all.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    // The file once before anything is measured: whatever is wrong with it is said before, not amid.
    let pool = arguments.pool.load()?;
    let measurement = Measurement { arguments, output };
    let assessment = measurement.search(|limits| assess(&pool, limits));
    let answer = BenchAnswer {
        pool: pool.id(),
        hosts: pool.hosts().len(),
        vms: pool.vms().len(),
        exact: assessment.tolerance.simultaneous.is_exact() && assessment.tolerance.sequential.is_exact(),
        steps: measurement.steps(&pool, &assessment)?,
    };
    if arguments.json {
        output.json(&answer).map_err(Trouble::Output)?;
    } else {
        output.text(&text(&answer, output.width())).map_err(Trouble::Output)?;
    }
    Ok(Status::Answered)
}

struct Measurement<'a, 'w> {
    arguments: &'a Arguments,
    output: &'a Output<'w>,
}

impl Measurement<'_, '_> {
    /// From the file to the checked certificate.
    fn steps(&self, pool: &Pool, assessment: &Assessment) -> Result<Vec<StepAnswer>, Trouble> {
        let mut steps = Vec::new();
        // Standard input can be read once only, and a served pool is not read from a file.
        if let Some(path) = self.arguments.pool.file.as_deref().filter(|path| *path != Path::new("-")) {
            let document = source::read(path, source::MOST_FILE_BYTES)?;
            steps.push(self.step("read and unpack", || source::read(path, source::MOST_FILE_BYTES)));
            steps.push(self.step("parse and build", || dto::pool::read(&document)));
        }
        steps.push(self.step("prove and refute", || self.search(|limits| assess(pool, limits))));
        let target = pool.effective_target();
        steps.push(self.step("prove up to the target", || {
            self.search(|limits| assess(pool, &Limits { max_failures: Some(target), ..*limits }))
        }));
        steps.extend(self.plans(pool, assessment));
        steps.push(self.step("verify the certificate", || {
            verify(pool, &assessment.certificate, &lifeboat_check::Limits::default())
        }));
        Ok(steps)
    }

    /// The restart plan for each single failure, every host in its turn.
    fn plans(&self, pool: &Pool, assessment: &Assessment) -> Option<StepAnswer> {
        let all = Stopwatch::start();
        let mut times = Vec::new();
        for failed in pool.failable_hosts().iter() {
            let failed = HostSet::of(pool.hosts().len(), [failed]);
            let clock = Stopwatch::start();
            let plan = self.search(|limits| restart_plan(pool, &failed, assessment, limits));
            times.push(clock.elapsed());
            drop(plan);
            if all.has_reached(PATIENCE) {
                break;
            }
        }
        StepAnswer::of("plan for one failed host", times)
    }

    fn search<T>(&self, search: impl FnOnce(&Limits<'_>) -> T) -> T {
        self.arguments.search.run(&Stopwatch::start(), 1.0, self.output, search)
    }

    /// One step as often as asked for; giving back what it made is not its time.
    fn step<T>(&self, name: &'static str, run: impl Fn() -> T) -> StepAnswer {
        let all = Stopwatch::start();
        let once = || {
            let clock = Stopwatch::start();
            let made = run();
            let time = clock.elapsed();
            drop(made);
            time
        };
        let mut times = vec![once()];
        while times.len() < self.arguments.repeat.get() as usize && !all.has_reached(PATIENCE) {
            times.push(once());
        }
        StepAnswer::of(name, times).expect("it ran once at least")
    }
}

fn text(answer: &BenchAnswer<'_>, width: Option<u16>) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}  {}, {}",
        styled(STRONG, answer.pool),
        count(answer.hosts, "host"),
        count(answer.vms, "VM")
    );
    let rows = answer.steps.iter().map(|step| {
        let time = |ns: u64| {
            if ns < 10_000 { format!("{}.{} µs", ns / 1000, ns % 1000 / 100) } else { elapsed(ns / 1000) }
        };
        [
            step.step.to_owned(),
            step.runs.to_string(),
            time(step.fastest_ns),
            time(step.median_ns),
            time(step.slowest_ns),
        ]
    });
    text.push_str(&table(["step", "runs", "fastest", "median", "slowest"], rows, width));
    if !answer.exact {
        text.push_str("  The limits left a part of the verdict open: with more time, more is proven.\n");
    }
    text
}
