//! The door that every connection comes through: whether there is room for one more, TLS where it is configured, and who the
//! client's certificate says it is. What is learnt here goes with every request of the connection, as its [`Caller`].
use super::certificate::AgentIdentity;
use super::opening::Opening;
use super::places::{Place, Places};
use super::sentry::neighbourhood;
use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::Service;

/// What the connection tells of the caller.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Where it calls from; none where there is no connection, as in tests.
    pub address: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// The agent that its certificate says it is.
    pub agent: Option<Arc<AgentIdentity>>,
}

/// A door: for all listening sockets one, so that connections are counted together.
#[derive(Clone, Debug)]
pub struct Door {
    tls: Option<RustlsConfig>,
    connections: Places,
    patience: Duration,
}

/// How long a connection may take to say what it speaks, unless somebody says otherwise.
const USUAL_PATIENCE: Duration = Duration::from_secs(10);

impl Door {
    /// A door for at most so many connections, of which one address gets so many; of IPv6, one /64. (Loopback is not
    /// held to the second.)
    pub fn new(tls: Option<RustlsConfig>, most: usize, most_each: usize) -> Self {
        Self { tls, connections: Places::new(most, most_each), patience: USUAL_PATIENCE }
    }

    /// The same, and an encrypted connection gets so much time for its handshake, and so much again until it says what it speaks.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether connections are encrypted.
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.connections.taken()
    }

    async fn open<S>(self, stream: TcpStream, service: S) -> io::Result<(Stream, Known<S>)> {
        let address = stream.peer_addr()?;
        stream.set_nodelay(true)?;
        let ip = address.ip().to_canonical();
        let owner = (!ip.is_loopback()).then(|| neighbourhood(ip).to_string());
        let full = || io::Error::other("there is no room for another connection");
        let place = Arc::new(self.connections.take(owner).ok_or_else(full)?);
        let caller = Caller { address: Some(address), encrypted: false, agent: None };
        let Some(tls) = self.tls else {
            return Ok((Stream::Plain(stream), Known { service, caller, _place: place }));
        };
        let (stream, service) =
            RustlsAcceptor::new(tls).handshake_timeout(self.patience).accept(stream, service).await?;
        // What is here was verified in the handshake: an unverified certificate ends it.
        let certificates = stream.get_ref().1.peer_certificates();
        let agent = certificates.and_then(|chain| AgentIdentity::of(chain.first()?)).map(Arc::new);
        let caller = Caller { encrypted: true, agent, ..caller };
        let stream = Opening::new(stream, self.patience);
        Ok((Stream::Tls(Box::new(stream)), Known { service, caller, _place: place }))
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Stream;
    type Service = Known<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Stream, Known<S>)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        Box::pin(self.clone().open(stream, service))
    }
}

/// A connection, plain or encrypted.
#[derive(Debug)]
pub enum Stream {
    /// Plain: on loopback only.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<Opening<<RustlsAcceptor as Accept<TcpStream, ()>>::Stream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// The service of one connection: adds what is known of the caller to each request, and holds the connection's place.
#[derive(Clone, Debug)]
pub struct Known<S> {
    service: S,
    caller: Caller,
    /// Given back when the connection ends.
    _place: Arc<Place>,
}

impl<S, B> Service<Request<B>> for Known<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.caller.clone());
        self.service.call(request)
    }
}
