//! A service that answers what it is told to, and remembers what it was asked.
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// How long anything may take that a test waits for.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// What it was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// `GET /v1/pools?limit=20`.
    pub(super) what: String,
    /// By lower-case name.
    pub(super) headers: BTreeMap<String, String>,
    /// Null where there is none.
    pub(super) body: Value,
}

/// What it answers.
#[derive(Clone, Debug)]
enum Answer {
    Json(u16, Value),
    Redirect(String),
    /// Events, and then the end of the stream.
    Events(String),
    /// Events, and then silence.
    OpenEvents(String),
}

#[derive(Debug, Default)]
struct Known {
    answers: Mutex<BTreeMap<String, Vec<Answer>>>,
    asked: Mutex<Vec<Asked>>,
    changed: Condvar,
    /// Streams that are held open.
    open: Mutex<Vec<mpsc::Sender<Result<Bytes, std::io::Error>>>>,
}

/// The service, on a port of its own.
pub(super) struct Stub {
    address: SocketAddr,
    known: Arc<Known>,
}

impl Stub {
    /// One that has no answers yet.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket can be that");
        let address = listener.local_addr().expect("it is bound");
        let known = Arc::new(Known::default());
        let state = Arc::clone(&known);
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
                let router = Router::new().fallback(answer).with_state(state);
                axum::serve(listener, router).await.expect("it serves");
            });
        });
        Self { address, known }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers `what`, a method and a path without its query, with JSON. Given more than once, the answers come one
    /// after the other, the last again and again.
    pub(super) fn answers(self, what: &str, status: u16, body: Value) -> Self {
        self.put(what, Answer::Json(status, body))
    }

    /// Sends whoever asks `what` on to `location`.
    pub(super) fn redirects(self, what: &str, location: &str) -> Self {
        self.put(what, Answer::Redirect(location.to_owned()))
    }

    /// Answers `what` with these server-sent events, and ends the stream.
    pub(super) fn sends(self, what: &str, events: &str) -> Self {
        self.put(what, Answer::Events(events.to_owned()))
    }

    /// Answers `what` with these server-sent events, and keeps the stream open.
    pub(super) fn keeps_sending(self, what: &str, events: &str) -> Self {
        self.put(what, Answer::OpenEvents(events.to_owned()))
    }

    fn put(self, what: &str, answer: Answer) -> Self {
        self.known.answers.lock().expect("no panic").entry(what.to_owned()).or_default().push(answer);
        self
    }

    /// Sends more events to everybody who listens.
    pub(super) fn tell(&self, events: &str) {
        let open = self.known.open.lock().expect("no panic");
        assert!(!open.is_empty(), "somebody listens");
        for stream in open.iter() {
            stream.blocking_send(Ok(events.to_owned().into())).expect("it is open");
        }
    }

    /// Everything that it was asked.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.known.asked.lock().expect("no panic").clone()
    }

    /// What it was asked, without reads.
    pub(super) fn changes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| !asked.what.starts_with("GET ")).collect()
    }

    /// Waits until what it was asked is `enough`.
    pub(super) fn wait(&self, enough: impl Fn(&[Asked]) -> bool) {
        let asked = self.known.asked.lock().expect("no panic");
        let (asked, waited) =
            self.known.changed.wait_timeout_while(asked, LIMIT, |asked| !enough(asked)).expect("no panic");
        assert!(!waited.timed_out(), "only asked: {asked:?}");
    }
}

async fn answer(State(known): State<Arc<Known>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let headers = parts.headers.iter();
    known.asked.lock().expect("no panic").push(Asked {
        what: format!("{} {target}", parts.method),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    });
    known.changed.notify_all();
    let key = format!("{} {}", parts.method, parts.uri.path());
    let answer = {
        let mut answers = known.answers.lock().expect("no panic");
        answers.get_mut(&key).map(|all| if all.len() > 1 { all.remove(0) } else { all[0].clone() })
    };
    let response = Response::builder();
    match answer {
        None => {
            let problem = serde_json::json!({"title": "Not found", "status": 404, "code": "no-such-route",
                "detail": format!("the stub has no answer to {key}")});
            response.status(StatusCode::NOT_FOUND).body(Body::from(problem.to_string()))
        }
        Some(Answer::Json(status, body)) => response
            .status(status)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        Some(Answer::Redirect(location)) => {
            response.status(307).header(header::LOCATION, location).body(Body::empty())
        }
        Some(Answer::Events(events)) => {
            response.header(header::CONTENT_TYPE, "text/event-stream").body(Body::from(events))
        }
        Some(Answer::OpenEvents(events)) => {
            let (sender, mut receiver) = mpsc::channel(64);
            sender.send(Ok(events.into())).await.expect("there is room");
            known.open.lock().expect("no panic").push(sender);
            let stream = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
            response.header(header::CONTENT_TYPE, "text/event-stream").body(Body::from_stream(stream))
        }
    }
    .expect("a response")
}
