//! Everything that is wrong with a document, in one answer. This is the slow path: it walks the document by
//! hand, notes each fault, puts something harmless where a value cannot be read, and then has the model judge
//! what there is. A fault of the model that only follows from a value that could not be read is left out.
use super::json::{Fields, Reader, escape, placeholder};
use super::share::Share;
use super::words::{
    DocumentFormat, GuaranteeWord, HostStateWord, MediumWord, PowerStateWord, RestartPriorityWord,
    RuleModeWord, RuleWord, StorageLossWord,
};
use super::{Fault, FaultKind, fault};
use lifeboat_model::spec::{self, GroupSpec, HostSpec, SettingsSpec, StorageSpec, VmSpec};
use lifeboat_model::{Pool, PoolSpec};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Every fault of a document that could not be read with `error`; never an empty list.
pub(super) fn all(document: &[u8], error: &serde_json::Error) -> Vec<Fault> {
    let whole: &RawValue = match serde_json::from_slice(document) {
        Ok(whole) => whole,
        Err(error) => {
            return vec![Fault { pointer: String::new(), kind: FaultKind::Syntax(error.to_string()) }];
        }
    };
    let (spec, mut faults) = describe(whole);
    if let Err(defects) = Pool::new(&spec) {
        let unread: BTreeSet<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
        faults
            .extend(fault::from_defects(defects).into_iter().filter(|fault| !is_consequence(fault, &unread)));
    }
    if faults.is_empty() {
        // The two paths must not disagree; should they, the fast one's word is passed on.
        faults.push(Fault { pointer: String::new(), kind: FaultKind::Syntax(error.to_string()) });
    }
    fault::sorted(faults)
}

/// What can be read of a document, and what cannot.
pub(super) fn describe(whole: &RawValue) -> (PoolSpec, Vec<Fault>) {
    let mut reader = Reader::default();
    let spec = pool(&mut reader, whole);
    (spec, reader.faults)
}

/// Whether a fault of the model only follows from a value that could not be read and was replaced.
pub(super) fn is_consequence(fault: &Fault, unread: &BTreeSet<String>) -> bool {
    let sibling = |field: &str| {
        let (object, _) = fault.pointer.rsplit_once('/').unwrap_or_default();
        unread.contains(&format!("{object}/{field}")) || unread.contains(object)
    };
    if unread.contains(&fault.pointer) {
        return true;
    }
    let FaultKind::Unsound(kind) = &fault.kind else { return false };
    match kind {
        spec::Fault::BadId => sibling("id"),
        spec::Fault::RunsNowhere(_) | spec::Fault::BadMigration => sibling("host") || sibling("power_state"),
        spec::Fault::ReservedBeyondMemory { .. } => sibling("memory_mib"),
        _ => false,
    }
}

fn pool(reader: &mut Reader, whole: &RawValue) -> PoolSpec {
    let fields = &mut reader.fields(whole, "", fault::SECTIONS);
    reader.required::<DocumentFormat>(fields, "format", Reader::word);
    PoolSpec {
        id: id(reader, fields),
        settings: reader
            .optional(fields, "settings", |reader, value, at| Some(settings(reader, value, at)))
            .unwrap_or_default(),
        storages: section(reader, fields, "storages", false, storage),
        networks: section(reader, fields, "networks", false, network),
        hosts: section(reader, fields, "hosts", true, host),
        vms: section(reader, fields, "vms", true, vm),
        groups: section(reader, fields, "groups", false, group),
    }
}

fn section<'d, T>(
    reader: &mut Reader,
    fields: &mut Fields<'d>,
    name: &'static str,
    required: bool,
    read: fn(&mut Reader, &'d RawValue, &str) -> T,
) -> Vec<T> {
    let list = |reader: &mut Reader, value: &'d RawValue, at: &str| Some(reader.list(value, at, read));
    let section =
        if required { reader.required(fields, name, list) } else { reader.optional(fields, name, list) };
    section.unwrap_or_default()
}

fn id(reader: &mut Reader, fields: &mut Fields<'_>) -> String {
    let placeholder = placeholder(&fields.at);
    reader.required(fields, "id", Reader::string).unwrap_or(placeholder)
}

pub(super) fn settings(reader: &mut Reader, value: &RawValue, at: &str) -> SettingsSpec {
    const KNOWN: &[&str] = &[
        "host_failures_to_tolerate",
        "guarantee",
        "timeout_s",
        "medium",
        "etcd_members",
        "storage_loss",
        "brake",
    ];
    let fields = &mut reader.fields(value, at, KNOWN);
    SettingsSpec {
        host_failures_to_tolerate: reader.optional(fields, "host_failures_to_tolerate", Reader::number),
        guarantee: reader.optional::<GuaranteeWord>(fields, "guarantee", Reader::word).map(Into::into),
        timeout_s: reader.optional(fields, "timeout_s", Reader::number),
        medium: reader.optional::<MediumWord>(fields, "medium", Reader::word).map(Into::into),
        etcd_members: reader.optional(fields, "etcd_members", Reader::strings).unwrap_or_default(),
        storage_loss: reader
            .optional::<StorageLossWord>(fields, "storage_loss", Reader::word)
            .map(Into::into),
        brake_permille: reader.nullable(fields, "brake", |reader, value, at| {
            let expected = "a share from 0.001 to 1 in steps of 0.001";
            reader.number_as(value, at, expected, Share::from_number).map(|share| share.0)
        }),
    }
}

