//! `lifeboat repair`: what would restore the target.
mod report;

use super::Status;
use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::dto::repair::RepairAnswer;
use lifeboat_planner::repair;

const EXAMPLES: &str = "Examples:
  The cheapest ways to have the target hold again, each verified:
    lifeboat repair pool.json
  What it would take to survive any 3 failures:
    lifeboat repair pool.json --target 3 --time-limit 60";

/// Find the cheapest remedies that restore the target, each verified
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Reach this many failures instead of the pool's target
    #[arg(long, value_name = "N")]
    target: Option<u32>,
    /// Pools to assess for each kind of remedy at most
    #[arg(long, value_name = "N", default_value_t = repair::DEFAULT_RATION)]
    ration: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = arguments.pool.load()?;
    let clock = Stopwatch::start();
    let found = arguments.search.run(&clock, 1.0, output, |limits| {
        repair::repair(&pool, arguments.target, arguments.ration, limits)
    })?;
    let answer = RepairAnswer::new(&pool, &found, clock.elapsed_us());
    if arguments.json { output.json(&answer) } else { output.text(&report::text(&answer, output.width())) }
        .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
