//! Load on a running service, from a process of its own: lifecycle events and admission checks at a steady rate, idle readers
//! of the event log, and a replay of a recorded trace. `benches/README.md` says how to run it.
//!
//! Times are counted from when a request was due, not from when it was sent: a service that falls behind shows it.
mod age;
mod client;
mod idle;
mod replay;
mod report;
mod steady;
mod target;

use clap::{Args, Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;
use tokio::runtime;

/// Puts load on a running service and says how it does
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lifecycle events and admission checks at a steady rate
    Steady(steady::Arguments),
    /// Many readers of the event log that nothing is told
    Idle(idle::Arguments),
    /// A recorded trace of VMs that come and go, as fast as the service takes it
    Replay(replay::Arguments),
}

/// Where the service is.
#[derive(Clone, Debug, Args)]
struct Service {
    /// The service, without TLS
    #[arg(long, default_value = "127.0.0.1:7878")]
    server: String,
    /// The pool's name there
    #[arg(long, default_value = "load")]
    pool: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended =
        runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            runtime.block_on(async {
                match &arguments.what {
                    What::Steady(arguments) => steady::run(arguments).await,
                    What::Idle(arguments) => idle::run(arguments).await,
                    What::Replay(arguments) => replay::run(arguments).await,
                }
            })
        });
    match ended {
        Ok(text) => match writeln!(io::stdout(), "{text}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
