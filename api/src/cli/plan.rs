//! `lifeboat plan`: how many host failures the pool survives, why not more, and what would restart where.
mod restarts;
pub(super) mod verdict;

use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::trouble::Trouble;
use super::{Status, certificate};
use crate::clock::Stopwatch;
use crate::dto::{restart::RestartPlanAnswer, verdict::PlanAnswer};
use crate::failure_set;
use lifeboat_model::{HostSet, Pool};
use lifeboat_planner::{Assessment, assess, restart_plan, state_after};
use std::mem::ManuallyDrop;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  What the pool survives, and why not more:
    lifeboat plan pool.json
  For a script, exit status 3 if the pool is overcommitted:
    lifeboat plan pool.json.gz --check --json
  The same of a served pool, judged here:
    lifeboat plan --pool prod-a --check
  What restarts where if these hosts fail now:
    lifeboat plan pool.json --fail h03,h17
  Keep what stands behind the verdict, and check it:
    lifeboat plan pool.json --certificate pool.cert
    lifeboat verify pool.json pool.cert
  The same answer on every machine, elapsed time aside:
    lifeboat plan pool.json --json --work-limit 1000000 --time-limit 3600";

/// Prove how many host failures a pool survives, and plan the restarts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Plan the restarts for when these hosts fail at once
    #[arg(long, value_name = "HOST,…", conflicts_with_all = ["check", "certificate"])]
    fail: Vec<String>,
    /// Write what stands behind the verdict to this file (gzip-compressed if it ends in .gz)
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Exit with status 3 if the pool is overcommitted
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    // The process ends with the verb: giving a big pool back piece by piece would only take time.
    let pool = ManuallyDrop::new(arguments.pool.load()?);
    if arguments.fail.is_empty() {
        show_verdict(arguments, &pool, output)
    } else {
        let failed = failure_set::named(&pool, &arguments.fail)?;
        show_restarts(arguments, &pool, &failed, output)
    }
}

fn show_verdict(arguments: &Arguments, pool: &Pool, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let clock = Stopwatch::start();
    let assessment: ManuallyDrop<Assessment> =
        ManuallyDrop::new(arguments.search.run(&clock, 1.0, output, |limits| assess(pool, limits)));
    let elapsed_us = clock.elapsed_us();
    if let Some(path) = &arguments.certificate {
        certificate::save(path, pool, &assessment.certificate)?;
    }
    let answer = PlanAnswer::new(pool, &assessment, elapsed_us);
    if arguments.json {
        output.json(&answer).map_err(Trouble::Output)?;
    } else {
        let text = verdict::text(&answer, output.width());
        output.text(&text).map_err(Trouble::Output)?;
    }
    Ok(if arguments.check && assessment.overcommitted { Status::Overcommitted } else { Status::Answered })
}

fn show_restarts(
    arguments: &Arguments,
    pool: &Pool,
    failed: &HostSet,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let search = &arguments.search;
    let clock = Stopwatch::start();
    // The proof that chooses the policy, the plan, and the proof of what is left share the time limit.
    let assessment = search.run(&clock, 0.4, output, |limits| assess(pool, limits));
    let plan = search.run(&clock, 0.6, output, |limits| restart_plan(pool, failed, &assessment, limits));
    let after = state_after(pool, &plan);
    let remaining = search.run(&clock, 1.0, output, |limits| assess(&after, limits));
    let answer = RestartPlanAnswer::new(pool, &plan, remaining.tolerance, clock.elapsed_us());
    if arguments.json {
        output.json(&answer).map_err(Trouble::Output)?;
    } else {
        output.text(&restarts::text(&answer, output.width())).map_err(Trouble::Output)?;
    }
    Ok(Status::Answered)
}
