//! The HTTP client of the command line: blocking, for one question at a time.
//!
//! [`Client`] knows where the service is (several servers that stand in for one another), who asks (a token from a
//! file, a client certificate) and whom to believe (the system's certificates, or one's own). What comes back is a
//! [`Reply`] or a [`ClientError`], which says what to do next. [`feed`] follows the event stream of a pool through
//! lost connections; [`context`] is the file in which all this is kept under a name.
//!
//! The rules that keep a token where it belongs are in [`address`] and [`redirect`], without any I/O.
pub mod address;
pub mod backoff;
pub mod context;
pub mod error;
mod exchange;
pub mod feed;
pub mod page;
pub mod path;
pub mod problem;
pub mod redirect;
pub mod sse;
pub mod tls;
pub mod token;

pub use address::ServerAddress;
pub use error::ClientError;
pub use exchange::{Call, Method, Reply};

use exchange::Exchange;
use serde_json::Value;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tls::TlsFiles;
use token::Token;

/// The most of an answer that is taken: the largest pool that is planned for has 30 MiB.
const MOST_ANSWER_BYTES: u64 = 256 << 20;

/// Where the service is, and how to ask it.
#[derive(Debug)]
pub struct ClientSettings {
    /// Servers that stand in for one another; the first that answers is asked. At least one.
    pub servers: Vec<ServerAddress>,
    /// Who asks; none: whoever the service takes one for that shows nothing.
    pub token: Option<Token>,
    /// Whom to believe, and the certificate to show.
    pub tls: TlsFiles,
    /// How long a connection may take to stand.
    pub connect_time: Duration,
    /// How long an answer may take in all.
    pub answer_time: Duration,
}

/// How long a connection may take unless asked otherwise.
pub const USUAL_CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long an answer may take unless asked otherwise: a restart plan of a big pool takes seconds.
pub const USUAL_ANSWER_TIME: Duration = Duration::from_mins(1);

/// A client of one service.
#[derive(Debug)]
pub struct Client {
    servers: Vec<ServerAddress>,
    exchange: Exchange,
    /// The server that answered last: it is asked first.
    latest: AtomicUsize,
}

impl Client {
    /// A client within these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// If a certificate or key cannot be used, or a token would cross a network in the clear.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let ClientSettings { servers, token, tls, connect_time, answer_time } = settings;
        if token.is_some()
            && let Some(open) = servers.iter().find(|server| !server.keeps_secrets())
        {
            return Err(ClientError::TokenInTheClear(open.clone()));
        }
        let exchange = Exchange::new(token, &tls, connect_time, answer_time)?;
        Ok(Self { servers, exchange, latest: AtomicUsize::new(0) })
    }

    /// The servers, the one that answered last first.
    pub fn servers(&self) -> impl Iterator<Item = &ServerAddress> {
        let first = self.latest.load(Ordering::Relaxed);
        self.servers.iter().cycle().skip(first).take(self.servers.len())
    }

    /// Asks, and gives the answer of the first server that has one.
    ///
    /// # Errors
    /// If no server can be reached, or if the service refuses.
    pub fn ask(&self, call: &Call<'_>) -> Result<Reply, ClientError> {
        self.first_that_answers(call, |server| {
            let reply = self.exchange.ask(server, call, &self.servers)?;
            reply.successful()
        })
    }

    /// Reads a resource as JSON.
    ///
    /// # Errors
    /// Those of [`Client::ask`], or if the answer is no JSON.
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.ask(&Call::get(path))?.json()
    }

    /// Opens a stream of server-sent events, from behind the event `after`.
    ///
    /// # Errors
    /// Those of [`Client::ask`].
    pub fn stream(&self, path: &str, after: Option<&str>) -> Result<impl Read + Send + use<>, ClientError> {
        let mut call =
            Call::get(path).with("accept", "text/event-stream").with("accept-encoding", "identity");
        if let Some(after) = after {
            call = call.with("last-event-id", after);
        }
        self.first_that_answers(&call, |server| self.exchange.stream(server, &call, &self.servers))
    }

    /// Asks one server after the other until one answers. A server that cannot serve now is passed over too, and
    /// its word is what is told if no other answers. A change goes to the next server only if it is certain that the
    /// one before has not made it.
    fn first_that_answers<T>(
        &self,
        call: &Call<'_>,
        mut ask: impl FnMut(&ServerAddress) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let first = self.latest.load(Ordering::Relaxed);
        let (mut unreachable, mut unavailable) = (Vec::new(), None);
        for step in 0..self.servers.len() {
            let position = (first + step) % self.servers.len();
            match ask(&self.servers[position]) {
                Ok(answer) => {
                    self.latest.store(position, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(ClientError::Unreachable(mut attempts))
                    if attempts.iter().all(|attempt| !attempt.sent) || call.is_read() =>
                {
                    unreachable.append(&mut attempts);
                }
                Err(error) if error.is_for_now() => unavailable = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(unavailable.unwrap_or(ClientError::Unreachable(unreachable)))
    }
}
