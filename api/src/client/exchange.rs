//! One question over the wire, redirections followed. This is the only file that knows the HTTP library.
use super::address::ServerAddress;
use super::error::{Attempt, AttemptKind, ClientError};
use super::problem::Problem;
use super::redirect::{self, MOST_REDIRECTS, RedirectError};
use super::tls::TlsFiles;
use super::token::Token;
use super::{MOST_ANSWER_BYTES, path};
use serde_json::Value;
use std::io::{self, Read};
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response, header};
use ureq::{Agent, Body, Timeout};

/// How long a stream may be silent; the service says something at least every 15 s.
const MOST_SILENCE: Duration = Duration::from_mins(1);
/// The most of a problem document that is taken.
const MOST_PROBLEM_BYTES: u64 = 4 << 20;

/// One question.
#[derive(Clone, Debug)]
pub struct Call<'c> {
    method: &'static str,
    /// Whether it changes nothing.
    pure: bool,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<&'c [u8]>,
}

impl<'c> Call<'c> {
    /// Reads what is at `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", pure: true, path: path.into(), headers: Vec::new(), body: None }
    }

    /// Asks something at `path` that changes nothing, but takes a body to be asked.
    pub fn question(method: Method, path: impl Into<String>) -> Self {
        Self { method: method.word(), pure: true, ..Self::get(path) }
    }

    /// A change at `path`. `key` makes sure that it is made once, however often it is sent.
    pub fn change(method: Method, path: impl Into<String>, key: String) -> Self {
        Self {
            method: method.word(),
            pure: false,
            path: path.into(),
            headers: vec![("idempotency-key", key)],
            body: None,
        }
    }

    /// The same with a JSON body; a PATCH takes it for a merge patch.
    #[must_use]
    pub fn with_json(self, body: &'c [u8]) -> Self {
        let kind = if self.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        Self { body: Some(body), ..self.with("content-type", kind) }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same with a query, of those values that there are.
    #[must_use]
    pub fn with_query(self, query: &[(&str, Option<&str>)]) -> Self {
        Self { path: path::with_query(&self.path, query), ..self }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        self.pure
    }
}

/// How a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Does something.
    Post,
    /// Makes it be so.
    Put,
    /// Changes some of it.
    Patch,
    /// Removes it.
    Delete,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    server: ServerAddress,
    status: u16,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The version of what came back, where it has one.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The body as JSON; null where there is none.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> Result<Value, ClientError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, why: &serde_json::Error) -> ClientError {
        ClientError::Unreadable { server: self.server.clone(), why: why.to_string() }
    }

    /// The reply, if the service has done what it was asked.
    pub(super) fn successful(self) -> Result<Self, ClientError> {
        if matches!(self.status, 200..=299) {
            return Ok(self);
        }
        Err(ClientError::Refused(Box::new(Problem::read(self.status, &self.body))))
    }
}

/// Asks over the wire.
#[derive(Debug)]
pub(super) struct Exchange {
    agent: Agent,
    token: Option<Token>,
    answer_time: Duration,
}

