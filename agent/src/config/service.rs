//! `[service]`: the service beside the agent, which decides for the pool while this host leads.
use super::Faults;
use serde::Deserialize;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSection {
    /// How it is started; empty: this host never leads for longer than it takes to say so.
    pub command: Vec<String>,
    /// The metadata volume, where the service writes to one: it is flushed when a service has been killed.
    pub volume: Option<PathBuf>,
}

impl ServiceSection {
    pub(super) fn check(&self, faults: &mut Faults) {
        if self.command.first().is_some_and(String::is_empty) {
            faults.add("service", "command begins with a program");
        }
        if self.volume.as_ref().is_some_and(|volume| !volume.is_absolute()) {
            faults.add("service", "volume is a path that begins with /");
        }
    }
}
