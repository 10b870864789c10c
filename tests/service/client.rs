//! A client as anybody would write one.
use serde_json::Value;
use std::sync::mpsc;
use std::time::Duration;
use ureq::Agent;

/// Calls one service.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// Calls the service at `address`.
    pub(crate) fn new(address: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(15)))
            .build()
            .new_agent();
        Self { agent, base: format!("http://{address}") }
    }

    /// Reads a document: its status, and what it says.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, Value)> {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call().ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().unwrap_or_default()))
    }

    /// Replaces a document.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Option<u16> {
        let answer = self.agent.put(format!("{}{path}", self.base)).send_json(body).ok()?;
        Some(answer.status().as_u16())
    }

    /// Tells or asks; none where no whole answer came.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut answer = self.agent.post(format!("{}{path}", self.base)).send_json(body).ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().ok()?))
    }

    /// Whether the service says that another one leads, and which; it is asked until it does.
    pub(crate) fn leads_elsewhere(&self, address: &str) -> bool {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
        until(|| {
            let answer = agent.get(format!("{}/v1/pools/p/summary", self.base)).call().ok();
            answer.is_some_and(|answer| {
                let to = answer.headers().get("location").and_then(|to| to.to_str().ok());
                answer.status() == 307 && to == Some(&format!("http://{address}/v1/pools/p/summary"))
            })
        })
    }

    /// Tells something until it is taken; false if it never is. What is told may be told twice.
    pub(crate) fn post_until_taken(&self, path: &str, body: &Value) -> bool {
        until(|| self.post(path, body).is_some_and(|(status, _)| status == 200))
    }

    /// Asks until the service is ready; false if it is not within half a minute.
    pub(crate) fn is_ready(&self) -> bool {
        until(|| self.get("/readyz").is_some_and(|(status, _)| status == 200))
    }
}

/// Looks again and again, milliseconds apart, for half a minute.
fn until(mut holds: impl FnMut() -> bool) -> bool {
    let (_never, wait) = mpsc::channel::<()>();
    (0..3_000).any(|_| {
        let held = holds();
        if !held {
            let _ = wait.recv_timeout(Duration::from_millis(10));
        }
        held
    })
}
