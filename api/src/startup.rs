//! From a configuration to a service that runs: store, guard, leadership, sockets, in this order, and back in the other one.
//!
//! ```text
//!   Config ─► store ─► Service, Guard ─► Leading (makes the Engine of each term) ─► sockets ─► ready … end
//! ```
use crate::alarms::Alarms;
use crate::clock;
use crate::conductor::shell;
use crate::conductor::term::{Opening, TermError};
use crate::config::secret::SecretError;
use crate::config::{Config, SecretSource, Secrets};
use crate::engine::pools::all_under;
use crate::engine::solver::SolverSettings;
use crate::engine::{AuditSettings, Engine, EngineError, EngineSettings};
use crate::guard::door::Door;
use crate::guard::outside::outside;
use crate::guard::role::{Role, Scope};
use crate::guard::tls::{Tls, TlsError, keep_fresh};
use crate::guard::token::Token;
use crate::guard::{Guard, TokenBook, TokenRecord};
use crate::leadership::Leading;
use crate::router::router;
use crate::served::record::RecordError;
use crate::server::Server;
use crate::service::Service;
use axum::Router;
use jiff::SignedDuration;
use lifeboat_delivery::dispatcher::OnLost;
use lifeboat_delivery::{ChannelSettings, Dispatcher};
use lifeboat_link::frame::Hello;
use lifeboat_protocol::Epoch;
use lifeboat_store::{Candidate, Key, Options, Store, StoreAddress, StoreError, Tenure, Term};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How long one campaign waits for the end of another process's lease.
const CAMPAIGN: Duration = Duration::from_secs(5);

