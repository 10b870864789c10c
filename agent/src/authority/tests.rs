//! What is in certificates, judged by the library that the service judges them with.
use super::*;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, client::WebPkiServerVerifier, client::danger::ServerCertVerifier};
use std::sync::Arc;

fn subject() -> Subject {
    Subject {
        pool: "prod a".into(),
        host: "h01".into(),
        api: "https://h01.example:7878".into(),
        addresses: vec!["10.0.0.1:7946".parse().expect("an address")],
    }
}

fn made() -> (Authority, Request, Vec<CertificateDer<'static>>) {
    let now = crate::clock::wall();
    let authority = Authority::found("prod a", now).expect("an authority");
    let request = Request::new(subject()).expect("a key");
    let chain = authority.sign(&request, now).expect("a certificate");
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().expect("PEM");
    (authority, request, chain)
}

#[test]
fn a_host_is_believed_under_every_name_it_serves_by_and_under_no_other() {
    let (authority, _, chain) = made();
    let mut roots = RootCertStore::empty();
    roots.add(chain[1].clone()).expect("an authority");
    assert_eq!(fingerprint(&chain[1]), authority.fingerprint);
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    let now = rustls::pki_types::UnixTime::since_unix_epoch(
        crate::clock::wall().duration_since(SystemTime::UNIX_EPOCH).expect("after it"),
    );
    for (name, believed) in [
        ("h01.example", true),
        ("h01", true),
        ("10.0.0.1", true),
        ("h02.example", false),
        ("10.0.0.2", false),
    ] {
        let server = ServerName::try_from(name).expect("a name");
        let judged = verifier.verify_server_cert(&chain[0], &[], &server, &[], now);
        assert_eq!(judged.is_ok(), believed, "{name}: {judged:?}");
    }
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider).build().expect("a verifier");
    clients.verify_client_cert(&chain[0], &[], now).expect("an agent shows the same one");
}

#[test]
fn the_name_by_which_the_service_knows_an_agent_is_escaped_as_it_wants_it() {
    let names = subject().names().expect("names");
    assert!(
        matches!(&names[0], SanType::URI(uri) if uri.as_str() == "lifeboat-agent:prod%20a:h01"),
        "{names:?}"
    );
    assert_eq!(names.iter().filter(|name| matches!(name, SanType::URI(_))).count(), 1);
    assert_eq!(escaped("a:b%ü"), "a%3Ab%25%C3%BC");
}

#[test]
fn a_request_and_its_key_are_pem() {
    let (authority, request, _) = made();
    assert!(request.csr_pem().expect("a request").contains("BEGIN CERTIFICATE REQUEST"));
    for key in [request.key_pem(), authority.key_pem()] {
        PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    }
    assert!(!format!("{authority:?}{request:?}").contains("PRIVATE KEY"));
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
