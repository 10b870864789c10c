//! `lifeboat explain`: why the pool does not tolerate one failure more.
mod report;

use super::Status;
use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::dto::explanation::ExplainAnswer;
use lifeboat_planner::{assess, explain};

const EXAMPLES: &str = "Examples:
  Which hosts would have to fail, and what has no place then:
    lifeboat explain pool.json
  The same for a program:
    lifeboat explain pool.json --json";

/// Explain why the pool does not tolerate more failures
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = arguments.pool.load()?;
    let clock = Stopwatch::start();
    let assessment = arguments.search.run(&clock, 1.0, output, |limits| assess(&pool, limits));
    let explanation = explain::explain(&pool, &assessment);
    let answer = ExplainAnswer::new(&pool, &explanation, clock.elapsed_us());
    if arguments.json { output.json(&answer) } else { output.text(&report::text(&answer, output.width())) }
        .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
