//! The pool's own certificate authority, and hosts' certificates: what stands in them, how they are signed, how they are read again.
//!
//! A host has one certificate, with which its service serves, and by which its agent is known. Of its names two are URIs:
//! `lifeboat-agent:<pool>:<host>` says who it is (docs/security.md), `lifeboat-place:<pool id>:<place>` which place of the roster is its
//! own. A name is given again when its host has left for good, a place never: so nobody comes back as the host that took its name. Keys
//! are ECDSA on P-256. From a request only its public key is taken: what the certificate says is the roster's.
use crate::roster::Roster;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use x509_parser::pem::Pem;

/// What an agent's name begins with.
pub const AGENT: &str = "lifeboat-agent:";
/// What the name of an agent's place begins with.
pub const PLACE: &str = "lifeboat-place:";
/// How long a host's certificate lives, unless the pool says otherwise.
pub const HOST_LIVES: Duration = Duration::from_hours(90 * 24);
/// How long an authority lives: longer than the hardware.
const AUTHORITY_LIVES: Duration = Duration::from_hours(20 * 365 * 24);
/// Clocks of hosts differ: what is made now counts since a little while.
const BEFORE: Duration = Duration::from_hours(1);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// What is to sign is no authority.
    #[error("what the pool's store holds is no certificate authority: {0}")]
    NoAuthority(rcgen::Error),
    /// The request is none.
    #[error("the request for a certificate cannot be read: {0}")]
    Request(rcgen::Error),
    /// The key is none.
    #[error("the host's key cannot be read: {0}")]
    Key(rcgen::Error),
    /// A name that no certificate can carry.
    #[error("the name {0:?} cannot stand in a certificate")]
    Name(String),
    /// The roster has no such place.
    #[error("the roster has no place {0}")]
    Place(usize),
    /// It cannot be read.
    #[error("this is no host's certificate with its authority's, in PEM")]
    Unreadable,
    /// Anything else.
    #[error("no certificate can be made: {0}")]
    Make(rcgen::Error),
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    certificate_pem: String,
    fingerprint: [u8; 32],
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// If the pool's name cannot stand in a certificate, or no key can be made.
    pub fn found(pool: &str, now: SystemTime) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Lifeboat pool {pool}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = ((now - BEFORE).into(), (now + AUTHORITY_LIVES).into());
        let key = KeyPair::generate().map_err(CertificateError::Make)?;
        let certificate = params.self_signed(&key).map_err(CertificateError::Make)?;
        Self::of(&certificate.pem(), &key.serialize_pem())
    }

    /// One that was made before.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(certificate_pem: &str, key_pem: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::from_pem(key_pem).map_err(CertificateError::NoAuthority)?;
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, key).map_err(CertificateError::NoAuthority)?;
        let fingerprint = *fingerprints(certificate_pem).first().ok_or(CertificateError::Unreadable)?;
        Ok(Self { certificate_pem: certificate_pem.to_owned(), fingerprint, issuer })
    }

    /// Its certificate, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// SHA-256 of its certificate in DER, by which newcomers know the pool.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Its private key, in PEM.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs for the host in a place of the roster: its certificate and this authority's, in PEM, as a server shows them.
    ///
    /// # Errors
    /// If the request is none, or a name cannot stand in a certificate.
    pub fn sign(
        &self,
        csr_pem: &str,
        roster: &Roster,
        place: usize,
        now: SystemTime,
        lives: Duration,
    ) -> Result<String, CertificateError> {
        let request =
            CertificateSigningRequestParams::from_pem(csr_pem).map_err(CertificateError::Request)?;
        let member = roster.hosts.get(place).ok_or(CertificateError::Place(place))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&member.id);
        params.subject_alt_names = names(roster, place)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = ((now - BEFORE).into(), (now + lives).into());
        let certificate =
            params.signed_by(&request.public_key, &self.issuer).map_err(CertificateError::Make)?;
        Ok(certificate.pem() + &self.certificate_pem)
    }
}

/// A host's key, and the request for its certificate.
#[derive(Debug)]
pub struct Request {
    key: KeyPair,
}

