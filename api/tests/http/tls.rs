//! TLS over a real socket: who is let in with which certificate, and what happens when files change.
use axum::Router;
use lifeboat::config::{SecretSource, Secrets};
use lifeboat::guard::door::Door;
use lifeboat::guard::sentry::GuardSettings;
use lifeboat::guard::tls::{Tls, TlsError, TlsFiles};
use lifeboat::guard::{Guard, TokenBook};
use lifeboat::router::router;
use lifeboat::service::{Service, ServiceSettings};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    fn certify(&self, name: SanType, serial: u64) -> Pair {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn agent(&self, name: &str, serial: u64) -> Pair {
        self.certify(SanType::URI(name.try_into().expect("ASCII")), serial)
    }

    fn service(&self) -> Pair {
        self.certify(SanType::DnsName("localhost".try_into().expect("a name")), 1)
    }

    fn revoke(&self, serial: u64) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2126, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).expect("a list").pem().expect("PEM")
    }
}

/// A service behind TLS, until it is dropped.
struct Running {
    address: SocketAddr,
    tls: Arc<Tls>,
    folder: TempDir,
    authority: Authority,
    agents: Authority,
    _runtime: tokio::runtime::Runtime,
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    path
}

fn start(change: impl FnOnce(&mut TlsFiles, &TempDir, &Authority)) -> Running {
    let folder = TempDir::new().expect("a folder");
    let (authority, agents) = (Authority::new(), Authority::new());
    let pair = authority.service();
    let mut files = TlsFiles {
        certificate: write(folder.path(), "cert.pem", &pair.certificate),
        key: SecretSource::File(write(folder.path(), "key.pem", &pair.key)),
        client_ca: Some(write(folder.path(), "agents.pem", &agents.0.pem())),
        client_crl: None,
        require_client_certificate: false,
    };
    change(&mut files, &folder, &agents);
    let tls = Arc::new(Tls::load(files, Secrets::default()).expect("sound files"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("it is bound");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let settings = GuardSettings { trust_loopback: false, ..GuardSettings::default() };
    let guard = Guard::new(settings, TokenBook::default());
    let router: Router = router(&Service::new(ServiceSettings::default()).behind(guard));
    let door = Door::new(Some(tls.config()), 100, 100).with_patience(Duration::from_secs(8));
    runtime.spawn(async move {
        let server = axum_server::from_tcp(listener).expect("a socket").acceptor(door);
        server.serve(router.into_make_service()).await
    });
    Running { address, tls, folder, authority, agents, _runtime: runtime }
}

/// The status of an answer; none where the connection came to nothing.
fn status(running: &Running, authority: &Authority, client: Option<&Pair>, path: &str) -> Option<u16> {
    let root = Certificate::from_pem(authority.0.pem().as_bytes()).expect("PEM");
    let mut tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(vec![root])));
    if let Some(pair) = client {
        let certificate = Certificate::from_pem(pair.certificate.as_bytes()).expect("PEM");
        let key = PrivateKey::from_pem(pair.key.as_bytes()).expect("PEM");
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&[certificate], key)));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .tls_config(tls.build())
        .build()
        .into();
    let url = format!("https://localhost:{}{path}", running.address.port());
    agent.get(url).call().ok().map(|response| response.status().as_u16())
}

const VM: &str = "/v1/pools/prod/vms/x";

#[test]
fn an_agents_certificate_lets_it_ask_for_its_own_pool() {
    let running = start(|_, _, _| ());
    let agent = running.agents.agent("lifeboat-agent:prod:h1", 7);
    let with = |path: &str| status(&running, &running.authority, Some(&agent), path);
    let own = with(VM).expect("an answer");
    assert!(own != 401 && own != 403, "{own}");
    assert_eq!(with("/v1/pools/other/vms/x"), Some(403));
    assert_eq!(with("/v1/pools"), Some(403), "an agent is no viewer");
}

