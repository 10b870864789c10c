//! A question about a change, as the service is asked it: the pool document and one change, which has the name
//! of its kind as its only key. New VMs and hosts are described as in a pool document; all else is named.
use super::pool::{
    self, Fault, FaultKind, GuaranteeWord, HostDocument, HostStateWord, PoolDocument, RestartPriorityWord,
    VmDocument,
};
use lifeboat_model::change::{Change, LeftBehind};
use lifeboat_model::spec::{self, HostSpec, VmSpec};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

/// May this change be made?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CheckRequest")]
pub struct CheckRequest<'a> {
    /// The pool before the change.
    #[serde(borrow)]
    #[schemars(with = "PoolDocument<'static>")]
    pool: &'a RawValue,
    /// The change.
    #[serde(borrow)]
    #[schemars(with = "ChangeRequest<'static>")]
    change: &'a RawValue,
}

/// One change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[schemars(rename = "ChangeRequest")]
pub enum ChangeRequest<'a> {
    /// Start a VM that the pool does not have yet; without a host, the best one is looked for.
    StartNew {
        /// The VM.
        #[serde(borrow)]
        vm: Box<VmDocument<'a>>,
        /// The host.
        host: Option<String>,
    },
    /// Start a VM that runs nowhere; without a host, the best one is looked for.
    Start {
        /// The VM.
        vm: String,
        /// The host.
        host: Option<String>,
    },
    /// Migrate a VM, judged by where it ends.
    Migrate {
        /// The VM.
        vm: String,
        /// The host.
        host: String,
    },
    /// Migrate a VM, judged while it counts at both ends.
    BeginMigration {
        /// The VM.
        vm: String,
        /// The host.
        host: String,
    },
    /// Stop a VM.
    Stop {
        /// The VM.
        vm: String,
    },
    /// Suspend a VM.
    Suspend {
        /// The VM.
        vm: String,
    },
    /// Give a VM so much memory.
    VmMemory {
        /// The VM.
        vm: String,
        /// All that it has then, in MiB.
        memory_mib: u64,
    },
    /// Set a VM's restart priority.
    RestartPriority {
        /// The VM.
        vm: String,
        /// The priority.
        restart_priority: RestartPriorityWord,
    },
    /// Put a host into another state.
    HostState {
        /// The host.
        host: String,
        /// The state.
        state: HostStateWord,
    },
    /// Remove a host.
    RemoveHost {
        /// The host.
        host: String,
        /// Whether VMs may still run there; protected ones are then pending.
        #[serde(default)]
        leave_pending: bool,
    },
    /// Add a host.
    AddHost {
        /// The host.
        #[serde(borrow)]
        host: Box<HostDocument<'a>>,
    },
    /// Give a host so much memory.
    HostMemory {
        /// The host.
        host: String,
        /// All that it has then, in MiB.
        memory_mib: u64,
    },
    /// Attach a storage to a host.
    AttachStorage {
        /// The host.
        host: String,
        /// The storage.
        storage: String,
    },
    /// Unplug a storage from a host.
    UnplugStorage {
        /// The host.
        host: String,
        /// The storage.
        storage: String,
    },
    /// Plug a network into a host.
    PlugNetwork {
        /// The host.
        host: String,
        /// The network.
        network: String,
    },
    /// Unplug a network from a host.
    UnplugNetwork {
        /// The host.
        host: String,
        /// The network.
        network: String,
    },
    /// Set the host failures to tolerate.
    Target {
        /// How many.
        host_failures_to_tolerate: u64,
    },
    /// Set the notion that the target is held against.
    Guarantee {
        /// The notion.
        guarantee: GuaranteeWord,
    },
}

/// Reads the question: the pool, and the change with its names resolved.
///
/// # Errors
/// Everything that is wrong with the pool, or what is wrong with the change, with pointers into the question.
pub fn read(document: &[u8]) -> Result<(Pool, Change), Vec<Fault>> {
    let request: CheckRequest<'_> =
        serde_json::from_slice(document).map_err(|error| vec![unreadable("", &error.to_string())])?;
    let pool = pool::read(request.pool.get().as_bytes()).map_err(|faults| {
        faults
            .into_iter()
            .map(|fault| Fault { pointer: format!("/pool{}", fault.pointer), ..fault })
            .collect::<Vec<_>>()
    })?;
    let change: ChangeRequest<'_> = serde_json::from_str(request.change.get())
        .map_err(|error| vec![unreadable("/change", &error.to_string())])?;
    let change = Names { pool: &pool }.resolve(change).map_err(|fault| vec![fault])?;
    Ok((pool, change))
}

/// Reads a change to a pool that the reader has already.
///
/// # Errors
/// What is wrong with the change.
pub fn read_change(pool: &Pool, document: &[u8]) -> Result<Change, Vec<Fault>> {
    let change: ChangeRequest<'_> =
        serde_json::from_slice(document).map_err(|error| vec![unreadable("", &error.to_string())])?;
    let change = Names { pool }.resolve(change);
    change.map_err(|fault| vec![Fault { pointer: String::new(), ..fault }])
}

fn unreadable(pointer: &str, why: &str) -> Fault {
    Fault { pointer: pointer.to_owned(), kind: FaultKind::Unsound(spec::Fault::Unreadable(why.to_owned())) }
}

/// Resolves names in a pool.
struct Names<'p> {
    pool: &'p Pool,
}

