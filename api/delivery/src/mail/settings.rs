//! What the configuration file says about a mail channel.
use super::Mail;
use crate::settings::{DigestSettings, Faults, OnlySettings, RetrySettings, SecretSource};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// A channel with `kind = "mail"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The channel's name.
    pub name: String,
    /// What it tells. Default: everything.
    #[serde(default)]
    pub only: OnlySettings,
    /// When alerts are gathered. Default: on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSettings>,
    /// How it tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySettings>,
    /// The mail server's name or address. With TLS its certificate must have this name.
    pub server: String,
    /// Its port. Default 587 with `starttls`, 465 with `implicit`, 25 with `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted. Default `starttls`, without which nothing is sent.
    #[serde(default)]
    pub tls: MailTls,
    /// PEM file with the certificates to trust, instead of those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The account to log in with. Default: no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The account's password: `{ file = "/path" }` or `{ credential = "name" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// The sender, like `Lifeboat <lifeboat@example.com>`.
    pub from: String,
    /// The recipients; 1 to 50.
    pub to: Vec<String>,
    /// The name by which this machine greets the server. Default: its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// Seconds to wait for the server at each step. 1 to 120, default 15.
    #[serde(default = "fifteen")]
    pub timeout_s: u64,
    /// A link at the end of each mail; `{pool}`, `{id}` and `{kind}` are filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

fn fifteen() -> u64 {
    15
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins plain and is encrypted before anything is said.
    #[default]
    Starttls,
    /// It is encrypted from the first byte.
    Implicit,
    /// It is plain. Only without a login.
    None,
}

impl MailSettings {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if self.server.is_empty() || self.server.contains(char::is_whitespace) {
            faults.add("server", "must be a name or an address");
        }
        faults.range("timeout_s", self.timeout_s, 1, 120);
        if let Err(fault) = address(&self.from) {
            faults.add("from", fault);
        }
        if self.to.is_empty() || self.to.len() > 50 {
            faults.add("to", "must have 1 to 50 recipients");
        }
        let mut seen = BTreeSet::new();
        for to in &self.to {
            match address(to) {
                Err(fault) => faults.add("to", fault),
                Ok(mailbox) if !seen.insert(mailbox.email.to_string()) => {
                    faults.add("to", format!("{} is there twice", mailbox.email));
                }
                Ok(_) => {}
            }
        }
        self.check_login(faults);
        if let Some(ca_file) = &self.ca_file {
            faults.absolute("ca_file", ca_file);
            if self.tls == MailTls::None {
                faults.add("ca_file", "is of no use with tls = \"none\"");
            }
        }
    }

    fn check_login(&self, faults: &mut Faults) {
        match (&self.username, &self.password) {
            (Some(_), None) => {
                faults.add("username", "needs password = { file = \"/path\" } or { credential = \"name\" }");
            }
            (None, Some(_)) => faults.add("username", "is missing: there is a password without it"),
            _ => {}
        }
        if self.username.is_some() && self.tls == MailTls::None {
            faults.add("tls", "is \"none\": a password is never sent in the clear");
        }
        if let Some(password) = &self.password {
            password.check("password", faults);
        }
    }

    pub(crate) fn open(&self, credentials: Option<&Path>, faults: &mut Faults) -> Option<Mail> {
        let password = self.password.as_ref().and_then(|from| from.read("password", credentials, faults));
        let login = self.username.clone().zip(password);
        let credentials =
            login.map(|(user, secret)| (user.clone(), Credentials::new(user, secret.reveal().to_owned())));
        let parameters = match self.tls {
            MailTls::None => None,
            MailTls::Starttls | MailTls::Implicit => match self.parameters() {
                Ok(parameters) => Some(parameters),
                Err(fault) => {
                    faults.add("ca_file", fault);
                    None
                }
            },
        };
        let usual_port = match self.tls {
            MailTls::Starttls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        };
        let own_name = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        Some(Mail {
            name: self.name.clone(),
            server: self.server.clone(),
            port: self.port.unwrap_or(usual_port),
            tls: self.tls,
            parameters,
            credentials,
            hello: ClientId::Domain(self.hello.clone().unwrap_or_else(own_name)),
            timeout: Duration::from_secs(self.timeout_s),
            from: address(&self.from).ok()?,
            to: self.to.iter().map(|to| address(to)).collect::<Result<_, _>>().ok()?,
            link: self.link.clone(),
            progress: Mutex::new((String::new(), BTreeSet::new())),
        })
    }

    fn parameters(&self) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(self.server.clone());
        if let Some(path) = &self.ca_file {
            let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            if !pem.windows(27).any(|bytes| bytes == b"-----BEGIN CERTIFICATE-----") {
                return Err(format!("{} holds no certificate", path.display()));
            }
            let authority =
                Certificate::from_pem(&pem).map_err(|error| format!("{}: {error}", path.display()))?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
        }
        builder.build_rustls().map_err(|error| error.to_string())
    }
}

fn address(text: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = text.parse().map_err(|error| format!("{text:?} is no address: {error}"))?;
    if mailbox.email.to_string().is_ascii() {
        Ok(mailbox)
    } else {
        Err(format!("{text:?}: only ASCII addresses reach every server"))
    }
}