pub(super) fn storage(reader: &mut Reader, value: &RawValue, at: &str) -> StorageSpec {
    let fields = &mut reader.fields(value, at, &["id", "shared"]);
    StorageSpec {
        id: id(reader, fields),
        shared: reader.optional(fields, "shared", Reader::boolean).unwrap_or(true),
    }
}

pub(super) fn network(reader: &mut Reader, value: &RawValue, at: &str) -> String {
    let fields = &mut reader.fields(value, at, &["id"]);
    id(reader, fields)
}

pub(in crate::dto) fn host(reader: &mut Reader, value: &RawValue, at: &str) -> HostSpec {
    const KNOWN: &[&str] = &[
        "id",
        "memory_mib",
        "reserved_mib",
        "state",
        "cpu_level",
        "storages",
        "networks",
        "fault_domain",
        "resources",
    ];
    let fields = &mut reader.fields(value, at, KNOWN);
    HostSpec {
        id: id(reader, fields),
        memory_mib: reader.required(fields, "memory_mib", Reader::number).unwrap_or(0),
        reserved_mib: reader.optional(fields, "reserved_mib", Reader::number).unwrap_or(0),
        state: reader.optional::<HostStateWord>(fields, "state", Reader::word).unwrap_or_default().into(),
        cpu_level: reader.optional(fields, "cpu_level", Reader::number).unwrap_or(0),
        storages: reader.optional(fields, "storages", Reader::strings),
        networks: reader.optional(fields, "networks", Reader::strings),
        fault_domain: reader.nullable(fields, "fault_domain", Reader::string),
        resources: reader.optional(fields, "resources", amounts).unwrap_or_default(),
    }
}

pub(in crate::dto) fn vm(reader: &mut Reader, value: &RawValue, at: &str) -> VmSpec {
    const KNOWN: &[&str] = &[
        "id",
        "memory_mib",
        "overhead_mib",
        "host",
        "power_state",
        "restart_priority",
        "order",
        "start_delay_s",
        "min_cpu_level",
        "storages",
        "networks",
        "allowed_hosts",
        "migrating_to",
        "should_run",
        "resources",
    ];
    let fields = &mut reader.fields(value, at, KNOWN);
    let number = |reader: &mut Reader, fields: &mut Fields<'_>, name| {
        reader.optional(fields, name, Reader::number).unwrap_or(0)
    };
    VmSpec {
        id: id(reader, fields),
        memory_mib: reader.required(fields, "memory_mib", Reader::number).unwrap_or(0),
        overhead_mib: number(reader, fields, "overhead_mib"),
        host: reader.nullable(fields, "host", Reader::string),
        power_state: reader.optional::<PowerStateWord>(fields, "power_state", Reader::word).map(Into::into),
        restart_priority: reader
            .optional::<RestartPriorityWord>(fields, "restart_priority", Reader::word)
            .unwrap_or_default()
            .into(),
        order: number(reader, fields, "order"),
        start_delay_s: number(reader, fields, "start_delay_s"),
        min_cpu_level: number(reader, fields, "min_cpu_level"),
        storages: reader.optional(fields, "storages", Reader::strings).unwrap_or_default(),
        networks: reader.optional(fields, "networks", Reader::strings).unwrap_or_default(),
        allowed_hosts: reader.nullable(fields, "allowed_hosts", Reader::strings),
        migrating_to: reader.nullable(fields, "migrating_to", Reader::string),
        should_run: reader.optional(fields, "should_run", Reader::boolean).unwrap_or(false),
        resources: reader.optional(fields, "resources", amounts).unwrap_or_default(),
    }
}

pub(super) fn group(reader: &mut Reader, value: &RawValue, at: &str) -> GroupSpec {
    let fields = &mut reader.fields(value, at, &["id", "rule", "mode", "vms"]);
    GroupSpec {
        id: id(reader, fields),
        rule: reader.required::<RuleWord>(fields, "rule", Reader::word).unwrap_or(RuleWord::Affinity).into(),
        mode: reader.optional::<RuleModeWord>(fields, "mode", Reader::word).unwrap_or_default().into(),
        vms: reader.required(fields, "vms", Reader::strings).unwrap_or_default(),
    }
}

pub(in crate::dto) fn amounts(reader: &mut Reader, value: &RawValue, at: &str) -> Option<Vec<(String, u64)>> {
    let mut seen = BTreeSet::new();
    let mut amounts = Vec::new();
    for (name, value) in reader.entries(value, at)? {
        let pointer = format!("{at}/{}", escape(&name));
        if !seen.insert(name.clone()) {
            reader.add(pointer, FaultKind::DuplicateKey);
            continue;
        }
        let amount = reader.number(value, &pointer).unwrap_or(0);
        amounts.push((name, amount));
    }
    Some(amounts)
}
