//! The pool document, `lifeboat.pool/v1`, as it stands in files, request bodies and exports. The structs here
//! are the single source: documents are read into them, written from them, and the published JSON Schema is
//! made of them.
//!
//! Reading has two paths. The fast one fills these structs and borrows names from the text. Only if something
//! is wrong does [`faults`] walk the document again, slowly, to find everything that is wrong with it.
mod amounts;
mod convert;
pub mod fault;
pub(in crate::dto) mod faults;
pub(in crate::dto) mod json;
pub mod one;
mod over_full;
mod share;
#[cfg(test)]
mod tests;
mod words;

pub use amounts::Amounts;
pub use fault::{Fault, FaultKind};
pub use over_full::over_full;
pub use share::Share;
pub use words::{
    DocumentFormat, GuaranteeWord, HostStateWord, MediumWord, PowerStateWord, RestartPriorityWord,
    RuleModeWord, RuleWord, StorageLossWord,
};

use super::name::Name;
use lifeboat_model::{Pool, PoolSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Reads a pool document.
///
/// # Errors
/// Everything that is wrong with it, each with its JSON pointer; never an empty list.
pub fn read(document: &[u8]) -> Result<Pool, Vec<Fault>> {
    let text = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    match serde_json::from_slice::<PoolDocument<'_>>(text) {
        Ok(document) => Pool::new(&PoolSpec::from(document))
            .map_err(|defects| fault::sorted(fault::from_defects(defects))),
        Err(error) => Err(faults::all(text, &error)),
    }
}

/// Writes a pool document, as compact as the defaults allow.
///
/// # Errors
/// Those of the writer.
pub fn write(spec: &PoolSpec, writer: impl std::io::Write) -> serde_json::Result<()> {
    serde_json::to_writer(writer, &PoolDocument::from(spec))
}

/// A pool of hosts and VMs to plan for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PoolDocument")]
pub struct PoolDocument<'a> {
    /// Which kind of document this is.
    pub format: DocumentFormat,
    /// The pool's name.
    #[serde(borrow)]
    pub id: Name<'a>,
    /// What the operator wants of the pool.
    #[serde(default, skip_serializing_if = "is_default")]
    pub settings: SettingsDocument<'a>,
    /// Storages; where there are none here, those that hosts and VMs name, taken for shared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<StorageDocument<'a>>,
    /// Networks; where there are none here, those that hosts and VMs name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkDocument<'a>>,
    /// The hosts that may take over from one another.
    pub hosts: Vec<HostDocument<'a>>,
    /// The VMs.
    pub vms: Vec<VmDocument<'a>>,
    /// Rules between VMs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupDocument<'a>>,
}

/// The operator's settings.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Settings")]
pub struct SettingsDocument<'a> {
    /// Host failures to tolerate. Default 0.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(max = 1024))]
    pub host_failures_to_tolerate: Option<u64>,
    /// Which notion of tolerance the target is held against. Default sequential.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GuaranteeWord")]
    pub guarantee: Option<GuaranteeWord>,
    /// The time T within which a silent host is fenced, in seconds. Default 15.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 3, max = 300))]
    pub timeout_s: Option<u64>,
    /// What carries the pool's shared records. Default statefile.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MediumWord")]
    pub medium: Option<MediumWord>,
    /// Hosts of the pool that carry a member of the etcd cluster. Default none: etcd lives elsewhere.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub etcd_members: Vec<Name<'a>>,
    /// Who lives when the medium is out of reach: whoever still has it, or only a strict majority.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "StorageLossWord")]
    pub storage_loss: Option<StorageLossWord>,
    /// Share of the hosts, in steps of 0.001, beyond which the mass-failure brake holds all restarts.
    /// Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<Share>,
}

/// A storage.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Storage")]
pub struct StorageDocument<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Name<'a>,
    /// Whether several hosts can attach it. Default true.
    #[serde(default = "yes")]
    pub shared: bool,
}

/// A network.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
pub struct NetworkDocument<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Name<'a>,
}

/// A host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Host")]
pub struct HostDocument<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Name<'a>,
    /// Memory in MiB.
    #[schemars(range(max = 1_099_511_627_776_u64))]
    pub memory_mib: u64,
    /// Memory in MiB that no VM can have.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 1_099_511_627_776_u64))]
    pub reserved_mib: u64,
    /// Its state. Default live.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: HostStateWord,
    /// CPU level; a VM runs only where it is at least the VM's.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 65_535))]
    pub cpu_level: u64,
    /// Attached storages. Default: all shared ones.
    #[serde(borrow, default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Name<'static>>")]
    pub storages: Option<Vec<Name<'a>>>,
    /// Plugged networks. Default: all.
    #[serde(borrow, default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Name<'static>>")]
    pub networks: Option<Vec<Name<'a>>>,
    /// Hosts of one fault domain can be lost together. Default: a domain of its own.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub fault_domain: Option<Name<'a>>,
    /// Capacity in countable resources other than memory.
    #[serde(borrow, default, skip_serializing_if = "Amounts::is_empty")]
    pub resources: Amounts<'a>,
}

/// A VM.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Vm")]
pub struct VmDocument<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Name<'a>,
    /// Memory in MiB.
    #[schemars(range(max = 549_755_813_888_u64))]
    pub memory_mib: u64,
    /// Memory in MiB that the hypervisor needs for it besides.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 549_755_813_888_u64))]
    pub overhead_mib: u64,
    /// The host that it is on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Name<'a>>,
    /// Running and paused VMs hold their memory. Default: running if it has a host, else halted.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PowerStateWord")]
    pub power_state: Option<PowerStateWord>,
    /// What becomes of it when its host dies; the empty string: nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restart_priority: RestartPriorityWord,
    /// Restart order, 0 first.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 1_000_000))]
    pub order: u64,
    /// Seconds to wait after it before the next order begins.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 86_400))]
    pub start_delay_s: u64,
    /// Lowest CPU level that it runs on.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 65_535))]
    pub min_cpu_level: u64,
    /// Storages that it needs.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<Name<'a>>,
    /// Networks that it needs.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Name<'a>>,
    /// Hosts that it may run on; null: any.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub allowed_hosts: Option<Vec<Name<'a>>>,
    /// Where a live migration under way takes it; it counts at both ends.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub migrating_to: Option<Name<'a>>,
    /// Whether it should run although it runs nowhere: if protected, it is then pending.
    #[serde(default, skip_serializing_if = "is_default")]
    pub should_run: bool,
    /// Demand in countable resources other than memory.
    #[serde(borrow, default, skip_serializing_if = "Amounts::is_empty")]
    pub resources: Amounts<'a>,
}

/// A rule between VMs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Group")]
pub struct GroupDocument<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Name<'a>,
    /// What it asks.
    pub rule: RuleWord,
    /// Whether it binds. Default required.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: RuleModeWord,
    /// Its members.
    #[serde(borrow)]
    pub vms: Vec<Name<'a>>,
}

/// Whether a field has its default and need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

/// An optional field that may be absent but not `null`: absence has a meaning of its own there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
