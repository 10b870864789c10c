//! `lifeboat capacity`: how many more VMs of one size fit while the target holds.
mod report;

use super::Status;
use super::check::part;
use super::output::Output;
use super::pool::PoolArguments;
use super::search::SearchArguments;
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::dto::capacity::CapacityAnswer;
use crate::dto::newcomer::read_vm;
use lifeboat_model::spec::{RestartPriority, VmSpec};
use lifeboat_planner::capacity;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  How many more protected VMs of 8 GiB and 2 vCPUs fit:
    lifeboat capacity pool.json --memory-mib 8192 --resource vcpus=2
  The same for a VM described in full:
    lifeboat capacity pool.json --vm vm.json";

/// Count how many more VMs of one size fit while the target holds
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pool: PoolArguments,
    /// The VM, described as in a pool document; `-` reads standard input
    #[arg(
        long,
        value_name = "VM.json",
        required_unless_present = "memory_mib",
        conflicts_with = "memory_mib"
    )]
    vm: Option<PathBuf>,
    /// Memory of the VM in MiB; it is protected and needs no particular storage
    #[arg(long, value_name = "N")]
    memory_mib: Option<u64>,
    /// A resource that it needs besides; may be given more than once
    #[arg(long = "resource", value_name = "NAME=N", requires = "memory_mib", value_parser = amount)]
    resources: Vec<(String, u64)>,
    /// vCPUs that it needs: the same as --resource vcpus=N
    #[arg(long, value_name = "N", requires = "memory_mib")]
    vcpus: Option<u64>,
    /// Count VMs that are not protected
    #[arg(long, requires = "memory_mib")]
    unprotected: bool,
    /// Hold this many failures instead of the pool's target
    #[arg(long, value_name = "N")]
    target: Option<u32>,
    /// Pools to assess at most
    #[arg(long, value_name = "N", default_value_t = capacity::DEFAULT_RATION)]
    ration: u32,
    #[command(flatten)]
    search: SearchArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = arguments.pool.load()?;
    let template = template(arguments)?;
    let clock = Stopwatch::start();
    let found = arguments.search.run(&clock, 1.0, output, |limits| {
        capacity::capacity(&pool, &template, arguments.target, arguments.ration, limits)
    })?;
    let answer = CapacityAnswer::new(&pool, &found, clock.elapsed_us());
    if arguments.json { output.json(&answer) } else { output.text(&report::text(&answer, output.width())) }
        .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

fn template(arguments: &Arguments) -> Result<VmSpec, Trouble> {
    if let Some(path) = &arguments.vm {
        return part(path, read_vm);
    }
    let vcpus = arguments.vcpus.map(|vcpus| ("vcpus".to_owned(), vcpus));
    Ok(VmSpec {
        id: "vm".to_owned(),
        memory_mib: arguments.memory_mib.unwrap_or(0),
        restart_priority: if arguments.unprotected {
            RestartPriority::Unprotected
        } else {
            RestartPriority::Restart
        },
        resources: arguments.resources.iter().cloned().chain(vcpus).collect(),
        ..VmSpec::default()
    })
}

fn amount(text: &str) -> Result<(String, u64), String> {
    let (name, amount) = text.rsplit_once('=').ok_or("must be NAME=N")?;
    let amount = amount.parse().map_err(|_| format!("{amount:?} is not a whole number"))?;
    Ok((name.to_owned(), amount))
}
