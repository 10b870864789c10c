//! Requests to the pool's services. A newcomer knows the server by a fingerprint that came with its token, not by an authority: nothing is
//! sent before the server's certificate, or one that it goes back to, has that fingerprint. A host of the pool believes the pool's
//! authorities, and shows its own certificate. One request over one connection, so no HTTP client.
use super::arguments::port_of;
use lifeboat_link::certificate::{fingerprint, host_of};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// How long each step of a newcomer's request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same of a member's, which asks one server after the other.
const PATIENCE_OF_MEMBERS: Duration = Duration::from_secs(3);
/// The longest answer.
const MOST_BYTES: u64 = 4 << 20;
/// How often the way to the leader is pointed out.
const MOST_REDIRECTIONS: usize = 4;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallFault {
    /// No such place.
    #[error("{0:?} is no URL such as https://h01.example:7878")]
    NoUrl(String),
    /// Nobody answers.
    #[error("{url} does not answer: {source}")]
    Io {
        /// Where.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody else does.
    #[error(
        "the server at {0} is not the one that made the token: its certificate has another fingerprint. Nothing was sent to it"
    )]
    Stranger(String),
    /// TLS.
    #[error("no secure connection to {url}: {source}")]
    Tls {
        /// Where.
        url: String,
        /// Why.
        source: rustls::Error,
    },
    /// It refuses.
    #[error("the service refuses ({status}): {why}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        why: String,
    },
    /// It says what makes no sense.
    #[error("{0} answers what is no answer: is it lifeboat's service?")]
    Nonsense(String),
    /// Round and round.
    #[error(
        "the service points from one host to another without end: is anybody leading? Try again in a minute"
    )]
    Lost,
}

/// Who asks, whom it believes, and how long it waits.
#[derive(Clone, Debug)]
pub struct Caller {
    config: Arc<ClientConfig>,
    patience: Duration,
}

