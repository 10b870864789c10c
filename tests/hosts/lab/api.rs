//! A client of the pool's service, in the operator's place: it asks the hosts in turn until one that leads answers.
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Calls the pool's services.
#[derive(Clone, Debug)]
pub struct Client {
    /// The namespace from which it calls.
    namespace: String,
    /// The services, as URLs.
    services: Vec<String>,
    token: Option<String>,
    authorities: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Where it points, if it does.
    pub location: Option<String>,
    /// What it says.
    pub body: Value,
}

impl Client {
    /// Calls these services, whose certificates these authorities signed.
    pub fn new(
        namespace: &str,
        services: Vec<String>,
        token: Option<String>,
        authorities_pem: &[u8],
    ) -> Self {
        Self { namespace: namespace.into(), services, token, authorities: authorities_pem.into() }
    }

    /// One request to one service; none if it does not answer.
    pub fn ask_one(&self, service: &str, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        let namespace = File::open(&self.namespace).ok()?;
        // A thread of its own, since a thread that has moved to another namespace stays there.
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).ok()?;
                self.send(service, method, path, body)
            });
            asking.join().ok().flatten()
        })
    }

    /// One request to whoever leads; none if nobody does now.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        self.services.iter().find_map(|service| {
            let answer = self.ask_one(service, method, path, body)?;
            let leads = answer.status != 307 && answer.status != 503;
            leads.then_some(answer)
        })
    }

    /// Which service leads, by its place in the list.
    pub fn leader(&self, path: &str) -> Option<usize> {
        self.services.iter().position(|service| {
            self.ask_one(service, "GET", path, None).is_some_and(|answer| answer.status == 200)
        })
    }

    fn send(&self, service: &str, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        let roots: Vec<Certificate<'static>> = ureq::tls::parse_pem(&self.authorities)
            .filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots))).build();
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(LIMIT))
            .tls_config(tls)
            .build()
            .new_agent();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{service}{path}"));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
            request = request.header("content-type", kind);
        }
        let mut answer = if body.is_empty() && method == "GET" {
            agent.run(request.body(()).ok()?).ok()?
        } else {
            agent.run(request.body(body).ok()?).ok()?
        };
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        Some(Answer { status, location, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}
