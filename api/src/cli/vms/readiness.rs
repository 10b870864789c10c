//! `lifeboat vm readiness`: when a VM that has been started counts as ready.
use super::route;
use crate::cli::Status;
use crate::cli::change::{Change, have_done};
use crate::cli::fields::{number, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::{Value, json};
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// When it counts as ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Started,
    GuestAgent,
    Tcp(NonZeroU16),
    Http(NonZeroU16),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, port) = text.split_once(':').map_or((text, None), |(word, port)| (word, Some(port)));
        match (word, port.map(str::parse::<NonZeroU16>)) {
            ("started", None) => Ok(Self::Started),
            ("guest-agent", None) => Ok(Self::GuestAgent),
            ("tcp", Some(Ok(port))) => Ok(Self::Tcp(port)),
            ("http", Some(Ok(port))) => Ok(Self::Http(port)),
            _ => Err("it is started, guest-agent, tcp:PORT or http:PORT".to_owned()),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("once its vCPUs execute"),
            Self::GuestAgent => f.write_str("once its guest agent answers"),
            Self::Tcp(port) => write!(f, "once it accepts a connection on port {port}"),
            Self::Http(port) => write!(f, "once it answers HTTP GET / on port {port}"),
        }
    }
}

impl When {
    fn body(self) -> Value {
        match self {
            Self::Started => json!({"when": "started"}),
            Self::GuestAgent => json!({"when": "guest-agent"}),
            Self::Tcp(port) => json!({"when": "tcp", "port": port}),
            Self::Http(port) => json!({"when": "http", "port": port}),
        }
    }

    fn read(answer: &Value) -> Option<Self> {
        let port = match number(answer, "port") {
            0 => String::new(),
            port => format!(":{port}"),
        };
        format!("{}{port}", word(answer, "when")).parse().ok()
    }
}

pub(super) fn run(
    session: &Session,
    vm: &str,
    when: Option<When>,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = route(session, vm, "/readiness")?;
    if let Some(when) = when {
        let change = Change::put(route, when.body(), format!("VM {vm} is ready {when}"));
        return have_done(session, &change, json, output);
    }
    let answer = session.get(&route)?;
    if json {
        output.json(&answer).map_err(Trouble::Output)?;
    } else {
        let when = When::read(&answer).ok_or(Trouble::Answer("a readiness"))?;
        output.text(&format!("VM {vm} is ready {when}\n")).map_err(Trouble::Output)?;
    }
    Ok(Status::Answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_the_service_is_told_and_shows() {
        for said in ["started", "guest-agent", "tcp:5432", "http:80"] {
            let when: When = said.parse().expect(said);
            assert_eq!(When::read(&when.body()), Some(when), "{said}");
        }
        for wrong in ["", "tcp", "tcp:", "tcp:0", "http:70000", "started:1", "soon"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
