//! Something said to a demo that runs in another terminal.
use super::routes::{COMMANDS, Line, Said};
use super::service::USUAL_PORT;
use serde::Deserialize;
use std::time::Duration;
use ureq::Agent;

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody is there.
    #[error("no demo answers at {url}")]
    Unreachable {
        /// Where one was looked for.
        url: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// Whoever is there is no demo.
    #[error("{url} is a service, and no demo")]
    NoDemo {
        /// Where it is.
        url: String,
    },
    /// The demo says why not.
    #[error("{0}")]
    Refused(String),
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// A service that knows no such route.
const NOT_FOUND: u16 = 404;

/// The one thing of a problem document that is shown.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// Says a line to the demo on that port of this machine, and gives its answer.
///
/// # Errors
/// If nobody is there, or it cannot be done.
pub fn say(line: &str, port: Option<u16>) -> Result<String, RemoteError> {
    let url = format!("http://127.0.0.1:{}", port.unwrap_or(USUAL_PORT));
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let unreachable =
        |source: ureq::Error| RemoteError::Unreachable { url: url.clone(), source: Box::new(source) };
    let line = Line { command: line.to_owned() };
    let mut answer = Agent::new_with_config(config)
        .post(format!("{url}{COMMANDS}"))
        .send_json(&line)
        .map_err(unreachable)?;
    if answer.status().is_success() {
        let said: Said = answer.body_mut().read_json().map_err(unreachable)?;
        return Ok(said.answer);
    }
    if answer.status().as_u16() == NOT_FOUND {
        return Err(RemoteError::NoDemo { url });
    }
    let problem: Problem = answer.body_mut().read_json().map_err(unreachable)?;
    Err(RemoteError::Refused(problem.detail))
}
