//! `[fence]`: how this host resets itself, and how it fences others.
use super::Faults;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FenceSection {
    /// How the host resets itself once none of its VMs runs, or can be stopped: tried in this order.
    #[serde(deserialize_with = "one_or_many")]
    pub reset: Vec<Reset>,
    /// `[[fence.agent]]`: how other hosts are switched off from here; several for one host are its redundant supplies, which must all be off.
    #[serde(rename = "agent")]
    pub agents: Vec<FenceAgent>,
}

/// One way of resetting this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// At once, by `/proc/sysrq-trigger`.
    Sysrq,
    /// By the call `reboot(2)`, without ending anything in order.
    Reboot,
    /// By not feeding the watchdog any more.
    Watchdog,
    /// By a command.
    Command(Vec<String>),
}

/// How one host is switched off from another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FenceAgent {
    /// The host that it switches off.
    pub host: String,
    /// The program of the package `fence-agents`: "fence_ipmilan".
    pub agent: String,
    /// What it is told: address, user.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What it is told that nobody else should read: each from a file.
    #[serde(default)]
    pub parameter_files: BTreeMap<String, PathBuf>,
    /// Whether the host is switched on again afterwards.
    #[serde(default)]
    pub power_on: bool,
}

/// Agents of the package `fence-agents` that cut something off other than a host's power, or nothing.
const NO_POWER: [&str; 13] = [
    "fence_ack_manual",
    "fence_brocade",
    "fence_cisco_mds",
    "fence_compute",
    "fence_dummy",
    "fence_evacuate",
    "fence_heuristics_ping",
    "fence_ifmib",
    "fence_kdump",
    "fence_mpath",
    "fence_sanbox2",
    "fence_sbd",
    "fence_scsi",
];

/// Parameters of fence agents, in all their spellings, that nobody else should read.
fn is_secret(key: &str) -> bool {
    let key = key.replace('-', "_");
    ["passwd", "password", "token", "secret", "apikey", "api_key"].iter().any(|word| key.ends_with(word))
}

impl Default for FenceSection {
    fn default() -> Self {
        Self { reset: vec![Reset::Sysrq, Reset::Reboot, Reset::Watchdog], agents: Vec::new() }
    }
}

impl FenceSection {
    pub(super) fn check(&self, faults: &mut Faults) {
        if self.reset.is_empty() {
            faults.add("fence", "reset names at least one way, or this host is never reset");
        }
        for reset in &self.reset {
            if matches!(reset, Reset::Command(words) if words.first().is_none_or(String::is_empty)) {
                faults.add("fence", "a reset by a command names the program");
            }
        }
        for agent in &self.agents {
            let named = format!("fence.agent for host {:?}", agent.host);
            let program = agent.agent.rsplit('/').next().unwrap_or_default();
            if NO_POWER.contains(&program) {
                faults.add(
                    &named,
                    format!(
                        "{program} does not switch power: VMs could run on, and be started elsewhere; use the agent of the host's BMC or power strip"
                    ),
                );
            }
            if agent.host.is_empty() || agent.agent.is_empty() {
                faults.add(&named, "host and agent each have a name");
            }
            if let Some(secret) = agent.parameters.keys().find(|key| is_secret(key)) {
                faults.add(
                    &named,
                    format!("{secret} is a secret, and has no place in this file: name a file with it in parameter_files"),
                );
            }
            if let Some(twice) = agent.parameters.keys().find(|key| agent.parameter_files.contains_key(*key))
            {
                faults.add(&named, format!("{twice} is in parameters and in parameter_files"));
            }
        }
    }
}

/// `"sysrq"`, or `["sysrq", "watchdog"]`, or a command: `["ipmitool", …]`, whose first word is none of the names.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Reset>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelt {
        One(String),
        Many(Vec<String>),
    }
    match Spelt::deserialize(from)? {
        Spelt::One(word) => named(&word).map(|reset| vec![reset]).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "reset is \"sysrq\", \"reboot\", \"watchdog\" or a list: of these, or a command; not {word:?}"
            ))
        }),
        Spelt::Many(words) => match words.iter().map(|word| named(word)).collect() {
            Some(all) => Ok(all),
            // A command has another first word: this one has a word that is misspelt.
            None if words.first().is_some_and(|word| named(word).is_some()) => {
                Err(serde::de::Error::custom(format!(
                    "reset {words:?}: \"sysrq\", \"reboot\" and \"watchdog\" are what a list of ways has; a command begins with its program"
                )))
            }
            None => Ok(vec![Reset::Command(words)]),
        },
    }
}

fn named(word: &str) -> Option<Reset> {
    Some(match word {
        "sysrq" => Reset::Sysrq,
        "reboot" => Reset::Reboot,
        "watchdog" => Reset::Watchdog,
        _ => return None,
    })
}
