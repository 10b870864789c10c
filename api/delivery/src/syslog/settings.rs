//! What the configuration file says about a syslog channel.
use super::{Syslog, Transport};
use crate::settings::{DigestSettings, Faults, OnlySettings, RetrySettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A channel with `kind = "syslog"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSettings {
    /// The channel's name.
    pub name: String,
    /// What it tells. Default: everything.
    #[serde(default)]
    pub only: OnlySettings,
    /// When alerts are gathered. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSettings>,
    /// How it tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySettings>,
    /// Where to: the path of a socket, `udp://host:514` or `tcp://host:601`. Default `/dev/log`.
    #[serde(default = "dev_log")]
    pub to: String,
    /// How lines are written. Default `rfc5424`.
    #[serde(default)]
    pub format: SyslogFormat,
    /// The facility: `daemon`, `user`, `auth` or `local0` to `local7`. Default `daemon`.
    #[serde(default = "daemon")]
    pub facility: String,
    /// The private enterprise number in the structured data's name. Default 32473, which is for examples: give your own.
    #[serde(default = "for_examples")]
    pub enterprise: u32,
    /// The host name that the lines carry. Default: this machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Seconds to wait for a TCP server. 1 to 120, default 5.
    #[serde(default = "five")]
    pub timeout_s: u64,
}

fn dev_log() -> String {
    "/dev/log".to_owned()
}

fn daemon() -> String {
    "daemon".to_owned()
}

fn for_examples() -> u32 {
    32_473
}

fn five() -> u64 {
    5
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyslogFormat {
    /// RFC 5424, with structured data.
    #[default]
    Rfc5424,
    /// What the C library writes to `/dev/log`, without structured data: for journald, which reads no RFC 5424.
    Local,
}

impl SyslogSettings {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Err(fault) = self.to.parse::<Transport>() {
            faults.add("to", fault);
        }
        if facility(&self.facility).is_none() {
            faults.add(
                "facility",
                format!("{:?}: must be daemon, user, auth or local0 to local7", self.facility),
            );
        }
        faults.range("timeout_s", self.timeout_s, 1, 120);
        if let Some(hostname) = &self.hostname
            && (hostname.is_empty()
                || hostname.len() > 255
                || !hostname.bytes().all(|b| b.is_ascii_graphic()))
        {
            faults.add("hostname", "must be 1 to 255 printable ASCII characters without spaces");
        }
    }

    /// Only after [`Self::check`] found nothing: what would be a fault then becomes the default.
    pub(crate) fn open(&self) -> Syslog {
        let own_name = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        Syslog {
            name: self.name.clone(),
            transport: self.to.parse().unwrap_or_else(|_| Transport::Unix("/dev/log".into())),
            format: self.format,
            facility: facility(&self.facility).unwrap_or(3),
            enterprise: self.enterprise,
            host: self.hostname.clone().unwrap_or_else(own_name),
            timeout: Duration::from_secs(self.timeout_s),
        }
    }
}

fn facility(name: &str) -> Option<u8> {
    match name {
        "user" => Some(1),
        "daemon" => Some(3),
        "auth" => Some(4),
        local => {
            let number: u8 = local.strip_prefix("local")?.parse().ok()?;
            (number <= 7).then_some(16 + number)
        }
    }
}