impl Caller {
    /// A newcomer, which knows a fingerprint.
    ///
    /// # Errors
    /// If the library cannot do what TLS needs.
    pub fn knowing(known: [u8; 32]) -> Result<Self, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Known { fingerprint: known, provider: Arc::clone(&provider) });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), patience: PATIENCE })
    }

    /// A host of the pool: it believes these authorities, and shows its certificate.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn member(authorities_pem: &str, chain_pem: &str, key_pem: &str) -> Result<Self, rustls::Error> {
        let certificates =
            |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let unusable = |_| rustls::Error::General("certificate, key or authorities are no PEM".into());
        let mut roots = RootCertStore::empty();
        for authority in certificates(authorities_pem).map_err(unusable)? {
            roots.add(authority)?;
        }
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(unusable)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates(chain_pem).map_err(unusable)?, key)?;
        Ok(Self { config: Arc::new(config), patience: PATIENCE_OF_MEMBERS })
    }

    /// Posts JSON to `path` at the server `url`, or to where it points to; the answer's body.
    ///
    /// # Errors
    /// If there is no answer that says yes.
    pub fn post(&self, url: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, CallFault> {
        self.follow("POST", url, path, body)
    }

    /// Puts JSON to `path` at the server `url`, or to where it points to; the answer's body.
    ///
    /// # Errors
    /// If there is no answer that says yes.
    pub fn put(&self, url: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, CallFault> {
        self.follow("PUT", url, path, body)
    }

    /// Fetches `path` from the server `url`, or from where it points to.
    ///
    /// # Errors
    /// If there is no answer that says yes.
    pub fn get(&self, url: &str, path: &str) -> Result<Vec<u8>, CallFault> {
        self.follow("GET", url, path, b"")
    }

    fn follow(&self, method: &str, url: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, CallFault> {
        let mut url = url.trim_end_matches('/').to_owned();
        let mut path = path.to_owned();
        for _ in 0..MOST_REDIRECTIONS {
            let answer = self.ask(method, &url, &path, body)?;
            match answer.status {
                200..=299 => return Ok(answer.body),
                307 | 308 => {
                    let to = answer.location.ok_or_else(|| CallFault::Nonsense(url.clone()))?;
                    if to.starts_with('/') {
                        path = to;
                    } else {
                        let (scheme, rest) =
                            to.split_once("://").ok_or_else(|| CallFault::NoUrl(to.clone()))?;
                        let at = rest.find('/').unwrap_or(rest.len());
                        (url, path) = (format!("{scheme}://{}", &rest[..at]), rest[at..].to_owned());
                    }
                }
                status => {
                    let why: String = String::from_utf8_lossy(&answer.body).chars().take(500).collect();
                    return Err(CallFault::Refused { status, why: detail(&why) });
                }
            }
        }
        Err(CallFault::Lost)
    }

    fn ask(&self, method: &str, url: &str, path: &str, body: &[u8]) -> Result<Answered, CallFault> {
        let no_url = || CallFault::NoUrl(url.to_owned());
        if !url.starts_with("https://") {
            return Err(no_url());
        }
        let host = host_of(url).ok_or_else(no_url)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| no_url())?;
        let mut stream = self.connect(host, port_of(url), name).map_err(|fault| into_fault(url, fault))?;
        let place = url.trim_start_matches("https://");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {place}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Accept: application/json\r\nUser-Agent: lifeboat-agent\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body))
            .and_then(|()| stream.flush());
        sent.map_err(|fault| into_fault(url, fault))?;
        let mut answer = Vec::new();
        match stream.take(MOST_BYTES).read_to_end(&mut answer) {
            // A server may close without TLS's own goodbye; the length says whether all is there.
            Err(early) if early.kind() == io::ErrorKind::UnexpectedEof && !answer.is_empty() => {}
            read => drop(read.map_err(|fault| into_fault(url, fault))?),
        }
        parse(&answer).ok_or_else(|| CallFault::Nonsense(url.to_owned()))
    }

    fn connect(
        &self,
        host: &str,
        port: u16,
        name: ServerName<'static>,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.patience) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(self.patience))?;
                    stream.set_write_timeout(Some(self.patience))?;
                    let connection =
                        ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
                    return Ok(StreamOwned::new(connection, stream));
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }
}

/// What a problem document says for people.
fn detail(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let said =
        parsed.as_ref().and_then(|value| ["detail", "title"].iter().find_map(|key| value[*key].as_str()));
    said.unwrap_or(body).to_owned()
}

struct Answered {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

fn into_fault(url: &str, fault: io::Error) -> CallFault {
    let url = url.to_owned();
    match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            CallFault::Stranger(url)
        }
        Some(tls) => CallFault::Tls { url, source: tls.clone() },
        None => CallFault::Io { url, source: fault },
    }
}

/// An answer of HTTP/1.1: its length said, or in chunks, or to the end.
fn parse(bytes: &[u8]) -> Option<Answered> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let body = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    let body = match (header("transfer-encoding"), header("content-length")) {
        (Some(_), _) => unchunked(body)?,
        (None, Some(length)) => body.get(..length.parse().ok()?)?.to_vec(),
        (None, None) => body.to_vec(),
    };
    Some(Answered { status, location: header("location").map(str::to_owned), body })
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let length = str::from_utf8(&bytes[..end]).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        bytes = &bytes[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..length)?);
        bytes = bytes.get(length.checked_add(2)?..)?;
    }
}

/// Believes a certificate of one fingerprint, and those that it has signed.
#[derive(Debug)]
struct Known {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if fingerprint(end_entity) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let stranger = rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        let Some(known) = intermediates.iter().find(|one| fingerprint(one) == self.fingerprint) else {
            return Err(stranger);
        };
        let mut roots = RootCertStore::empty();
        roots.add(known.clone().into_owned())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|_| stranger)?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(crate) mod tests;
