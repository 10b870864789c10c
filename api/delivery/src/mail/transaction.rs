//! One SMTP conversation: connect, encrypt, log in, sender, recipients, text. Each failure says at which step it came.
use super::{Mail, MailTls};
use crate::channel::{Failure, Receipt};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt::Write;

/// Sends a mail to whoever does not have it yet, and notes who has it now.
pub(super) fn send(mail: &Mail, text: &[u8], have_it: &mut BTreeSet<Address>) -> Result<Receipt, Failure> {
    let mut connection = connect(mail)?;
    let outcome = converse(mail, &mut connection, text, have_it);
    // Whatever it says to that, the mail is sent or not.
    match outcome {
        Ok(_) => drop(connection.quit()),
        Err(_) => connection.abort(),
    }
    outcome
}

fn connect(mail: &Mail) -> Result<SmtpConnection, Failure> {
    let address = (mail.server.as_str(), mail.port);
    let at_once = mail.parameters.as_ref().filter(|_| mail.tls == MailTls::Implicit);
    let step = if at_once.is_some() { "connect with TLS" } else { "connect" };
    let mut connection = SmtpConnection::connect(address, Some(mail.timeout), &mail.hello, at_once, None)
        .map_err(|error| mail.failure(step, &error))?;
    if let (MailTls::Starttls, Some(parameters)) = (mail.tls, &mail.parameters) {
        connection
            .starttls(parameters, &mail.hello)
            .map_err(|error| mail.failure("begin TLS (STARTTLS)", &error))?;
    }
    if let Some((user, credentials)) = &mail.credentials {
        // A wrong password stands in the way of every mail, not of this one: it is tried again, as somebody may mend it.
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
            .map_err(|error| Failure::passing(mail.failure(&format!("log in as {user}"), &error).reason))?;
    }
    Ok(connection)
}

fn converse(
    mail: &Mail,
    connection: &mut SmtpConnection,
    text: &[u8],
    have_it: &mut BTreeSet<Address>,
) -> Result<Receipt, Failure> {
    connection
        .command(MailFrom::new(Some(mail.from.email.clone()), Vec::new()))
        .map_err(|error| mail.failure(&format!("send from {}", mail.from.email), &error))?;
    let asked = recipients(mail, connection, have_it)?;
    if asked.accepted.is_empty() {
        return match (asked.later, asked.never) {
            (Some(later), _) => Err(later),
            (None, Some(never)) if have_it.is_empty() => Err(never),
            (None, _) => Ok(Receipt("all who can be reached have it already".to_owned())),
        };
    }
    connection.command(Data).map_err(|error| mail.failure("send the text", &error))?;
    let answer = connection.message(text).map_err(|error| mail.failure("send the text", &error))?;
    have_it.extend(asked.accepted);
    if let Some(later) = asked.later {
        return Err(later);
    }
    let mut receipt = format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" "));
    if let Some(never) = asked.never {
        tracing::warn!(channel = mail.name, "{never}; the others have the mail");
        let _ = write!(receipt, "; but: {never}");
    }
    Ok(Receipt(crate::bound::line(&receipt, 500)))
}

/// What became of the recipients who were asked for.
#[derive(Default)]
struct Asked {
    accepted: Vec<Address>,
    later: Option<Failure>,
    never: Option<Failure>,
}

fn recipients(
    mail: &Mail,
    connection: &mut SmtpConnection,
    have_it: &BTreeSet<Address>,
) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    for to in mail.to.iter().map(|mailbox| &mailbox.email).filter(|to| !have_it.contains(to)) {
        match connection.command(Rcpt::new(to.clone(), Vec::new())) {
            Ok(_) => asked.accepted.push(to.clone()),
            Err(error) => {
                let failure = mail.failure(&format!("send to {to}"), &error);
                if error.is_permanent() {
                    asked.never.get_or_insert(failure);
                } else if error.is_transient() {
                    asked.later.get_or_insert(failure);
                } else {
                    return Err(failure);
                }
            }
        }
    }
    Ok(asked)
}

impl Mail {
    fn failure(&self, step: &str, error: &Error) -> Failure {
        let mut reason = format!("{}:{}: cannot {step}: {error}", self.server, self.port);
        let mut cause = error.source().and_then(std::error::Error::source);
        while let Some(deeper) = cause {
            let said = deeper.to_string();
            if !reason.contains(&said) {
                reason.push_str(": ");
                reason.push_str(&said);
            }
            cause = deeper.source();
        }
        if reason.contains("UnknownIssuer") || reason.contains("BadSignature") {
            reason.push_str(" (set ca_file to the certificate of the authority that signed the server's)");
        }
        if error.is_permanent() { Failure::lasting(reason) } else { Failure::passing(reason) }
    }
}
