//! What the configuration file says about channels, and what may be wrong with it.
//!
//! ```toml
//! [[alerts.channel]]
//! name = "night-shift"
//! kind = "mail"
//! only = { severity = "major", pools = ["prod-*"] }
//! server = "smtp.example.com"
//! username = "lifeboat"
//! password = { credential = "smtp-password" }
//! from = "Lifeboat <lifeboat@example.com>"
//! to = ["night-shift@example.com"]
//! ```
mod common;
mod fault;
mod secret;

pub use common::{DigestSettings, OnlySettings, RetrySettings};
pub use fault::Fault;
pub(crate) use fault::Faults;
pub(crate) use secret::Secret;
pub use secret::SecretSource;

use crate::Channel;
use crate::command::CommandSettings;
use crate::limits::Limits;
use crate::mail::MailSettings;
use crate::syslog::SyslogSettings;
use crate::webhook::WebhookSettings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The most channels.
pub const MOST_CHANNELS: usize = 32;

/// One channel: `[[alerts.channel]]` with the `kind` that says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum ChannelSettings {
    /// Mail over SMTP.
    Mail(MailSettings),
    /// HTTP POST of JSON.
    Webhook(WebhookSettings),
    /// A command that is run.
    Command(CommandSettings),
    /// RFC 5424 syslog.
    Syslog(SyslogSettings),
}

/// What all kinds have.
struct Common<'a> {
    name: &'a str,
    only: &'a OnlySettings,
    digest: Option<&'a DigestSettings>,
    retry: Option<&'a RetrySettings>,
    digest_unless_set: DigestSettings,
    attempts_unless_set: u32,
}

impl ChannelSettings {
    /// Its name.
    pub fn name(&self) -> &str {
        self.common().name
    }

    /// Its kind, as the file spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
            Self::Command(_) => "command",
            Self::Syslog(_) => "syslog",
        }
    }

    /// What bounds its outbox.
    pub fn limits(&self) -> Limits {
        let common = self.common();
        let retry = common.retry.cloned().unwrap_or_default();
        let digest = common.digest.unwrap_or(&common.digest_unless_set);
        Limits {
            filter: common.only.filter(),
            storm: digest.storm(),
            retry: retry.retry(common.attempts_unless_set),
            queue: retry.queue,
        }
    }

    /// Everything that is wrong with it as it stands in the file; files that it names are not looked at.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults::of(self.name());
        let common = self.common();
        let letters = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if common.name.is_empty() || common.name.len() > 64 || !common.name.chars().all(letters) {
            faults.add("name", "must be 1 to 64 letters, digits, `-`, `_` or `.`");
        }
        common.only.check(&mut faults);
        common.digest.unwrap_or(&common.digest_unless_set).check(&mut faults);
        if let Some(retry) = common.retry {
            retry.check(&mut faults);
        }
        match self {
            Self::Mail(mail) => mail.check(&mut faults),
            Self::Webhook(webhook) => webhook.check(&mut faults),
            Self::Command(command) => command.check(&mut faults),
            Self::Syslog(syslog) => syslog.check(&mut faults),
        }
        faults.all
    }

    /// Makes the channel: reads its secrets and certificates, once. `credentials` is where systemd put the credentials of the
    /// service (`$CREDENTIALS_DIRECTORY`).
    ///
    /// # Errors
    /// Everything that is wrong with it, files that it names included.
    pub fn open(&self, credentials: Option<&Path>) -> Result<Arc<dyn Channel>, Vec<Fault>> {
        let wrong = self.check();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut faults = Faults::of(self.name());
        let channel: Option<Arc<dyn Channel>> = match self {
            Self::Mail(mail) => mail.open(credentials, &mut faults).map(|channel| Arc::new(channel) as _),
            Self::Webhook(webhook) => {
                webhook.open(credentials, &mut faults).map(|channel| Arc::new(channel) as _)
            }
            Self::Command(command) => command.open(&mut faults).map(|channel| Arc::new(channel) as _),
            Self::Syslog(syslog) => Some(Arc::new(syslog.open())),
        };
        channel.filter(|_| faults.all.is_empty()).ok_or(faults.all)
    }

    fn common(&self) -> Common<'_> {
        let (often, rarely) = (20, 3);
        let (off, on) = (DigestSettings::off(), DigestSettings::default());
        match self {
            Self::Mail(MailSettings { name, only, digest, retry, .. }) => {
                Common::new(name, only, (digest.as_ref(), on), (retry.as_ref(), often))
            }
            Self::Command(CommandSettings { name, only, digest, retry, .. }) => {
                Common::new(name, only, (digest.as_ref(), off), (retry.as_ref(), rarely))
            }
            Self::Webhook(WebhookSettings { name, only, digest, retry, .. })
            | Self::Syslog(SyslogSettings { name, only, digest, retry, .. }) => {
                Common::new(name, only, (digest.as_ref(), off), (retry.as_ref(), often))
            }
        }
    }
}

impl<'a> Common<'a> {
    fn new(
        name: &'a str,
        only: &'a OnlySettings,
        (digest, digest_unless_set): (Option<&'a DigestSettings>, DigestSettings),
        (retry, attempts_unless_set): (Option<&'a RetrySettings>, u32),
    ) -> Self {
        Self { name, only, digest, retry, digest_unless_set, attempts_unless_set }
    }
}

/// Everything that is wrong with these channels as they stand in the file.
pub fn check(channels: &[ChannelSettings]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = channels.iter().flat_map(ChannelSettings::check).collect();
    let mut names = BTreeSet::new();
    for channel in channels {
        if !names.insert(channel.name()) {
            faults.push(Fault::new(channel.name(), "name", "two channels have this name"));
        }
    }
    if channels.len() > MOST_CHANNELS {
        faults.push(Fault::new(
            "",
            "",
            &format!("{} channels: {MOST_CHANNELS} are the most", channels.len()),
        ));
    }
    faults
}