/// Where tokens lie in the store.
pub const TOKENS: &str = "tokens";

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The store cannot be opened.
    #[error("the store {address} cannot be opened")]
    Store {
        /// Where it is.
        address: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A socket cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// A secret cannot be fetched.
    #[error("the bootstrap token cannot be fetched")]
    Secret(#[from] SecretError),
    /// A secret for the store cannot be fetched.
    #[error("what {key} in [store] names cannot be fetched")]
    StoreSecret {
        /// The key of the configuration.
        key: &'static str,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// What should be a token is none.
    #[error("what [tokens] bootstrap names is no token: `lifeboat config bootstrap-token FILE` makes one")]
    BadBootstrap,
    /// The channels for alerts cannot be opened.
    #[error("the channels for alerts cannot be opened: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Channels(Vec<lifeboat_delivery::Fault>),
    /// A thread or a socket fails.
    #[error("the service cannot run")]
    Run(#[from] io::Error),
}

/// A service that is set up and listens, but does not answer yet.
#[derive(Debug)]
pub struct Startup {
    /// Where it listens: the ports that it got.
    pub addresses: Vec<SocketAddr>,
    /// The service, for those in the same process.
    pub service: Service,
    server: Server,
    tls: Option<Arc<Tls>>,
    leading: Option<Leading>,
    more: Router,
}

/// What every start has in common, whoever decides who leads.
struct Base {
    service: Service,
    server: Server,
    tls: Option<Arc<Tls>>,
    addresses: Vec<SocketAddr>,
    bootstrap: Option<TokenRecord>,
    out: Out,
}

impl Startup {
    /// Opens the store and the sockets, and begins to campaign.
    ///
    /// # Errors
    /// Where something cannot be had.
    pub fn new(config: &Config, secrets: Secrets) -> Result<Self, StartupError> {
        let store = open_store(config, &secrets, None)?;
        let base = base(config, secrets)?;
        let candidate = candidate(config, &base.addresses);
        let (watching, known) = (base.service.clone(), base.bootstrap.clone());
        let watch = move |store: &dyn Store| {
            // What cannot be read is for the next leader to stumble over.
            if let Ok(book) = tokens(store, known.as_ref())? {
                watching.guard().publish(book);
            }
            Ok(())
        };
        let (bootstrap, out) = (base.bootstrap.clone(), base.out.clone());
        let (settings, of_term) = (engine_settings(config), base.service.clone());
        let make = move |store: Arc<dyn Store>, term: Term| {
            start_term(store, term, settings, bootstrap.as_ref(), &out, &of_term)
        };
        let leading =
            Leading::start(store, candidate, base.service.clone(), Box::new(make), Box::new(watch))?;
        Ok(base.starts(Some(leading)))
    }

    /// The same beside an agent: its word decides who leads, and the store is opened when a term begins here. To be called within a
    /// runtime.
    ///
    /// # Errors
    /// Where something cannot be had.
    pub fn under_agent(config: &Config, secrets: Secrets, stream: UnixStream) -> Result<Self, StartupError> {
        // What is wrong with the address is told at once, and not when the term begins.
        store_of(config, &secrets)?;
        let base = base(config, secrets.clone())?;
        let candidate = candidate(config, &base.addresses);
        let configured = config.clone();
        let open = move |hello: &Hello, epoch: Epoch| {
            let pool = hello.roster.id().map(|pool| pool.0).unwrap_or_default();
            let tenure = Tenure { pool, epoch: epoch.0 };
            let store = open_store(&configured, &secrets, Some(tenure)).map_err(TermError::of_startup)?;
            let term = store.campaign(&candidate, CAMPAIGN)?.ok_or(TermError::Held)?;
            Ok((store, term))
        };
        let (bootstrap, out) = (base.bootstrap.clone(), base.out.clone());
        let (settings, of_term) = (engine_settings(config), base.service.clone());
        let make = move |store: Arc<dyn Store>, term: Term| {
            start_term(store, term, settings, bootstrap.as_ref(), &out, &of_term)
        };
        let opening = Opening::new(Box::new(open), Box::new(make), Handle::current());
        shell::start(stream, base.service.clone(), opening)?;
        Ok(base.starts(None))
    }

    /// The same with further routes, which say themselves who may call them.
    #[must_use]
    pub fn with_routes(self, routes: Router) -> Self {
        let more = self.more.merge(outside(routes, self.service.guard()));
        Self { more, ..self }
    }

    /// Whether it speaks TLS.
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Answers until `end` comes; `reload` has the certificates read again.
    ///
    /// # Errors
    /// Those of the sockets.
    pub async fn run(
        self,
        end: impl Future<Output = ()> + Send + 'static,
        reload: mpsc::Receiver<()>,
    ) -> Result<(), StartupError> {
        if let Some(tls) = self.tls {
            tokio::spawn(keep_fresh(tls, reload));
        }
        let upkeep = tokio::spawn(upkeep(self.service.clone()));
        let service = self.service.clone();
        let end = async move {
            end.await;
            // Event streams go on for ever by themselves.
            if let Ok(engine) = service.engine() {
                engine.close();
            }
        };
        let served = self.server.serve(router(&self.service).merge(self.more), end).await;
        upkeep.abort();
        // The term ends after the last answer, and so that another process can lead at once.
        if let Some(leading) = self.leading {
            let ended = tokio::task::spawn_blocking(move || leading.end()).await;
            ended.map_err(io::Error::other)?;
        }
        Ok(served?)
    }
}

impl Base {
    fn starts(self, leading: Option<Leading>) -> Startup {
        let Self { service, server, tls, addresses, .. } = self;
        Startup { addresses, service, server, tls, leading, more: Router::new() }
    }
}

fn base(config: &Config, secrets: Secrets) -> Result<Base, StartupError> {
    let mut listeners = Vec::new();
    for &address in &config.listen.addresses {
        let bound = TcpListener::bind(address).map_err(|source| StartupError::Listen { address, source })?;
        listeners.push(bound);
    }
    let addresses: Vec<SocketAddr> =
        listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
    let bootstrap = bootstrap(config, &secrets)?;
    let out = Out { channels: config.alerts.channels.clone(), credentials: secrets.credentials.clone() };
    try_channels(&out)?;
    let tls = config.tls_files().map(|files| Tls::load(files, secrets)).transpose()?.map(Arc::new);
    let limits = &config.limits;
    let door = Door::new(
        tls.as_ref().map(|tls| tls.config()),
        limits.connections as usize,
        limits.connections_per_address as usize,
    );
    let guard = Guard::new(config.guard_settings(), TokenBook::default());
    let service = Service::new(config.service_settings()).behind(guard);
    let server = Server { listeners, door, head_time: service.settings().head_time };
    Ok(Base { service, server, tls, addresses, bootstrap, out })
}

fn open_store(
    config: &Config,
    secrets: &Secrets,
    tenure: Option<Tenure>,
) -> Result<Arc<dyn Store>, StartupError> {
    let (address, options) = store_of(config, secrets)?;
    let options = Options { tenure, ..options };
    let failed = |source| StartupError::Store { address: config.store.address.clone(), source };
    lifeboat_store::open(&address, &options).map(Arc::from).map_err(failed)
}

/// Where the configured store is, and how it is opened.
///
/// # Errors
/// If the address cannot be read.
pub(crate) fn store_of(config: &Config, secrets: &Secrets) -> Result<(StoreAddress, Options), StartupError> {
    let section = &config.store;
    let failed = |source| StartupError::Store { address: section.address.clone(), source };
    let address: StoreAddress = section.address.parse().map_err(failed)?;
    // The store reads the files itself; what they must be is looked at here, as for every other secret.
    let file_of = |key, source: &Option<SecretSource>| {
        let Some(source) = source else { return Ok(None) };
        let fetched = secrets.fetch(source).map(|_| source.path(secrets));
        fetched.map_err(|source| StartupError::StoreSecret { key, source })
    };
    let options = Options {
        ca_file: section.etcd_ca_file.clone(),
        certificate_file: section.etcd_certificate_file.clone(),
        key_file: file_of("etcd_key", &section.etcd_key)?,
        user: section.etcd_user.clone(),
        password_file: file_of("etcd_password", &section.etcd_password)?,
        ..Options::default()
    };
    Ok((address, options))
}

/// The token that is an admin's as long as the configuration names it. It is in memory only.
fn bootstrap(config: &Config, secrets: &Secrets) -> Result<Option<TokenRecord>, StartupError> {
    let Some(source) = &config.tokens.bootstrap else { return Ok(None) };
    let secret = secrets.fetch(source)?;
    let token = Token::read(secret.as_str()).ok_or(StartupError::BadBootstrap)?;
    Ok(Some(TokenRecord {
        id: token.id,
        secret_sha256: token.secret.hash(),
        name: "bootstrap".to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        created_at: clock::now(),
        created_by: "configuration".to_owned(),
        expires_at: None,
        last_used_at: None,
    }))
}

fn candidate(config: &Config, addresses: &[SocketAddr]) -> Candidate {
    let scheme = if config.listen.certificate_file.is_some() { "https" } else { "http" };
    let first = addresses.first().map(|address| format!("{scheme}://{address}")).unwrap_or_default();
    let name = config.coordinator.name.clone().unwrap_or_else(|| first.clone());
    Candidate { name, address: config.coordinator.address.clone().unwrap_or(first) }
}

fn engine_settings(config: &Config) -> EngineSettings {
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    EngineSettings {
        solver: SolverSettings {
            threads: NonZeroUsize::new(config.solver.threads as usize).unwrap_or(cores),
            quick: Duration::from_millis(config.solver.quick_limit_ms),
            deep: Duration::from_secs(config.solver.deep_limit_s),
        },
        entries_kept: usize::try_from(config.limits.events_kept).unwrap_or(usize::MAX),
        audit: AuditSettings {
            entries: config.audit.keep_entries,
            time: SignedDuration::from_hours(24 * config.audit.keep_days.cast_signed()),
        },
        ..EngineSettings::default()
    }
}

/// By what people are told of alerts.
#[derive(Clone)]
struct Out {
    channels: Vec<ChannelSettings>,
    credentials: Option<PathBuf>,
}

/// Opens the channels and closes them again: what is wrong with them is told before the service starts, not at night.
fn try_channels(out: &Out) -> Result<(), StartupError> {
    let nothing_lost: OnLost = Arc::new(|_, _| ());
    let opened =
        Dispatcher::start(&out.channels, out.credentials.as_deref(), 0, BTreeMap::new(), &nothing_lost);
    opened.map_err(StartupError::Channels)?.stop(Duration::ZERO);
    Ok(())
}

/// Everything that belongs to a term: the pools, who may change them, and where that is written down.
fn start_term(
    store: Arc<dyn Store>,
    term: Term,
    settings: EngineSettings,
    bootstrap: Option<&TokenRecord>,
    out: &Out,
    service: &Service,
) -> Result<Engine, EngineError> {
    service.guard().publish(tokens(&*store, bootstrap)??);
    let metrics = service.metrics().clone();
    let engine = Engine::start(
        store,
        term,
        settings,
        Box::new(|_, _, _| Vec::new()),
        Box::new(move |took| metrics.searched(took)),
    )?;
    // What spreads retries need not be a secret; without chance they are spread all the same, by the channels' names.
    let seed = getrandom::u64().unwrap_or(term.0);
    if let Err(error) = Alarms::start(&engine, &out.channels, out.credentials.as_deref(), seed) {
        // They were in order when the service started. Pools without alerts are worse off than with them, and better than with
        // no coordinator.
        tracing::error!(%error, "people are told of no alerts: mend the channels and start the service again");
    }
    Ok(engine)
}

/// The tokens that are kept, and the one of the configuration.
fn tokens(
    store: &dyn Store,
    bootstrap: Option<&TokenRecord>,
) -> Result<Result<TokenBook, RecordError>, StoreError> {
    let mut tokens = Vec::new();
    for record in all_under(store, &Key::of(&[TOKENS]))? {
        match serde_json::from_slice::<TokenRecord>(&record.value) {
            Ok(token) => tokens.push(token),
            Err(error) => {
                let reason = error.to_string();
                return Ok(Err(RecordError::Unreadable { key: record.key, reason }));
            }
        }
    }
    let mut book = TokenBook::of(tokens);
    if let Some(record) = bootstrap {
        book.insert_unkept(record.clone());
    }
    Ok(Ok(book))
}

/// How often what is kept is looked through.
const UPKEEP: Duration = Duration::from_mins(10);
/// Entries of the audit log that are removed at once.
const MOST_OUTDATED: usize = 1000;

/// Writes down which tokens were used, and removes what was kept long enough.
async fn upkeep(service: Service) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        let Ok(engine) = service.engine() else { continue };
        let audit = engine.audit().clone();
        // A token that is taken back meanwhile must not be written again.
        let _changing = service.changing_tokens().await;
        let used = service.guard().take_used();
        let store = Arc::clone(engine.store());
        let collected = tokio::task::spawn_blocking(move || {
            let mut batch = audit.outdated(&*store, clock::now(), MOST_OUTDATED)?;
            for record in used {
                let key = Key::of(&[TOKENS, &record.id]);
                // A token that was taken back is not written again.
                if store.get(&key)?.is_some()
                    && let Ok(kept) = serde_json::to_vec(&record)
                {
                    batch.put(key, kept);
                }
            }
            Ok::<_, StoreError>(batch)
        });
        match collected.await {
            Ok(Ok(batch)) if batch.is_empty() => (),
            Ok(Ok(batch)) => {
                if let Err(error) = engine.keep(batch).await {
                    tracing::warn!(%error, "upkeep has to wait");
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "upkeep has to wait"),
            Err(error) => tracing::error!(%error, "upkeep has failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Opening an etcd with this password; nobody listens there.
    fn opened(source: &SecretSource) -> Result<(), StartupError> {
        let mut config = Config::default();
        config.store.address = "etcds://127.0.0.1:1".into();
        config.store.etcd_user = Some("lifeboat".into());
        config.store.etcd_password = Some(source.clone());
        open_store(&config, &Secrets::default(), None).map(drop)
    }

    #[test]
    fn a_secret_for_etcd_is_held_to_the_rules_of_every_secret() {
        let missing = opened(&SecretSource::Credential("etcd-password".into()));
        let refused = |opened: &Result<(), StartupError>| {
            matches!(opened, Err(StartupError::StoreSecret { key: "etcd_password", .. }))
        };
        assert!(refused(&missing), "systemd gave no such credential: {missing:?}");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        fs::write(&path, "s3cret\n").expect("a file");
        for (mode, is_refused) in [(0o644, true), (0o600, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
            let opened = opened(&SecretSource::File(path.clone()));
            assert_eq!(refused(&opened), is_refused, "{mode:o}: {opened:?}");
        }
    }
}
