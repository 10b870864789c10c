//! Mail: to people, over SMTP.
//!
//! A mail is one SMTP transaction. Each recipient is asked for by itself, so that one address that is gone does not keep the
//! others from being told; whoever was refused for a while is asked for again with the next attempt, and those who have the
//! mail already do not get it twice.
mod settings;
mod text;
mod transaction;

pub use settings::{MailSettings, MailTls};

use crate::channel::{Channel, Failure, Receipt};
use crate::{Message, Subject, clock};
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A mail channel, ready to send.
pub struct Mail {
    name: String,
    server: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    credentials: Option<(String, Credentials)>,
    hello: ClientId,
    timeout: Duration,
    from: Mailbox,
    to: Vec<Mailbox>,
    link: Option<String>,
    /// Who has the mail with this id already, while others have not.
    progress: Mutex<(String, BTreeSet<Address>)>,
}

impl Channel for Mail {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> String {
        let to: Vec<String> = self.to.iter().map(|mailbox| mailbox.email.to_string()).collect();
        format!("{} by {}:{}", to.join(", "), self.server, self.port)
    }

    fn deliver(&self, message: &Message) -> Result<Receipt, Failure> {
        let id = message.id();
        let mail = self.compose(message, &id)?;
        let mut have_it = self.have_it(&id);
        let outcome = transaction::send(self, &mail, &mut have_it);
        // A test comes between the attempts with a mail, and must not make us forget who has that.
        if !matches!(message, Message::Test { .. }) {
            *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = (id, have_it);
        }
        outcome
    }
}

impl Mail {
    fn have_it(&self, id: &str) -> BTreeSet<Address> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.0 == id { progress.1.clone() } else { BTreeSet::new() }
    }

    /// The mail as it goes over the wire.
    fn compose(&self, message: &Message, id: &str) -> Result<Vec<u8>, Failure> {
        let domain = self.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(text::subject(message))
            .date(SystemTime::from(clock::date()))
            .message_id(Some(format!("<{id}@{domain}>")))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Lifeboat-Type", message.code()))
            .raw_header(header("X-Lifeboat-Severity", message.severity().code()));
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        if let Some(pool) = message.pool() {
            builder = builder.raw_header(header("X-Lifeboat-Pool", pool));
        }
        if let Message::Alert { alert } = message {
            builder = builder.raw_header(header("X-Lifeboat-Kind", &alert.kind));
            let mut references = vec![format!("<{}@{domain}>", thread(&alert.pool, &alert.subject))];
            if alert.recovered {
                let began = crate::Alert { recovered: false, ..alert.clone() };
                references.push(format!("<{}@{domain}>", Message::Alert { alert: began }.id()));
            }
            let parent = references.last().cloned().unwrap_or_default();
            builder = builder.references(references.join(" ")).in_reply_to(parent);
        }
        let body = text::body(message, &self.name, id, self.link.as_deref());
        let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body);
        let mail = builder.singlepart(part);
        mail.map(|mail| mail.formatted())
            .map_err(|error| Failure::lasting(format!("the mail cannot be written: {error}")))
    }
}

/// The thread of all mails about one subject of a pool, as the name of a mail that never was: mail readers sort by it.
fn thread(pool: &str, subject: &Subject) -> String {
    let said = format!("{pool}\0{}\0{}", subject.kind(), subject.id().unwrap_or_default());
    let mut id = "thread-".to_owned();
    for byte in Sha256::digest(said.as_bytes()).iter().take(12) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), crate::bound::line(value, 255))
}
