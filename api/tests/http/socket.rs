//! Over a real socket: what a client can do that a function call cannot.
use super::example;
use lifeboat::guard::door::Door;
use lifeboat::router::router;
use lifeboat::server::Server;
use lifeboat::service::{Service, ServiceSettings};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A service on a port of its own, until it is dropped.
struct Running {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

fn start(settings: ServiceSettings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (end, ended) = oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = Server {
            listeners: vec![listener],
            door: Door::new(None, 100, 100),
            head_time: settings.head_time,
        };
        runtime.block_on(server.serve(router(&Service::new(settings)), async {
            let _ = ended.await;
        }))
    });
    Running { address, end: Some(end), thread: Some(thread) }
}

impl Running {
    /// Sends bytes and gives everything that comes back until the service closes the connection.
    fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the service listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        stream.write_all(request).expect("the service reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, then the end");
        answer
    }

    /// Tells the service to end, and waits until it has.
    fn end(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic").expect("an orderly end");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.end();
        }
    }
}

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_pool_is_planned_over_a_socket() {
    let running = start(ServiceSettings::default());
    let answer = running.exchange(&request("POST /v1/plan HTTP/1.1", &example("three-hosts")));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"target_status\": \"proven\""), "{answer}");
}

#[test]
fn a_client_that_sends_too_much_is_refused() {
    let running = start(ServiceSettings { most_packed: 1000, ..ServiceSettings::default() });
    let answer = running.exchange(&request("POST /v1/plan HTTP/1.1", &[b' '; 2000]));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_client_that_never_ends_its_head_is_cut_off() {
    let running =
        start(ServiceSettings { head_time: Duration::from_millis(100), ..ServiceSettings::default() });
    let answer = running.exchange(b"POST /v1/plan HTTP/1.1\r\nHost: local");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn a_client_that_says_nothing_holds_no_connection() {
    let running =
        start(ServiceSettings { head_time: Duration::from_millis(100), ..ServiceSettings::default() });
    for silence in [b"".as_slice(), b"P", b"PRI * HTTP/2.0\r\n"] {
        let answer = running.exchange(silence);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}

#[test]
fn a_client_that_never_sends_its_body_is_told_so() {
    let running =
        start(ServiceSettings { upload_time: Duration::from_millis(100), ..ServiceSettings::default() });
    let head =
        b"POST /v1/plan HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n{";
    let answer = running.exchange(head);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("slow-body"), "{answer}");
}

#[test]
fn a_service_that_is_told_to_end_ends_and_frees_its_port() {
    let mut running = start(ServiceSettings::default());
    let address = running.address;
    assert!(running.exchange(&request("GET /v1/openapi.json HTTP/1.1", b"")).starts_with("HTTP/1.1 200"));
    running.end();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}
