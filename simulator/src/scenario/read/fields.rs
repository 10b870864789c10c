//! The tables of a scenario file, with every key that one of its kinds has.
use serde::Deserialize;
use toml::Spanned;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) pool: Option<String>,
    pub(super) document: Option<String>,
    pub(super) end_s: Option<Number>,
    pub(super) generate: Option<GenerateFields>,
    pub(super) settings: Option<SettingsFields>,
    pub(super) world: Option<WorldFields>,
    #[serde(default)]
    pub(super) event: Vec<Spanned<EventFields>>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<ExpectFields>>,
}

/// A number, with or without a fraction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Whole(i64),
    Fraction(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "whole seconds and shares are small")]
    pub(super) fn value(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Fraction(fraction) => fraction,
        }
    }
}

/// One name or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Names {
    One(String),
    List(Vec<String>),
}

impl Names {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::List(names) => names.clone(),
        }
    }
}

/// On, off, or on with a name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Flag(bool),
    Name(#[expect(dead_code, reason = "the world has one gateway, whatever its name")] String),
}

/// Quarantine: on, off, after so many failures, or in full.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum QuarantineFields {
    Flag(bool),
    Failures(u32),
    Table(QuarantineTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuarantineTable {
    pub(super) failures: Option<u32>,
    pub(super) decay_s: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerateFields {
    pub(super) hosts: Option<u32>,
    pub(super) vms: Option<u32>,
    pub(super) vm_mib: Option<u64>,
    pub(super) host_mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFields {
    pub(super) timeout_s: Option<u64>,
    pub(super) host_failures_to_tolerate: Option<u64>,
    pub(super) guarantee: Option<String>,
    pub(super) brake: Option<Number>,
    pub(super) storage_loss: Option<String>,
    pub(super) gateway: Option<Named>,
    pub(super) quarantine: Option<QuarantineFields>,
    pub(super) medium: Option<String>,
    pub(super) networks: Option<Vec<String>>,
    pub(super) etcd_members: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldFields {
    pub(super) vm_boot_s: Option<Number>,
    pub(super) host_boot_s: Option<Number>,
    pub(super) process_restart_s: Option<Number>,
    pub(super) network_latency_s: Option<Number>,
    pub(super) network_jitter_s: Option<Number>,
    pub(super) packet_loss: Option<Number>,
    pub(super) duplicates: Option<Number>,
    pub(super) medium_latency_s: Option<Number>,
    pub(super) medium_jitter_s: Option<Number>,
    pub(super) migration_s: Option<Number>,
    pub(super) clock_ppm: Option<u32>,
}

/// An event of any kind. [`super::action`] says which fields each has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFields {
    pub(super) at_s: Number,
    #[serde(rename = "do")]
    pub(super) action: String,
    pub(super) hosts: Option<Names>,
    pub(super) for_s: Option<Number>,
    pub(super) force: Option<bool>,
    pub(super) groups: Option<Vec<Vec<String>>>,
    pub(super) from: Option<Names>,
    pub(super) to: Option<Names>,
    pub(super) network: Option<Names>,
    pub(super) share: Option<Number>,
    pub(super) latency_s: Option<Number>,
    pub(super) jitter_s: Option<Number>,
    pub(super) vm_storage: Option<bool>,
    pub(super) vm: Option<String>,
    pub(super) path: Option<String>,
    pub(super) value: Option<toml::Value>,
    pub(super) ppm: Option<i64>,
}

impl EventFields {
    /// Names of the fields that are given, but for `at_s` and `do`.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let all = [
            ("hosts", self.hosts.is_some()),
            ("for_s", self.for_s.is_some()),
            ("force", self.force.is_some()),
            ("groups", self.groups.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("network", self.network.is_some()),
            ("share", self.share.is_some()),
            ("latency_s", self.latency_s.is_some()),
            ("jitter_s", self.jitter_s.is_some()),
            ("vm_storage", self.vm_storage.is_some()),
            ("vm", self.vm.is_some()),
            ("path", self.path.is_some()),
            ("value", self.value.is_some()),
            ("ppm", self.ppm.is_some()),
        ];
        all.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
    }
}

/// An expectation of any kind. [`super::expected`] says which fields each has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFields {
    pub(super) by_s: Number,
    pub(super) vm: Option<String>,
    pub(super) on_any: Option<Names>,
    pub(super) running: Option<bool>,
    pub(super) vms_running: Option<usize>,
    pub(super) first_start_of_vm: Option<String>,
    pub(super) host: Option<String>,
    pub(super) state: Option<String>,
    pub(super) fenced: Option<Names>,
    pub(super) coordinator_any: Option<Names>,
    pub(super) alert: Option<String>,
    pub(super) absent: Option<bool>,
}
