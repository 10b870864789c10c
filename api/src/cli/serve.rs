//! `lifeboat serve`: the service.
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use crate::conductor::link;
use crate::config::{Config, Secrets, USUAL_PATH};
use crate::service::Service;
use crate::source;
use crate::startup::Startup;
use crate::systemd;
use crate::telemetry::Telemetry;
use lifeboat_store::StoreAddress;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

const EXAMPLES: &str = "Examples:
  Serve on the usual port, everything kept in one file, and ask:
    lifeboat serve --store lifeboat.redb
    curl --data-binary @pool.json http://127.0.0.1:7878/v1/plan
  What there is to ask, for people and for programs:
    http://127.0.0.1:7878/v1/docs
    curl http://127.0.0.1:7878/v1/openapi.json
  As it is configured:
    lifeboat config check && lifeboat serve --config /etc/lifeboat/lifeboat.toml";

/// Serve pools over HTTP
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration file [default: /etc/lifeboat/lifeboat.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, instead of what is configured; several times for several addresses
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Where everything is kept, instead of what is configured: a file, or etcds://host:port[,host:port...]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Serve beside an agent, which is at the other end of standard input and decides who leads; lifeboat-agent starts it so
    #[arg(long)]
    under_agent: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let mut config = configured(arguments.config.as_deref(), arguments.store.as_deref())?;
    if !arguments.listen.is_empty() {
        config.listen.addresses.clone_from(&arguments.listen);
    }
    let config = sound(config)?;
    let _telemetry = Telemetry::start(&config)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(Trouble::Runtime)?;
    let secrets = secrets();
    runtime.block_on(async {
        let service = if arguments.under_agent {
            Startup::under_agent(&config, secrets, link::of_stdin()?)?
        } else {
            Startup::new(&config, secrets)?
        };
        let scheme = if service.speaks_tls() { "https" } else { "http" };
        for address in &service.addresses {
            output.text(&format!("listening on {scheme}://{address}\n")).map_err(Trouble::Output)?;
        }
        output.flush().map_err(Trouble::Output)?;
        let (reload, reloads) = mpsc::channel(1);
        let end = ended(reload).map_err(Trouble::Runtime)?;
        let addresses: Vec<String> = service.addresses.iter().map(ToString::to_string).collect();
        systemd::ready(&addresses.join(", "));
        let answering = service.service.clone();
        let living = tokio::spawn(systemd::pet(move || answers(answering.clone())));
        service.run(end, reloads).await?;
        living.abort();
        Ok(Status::Answered)
    })
}

/// Whether the service can look at its pools, as every request does. One that does not lead answers that.
async fn answers(service: Service) -> bool {
    let looked = tokio::task::spawn_blocking(move || {
        service.engine().map(|engine| engine.pools().iter().map(|pool| pool.view().revision).max())
    });
    looked.await.is_ok()
}

/// What is configured, with what the command line says instead.
pub(super) fn configured(config: Option<&Path>, store: Option<&str>) -> Result<Config, Trouble> {
    let usual = Path::new(USUAL_PATH);
    let mut config = match config {
        Some(path) => read(path)?,
        None if usual.exists() => read(usual)?,
        None => Config::default(),
    };
    if let Some(store) = store {
        config.store.address = here(store);
        // Who writes etcd:// and an address on loopback has decided; nothing else can be meant.
        let address = store.parse::<StoreAddress>();
        config.store.etcd_plain = address.is_ok_and(|address| {
            matches!(address, StoreAddress::Etcd { tls: false, .. }) && address.is_loopback()
        });
    }
    Ok(config)
}

/// The configuration, if it can be used.
pub(super) fn sound(config: Config) -> Result<Config, Trouble> {
    let faults = config.faults();
    let path = || "what is configured".to_owned();
    if faults.is_empty() { Ok(config) } else { Err(Trouble::Config { path: path(), faults }) }
}

/// A file is one of the folder where the command was given; an etcd is where it is.
fn here(store: &str) -> String {
    if store.contains("://") {
        return store.to_owned();
    }
    // Without a folder to be in there is nothing that it could be made absolute with; the check will say so.
    std::path::absolute(store).map_or_else(|_| store.to_owned(), |path| path.display().to_string())
}

fn read(path: &Path) -> Result<Config, Trouble> {
    let bytes = source::read(path, source::MOST_FILE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    Config::read(&text).map_err(|faults| Trouble::Config { path: path.display().to_string(), faults })
}

/// Where systemd put the unit's credentials.
pub(super) fn secrets() -> Secrets {
    #[expect(clippy::disallowed_methods, reason = "systemd tells it so, and in no other way")]
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    Secrets { credentials: credentials.map(PathBuf::from) }
}

/// Comes with SIGTERM or SIGINT; SIGHUP has the certificates read again.
fn ended(reload: mpsc::Sender<()>) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                // If one reload waits already, it will read what is there now.
                _ = hang_up.recv() => drop(reload.try_send(())),
            }
        }
        systemd::stopping();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(store: &str) -> Result<Config, Trouble> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lifeboat.toml");
        std::fs::write(&path, "").expect("a file");
        sound(configured(Some(&path), Some(store))?)
    }

    #[test]
    fn an_etcd_on_loopback_needs_no_file_and_one_beyond_it_tls() {
        assert!(served("etcd://127.0.0.1:2379,[::1]:2379/two").is_ok_and(|config| config.store.etcd_plain));
        assert!(served("etcds://10.0.0.1:2379").is_ok_and(|config| !config.store.etcd_plain));
        for beyond in ["etcd://10.0.0.1:2379", "etcd://127.0.0.1:2379,127.evil.example:2379"] {
            assert!(matches!(served(beyond), Err(Trouble::Config { .. })), "{beyond}");
        }
    }
}
