//! Asking an agent.
use super::Ask;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST_BYTES: u64 = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no agent answers on {}: {fault}; `systemctl status lifeboat-agent` tells whether it runs", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// Why.
        fault: std::io::Error,
    },
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

/// Asks, and waits for the answer.
///
/// # Errors
/// If there is none, or it is a refusal.
pub fn ask(socket: &Path, what: &Ask) -> Result<Value, AskError> {
    ask_within(PATIENCE, socket, what)
}

/// Asks, and waits for the answer no longer than that.
///
/// # Errors
/// As [`ask`].
pub fn ask_within(patience: Duration, socket: &Path, what: &Ask) -> Result<Value, AskError> {
    let silent = |fault| AskError::Silent { path: socket.to_owned(), fault };
    let answer = exchange(patience, socket, what).map_err(silent)?;
    let mut answer: Value = serde_json::from_str(&answer).map_err(|fault| silent(fault.into()))?;
    if let Some(refused) = answer["error"].as_str() {
        return Err(AskError::Refused(refused.to_owned()));
    }
    Ok(answer["ok"].take())
}

/// An answer for people.
pub fn in_words(answer: &Value) -> String {
    answer.as_str().map_or_else(|| answer.to_string(), str::to_owned)
}

fn exchange(patience: Duration, socket: &Path, what: &Ask) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(MOST_BYTES)).read_line(&mut answer)?;
    Ok(answer)
}
