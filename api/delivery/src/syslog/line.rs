//! A message as one line of syslog.
use crate::{Message, Severity, bound, clock};
use std::fmt::Write;

/// What all lines have in common.
pub(super) struct Frame<'a> {
    pub(super) facility: u8,
    pub(super) enterprise: u32,
    pub(super) host: &'a str,
    /// In bytes.
    pub(super) longest: usize,
}

impl Frame<'_> {
    /// The line as RFC 5424 has it.
    pub(super) fn rfc5424(&self, message: &Message) -> String {
        let (priority, at, id) = (self.priority(message), message.at(), message.id());
        let kind = match message {
            Message::Alert { alert } => token(&alert.kind, 32),
            other => other.code().to_owned(),
        };
        let (host, pid) = (token(self.host, 255), std::process::id());
        let at = at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
        let mut line = format!("<{priority}>1 {at} {host} lifeboat {pid} {kind} ");
        let _ = write!(line, "[lifeboat@{} message=\"{id}\" type=\"{}\"", self.enterprise, message.code());
        let _ = write!(line, " severity=\"{}\"", message.severity());
        if let Some(pool) = message.pool() {
            let _ = write!(line, " pool=\"{}\"", quoted(pool));
        }
        if let Message::Alert { alert } = message {
            let _ = write!(line, " id=\"{}\" kind=\"{}\"", quoted(&alert.id), quoted(&alert.kind));
            let _ = write!(line, " subject=\"{}\"", alert.subject.kind());
            if let Some(subject) = alert.subject.id() {
                let _ = write!(line, " name=\"{}\"", quoted(subject));
            }
            let _ = write!(line, " recovered=\"{}\"", alert.recovered);
        }
        line.push_str("] ");
        let said = said(message);
        if !said.is_ascii() {
            // By this a receiver knows that it is UTF-8.
            line.push('\u{feff}');
        }
        line.push_str(&said);
        bound::cut(&line, self.longest)
    }

    /// The line as the C library writes it to a local socket.
    pub(super) fn local(&self, message: &Message) -> String {
        let at = clock::date().strftime("%b %e %H:%M:%S");
        let line =
            format!("<{}>{at} lifeboat[{}]: {}", self.priority(message), std::process::id(), said(message));
        bound::cut(&line, self.longest)
    }

    fn priority(&self, message: &Message) -> u8 {
        let severity = match message.severity() {
            _ if message.recovered() => 5,
            Severity::Critical => 2,
            Severity::Major => 3,
            Severity::Warning => 4,
            Severity::Info => 6,
        };
        self.facility * 8 + severity
    }
}

fn said(message: &Message) -> String {
    let over = if message.recovered() { "over: " } else { "" };
    let mut text = format!("{over}{}", message.headline());
    if let Message::Alert { alert } = message
        && !alert.detail.is_empty()
    {
        let _ = write!(text, "; {}", bound::line(&alert.detail, 1000));
    }
    text
}

/// Text as one word of printable ASCII.
fn token(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let word: String = text.chars().map(plain).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// Text as the value of a parameter: quote, backslash and closing bracket are escaped. It is cut so short that the parameters
/// together never reach the end of a line.
fn quoted(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in bound::line(text, 128).chars() {
        if matches!(c, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(c);
    }
    value
}
