//! `lifeboat diagnose`: which VMs are free to move, and what keeps the others.
pub(super) mod report;

use super::Status;
use super::output::Output;
use super::pool::{find_vm, load};
use super::trouble::Trouble;
use crate::dto::agility::{AgilityAnswer, VmAgility};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  How many VMs are free to move, and which are not:
    lifeboat diagnose pool.json
  What keeps one VM from each host:
    lifeboat diagnose pool.json lab7";

/// Show which VMs could run elsewhere, and what keeps the others
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The pool document, plain or gzip-compressed; `-` reads standard input
    #[arg(value_name = "POOL")]
    pool: PathBuf,
    /// One VM, with what keeps it from each host
    #[arg(value_name = "VM")]
    vm: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = load(&arguments.pool)?;
    let width = output.width();
    if let Some(name) = &arguments.vm {
        let answer = VmAgility::new(&pool, find_vm(&pool, name)?);
        if arguments.json { output.json(&answer) } else { output.text(&report::one(&answer, width)) }
    } else {
        let answer = AgilityAnswer::new(&pool);
        if arguments.json { output.json(&answer) } else { output.text(&report::all(&answer, &pool, width)) }
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