impl Request {
    /// With a new key.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn new() -> Result<Self, CertificateError> {
        Ok(Self { key: KeyPair::generate().map_err(CertificateError::Make)? })
    }

    /// With a key that the host has.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(key_pem: &str) -> Result<Self, CertificateError> {
        Ok(Self { key: KeyPair::from_pem(key_pem).map_err(CertificateError::Key)? })
    }

    /// The key, in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The request, in PEM. It proves that whoever asks has the key, and says nothing else.
    ///
    /// # Errors
    /// If none can be made.
    pub fn csr_pem(&self) -> Result<String, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("lifeboat-agent");
        let request = params.serialize_request(&self.key).map_err(CertificateError::Make)?;
        request.pem().map_err(CertificateError::Make)
    }
}

/// What a host needs to know of a certificate to see whether it is to ask for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// When it was made.
    pub made_at: SystemTime,
    /// When it ends.
    pub ends_at: SystemTime,
    /// SHA-256 of the certificate of the authority that signed it.
    pub authority: [u8; 32],
    public_key: Vec<u8>,
}

impl Held {
    /// Reads a host's certificate with its authority's behind it.
    ///
    /// # Errors
    /// [`CertificateError::Unreadable`].
    pub fn read(chain_pem: &str) -> Result<Self, CertificateError> {
        let chain: Vec<Pem> = Pem::iter_from_buffer(chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::Unreadable)?;
        let [own, authority, ..] = chain.as_slice() else { return Err(CertificateError::Unreadable) };
        let own = own.parse_x509().map_err(|_| CertificateError::Unreadable)?;
        let signer = authority.parse_x509().map_err(|_| CertificateError::Unreadable)?;
        if own.issuer() != signer.subject() {
            return Err(CertificateError::Unreadable);
        }
        Ok(Self {
            made_at: moment(own.validity().not_before.timestamp()) + BEFORE,
            ends_at: moment(own.validity().not_after.timestamp()),
            authority: fingerprint(&authority.contents),
            public_key: own.public_key().raw.to_vec(),
        })
    }

    /// Whether it is about this key.
    pub fn is_of(&self, key_pem: &str) -> bool {
        KeyPair::from_pem(key_pem).is_ok_and(|key| key.subject_public_key_info() == self.public_key)
    }

    /// Whether two thirds of its life are over.
    pub fn is_due(&self, now: SystemTime) -> bool {
        let life = self.ends_at.duration_since(self.made_at).unwrap_or_default();
        now >= self.made_at + life * 2 / 3
    }
}

fn moment(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// SHA-256 of a certificate in DER.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// A fingerprint in hexadecimal.
pub fn spelt(fingerprint: &[u8; 32]) -> String {
    fingerprint.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The fingerprints of the certificates in a text of PEM, as far as it can be read.
pub fn fingerprints(pem: &str) -> Vec<[u8; 32]> {
    let certificates = Pem::iter_from_buffer(pem.as_bytes()).map_while(Result::ok);
    certificates.filter(|one| one.label == "CERTIFICATE").map(|one| fingerprint(&one.contents)).collect()
}

fn names(roster: &Roster, place: usize) -> Result<Vec<SanType>, CertificateError> {
    let host = roster.hosts.get(place).ok_or(CertificateError::Place(place))?;
    let text = |name: &str| Ia5String::try_from(name).map_err(|_| CertificateError::Name(name.to_owned()));
    let mut names = vec![
        SanType::URI(text(&format!("{AGENT}{}:{}", escaped(&roster.pool), escaped(&host.id)))?),
        SanType::URI(text(&format!("{PLACE}{}:{place}", roster.pool_id))?),
    ];
    let mut add = |name: SanType| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for name in host_of(&host.api).into_iter().chain([host.id.as_str()]) {
        match name.parse::<IpAddr>() {
            Ok(address) => add(SanType::IpAddress(address)),
            Err(_) if is_dns(name) => add(SanType::DnsName(text(name)?)),
            // Known by its URI alone.
            Err(_) => {}
        }
    }
    for address in &host.addresses {
        add(SanType::IpAddress(address.ip()));
    }
    Ok(names)
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
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
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
