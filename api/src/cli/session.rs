//! A service that a verb asks: which one (a context, or a URL), who asks, and which pool is meant.
use super::environment::Environment;
use super::trouble::Trouble;
use super::watch::Watching;
use crate::client::address::USUAL_SERVER;
use crate::client::context::{Context, ContextError, Contexts};
use crate::client::token::Token;
use crate::client::{Client, ClientError, ClientSettings, ServerAddress, USUAL_CONNECT_TIME, path};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Which service.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArguments {
    /// The context to use [default: $LIFEBOAT_CONTEXT, then the current one]
    #[arg(long, value_name = "NAME", global = true)]
    pub context: Option<String>,
    /// The service itself, instead of a context; several stand in for one another [default: http://127.0.0.1:7878]
    #[arg(long = "server", value_name = "URL", global = true, conflicts_with = "context")]
    pub servers: Vec<ServerAddress>,
    /// The file with the token that says who asks [default: the context's, then $LIFEBOAT_TOKEN_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Believe the authorities in this file and no others [default: those of the system]
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
    /// Show this certificate
    #[arg(long, value_name = "FILE", global = true)]
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate [default: in the same file]
    #[arg(long, value_name = "FILE", global = true, requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
    /// Wait this long for an answer
    #[arg(long, value_name = "SECONDS", global = true, default_value = "60", value_parser = super::search::seconds)]
    pub timeout: Duration,
}

/// Which service, and which of its pools.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Service")]
pub struct PoolServiceArguments {
    /// The pool [default: $LIFEBOAT_POOL, then the context's, then the only one]
    #[arg(long, value_name = "NAME", global = true)]
    pub pool: Option<String>,
    #[command(flatten)]
    service: ServiceArguments,
}

/// A service that is asked.
#[derive(Debug)]
pub struct Session {
    client: Arc<Client>,
    pool: Option<String>,
}

impl ServiceArguments {
    /// Gets ready to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// If the context, the token or a certificate is of no use.
    pub fn open(&self) -> Result<Session, Trouble> {
        self.open_within(&Environment::read(), None)
    }

    fn open_within(&self, environment: &Environment, pool: Option<&String>) -> Result<Session, Trouble> {
        let context = self.meant(environment)?;
        let servers = if self.servers.is_empty() { context.addresses()? } else { self.servers.clone() };
        let servers = if servers.is_empty() { vec![USUAL_SERVER.parse()?] } else { servers };
        let named = self.context.is_some();
        let token_file = [
            self.token_file.as_ref(),
            context.token_file.as_ref().filter(|_| named),
            environment.token_file.as_ref(),
            context.token_file.as_ref(),
        ];
        let token = token_file.into_iter().flatten().next().map(|path| Token::read(path)).transpose()?;
        let mut tls = context.tls();
        tls.ca = self.ca.clone().or(tls.ca);
        if self.client_certificate.is_some() {
            (tls.certificate, tls.key) = (self.client_certificate.clone(), self.client_key.clone());
        }
        let connect_time = USUAL_CONNECT_TIME.min(self.timeout);
        let settings = ClientSettings { servers, token, tls, connect_time, answer_time: self.timeout };
        let pool = pool.or(environment.pool.as_ref()).cloned().or(context.pool);
        Ok(Session { client: Arc::new(Client::new(settings)?), pool })
    }

    /// The context that is meant; where a server is named, none, so that no token goes where it does not belong.
    fn meant(&self, environment: &Environment) -> Result<Context, ClientError> {
        if !self.servers.is_empty() {
            return Ok(Context::default());
        }
        let named = self.context.as_ref().or(environment.context.as_ref());
        let Some(path) = &environment.contexts_file else {
            return if named.is_some() { Err(ContextError::NoHome.into()) } else { Ok(Context::default()) };
        };
        let contexts = Contexts::load(path)?;
        match named.or(contexts.current.as_ref()) {
            Some(name) => Ok(contexts.named(name)?.clone()),
            None => Ok(Context::default()),
        }
    }
}

impl PoolServiceArguments {
    /// Whether a served pool is named at all, in whatever way.
    pub fn is_named(&self) -> bool {
        self.pool.is_some() || self.service.context.is_some() || !self.service.servers.is_empty()
    }

    /// Gets ready to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// If the context, the token or a certificate is of no use.
    pub fn open(&self) -> Result<Session, Trouble> {
        self.service.open_within(&Environment::read(), self.pool.as_ref())
    }
}

impl Session {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The pool that is meant: the one named, or the only one that there is.
    ///
    /// # Errors
    /// If there is none or more than one, or the service cannot be asked.
    pub fn pool(&self) -> Result<String, Trouble> {
        if let Some(pool) = &self.pool {
            return Ok(pool.clone());
        }
        let pools = self.client.list("/v1/pools", Some(20))?.items;
        let names: Vec<String> = pools.iter().filter_map(pool_name).collect();
        match names.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Trouble::WhichPool(names)),
        }
    }

    /// The route of the pool that is meant, and `rest` behind it.
    ///
    /// # Errors
    /// Those of [`Session::pool`].
    pub fn route(&self, rest: &str) -> Result<String, Trouble> {
        Ok(path::of_pool(&self.pool()?, rest))
    }

    /// When to look again at something in the pool that is meant: at every event, if it is watched at all.
    pub(super) fn watching(&self, watch: bool) -> Result<Watching, Trouble> {
        if watch { Ok(Watching::Events(self.route("/events")?)) } else { Ok(Watching::Once) }
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// If the service cannot be asked, or refuses.
    pub fn get(&self, route: &str) -> Result<Value, Trouble> {
        Ok(self.client.get(route)?)
    }
}

/// The name of a pool in a list of pools.
pub(super) fn pool_name(summary: &Value) -> Option<String> {
    ["id", "pool"].iter().find_map(|field| summary.get(field)?.as_str()).map(str::to_owned)
}
