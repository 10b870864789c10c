//! A client as anybody would write one.
use serde_json::Value;
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

    /// Asks until the service is ready; false if it is not within so many questions of a millisecond's distance.
    pub(crate) fn is_ready(&self) -> bool {
        let (_never, wait) = std::sync::mpsc::channel::<()>();
        (0..20_000).any(|_| {
            let ready = self.get("/readyz").is_some_and(|(status, _)| status == 200);
            if !ready {
                let _ = wait.recv_timeout(Duration::from_millis(1));
            }
            ready
        })
    }
}
