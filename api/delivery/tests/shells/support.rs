//! What the tests share: alerts, files with secrets, waiting, and a little HTTP server.
use lifeboat_delivery::dispatcher::OnLost;
use lifeboat_delivery::{Alert, Channel, ChannelSettings, Severity, Subject};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn alert(id: &str) -> Alert {
    Alert {
        id: id.to_owned(),
        at: "2026-11-22T03:14:07Z".parse().expect("a date"),
        since: None,
        pool: "prod-a".to_owned(),
        kind: "host-failed".to_owned(),
        ends: None,
        severity: Severity::Major,
        subject: Subject::Host("h03".to_owned()),
        recovered: false,
        summary: format!("host h03 failed ({id})"),
        detail: "It was last heard 12 s ago on hb0 and hb1.\nIts 31 protected VMs are being restarted."
            .to_owned(),
        next_step: "See what is left to restart: lifeboat vm list --pool prod-a --state pending".to_owned(),
        data: serde_json::json!({ "vms": 31 }),
    }
}

/// A folder for one test, with files in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.path(name);
        // By another process: what this one has open for writing, a child of it that was begun meanwhile has open as well, and a program
        // that anybody writes cannot be run.
        let from = self.path(&format!("{name}.text"));
        std::fs::write(&from, text).expect("written");
        let made =
            std::process::Command::new("install").args([&format!("-m{mode:o}"), &from, &path]).status();
        assert!(made.expect("install is there").success(), "{path} is not made");
        path
    }
}

/// The settings as a configuration file would have them.
pub(crate) fn settings(toml: &str) -> ChannelSettings {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

pub(crate) fn opened(toml: &str) -> Arc<dyn Channel> {
    settings(toml).open(None).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// For dispatchers whose losses are nobody's business.
pub(crate) fn nothing() -> OnLost {
    Arc::new(|_, _| {})
}

/// Waits until something holds; says so loudly if it never does.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let (_quiet, pause) = channel::<()>();
    for _ in 0..1500 {
        if holds() {
            return;
        }
        let _ = pause.recv_timeout(Duration::from_millis(20));
    }
    panic!("it never came about that {what}");
}

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A little HTTP server that answers as it is told.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) requests: Receiver<Request>,
}

impl Server {
    /// Answers the n-th request, from 0, with what `answer` says: status line and headers; nothing: it never answers.
    pub(crate) fn start(answer: impl Fn(usize) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let (tell, requests) = channel();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read(&stream) else { continue };
                let answered = answer(number);
                if tell.send(request).is_err() {
                    return;
                }
                match answered {
                    None => silent.push(stream),
                    Some(head) => {
                        let _ = write!(
                            stream,
                            "HTTP/1.1 {head}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsaid"
                        );
                    }
                }
            }
        });
        Self { url, requests }
    }

    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request comes")
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line: line.trim_end().to_owned(), headers, body })
}