impl Names<'_> {
    fn resolve(&self, request: ChangeRequest<'_>) -> Result<Change, Fault> {
        use ChangeRequest as Asked;
        Ok(match request {
            Asked::StartNew { vm, host } => {
                Change::StartNew { vm: Box::new(VmSpec::from(*vm)), host: self.host_if_named(host)? }
            }
            Asked::Start { vm, host } => Change::Start { vm: self.vm(&vm)?, host: self.host_if_named(host)? },
            Asked::Migrate { vm, host } => Change::EndMigration { vm: self.vm(&vm)?, to: self.host(&host)? },
            Asked::BeginMigration { vm, host } => {
                Change::BeginMigration { vm: self.vm(&vm)?, to: self.host(&host)? }
            }
            Asked::Stop { vm } => Change::Stop { vm: self.vm(&vm)? },
            Asked::Suspend { vm } => Change::Suspend { vm: self.vm(&vm)? },
            Asked::VmMemory { vm, memory_mib } => Change::VmMemory { vm: self.vm(&vm)?, memory_mib },
            Asked::RestartPriority { vm, restart_priority } => {
                Change::Protect { vm: self.vm(&vm)?, priority: restart_priority.into() }
            }
            Asked::HostState { host, state } => {
                Change::HostState { host: self.host(&host)?, state: state.into() }
            }
            Asked::RemoveHost { host, leave_pending } => {
                let vms = if leave_pending { LeftBehind::Pending } else { LeftBehind::Refuse };
                Change::RemoveHost { host: self.host(&host)?, vms }
            }
            Asked::AddHost { host } => Change::AddHost { host: Box::new(HostSpec::from(*host)) },
            Asked::HostMemory { host, memory_mib } => {
                Change::HostMemory { host: self.host(&host)?, memory_mib }
            }
            Asked::AttachStorage { host, storage } => {
                Change::AttachStorage { host: self.host(&host)?, storage: self.storage(&storage)? }
            }
            Asked::UnplugStorage { host, storage } => {
                Change::UnplugStorage { host: self.host(&host)?, storage: self.storage(&storage)? }
            }
            Asked::PlugNetwork { host, network } => {
                Change::PlugNetwork { host: self.host(&host)?, network: self.network(&network)? }
            }
            Asked::UnplugNetwork { host, network } => {
                Change::UnplugNetwork { host: self.host(&host)?, network: self.network(&network)? }
            }
            Asked::Target { host_failures_to_tolerate } => Change::Target { host_failures_to_tolerate },
            Asked::Guarantee { guarantee } => Change::Guarantee { guarantee: guarantee.into() },
        })
    }

    fn host_if_named(&self, name: Option<String>) -> Result<Option<HostIndex>, Fault> {
        name.map(|name| self.host(&name)).transpose()
    }

    fn host(&self, name: &str) -> Result<HostIndex, Fault> {
        self.pool.find_host(name).ok_or_else(|| unknown(spec::Fault::UnknownHost(name.to_owned())))
    }

    fn vm(&self, name: &str) -> Result<VmIndex, Fault> {
        self.pool.find_vm(name).ok_or_else(|| unknown(spec::Fault::UnknownVm(name.to_owned())))
    }

    fn storage(&self, name: &str) -> Result<StorageIndex, Fault> {
        let position = self.pool.storages().iter().position(|storage| storage.id == name);
        position.map(StorageIndex::new).ok_or_else(|| unknown(spec::Fault::UnknownStorage(name.to_owned())))
    }

    fn network(&self, name: &str) -> Result<NetworkIndex, Fault> {
        let position = self.pool.networks().iter().position(|network| network == name);
        position.map(NetworkIndex::new).ok_or_else(|| unknown(spec::Fault::UnknownNetwork(name.to_owned())))
    }
}

fn unknown(fault: spec::Fault) -> Fault {
    Fault { pointer: "/change".to_owned(), kind: FaultKind::Unsound(fault) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = r#"{"format":"lifeboat.pool/v1","id":"p","hosts":[{"id":"a","memory_mib":9},{"id":"b","memory_mib":9}],
        "vms":[{"id":"v","memory_mib":1,"host":"a"}]}"#;

    fn asked(change: &str) -> Result<Change, String> {
        read(format!(r#"{{"pool":{POOL},"change":{change}}}"#).as_bytes())
            .map(|(_, change)| change)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn names_are_resolved_in_the_pool_that_comes_along() {
        let to_b = Change::EndMigration { vm: VmIndex(0), to: HostIndex(1) };
        assert_eq!(asked(r#"{"migrate":{"vm":"v","host":"b"}}"#), Ok(to_b));
        let Ok(Change::StartNew { vm, host: None }) =
            asked(r#"{"start-new":{"vm":{"id":"w","memory_mib":2}}}"#)
        else {
            panic!("a start without a host")
        };
        assert_eq!((vm.id.as_str(), vm.memory_mib), ("w", 2));
        assert_eq!(asked(r#"{"stop":{"vm":"v"}}"#), Ok(Change::Stop { vm: VmIndex(0) }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_the_question() {
        assert!(
            asked(r#"{"stop":{"vm":"x"}}"#).is_err_and(|told| told.starts_with("/change: unknown VM \"x\""))
        );
        assert!(
            asked(r#"{"explode":{"vm":"v"}}"#)
                .is_err_and(|told| told.starts_with("/change: unknown variant"))
        );
        let wrong = br#"{"pool":{"format":"lifeboat.pool/v1","id":"p","hosts":[{"id":"a"}],"vms":[]},"change":{"stop":{"vm":"v"}}}"#;
        assert_eq!(read(wrong).expect_err("no memory")[0].pointer, "/pool/hosts/0/memory_mib");
        assert_eq!(read(b"{}").expect_err("nothing")[0].pointer, "");
    }
}
