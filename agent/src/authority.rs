//! The pool's own certificate authority, as the first host makes it, and what a newcomer asks it for.
//!
//! A host has one certificate, with which its service serves, and by which its agent is known: its only name of type URI is
//! `lifeboat-agent:<pool>:<host>`, as the service wants it (docs/security.md). Keys are ECDSA on P-256. From the first term on
//! whoever leads signs; here only the first host's certificate is.
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// How long the authority lives: longer than the hardware.
const AUTHORITY_LIVES: Duration = Duration::from_hours(20 * 365 * 24);
/// How long a host's certificate lives, unless it is renewed before.
const HOST_LIVES: Duration = Duration::from_hours(365 * 24);
/// Clocks of hosts differ: what is made now counts since a little while.
const BEFORE: Duration = Duration::from_hours(1);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A name that no certificate can carry.
    #[error("the name {0:?} cannot stand in a certificate")]
    Name(String),
    /// Anything else.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    /// Its certificate, in PEM.
    pub certificate_pem: String,
    /// SHA-256 of its certificate in DER.
    pub fingerprint: [u8; 32],
    issuer: Issuer<'static, KeyPair>,
}

/// Who a host's certificate is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The pool's name.
    pub pool: String,
    /// The host's name.
    pub host: String,
    /// Where its service is reached, as a URL.
    pub api: String,
    /// Where its agent listens.
    pub addresses: Vec<SocketAddr>,
}

/// A host's key, and the request for its certificate.
#[derive(Debug)]
pub struct Request {
    key: KeyPair,
    subject: Subject,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// If the pool's name cannot stand in a certificate.
    pub fn found(pool: &str, now: SystemTime) -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Lifeboat pool {pool}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = ((now - BEFORE).into(), (now + AUTHORITY_LIVES).into());
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            fingerprint: fingerprint(certificate.der()),
            issuer: Issuer::new(params, key),
        })
    }

    /// Its private key, in PEM.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs for a host: its certificate and this authority's, in PEM, as a server shows them.
    ///
    /// # Errors
    /// If a name of the host's cannot stand in a certificate.
    pub fn sign(&self, request: &Request, now: SystemTime) -> Result<String, AuthorityError> {
        let mut params = request.subject.params()?;
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = ((now - BEFORE).into(), (now + HOST_LIVES).into());
        let certificate = params.signed_by(&request.key, &self.issuer)?;
        Ok(certificate.pem() + &self.certificate_pem)
    }
}

impl Request {
    /// A new key for a host.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn new(subject: Subject) -> Result<Self, AuthorityError> {
        Ok(Self { key: KeyPair::generate()?, subject })
    }

    /// The key, in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The request, in PEM.
    ///
    /// # Errors
    /// If a name of the host's cannot stand in a certificate.
    pub fn csr_pem(&self) -> Result<String, AuthorityError> {
        Ok(self.subject.params()?.serialize_request(&self.key)?.pem()?)
    }
}

impl Subject {
    fn params(&self) -> Result<CertificateParams, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&self.host);
        params.subject_alt_names = self.names()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params)
    }

    fn names(&self) -> Result<Vec<SanType>, AuthorityError> {
        let uri = format!("lifeboat-agent:{}:{}", escaped(&self.pool), escaped(&self.host));
        let text = |name: &str| Ia5String::try_from(name).map_err(|_| AuthorityError::Name(name.to_owned()));
        let mut names = vec![SanType::URI(text(&uri)?)];
        let mut add = |name: SanType| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        for name in host_of(&self.api).into_iter().chain([self.host.as_str()]) {
            match name.parse::<IpAddr>() {
                Ok(address) => add(SanType::IpAddress(address)),
                Err(_) if is_dns(name) => add(SanType::DnsName(text(name)?)),
                // Known by its URI alone.
                Err(_) => {}
            }
        }
        for address in &self.addresses {
            add(SanType::IpAddress(address.ip()));
        }
        Ok(names)
    }
}

/// SHA-256 of a certificate in DER, by which a newcomer knows the pool.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

/// As docs/security.md has it: what is no printable ASCII, `:` and `%` are percent-encoded.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic() && !b":%".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format_byte(byte));
        }
        text
    })
}

fn format_byte(byte: u8) -> String {
    format!("%{byte:02X}")
}

/// The host in a URL, without brackets and port.
pub fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?']).next()?;
    if let Some(six) = place.strip_prefix('[') {
        return six.split_once(']').map(|(address, _)| address);
    }
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    (!host.is_empty()).then_some(host)
}

fn is_dns(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
