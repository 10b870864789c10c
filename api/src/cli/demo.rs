//! `lifeboat demo`: the service with a simulated pool, in real time, on this machine.
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use crate::demo::pool::Recipe;
use crate::demo::{self, DemoSettings, remote};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  Watch a pool of 64 hosts and 2,048 VMs, and kill a host at its prompt:
    lifeboat demo
    > kill h07
  The same from another terminal, where the demo runs on its usual port:
    lifeboat demo kill h07
    curl http://127.0.0.1:7878/v1/pools/demo/tolerance
  Without anybody at the prompt:
    lifeboat demo --script \"at 5s kill h07; at 30s quit\"
  What can be said: lifeboat demo help";

/// Run a simulated pool under the service, and kill its hosts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What to say to a demo that runs, such as `kill h07`; without it, a demo begins
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<String>,
    /// Hosts of the pool
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(3..=64))]
    hosts: u32,
    /// VMs of the pool
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=8192))]
    vms: u32,
    /// All chance follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How fast the pool's time runs: 0.1 to 20 times the real one
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,
    /// What is to happen when, in the pool's time
    #[arg(long, value_name = "SCRIPT")]
    script: Option<String>,
    /// End after this time of the pool, such as 60s
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    /// The port to listen on, or where the demo listens that a command is for [default: 7878, or a free one if it is taken]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// At the end, draw what is shown into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    if !arguments.command.is_empty() {
        let answer = remote::say(&arguments.command.join(" "), arguments.port)?;
        output.text(&format!("{answer}\n")).map_err(Trouble::Output)?;
        return Ok(Status::Answered);
    }
    let settings = DemoSettings {
        recipe: Recipe { hosts: arguments.hosts, vms: arguments.vms, seed: arguments.seed },
        speed: arguments.speed,
        script: arguments.script.clone(),
        lasts: arguments.lasts.clone(),
        port: arguments.port,
        svg: arguments.svg.clone(),
    };
    demo::run(&settings, output)?;
    Ok(Status::Answered)
}
