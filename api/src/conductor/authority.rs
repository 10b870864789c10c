//! The pool's certificate authority: what the first host left in the store, and signing for the others. A host has one certificate, with
//! which its service serves and by which its agent is known ([`crate::guard::certificate`]). From a request only its public key is
//! taken: what the certificate says is the roster's.
use lifeboat_link::join::Founding;
use lifeboat_link::roster::Member;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// How long a host's certificate lives. Agents ask for the next one well before.
const HOST_LIVES: Duration = Duration::from_hours(90 * 24);
/// Clocks of hosts differ: what is made now counts since a little while.
const BEFORE: Duration = Duration::from_hours(1);
/// What is percent-encoded in the name of an agent.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b':').add(b'%');

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// What the first host left is no authority.
    #[error("what the first host left in the store is no certificate authority: {0}")]
    NoAuthority(String),
    /// The request is none.
    #[error("the request for a certificate cannot be read: {0}")]
    Request(rcgen::Error),
    /// A name that no certificate can carry.
    #[error("the name {0:?} cannot stand in a certificate")]
    Name(String),
    /// Anything else.
    #[error("no certificate can be made: {0}")]
    Make(rcgen::Error),
}

/// The authority.
pub struct Authority {
    certificate_pem: String,
    fingerprint: [u8; 32],
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// What the first host left.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(founding: &Founding) -> Result<Self, AuthorityError> {
        let none = |error: String| AuthorityError::NoAuthority(error);
        let key = KeyPair::from_pem(&founding.authority_key_pem).map_err(|error| none(error.to_string()))?;
        let der = CertificateDer::from_pem_slice(founding.authority_pem.as_bytes())
            .map_err(|error| none(error.to_string()))?;
        let fingerprint = Sha256::digest(&der).into();
        let issuer = Issuer::from_ca_cert_pem(&founding.authority_pem, key)
            .map_err(|error| none(error.to_string()))?;
        Ok(Self { certificate_pem: founding.authority_pem.clone(), fingerprint, issuer })
    }

    /// SHA-256 of its certificate, by which newcomers know the pool.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The pool's authorities, in PEM.
    pub fn authorities_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Signs for a host: its certificate and the authority's, in PEM, as a server shows them.
    ///
    /// # Errors
    /// If the request is none, or a name cannot stand in a certificate.
    pub fn sign(
        &self,
        csr_pem: &str,
        pool: &str,
        host: &Member,
        now: SystemTime,
    ) -> Result<String, AuthorityError> {
        let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(AuthorityError::Request)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, host.id.as_str());
        params.subject_alt_names = names(pool, host)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = ((now - BEFORE).into(), (now + HOST_LIVES).into());
        let certificate =
            params.signed_by(&request.public_key, &self.issuer).map_err(AuthorityError::Make)?;
        Ok(certificate.pem() + &self.certificate_pem)
    }
}

fn names(pool: &str, host: &Member) -> Result<Vec<SanType>, AuthorityError> {
    let text = |name: &str| Ia5String::try_from(name).map_err(|_| AuthorityError::Name(name.to_owned()));
    let escaped = |name| utf8_percent_encode(name, ESCAPED);
    let mut names =
        vec![SanType::URI(text(&format!("lifeboat-agent:{}:{}", escaped(pool), escaped(&host.id)))?)];
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
pub(super) mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use crate::guard::certificate::AgentIdentity;
    use lifeboat_link::join::{MediumPlace, PoolKey};
    use rcgen::{BasicConstraints, IsCa};
    use rustls::pki_types::UnixTime;

    /// What a first host leaves.
    pub(in crate::conductor) fn founding() -> Founding {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Founding {
            roster: roster(&["h1"]),
            medium: MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 },
            metadata: "volume:/dev/x?offset=4194304".to_owned(),
            authority_pem: certificate.pem(),
            authority_key_pem: key.serialize_pem(),
            keys: vec![PoolKey::new(1, &[7; 32])],
        }
    }

    fn member(id: &str) -> Member {
        Member {
            id: id.to_owned(),
            addresses: vec!["10.0.0.7:7946".parse().expect("an address")],
            api: "https://h07.example:7878".to_owned(),
            removed: false,
        }
    }

    fn csr() -> String {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName("bank.example".try_into().expect("a name"))];
        let key = KeyPair::generate().expect("a key");
        params.serialize_request(&key).expect("a request").pem().expect("PEM")
    }

    #[test]
    fn a_host_is_who_the_roster_says_whatever_it_asks_for() {
        let authority = Authority::of(&founding()).expect("an authority");
        let chain = authority.sign(&csr(), "pröd:1", &member("h07"), SystemTime::UNIX_EPOCH + HOST_LIVES);
        let chain = chain.expect("a certificate");
        let chain: Vec<CertificateDer<'_>> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).map(|one| one.expect("PEM")).collect();
        assert_eq!(chain.len(), 2);
        assert_eq!(Sha256::digest(&chain[1])[..], authority.fingerprint());
        let identity = AgentIdentity::of(&chain[0]).expect("an agent's");
        assert_eq!((&*identity.pool, &*identity.host), ("pröd:1", "h07"));
        let certificate = webpki::EndEntityCert::try_from(&chain[0]).expect("a certificate");
        let dns: Vec<&str> = certificate.valid_dns_names().collect();
        assert_eq!(dns, ["h07.example", "h07"]);
        let anchor = webpki::anchor_from_trusted_cert(&chain[1]).expect("an authority");
        let now = UnixTime::since_unix_epoch(HOST_LIVES + Duration::from_hours(24));
        certificate
            .verify_for_usage(
                rustls::crypto::ring::default_provider().signature_verification_algorithms.all,
                &[anchor],
                &chain[1..],
                now,
                webpki::KeyUsage::client_auth(),
                None,
                None,
            )
            .expect("it goes back to the authority");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let authority = Authority::of(&founding()).expect("an authority");
        let refused = authority.sign("-----BEGIN", "p", &member("h1"), SystemTime::UNIX_EPOCH);
        assert!(matches!(refused, Err(AuthorityError::Request(_))));
        let none = Founding { authority_key_pem: String::new(), ..founding() };
        assert!(matches!(Authority::of(&none), Err(AuthorityError::NoAuthority(_))));
    }
}