#[test]
fn a_certificate_that_names_no_agent_is_worth_nothing_and_a_strangers_ends_the_handshake() {
    let running = start(|_, _, _| ());
    let nobody = running.agents.agent("spiffe://example/web", 7);
    assert_eq!(status(&running, &running.authority, Some(&nobody), VM), Some(401));
    assert_eq!(status(&running, &running.authority, None, VM), Some(401));
    let stranger = Authority::new().agent("lifeboat-agent:prod:h1", 7);
    assert_eq!(status(&running, &running.authority, Some(&stranger), VM), None);
    let server = running.authority.agent("lifeboat-agent:prod:h1", 7);
    assert_eq!(status(&running, &running.authority, Some(&server), VM), None, "another authority's");
}

#[test]
fn a_client_that_never_begins_the_handshake_holds_no_connection() {
    let running = start(|_, _, _| ());
    let mut stream = TcpStream::connect(running.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
    assert_eq!(stream.read(&mut [0; 1]).expect("an end in good time"), 0);
}

#[test]
fn who_must_show_a_certificate_is_turned_away_without() {
    let running = start(|files, _, _| files.require_client_certificate = true);
    assert_eq!(status(&running, &running.authority, None, "/v1/openapi.json"), None);
    let agent = running.agents.agent("lifeboat-agent:prod:h1", 7);
    assert_eq!(status(&running, &running.authority, Some(&agent), "/v1/openapi.json"), Some(200));
}

#[test]
fn a_revoked_certificate_is_believed_no_more() {
    let running = start(|files, folder, agents| {
        files.client_crl = Some(write(folder.path(), "crl.pem", &agents.revoke(7)));
    });
    let with = |serial| {
        let agent = running.agents.agent("lifeboat-agent:prod:h1", serial);
        status(&running, &running.authority, Some(&agent), "/v1/openapi.json")
    };
    assert_eq!((with(7), with(8)), (None, Some(200)));
}

#[test]
fn a_renewed_certificate_is_taken_up_and_a_spoilt_one_is_not() {
    let running = start(|_, _, _| ());
    let other = Authority::new();
    let open = "/v1/openapi.json";
    assert_eq!(status(&running, &running.authority, None, open), Some(200));
    assert_eq!(status(&running, &other, None, open), None);
    assert!(!running.tls.reload_if_changed().expect("sound files"));

    write(running.folder.path(), "cert.pem", "not PEM");
    assert!(matches!(running.tls.reload_if_changed(), Err(TlsError::NotPem { .. })));
    assert!(!running.tls.reload_if_changed().expect("it is not tried again"));
    assert_eq!(status(&running, &running.authority, None, open), Some(200), "all is as it was");

    let pair = other.service();
    write(running.folder.path(), "key.pem", &pair.key);
    write(running.folder.path(), "cert.pem", &pair.certificate);
    assert!(running.tls.reload_if_changed().expect("sound files"));
    assert_eq!(status(&running, &other, None, open), Some(200));
    assert_eq!(status(&running, &running.authority, None, open), None);
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new();
    let (one, other) = (authority.service(), authority.service());
    let load = |certificate: &str, key: &str, mode: u32| {
        let key = write(folder.path(), "key.pem", key);
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("permissions");
        let certificate = write(folder.path(), "cert.pem", certificate);
        let key = SecretSource::File(key);
        let files = TlsFiles {
            certificate,
            key,
            client_ca: None,
            client_crl: None,
            require_client_certificate: false,
        };
        Tls::load(files, Secrets::default()).map(|_| ())
    };
    assert!(load(&one.certificate, &one.key, 0o600).is_ok());
    assert!(matches!(load(&one.certificate, &other.key, 0o600), Err(TlsError::Rustls(_))));
    assert!(matches!(load(&one.certificate, &one.key, 0o644), Err(TlsError::Key(_))));
    assert!(matches!(load("", &one.key, 0o600), Err(TlsError::NotPem { .. })));
    assert!(matches!(load(&one.certificate, "x", 0o600), Err(TlsError::NotPem { .. })));
}

#[test]
fn what_is_not_tls_is_not_answered() {
    let running = start(|_, _, _| ());
    let url = format!("http://127.0.0.1:{}/v1/openapi.json", running.address.port());
    assert!(ureq::get(url).call().is_err());
}
