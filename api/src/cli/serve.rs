//! `lifeboat serve`: the same answers over HTTP.
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use crate::server;
use crate::service::ServiceSettings;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::thread;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = "Examples:
  Serve on the usual port, and ask:
    lifeboat serve
    curl --data-binary @pool.json http://127.0.0.1:7878/v1/plan
  What there is to ask:
    curl http://127.0.0.1:7878/v1/openapi.json";

/// Serve the same answers over HTTP
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where to listen; only addresses of this machine itself
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// Answers computed at a time [default: one a core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let address = arguments.listen;
    if !address.ip().is_loopback() {
        return Err(Trouble::NotLoopback(address));
    }
    let failed = |source| Trouble::Serve { address, source };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = arguments.workers.map_or(cores, NonZeroUsize::get);
    let settings = ServiceSettings { workers, waiting: 8 * workers, ..ServiceSettings::default() };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    output.text(&format!("listening on http://{address}\n")).map_err(Trouble::Output)?;
    output.flush().map_err(Trouble::Output)?;
    runtime
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let end = async move {
                tokio::select! {
                    _ = terminate.recv() => (),
                    _ = interrupt.recv() => (),
                }
            };
            server::serve(listener, settings, end).await
        })
        .map_err(failed)?;
    Ok(Status::Answered)
}