impl Exchange {
    pub(super) fn new(
        token: Option<Token>,
        tls: &TlsFiles,
        connect_time: Duration,
        answer_time: Duration,
    ) -> Result<Self, ClientError> {
        let agent = Agent::config_builder()
            .tls_config(tls.read()?)
            // A proxy that stands in the environment for the web is no way to a control plane.
            .proxy(None)
            .http_status_as_error(false)
            // Redirections are followed here, by rules of our own.
            .max_redirects(0)
            .user_agent(concat!("lifeboat/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(connect_time))
            .timeout_resolve(Some(connect_time))
            .build()
            .new_agent();
        Ok(Self { agent, token, answer_time })
    }

    pub(super) fn ask(
        &self,
        server: &ServerAddress,
        call: &Call<'_>,
        servers: &[ServerAddress],
    ) -> Result<Reply, ClientError> {
        let (server, mut response) = self.send(server, call, servers, false)?;
        let etag = header_text(response.headers(), header::ETAG.as_str());
        let status = response.status().as_u16();
        let taken = response.body_mut().with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        let body = taken.map_err(|error| failed(&server, &error))?;
        Ok(Reply { server, status, etag, body })
    }

    pub(super) fn stream(
        &self,
        server: &ServerAddress,
        call: &Call<'_>,
        servers: &[ServerAddress],
    ) -> Result<impl Read + Send + use<>, ClientError> {
        let (server, response) = self.send(server, call, servers, true)?;
        let (parts, mut body) = response.into_parts();
        let status = parts.status.as_u16();
        if !parts.status.is_success() {
            let told = body.with_config().limit(MOST_PROBLEM_BYTES).read_to_vec().unwrap_or_default();
            return Err(ClientError::Refused(Box::new(Problem::read(status, &told))));
        }
        let kind = header_text(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            let why = format!("it sends {kind:?} and no events");
            return Err(ClientError::Unreadable { server, why });
        }
        Ok(body.into_reader())
    }

    /// Sends the request, and again where it is redirected to; gives who has answered in the end.
    fn send(
        &self,
        server: &ServerAddress,
        call: &Call<'_>,
        servers: &[ServerAddress],
        endless: bool,
    ) -> Result<(ServerAddress, Response<Body>), ClientError> {
        let (mut server, mut path, mut with_token) = (server.clone(), call.path.clone(), true);
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send_once(&server, &path, call, with_token, endless)?;
            if !matches!(response.status().as_u16(), 307 | 308) {
                return Ok((server, response));
            }
            let location = header_text(response.headers(), header::LOCATION.as_str());
            let onward = location
                .ok_or(RedirectError::Nowhere)
                .and_then(|location| redirect::follow(&server, &location, servers))
                .map_err(|why| ClientError::Redirect { server, why })?;
            (server, path, with_token) = (onward.server, onward.path, onward.with_token);
        }
        Err(ClientError::Redirect { server, why: RedirectError::TooMany })
    }

    fn send_once(
        &self,
        server: &ServerAddress,
        path: &str,
        call: &Call<'_>,
        with_token: bool,
        endless: bool,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder().method(call.method).uri(server.url(path));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = self.token.as_ref().filter(|_| with_token) {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let unreadable = |why: String| ClientError::Unreadable { server: server.clone(), why };
        let time = if endless { None } else { Some(self.answer_time) };
        let silence = if endless { Some(MOST_SILENCE) } else { None };
        let answered = if let Some(body) = call.body {
            let request = request.body(body).map_err(|error| unreadable(error.to_string()))?;
            let request = self.agent.configure_request(request);
            self.agent.run(request.timeout_per_call(time).timeout_per_read(silence).build())
        } else {
            let request = request.body(()).map_err(|error| unreadable(error.to_string()))?;
            let request = self.agent.configure_request(request);
            self.agent.run(request.timeout_per_call(time).timeout_per_read(silence).build())
        };
        answered.map_err(|error| failed(server, &error))
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What went wrong on the way to a server.
fn failed(server: &ServerAddress, error: &ureq::Error) -> ClientError {
    let (kind, why, sent) = match error {
        ureq::Error::HostNotFound => (AttemptKind::NoSuchHost, "no machine has that name".to_owned(), false),
        ureq::Error::Timeout(Timeout::Resolve) => {
            (AttemptKind::NoSuchHost, "the name was not found in time".to_owned(), false)
        }
        ureq::Error::Timeout(Timeout::Connect) => {
            (AttemptKind::TooSlow, "no connection in time".to_owned(), false)
        }
        ureq::Error::Timeout(_) => (AttemptKind::TooSlow, "no answer in time".to_owned(), true),
        ureq::Error::ConnectionFailed => (AttemptKind::NobodyListens, "no connection".to_owned(), false),
        ureq::Error::Rustls(error) => tls(error),
        ureq::Error::Io(error) => io_failed(error),
        ureq::Error::Protocol(error) if !server.is_secure() => {
            (AttemptKind::NoTls, format!("it does not speak HTTP: {error}"), true)
        }
        error => (AttemptKind::Other, error.to_string(), true),
    };
    ClientError::Unreachable(vec![Attempt { server: server.clone(), kind, why, sent }])
}

fn io_failed(error: &io::Error) -> (AttemptKind, String, bool) {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls(error);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (AttemptKind::NobodyListens, "nobody listens there".to_owned(), false)
        }
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => (AttemptKind::TooSlow, error.to_string(), false),
        _ => (AttemptKind::Other, error.to_string(), true),
    }
}

fn tls(error: &rustls::Error) -> (AttemptKind, String, bool) {
    use rustls::{AlertDescription as Alert, Error};
    match error {
        Error::InvalidCertificate(why) => {
            (AttemptKind::NotBelieved, format!("its certificate is not believed: {why}"), false)
        }
        // A server that wants a certificate says so only once the request is on its way, which it then drops.
        Error::AlertReceived(
            Alert::CertificateRequired | Alert::BadCertificate | Alert::UnknownCA | Alert::CertificateUnknown,
        ) => (
            AttemptKind::WantsCertificate,
            "it does not believe our certificate, or wants one".to_owned(),
            false,
        ),
        Error::InvalidMessage(_) => (AttemptKind::NoTls, "it does not speak TLS".to_owned(), false),
        error => (AttemptKind::Other, error.to_string(), true),
    }
}
