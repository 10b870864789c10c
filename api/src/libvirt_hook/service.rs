//! The calls to the service. One connection, one deadline for all of them together.
use super::attend::{Admission, CallError, Known, Service};
use super::settings::HookSettings;
use crate::client::address::{AddressError, ServerAddress};
use crate::clock::Stopwatch;
use crate::config::Secrets;
use crate::config::secret::SecretError;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Bytes of an answer. An admission in a large pool has some KiB.
const MOST_BYTES: u64 = 4 << 20;
/// Characters of what the service says that are passed on.
const LONGEST_DETAIL: usize = 400;

/// Why the service cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No pool is set.
    #[error("no pool is set: set pool in /etc/lifeboat/libvirt-hook.conf")]
    NoPool,
    /// Where the service is, is no address.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// A secret cannot be fetched.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("{} holds no {expected} in PEM", .path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
    },
}

/// The service over HTTP.
#[derive(Debug)]
pub struct Remote {
    agent: Agent,
    /// Where the service is, and once it is known: its leader.
    base: RefCell<ServerAddress>,
    /// The servers that the settings name: the token goes to no other one.
    named: Vec<ServerAddress>,
    /// The path of the pool.
    pool: String,
    token: Option<String>,
    since: Stopwatch,
    limit: Duration,
}

impl Remote {
    /// Gets ready to call; `since` is when libvirt began to wait.
    ///
    /// # Errors
    /// If a file that the settings name cannot be used.
    pub fn new(settings: &HookSettings, secrets: &Secrets, since: Stopwatch) -> Result<Self, SetupError> {
        let pool = settings.pool.as_deref().ok_or(SetupError::NoPool)?;
        let named = settings.servers()?;
        let token = settings.token.as_ref().map(|source| secrets.fetch(source)).transpose()?;
        // There is always a first: text that is split has one part at least.
        let first = named.first().cloned().ok_or(SetupError::NoPool)?;
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A proxy of the environment is for people; libvirt's has none, and a wrong one would cost all the time.
            .proxy(None)
            .user_agent(concat!("lifeboat-libvirt-hook/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(settings, secrets)?)
            .build()
            .into();
        Ok(Self {
            agent,
            base: RefCell::new(first),
            named,
            pool: format!("/v1/pools/{}", escaped(pool)),
            token: token.map(|token| format!("Bearer {}", token.as_str())),
            since,
            limit: Duration::from_millis(settings.time_limit_ms),
        })
    }

    fn left(&self) -> Result<Duration, CallError> {
        let left = self.limit.checked_sub(self.since.elapsed()).filter(|left| !left.is_zero());
        left.ok_or_else(|| CallError::Unreachable(format!("no answer within {} ms", self.limit.as_millis())))
    }

    /// One call, and one more where the service says that another coordinator leads.
    fn call(&self, path: &str, body: Option<&Value>) -> Result<Answer, CallError> {
        let path = format!("{}{path}", self.pool);
        let answer = self.send(&path, body)?;
        let Some(location) = answer.leader.as_deref() else { return Ok(answer) };
        let leader = location.strip_suffix(&path).and_then(|url| url.parse::<ServerAddress>().ok());
        let refused = |why| CallError::Unreachable(format!("it names {location:?} as its leader, {why}"));
        let leader = leader.ok_or_else(|| refused("which is no address of a service"))?;
        let leaves_tls = self.base.borrow().is_secure() && !leader.is_secure();
        if leaves_tls || !leader.keeps_secrets() {
            return Err(refused("which is not spoken to by TLS"));
        }
        // Whoever answers could name any place.
        if self.token.is_some() && !self.named.iter().any(|named| named.is_same_server(&leader)) {
            return Err(refused("which gets no token: add it to service in /etc/lifeboat/libvirt-hook.conf"));
        }
        self.base.replace(leader);
        self.send(&path, body)
    }

    fn send(&self, path: &str, body: Option<&Value>) -> Result<Answer, CallError> {
        let (url, left) = (self.base.borrow().url(path), Some(self.left()?));
        let token = self.token.as_deref();
        answer(match body {
            None => {
                let request = self.agent.get(url).config().timeout_global(left).build();
                token.iter().fold(request, |request, token| request.header("authorization", *token)).call()
            }
            Some(body) => {
                let request = self.agent.post(url).config().timeout_global(left).build();
                token
                    .iter()
                    .fold(request, |request, token| request.header("authorization", *token))
                    .send_json(body)
            }
        })
    }
}

impl Service for Remote {
    fn vm(&self, id: &str) -> Result<Option<Known>, CallError> {
        let answer = self.call(&format!("/vms/{}", escaped(id)), None)?;
        match answer.status {
            404 if answer.code() != "no-such-pool" => Ok(None),
            _ => answer.body().map(Some),
        }
    }

    fn check(&self, change: &Value) -> Result<Admission, CallError> {
        self.call("/check", Some(change))?.body()
    }

    fn tell(&self, events: &Value) -> Result<(), CallError> {
        let answer = self.call("/events", Some(events))?;
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(answer.refusal()) }
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Where the same is to be asked instead.
    leader: Option<String>,
    body: Value,
}

impl Answer {
    fn body<T: serde::de::DeserializeOwned>(self) -> Result<T, CallError> {
        if self.status != 200 {
            return Err(self.refusal());
        }
        serde_json::from_value(self.body)
            .map_err(|error| CallError::Unreachable(format!("its answer makes no sense: {error}")))
    }

    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    fn refusal(&self) -> CallError {
        let detail = self.body["detail"].as_str().unwrap_or("without a reason");
        let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
        match self.status {
            401 | 403 => CallError::NotAllowed(detail),
            409 | 422 => CallError::Impossible(detail),
            status => CallError::Unreachable(format!("{status}: {detail}")),
        }
    }
}

fn answer(sent: Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, CallError> {
    let no_answer = |error: ureq::Error| CallError::Unreachable(error.to_string());
    let mut response = sent.map_err(no_answer)?;
    let status = response.status().as_u16();
    let bytes = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec().map_err(no_answer)?;
    let leader = response.headers().get("location").filter(|_| status == 307);
    let leader = leader.and_then(|url| url.to_str().ok()).map(str::to_owned);
    Ok(Answer { status, leader, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

fn escaped(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn tls(settings: &HookSettings, secrets: &Secrets) -> Result<TlsConfig, SetupError> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|source| SetupError::Unreadable { path: path.clone(), source })
    };
    let certificates = |path: &PathBuf| {
        let pem = read(path)?;
        let items: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let not_pem = || SetupError::NotPem { path: path.clone(), expected: "certificate" };
        if items.is_empty() { Err(not_pem()) } else { Ok(items) }
    };
    let mut tls = TlsConfig::builder();
    if let Some(path) = &settings.ca_file {
        tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates(path)?)));
    }
    if let (Some(path), Some(source)) = (&settings.certificate_file, &settings.key) {
        let key = secrets.fetch(source)?;
        let not_pem = |_| SetupError::NotPem { path: path.clone(), expected: "private key" };
        let key = PrivateKey::from_pem(key.as_bytes()).map_err(not_pem)?;
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates(path)?, key)));
    }
    Ok(tls.build())
}
