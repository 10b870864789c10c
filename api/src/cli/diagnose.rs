//! `lifeboat diagnose`: which VMs are free to move, and what keeps the others.
pub(super) mod report;

use super::Status;
use super::output::Output;
use super::pool::{find_vm, load, load_served};
use super::session::PoolServiceArguments;
use super::trouble::Trouble;
use crate::dto::agility::{AgilityAnswer, VmAgility};
use lifeboat_model::Pool;
use std::path::Path;

const EXAMPLES: &str = "Examples:
  How many VMs are free to move, and which are not:
    lifeboat diagnose pool.json
  What keeps one VM from each host:
    lifeboat diagnose pool.json lab7
  The same of a served pool:
    lifeboat diagnose --pool prod-a lab7";

/// Show which VMs could run elsewhere, and what keeps the others
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The pool document, plain or gzip-compressed (`-` reads standard input), and one VM, to see what keeps it from
    /// each host; of a served pool (--pool) the VM alone
    #[arg(value_name = "POOL] [VM", required_unless_present_any = ["pool", "context", "servers"], num_args = 1..=2)]
    names: Vec<String>,
    #[command(flatten)]
    served: PoolServiceArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let (pool, vm) = read(arguments)?;
    let width = output.width();
    if let Some(name) = &vm {
        let answer = VmAgility::new(&pool, find_vm(&pool, name)?);
        if arguments.json { output.json(&answer) } else { output.text(&report::one(&answer, width)) }
    } else {
        let answer = AgilityAnswer::new(&pool);
        if arguments.json { output.json(&answer) } else { output.text(&report::all(&answer, &pool, width)) }
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

/// The pool, and the VM if one is asked about.
fn read(arguments: &Arguments) -> Result<(Pool, Option<String>), Trouble> {
    match (arguments.served.is_named(), arguments.names.as_slice()) {
        (true, []) => Ok((load_served(&arguments.served.open()?)?, None)),
        (true, [vm]) => Ok((load_served(&arguments.served.open()?)?, Some(vm.clone()))),
        (false, [file]) => Ok((load(Path::new(file))?, None)),
        (false, [file, vm]) => Ok((load(Path::new(file))?, Some(vm.clone()))),
        (_, names) => Err(Trouble::Unwise {
            what: format!("{:?} is too much: a pool is served or in a file", names.join(" ")),
            step: "lifeboat diagnose POOL VM, or lifeboat diagnose --pool NAME VM".to_owned(),
        }),
    }
}
