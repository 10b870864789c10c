//! A server that is the right one, and others.
use super::*;
use lifeboat_link::certificate::{Authority, HOST_LIVES, Request};
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::net::TcpListener;
use std::thread::JoinHandle;

/// A server that answers so many requests, each with the next of these answers; what it was asked.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) fingerprint: [u8; 32],
    asked: JoinHandle<Vec<String>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<String>) -> Self {
        let now = crate::clock::wall();
        let authority = Authority::found("p", now).expect("an authority");
        let address = "127.0.0.1:1".parse().expect("an address");
        let mut roster = crate::testing::roster(&[address]);
        roster.hosts[0].api = "https://127.0.0.1:1".into();
        let request = Request::new().expect("a key");
        let csr = request.csr_pem().expect("a request");
        let chain = authority.sign(&csr, &roster, 0, now, HOST_LIVES).expect("a certificate");
        let chain =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(request.key_pem().as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let config = Arc::new(config);
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            listener.set_nonblocking(true).expect("it can");
            for answer in answers {
                let end = crate::clock::now() + Duration::from_secs(20);
                let stream = loop {
                    match listener.accept() {
                        Ok((stream, _)) => break stream,
                        // Nobody asks: the test says why.
                        Err(_) if crate::clock::now() > end => return asked,
                        Err(_) => crate::clock::wait(Duration::from_millis(5)),
                    }
                };
                stream.set_nonblocking(false).expect("it can");
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let mut stream = StreamOwned::new(connection, stream);
                asked.push(serve(&mut stream, &answer).unwrap_or_default());
            }
            asked
        });
        Self { url, fingerprint: authority.fingerprint(), asked }
    }

    pub(crate) fn asked(self) -> Vec<String> {
        self.asked.join().expect("it has ended")
    }
}

fn serve(stream: &mut StreamOwned<ServerConnection, TcpStream>, answer: &str) -> io::Result<String> {
    let mut asked = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part)?;
        asked.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&asked);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            length.and_then(|length| length.parse().ok()) == Some(body.len())
        });
        if whole || count == 0 {
            break;
        }
    }
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(String::from_utf8_lossy(&asked).into_owned())
}

fn post(url: &str, path: &str, body: &[u8], known: [u8; 32]) -> Result<Vec<u8>, CallFault> {
    Caller::knowing(known).expect("TLS").post(url, path, body)
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

#[test]
fn the_known_server_is_asked_and_answers() {
    let server = Server::start(vec![answer("200 OK", "", "{\"yes\":1}")]);
    let body = post(&server.url, "/v1/x", b"{\"a\":1}", server.fingerprint).expect("an answer");
    assert_eq!(body, b"{\"yes\":1}");
    let asked = server.asked().remove(0);
    assert!(asked.starts_with("POST /v1/x HTTP/1.1\r\n") && asked.ends_with("{\"a\":1}"), "{asked}");
}

#[test]
fn a_stranger_is_told_nothing() {
    let server = Server::start(vec![answer("200 OK", "", "{}")]);
    let refused = post(&server.url, "/v1/x", b"secret", [7; 32]);
    assert!(matches!(refused, Err(CallFault::Stranger(_))), "{refused:?}");
    assert!(server.asked().iter().all(|asked| !asked.contains("secret")));
}

#[test]
fn the_way_to_the_leader_is_followed_and_not_for_ever() {
    let server = Server::start(vec![
        answer("307 Temporary Redirect", "Location: /v1/y\r\n", ""),
        answer("200 OK", "", "there"),
    ]);
    assert_eq!(post(&server.url, "/v1/x", b"{}", server.fingerprint).expect("an answer"), b"there");
    assert!(server.asked()[1].starts_with("POST /v1/y "));
    let round =
        (0..MOST_REDIRECTIONS).map(|_| answer("307 Temporary Redirect", "Location: /v1/x\r\n", "")).collect();
    let server = Server::start(round);
    let lost = post(&server.url, "/v1/x", b"{}", server.fingerprint);
    assert!(matches!(lost, Err(CallFault::Lost)), "{lost:?}");
    server.asked();
    let server =
        Server::start(vec![answer("307 Temporary Redirect", "Location: http://127.0.0.1:1/x\r\n", "")]);
    let open = post(&server.url, "/v1/x", b"{}", server.fingerprint);
    assert!(matches!(open, Err(CallFault::NoUrl(_))), "never without TLS: {open:?}");
    server.asked();
}

#[test]
fn a_refusal_is_told_in_the_services_words() {
    let server = Server::start(vec![answer(
        "403 Forbidden",
        "",
        "{\"title\":\"No\",\"detail\":\"the token was used\"}",
    )]);
    let refused = post(&server.url, "/v1/x", b"{}", server.fingerprint).expect_err("it refuses").to_string();
    assert_eq!(refused, "the service refuses (403): the token was used");
    server.asked();
    for nonsense in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"] {
        let server = Server::start(vec![nonsense.to_owned()]);
        let fault = post(&server.url, "/v1/x", b"{}", server.fingerprint);
        assert!(matches!(fault, Err(CallFault::Nonsense(_))), "{fault:?}");
        server.asked();
    }
}

#[test]
fn a_body_in_chunks_is_put_together() {
    assert_eq!(unchunked(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").as_deref(), Some(&b"abcde"[..]));
    for wrong in [&b"3\r\nab"[..], b"x\r\n", b"ffffffffffffffff\r\nab\r\n", b""] {
        assert_eq!(unchunked(wrong), None);
    }
}
