//! Webhooks: to programs, by HTTP POST of signed JSON.
//!
//! What the body says is in `payload.rs`. The header `Lifeboat-Signature` says `t=<Unix time>,v1=<HMAC-SHA256 of "t.body">`, one `v1` a
//! secret, so that a secret can be replaced without a gap. A receiver that answers 2xx has the message. 5xx, 429, 408 and what
//! never answered is tried again, not before what `Retry-After` asks for; anything else is a refusal for good. Redirects are
//! not followed: a signed message goes where it was sent, or nowhere.
mod settings;
mod signature;

pub use settings::WebhookSettings;

use crate::channel::{Again, Channel, Failure, Receipt};
use crate::settings::Secret;
use crate::{Message, bound, clock, payload};
use jiff::Timestamp;
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode};

/// The longest body that is sent, in bytes. Alerts and digests are bounded before, and stay below it.
const LONGEST_BODY: usize = 256 * 1024;
/// So much of an answer is read.
const LONGEST_ANSWER: usize = 2048;

/// A webhook, ready to be called.
pub struct Webhook {
    name: String,
    /// May be a secret itself.
    url: Secret,
    /// Its scheme and host only.
    origin: String,
    secrets: Vec<Secret>,
    authorization: Option<Secret>,
    link: Option<String>,
    agent: ureq::Agent,
}

impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> String {
        self.origin.clone()
    }

    fn deliver(&self, message: &Message) -> Result<Receipt, Failure> {
        let said = serde_json::to_vec(&payload::body(message, &self.name, self.link.as_deref()))
            .map_err(|error| Failure::lasting(format!("the message cannot be written as JSON: {error}")))?;
        if said.len() > LONGEST_BODY {
            return Err(Failure::lasting(format!(
                "the message has {} bytes, {LONGEST_BODY} are the most",
                said.len()
            )));
        }
        let answer = self.post(&said, &message.id()).map_err(|error| self.without_answer(&error))?;
        let (parts, mut rest) = answer.into_parts();
        let mut text = Vec::new();
        // What it says besides the status is for people; if it breaks off, the status holds.
        let _ = rest.as_reader().take(LONGEST_ANSWER as u64).read_to_end(&mut text);
        self.judge(parts.status, &parts.headers, &bound::answer(&text, 300))
    }
}

impl Webhook {
    fn post(&self, said: &[u8], id: &str) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let now = clock::date().as_second();
        let mut request = self
            .agent
            .post(self.url.reveal())
            .header("Content-Type", "application/json")
            .header("Lifeboat-Message", id);
        if !self.secrets.is_empty() {
            request = request.header("Lifeboat-Signature", signature::header(now, said, &self.secrets));
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization.reveal());
        }
        request.send(said)
    }

    fn without_answer(&self, error: &ureq::Error) -> Failure {
        // The URL may be a secret, and some errors repeat it.
        let reason = format!("{}: {error}", self.origin).replace(self.url.reveal(), "(the URL)");
        let hint = if reason.contains("UnknownIssuer") || reason.contains("BadSignature") {
            " (set ca_file to the certificate of the authority that signed the server's)"
        } else {
            ""
        };
        Failure::passing(format!("{reason}{hint}"))
    }

    fn judge(&self, status: StatusCode, headers: &HeaderMap, text: &str) -> Result<Receipt, Failure> {
        let said = if text.is_empty() { String::new() } else { format!(": {text}") };
        if status.is_success() {
            return Ok(Receipt(format!("HTTP {}{said}", status.as_u16())));
        }
        let reason = format!("{} answered {status}{said}", self.origin);
        let passes = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT;
        if passes {
            let again = retry_after(headers, clock::date()).map_or(Again::Later, Again::After);
            return Err(Failure { again, ..Failure::passing(reason) });
        }
        if status.is_redirection() {
            let hint = "redirects are not followed: give the URL that it leads to";
            return Err(Failure::lasting(format!("{reason} ({hint})")));
        }
        Err(Failure::lasting(reason))
    }
}

/// How long the other side asks to be left alone: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use std::time::Duration;
    use ureq::http::HeaderMap;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "1994-11-06T08:49:00Z".parse().expect("a date");
        let said = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().expect("a value"));
            retry_after(&headers, now)
        };
        assert_eq!(said("120"), Some(Duration::from_mins(2)));
        assert_eq!(said("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(37)));
        assert_eq!(said("Sun, 06 Nov 1994 08:48:00 GMT"), Some(Duration::ZERO));
        assert_eq!(said("soon"), None);
        assert_eq!(said("-3"), None);
    }
}
