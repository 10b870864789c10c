//! `lifeboat check`: may this change be made, and what would it do to the tolerance.
mod change;
pub(super) mod report;

pub(super) use change::part;

use super::Status;
use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::dto::admission::AdmissionAnswer;
use lifeboat_planner::{Limits, admission};

const EXAMPLES: &str = "Examples:
  Where to start a new VM, and whether the target survives it:
    lifeboat check pool.json --start vm.json
  The same on a host of your choice:
    lifeboat check pool.json --start vm.json --on h03
  A live migration, judged by where it ends; then while the VM counts at both ends:
    lifeboat check pool.json --migrate db1 --to h07
    lifeboat check pool.json --migrate db1 --to h07 --under-way
  For a script, exit status 3 if the change is better not made:
    lifeboat check pool.json --maintenance h12 --json";

/// Judge one change before it is made: what it would do to the tolerance
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "lifeboat check [OPTIONS] <CHANGE> <POOL>\n       lifeboat check [OPTIONS] <CHANGE> --pool <NAME>")]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    change: change::ChangeArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = arguments.pool.load()?;
    let change = arguments.change.read(&pool)?;
    let clock = Stopwatch::start();
    let admission = arguments.search.run(&clock, 1.0, output, |limits| {
        // One failure more than the target asks for shows what the change does above it.
        let most = limits.max_failures.unwrap_or(pool.effective_target() + 1);
        admission::check(&pool, None, &change, &Limits { max_failures: Some(most), ..*limits })
    })?;
    let answer = AdmissionAnswer::new(&pool, &change, &admission, clock.elapsed_us());
    if arguments.json { output.json(&answer) } else { output.text(&report::text(&answer, output.width())) }
        .map_err(Trouble::Output)?;
    Ok(if admission.allowed { Status::Answered } else { Status::Overcommitted })
}
