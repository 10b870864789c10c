//! The agent's configuration, `/etc/lifeboat/agent.toml`: one file of this folder for each section. Every section is read by itself, so
//! that whoever made three mistakes is told three.
//!
//! ```toml
//! [host]
//! name = "h01"
//!
//! [[network]]
//! name = "hb0"
//! interface = "bond0"
//! listen = "10.0.0.1:7946"
//!
//! [medium]
//! kind = "statefile"
//! path = "/dev/disk/by-id/…"
//!
//! [watchdog]
//! kind = "device"
//!
//! [service]
//! command = ["lifeboat", "serve", "--config", "/etc/lifeboat/lifeboat.toml", "--under-agent"]
//! ```
pub mod fence;
pub mod host;
pub mod hypervisor;
pub mod log;
pub mod medium;
pub mod network;
pub mod service;
#[cfg(test)]
mod tests;
pub mod watchdog;

pub use fence::{FenceAgent, FenceSection, Reset};
pub use host::HostSection;
pub use hypervisor::Hypervisor;
pub use log::{LogFormat, LogLevel, LogSection};
pub use medium::MediumSection;
pub use network::NetworkSection;
pub use service::ServiceSection;
pub use watchdog::WatchdogSection;

use serde::de::DeserializeOwned;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the package puts the file.
pub const USUAL_PATH: &str = "/etc/lifeboat/agent.toml";

/// Everything that an agent is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[host]`: who this host is, and where the agent keeps what it must not forget.
    pub host: HostSection,
    /// `[[network]]`: the heartbeat networks.
    pub networks: Vec<NetworkSection>,
    /// `[medium]`: statefile or etcd.
    pub medium: MediumSection,
    /// `[watchdog]`: what resets the host when the agent does not.
    pub watchdog: WatchdogSection,
    /// `[fence]`: how the host resets itself, and how others are fenced.
    pub fence: FenceSection,
    /// `[hypervisor]`: what runs VMs here.
    pub hypervisor: Hypervisor,
    /// `[service]`: the service beside the agent.
    pub service: ServiceSection,
    /// `[log]`.
    pub log: LogSection,
}

/// Something in the file that cannot stay as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The section, or section and key.
    pub at: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]: {}", self.at, self.what)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {fault}; `lifeboat-agent init` or `join` writes it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: std::io::Error,
    },
    /// It is not TOML.
    #[error("not TOML: {0}")]
    NotToml(String),
    /// It says what cannot be.
    #[error("{}", listed(.0))]
    Faults(Vec<ConfigFault>),
}

fn listed(faults: &[ConfigFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// The configuration in a file.
    ///
    /// # Errors
    /// All faults of the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|fault| ConfigError::Unreadable { path: path.to_owned(), fault })?;
        let mut config = Self::read(&text)?;
        if config.host.tls_directory.is_none() {
            // Where there is no folder to be in, the path is as it was given.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            config.host.tls_directory = path.parent().map(|folder| folder.join("tls"));
        }
        Ok(config)
    }

    /// The configuration that a text is.
    ///
    /// # Errors
    /// All faults of the text.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table =
            text.parse().map_err(|fault: toml::de::Error| ConfigError::NotToml(fault.to_string()))?;
        let mut reading = Reading { table, faults: Faults::default() };
        let read = reading.sections();
        let mut faults = reading.end();
        match read {
            Some(config) => {
                config.check(&mut faults);
                if faults.0.is_empty() { Ok(config) } else { Err(ConfigError::Faults(faults.0)) }
            }
            None => Err(ConfigError::Faults(faults.0)),
        }
    }

    /// Of a file only what takes this host out of high availability, wherever that can be understood; and what could not be.
    pub fn least(path: &Path) -> (HostSection, WatchdogSection, Vec<String>) {
        let mut remarks = Vec::new();
        let read = std::fs::read_to_string(path).map_err(|fault| format!("{}: {fault}", path.display()));
        let table = read.and_then(|text| {
            text.parse::<toml::Table>().map_err(|fault| format!("{}: not TOML: {fault}", path.display()))
        });
        let mut table = table.unwrap_or_else(|fault| {
            remarks.push(fault);
            toml::Table::new()
        });
        let host = HostSection::least(table.get("host").and_then(toml::Value::as_table));
        let watchdog = match table.remove("watchdog").map(toml::Value::try_into::<WatchdogSection>) {
            Some(Ok(section)) => section,
            None => WatchdogSection::default(),
            Some(Err(fault)) => {
                remarks.push(format!("[watchdog]: {}", fault.to_string().trim()));
                WatchdogSection::default()
            }
        };
        if !remarks.is_empty() {
            remarks.push("where it cannot be understood, it is taken for what it usually says".to_owned());
        }
        (host, watchdog, remarks)
    }

    fn check(&self, faults: &mut Faults) {
        self.host.check(faults);
        network::check(&self.networks, faults);
        if let Err(fault) = self.hypervisor.check() {
            faults.add("hypervisor", fault.to_string());
        }
        self.medium.check(faults);
        self.watchdog.check(faults);
        self.fence.check(faults);
        self.service.check(faults);
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<ConfigFault>);

impl Faults {
    /// One more.
    pub fn add(&mut self, at: &str, what: impl Into<String>) {
        self.0.push(ConfigFault { at: at.to_owned(), what: what.into() });
    }
}

struct Reading {
    table: toml::Table,
    faults: Faults,
}

impl Reading {
    fn sections(&mut self) -> Option<Config> {
        // All are read before the first one that is missing ends it.
        let host = self.needed("host");
        let networks = self.needed("network");
        let medium = self.needed("medium");
        let watchdog = self.optional("watchdog");
        let fence = self.optional("fence");
        let hypervisor = self.optional("hypervisor");
        let service = self.optional("service");
        let log = self.optional("log");
        Some(Config {
            host: host?,
            networks: networks?,
            medium: medium?,
            watchdog: watchdog?,
            fence: fence?,
            hypervisor: hypervisor?,
            service: service?,
            log: log?,
        })
    }

    fn needed<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        if !self.table.contains_key(name) {
            self.faults.add(name, "the section is missing");
            return None;
        }
        self.present(name)
    }

    fn optional<T: DeserializeOwned + Default>(&mut self, name: &str) -> Option<T> {
        if self.table.contains_key(name) { self.present(name) } else { Some(T::default()) }
    }

    fn present<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.table.remove(name)?;
        match value.try_into() {
            Ok(section) => Some(section),
            Err(fault) => {
                self.faults.add(name, fault.to_string().trim().to_owned());
                None
            }
        }
    }

    /// What is left is no section.
    fn end(mut self) -> Faults {
        for name in self.table.keys() {
            self.faults.add(name, "there is no such section");
        }
        self.faults
    }
}
