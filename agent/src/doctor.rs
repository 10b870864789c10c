//! What is looked at before a host joins, or when it misbehaves. Nothing is changed: the watchdog is not opened (that would arm it), and of a
//! statefile only blocks are written that no version uses, with the zeros that are there.
mod clock;
mod fencing;
mod hypervisor;
mod limits;
mod network;
mod storage;
mod watchdog;

use crate::config::{Config, FenceAgent, Hypervisor, MediumSection, NetworkSection, WatchdogSection};
use lifeboat_link::Roster;
use serde::Serialize;
use std::path::Path;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// As it should be.
    Ok,
    /// It works, and will not always.
    Warn,
    /// A host like this must not join.
    Refuse,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How bad it is.
    pub judgement: Judgement,
    /// What was found.
    pub found: String,
    /// What to do about it; empty where nothing is to be done.
    pub mend: String,
}

impl Finding {
    fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), judgement: Judgement::Ok, found: found.into(), mend: String::new() }
    }

    fn warn(check: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check: check.into(), judgement: Judgement::Warn, found: found.into(), mend: mend.into() }
    }

    fn refuse(check: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check: check.into(), judgement: Judgement::Refuse, found: found.into(), mend: mend.into() }
    }
}

/// What of a host is looked at.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name in the pool, where it has one.
    pub name: String,
    /// Its heartbeat networks.
    pub networks: Vec<NetworkSection>,
    /// What carries the pool's records, if that is known.
    pub medium: Option<MediumSection>,
    /// What resets it.
    pub watchdog: WatchdogSection,
    /// What runs VMs.
    pub hypervisor: Hypervisor,
    /// How other hosts are switched off from here.
    pub fence_agents: Vec<FenceAgent>,
}

impl From<Config> for Subject {
    fn from(config: Config) -> Self {
        let Config { host, networks, medium, watchdog, hypervisor, fence, .. } = config;
        Self {
            name: host.name,
            networks,
            medium: Some(medium),
            watchdog,
            hypervisor,
            fence_agents: fence.agents,
        }
    }
}

/// Looks at everything. `sys` and `proc` are where the kernel shows itself.
pub fn examine(subject: &Subject, roster: Option<&Roster>, sys: &Path, proc: &Path) -> Vec<Finding> {
    let watch = clock::Watch::begin();
    let mut findings = watchdog::look(&subject.watchdog, sys);
    findings.extend(network::look(subject, roster, sys));
    findings.extend(storage::look(subject, sys));
    findings.extend(hypervisor::look(subject));
    findings.extend(fencing::look(subject, roster));
    findings.extend(limits::look(proc));
    // Last: whether the clock was set while all the rest was looked at.
    findings.extend(watch.look(sys));
    findings
}

/// A file of the kernel's, in one line.
fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests;
