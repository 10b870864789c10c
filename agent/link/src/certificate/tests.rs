//! What is in certificates, judged by the library that services and clients judge them with.
use super::*;
use crate::roster::{LivenessSettings, Member};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;

const NOW: Duration = Duration::from_hours(500_000);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

fn roster() -> Roster {
    let member = |id: &str, api: &str, address: &str| Member {
        id: id.into(),
        addresses: vec![address.parse().expect("an address")],
        api: api.into(),
        removed: false,
    };
    Roster {
        version: 1,
        pool: "prod a".into(),
        pool_id: "07".repeat(16),
        networks: vec!["hb0".into()],
        settings: LivenessSettings::default(),
        hosts: vec![
            member("h00", "https://h00.example:7878", "10.0.0.9:7946"),
            member("h01", "https://h01.example:7878", "10.0.0.1:7946"),
        ],
        authorities: Vec::new(),
    }
}

fn made() -> (Authority, Request, String) {
    let authority = Authority::found("prod a", now()).expect("an authority");
    let request = Request::new().expect("a key");
    let csr = request.csr_pem().expect("a request");
    let chain = authority.sign(&csr, &roster(), 1, now(), Duration::from_secs(90)).expect("a certificate");
    (authority, request, chain)
}

fn der(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("PEM")
}

#[test]
fn a_host_is_believed_under_every_name_it_serves_by_and_under_no_other() {
    let (authority, _, chain) = made();
    let chain = der(&chain);
    let mut roots = RootCertStore::empty();
    roots.add(chain[1].clone()).expect("an authority");
    assert_eq!(fingerprint(&chain[1]), authority.fingerprint());
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    let now = UnixTime::since_unix_epoch(NOW);
    for (name, believed) in [
        ("h01.example", true),
        ("h01", true),
        ("10.0.0.1", true),
        ("h00.example", false),
        ("10.0.0.9", false),
    ] {
        let server = ServerName::try_from(name).expect("a name");
        let judged = verifier.verify_server_cert(&chain[0], &[], &server, &[], now);
        assert_eq!(judged.is_ok(), believed, "{name}: {judged:?}");
    }
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider).build().expect("a verifier");
    clients.verify_client_cert(&chain[0], &[], now).expect("an agent shows the same one");
}

#[test]
fn an_agent_and_its_place_are_named_as_the_service_wants_it() {
    let names = names(&roster(), 1).expect("names");
    let uris: Vec<&str> = names
        .iter()
        .filter_map(|name| match name {
            SanType::URI(uri) => Some(uri.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(uris, ["lifeboat-agent:prod%20a:h01", &format!("lifeboat-place:{}:1", "07".repeat(16))]);
    assert_eq!(escaped("a:b%ü"), "a%3Ab%25%C3%BC");
}

#[test]
fn an_authority_is_the_same_after_being_kept() {
    let (authority, request, _) = made();
    let again = Authority::of(authority.certificate_pem(), &authority.key_pem()).expect("an authority");
    assert_eq!(again.fingerprint(), authority.fingerprint());
    for key in [request.key_pem(), authority.key_pem()] {
        PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    }
    assert!(!format!("{authority:?}{request:?}").contains("PRIVATE KEY"));
    assert!(matches!(Authority::of(authority.certificate_pem(), ""), Err(CertificateError::NoAuthority(_))));
}

#[test]
fn what_is_no_request_or_no_place_is_refused() {
    let (authority, request, _) = made();
    let sign = |csr: &str, place| authority.sign(csr, &roster(), place, now(), HOST_LIVES);
    assert!(matches!(sign("-----BEGIN", 1), Err(CertificateError::Request(_))));
    let csr = request.csr_pem().expect("a request");
    assert!(matches!(sign(&csr, 2), Err(CertificateError::Place(2))));
}

#[test]
fn a_certificate_tells_its_key_who_signed_it_and_when_the_next_one_is_due() {
    let (authority, request, chain) = made();
    let held = Held::read(&chain).expect("it is one");
    assert!(held.is_of(&request.key_pem()));
    assert!(!held.is_of(&Request::new().expect("a key").key_pem()));
    assert_eq!(held.authority, authority.fingerprint());
    assert_eq!(held.made_at, now());
    assert!(!held.is_due(now() + Duration::from_secs(59)));
    assert!(held.is_due(now() + Duration::from_mins(1)), "at two thirds of 90 seconds");
    for wrong in ["", authority.certificate_pem(), "-----BEGIN CERTIFICATE-----"] {
        assert!(Held::read(wrong).is_err(), "{wrong}");
    }
    let other = Authority::found("other", now()).expect("an authority");
    let own = chain.split_inclusive("-----END CERTIFICATE-----\n").next().expect("the first");
    assert!(Held::read(&format!("{own}{}", other.certificate_pem())).is_err());
    assert_eq!(fingerprints(&chain).len(), 2);
}

#[test]
fn the_host_of_a_url_is_found() {
    for (url, host) in [
        ("https://h01.example:7878", Some("h01.example")),
        ("https://h01/x", Some("h01")),
        ("https://[2001:db8::1]:7878/x", Some("2001:db8::1")),
        ("https://10.0.0.1:1", Some("10.0.0.1")),
        ("h01", None),
        ("https://", None),
    ] {
        assert_eq!(host_of(url), host, "{url}");
    }
}
