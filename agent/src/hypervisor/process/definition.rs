//! What a VM that is a command is made of: a JSON object.
use super::Fault;
use lifeboat_link::note::VmFacts;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// A VM that is a command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables beside those of the agent.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Where it is started; else in `/`.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Where its output goes, and by what it shows that it is alive; else nowhere.
    #[serde(default)]
    pub console: Option<PathBuf>,
    /// What asks its guest whether it is well; status 0 means that it is.
    #[serde(default)]
    pub ping: Vec<String>,
    /// Where it is reached.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// Its memory.
    #[serde(default)]
    pub memory_mib: u64,
    /// Storages of the pool that it needs.
    #[serde(default)]
    pub storages: Vec<String>,
    /// Networks of the pool that it needs.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Other resources that it needs.
    #[serde(default)]
    pub resources: BTreeMap<String, u64>,
    /// Why it can run on this host only, in words.
    #[serde(default)]
    pub bound_by: Vec<String>,
}

impl Definition {
    /// Reads one.
    ///
    /// # Errors
    /// [`Fault::Refused`]: it is none.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let read: Self = serde_json::from_str(text).map_err(|e| {
            Fault::Refused(format!("its definition is none of a command ({{\"command\": [...]}}): {e}"))
        })?;
        if read.command.is_empty() {
            return Err(Fault::Refused("its definition has an empty \"command\"".into()));
        }
        Ok(read)
    }

    pub(super) fn program(&self) -> &str {
        // `read` refuses an empty command.
        self.command.first().map_or("", String::as_str)
    }

    pub(super) fn facts(self, vm: &str, definition: String) -> VmFacts {
        VmFacts {
            vm: vm.to_owned(),
            definition,
            memory_mib: self.memory_mib,
            overhead_mib: 0,
            storages: self.storages,
            networks: self.networks,
            resources: self.resources,
            bound_by: self.bound_by,
        }
    }
}
