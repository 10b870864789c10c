//! A change to the pool as JSON: its kind, what it is done to, and the same in words.
use lifeboat_model::Pool;
use lifeboat_model::change::Change;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A change to the pool. Only the fields that its kind has are there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Change")]
pub struct ChangeAnswer {
    /// What kind of change.
    pub change: Cow<'static, str>,
    /// The change in words.
    pub text: String,
    /// The VM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<String>,
    /// The host that it is done to, or that the VM goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// The network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Memory in MiB: all that the VM or host has then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
}

impl ChangeAnswer {
    /// The answer for an edit that is no single typed change.
    pub fn of_edit(what: &'static str, text: String) -> Self {
        Self { change: what.into(), text, ..Self::default() }
    }

    /// The answer for a change to `pool`.
    pub fn new(pool: &Pool, change: &Change) -> Self {
        let vm = |vm: &_| Some(pool.vm_id(*vm).to_owned());
        let host = |host: &_| Some(pool.host_id(*host).to_owned());
        let storage =
            |storage: &lifeboat_model::StorageIndex| Some(pool.storages()[storage.get()].id.clone());
        let network = |network: &lifeboat_model::NetworkIndex| Some(pool.networks()[network.get()].clone());
        let said = Self { change: word(change).into(), text: change.describe(pool), ..Self::default() };
        match change {
            Change::StartNew { vm: new, host: to } => Self {
                vm: Some(new.id.clone()),
                host: to.as_ref().and_then(host),
                memory_mib: Some(new.memory_mib),
                ..said
            },
            Change::Start { vm: v, host: to } => Self { vm: vm(v), host: to.as_ref().and_then(host), ..said },
            Change::BeginMigration { vm: v, to } | Change::EndMigration { vm: v, to } => {
                Self { vm: vm(v), host: host(to), ..said }
            }
            Change::AbortMigration { vm: v }
            | Change::Stop { vm: v }
            | Change::Suspend { vm: v }
            | Change::VmResources { vm: v, .. }
            | Change::Protect { vm: v, .. }
            | Change::Order { vm: v, .. } => Self { vm: vm(v), ..said },
            Change::VmMemory { vm: v, memory_mib } => {
                Self { vm: vm(v), memory_mib: Some(*memory_mib), ..said }
            }
            Change::VmStorage { vm: v, to, .. } => Self { vm: vm(v), storage: storage(to), ..said },
            Change::HostState { host: h, .. } | Change::RemoveHost { host: h, .. } => {
                Self { host: host(h), ..said }
            }
            Change::AddHost { host: new } => {
                Self { host: Some(new.id.clone()), memory_mib: Some(new.memory_mib), ..said }
            }
            Change::HostMemory { host: h, memory_mib } => {
                Self { host: host(h), memory_mib: Some(*memory_mib), ..said }
            }
            Change::AttachStorage { host: h, storage: s } | Change::UnplugStorage { host: h, storage: s } => {
                Self { host: host(h), storage: storage(s), ..said }
            }
            Change::PlugNetwork { host: h, network: n } | Change::UnplugNetwork { host: h, network: n } => {
                Self { host: host(h), network: network(n), ..said }
            }
            Change::Target { .. } | Change::Guarantee { .. } => said,
        }
    }
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::StartNew { .. } => "start-new",
        Change::Start { .. } => "start",
        Change::BeginMigration { .. } => "begin-migration",
        Change::EndMigration { .. } => "migrate",
        Change::AbortMigration { .. } => "abort-migration",
        Change::Stop { .. } => "stop",
        Change::Suspend { .. } => "suspend",
        Change::VmMemory { .. } => "vm-memory",
        Change::VmResources { .. } => "vm-resources",
        Change::VmStorage { .. } => "move-disks",
        Change::Protect { .. } => "restart-priority",
        Change::Order { .. } => "order",
        Change::HostState { .. } => "host-state",
        Change::RemoveHost { .. } => "remove-host",
        Change::AddHost { .. } => "add-host",
        Change::HostMemory { .. } => "host-memory",
        Change::AttachStorage { .. } => "attach-storage",
        Change::UnplugStorage { .. } => "unplug-storage",
        Change::PlugNetwork { .. } => "plug-network",
        Change::UnplugNetwork { .. } => "unplug-network",
        Change::Target { .. } => "target",
        Change::Guarantee { .. } => "guarantee",
    }
}
