//! The change that `check` judges, as options.
use crate::cli::pool::{find_host, find_network, find_storage, find_vm};
use crate::cli::trouble::Trouble;
use crate::dto::newcomer::{read_host, read_vm};
use crate::dto::pool::Fault;
use crate::source;
use clap::ValueEnum;
use lifeboat_model::Pool;
use lifeboat_model::change::{Change, LeftBehind};
use lifeboat_model::spec::{self, HostState, RestartPriority};
use std::path::{Path, PathBuf};

/// One change, and how it is made.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArguments {
    #[command(flatten)]
    which: Which,
    /// With --start or --resume: on this host; without it, the best one is looked for
    #[arg(long, value_name = "HOST", conflicts_with_all = ["migrate", "stop", "suspend", "memory", "protect"])]
    on: Option<String>,
    /// With --migrate: to this host
    #[arg(long, value_name = "HOST", requires = "migrate")]
    to: Option<String>,
    /// With --migrate: judge while it is under way and the VM counts at both ends
    #[arg(long, requires = "migrate")]
    under_way: bool,
    /// With --remove-host: although VMs run there; protected ones are then pending
    #[arg(long, requires = "remove_host")]
    leave_pending: bool,
}

/// Exactly one change.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "The change, exactly one")]
struct Which {
    /// Start a new VM, described as in a pool document; `-` reads standard input
    #[arg(long, value_name = "VM.json")]
    start: Option<PathBuf>,
    /// Start or resume a VM of the pool that runs nowhere
    #[arg(long, value_name = "VM")]
    resume: Option<String>,
    /// Migrate a running VM
    #[arg(long, value_name = "VM", requires = "to")]
    migrate: Option<String>,
    /// Stop a VM
    #[arg(long, value_name = "VM")]
    stop: Option<String>,
    /// Suspend a VM
    #[arg(long, value_name = "VM")]
    suspend: Option<String>,
    /// Give a VM so much memory
    #[arg(long, value_name = "VM=MIB")]
    memory: Option<String>,
    /// Set a VM's restart priority: restart (the default), best-effort or none
    #[arg(long, value_name = "VM[=PRIORITY]")]
    protect: Option<String>,
    /// Let a host take no new VMs
    #[arg(long, value_name = "HOST")]
    disable: Option<String>,
    /// Let a host take VMs again
    #[arg(long, value_name = "HOST")]
    enable: Option<String>,
    /// Put a host into maintenance
    #[arg(long, value_name = "HOST")]
    maintenance: Option<String>,
    /// Remove a host for good
    #[arg(long, value_name = "HOST")]
    remove_host: Option<String>,
    /// Add a host, described as in a pool document; `-` reads standard input
    #[arg(long, value_name = "HOST.json")]
    add_host: Option<PathBuf>,
    /// Give a host so much memory
    #[arg(long, value_name = "HOST=MIB")]
    host_memory: Option<String>,
    /// Attach a storage to a host
    #[arg(long, value_name = "HOST=STORAGE")]
    attach_storage: Option<String>,
    /// Unplug a storage from a host
    #[arg(long, value_name = "HOST=STORAGE")]
    unplug_storage: Option<String>,
    /// Plug a network into a host
    #[arg(long, value_name = "HOST=NETWORK")]
    plug_network: Option<String>,
    /// Unplug a network from a host
    #[arg(long, value_name = "HOST=NETWORK")]
    unplug_network: Option<String>,
    /// Set the host failures to tolerate
    #[arg(long, value_name = "N")]
    hftt: Option<u64>,
    /// Set the notion that the target is held against
    #[arg(long, value_name = "NOTION")]
    guarantee: Option<Guarantee>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Guarantee {
    /// Any number in any order and grouping
    Sequential,
    /// Any number at once
    Simultaneous,
}

impl ChangeArguments {
    /// The change, with the pool's names resolved and files read.
    pub(super) fn read(&self, pool: &Pool) -> Result<Change, Trouble> {
        if let Some(change) = self.to_a_vm(pool).or_else(|| self.to_a_host(pool)) {
            return change;
        }
        Ok(match (self.which.hftt, self.which.guarantee) {
            (Some(host_failures_to_tolerate), _) => Change::Target { host_failures_to_tolerate },
            (None, Some(Guarantee::Simultaneous)) => {
                Change::Guarantee { guarantee: spec::Guarantee::Simultaneous }
            }
            (None, _) => Change::Guarantee { guarantee: spec::Guarantee::Sequential },
        })
    }

    fn to_a_vm(&self, pool: &Pool) -> Option<Result<Change, Trouble>> {
        let on = || self.on.as_deref().map(|name| find_host(pool, name)).transpose();
        let change = if let Some(path) = &self.which.start {
            part(path, read_vm).and_then(|vm| Ok(Change::StartNew { vm: Box::new(vm), host: on()? }))
        } else if let Some(name) = &self.which.resume {
            find_vm(pool, name).and_then(|vm| Ok(Change::Start { vm, host: on()? }))
        } else if let (Some(name), Some(to)) = (&self.which.migrate, &self.to) {
            find_vm(pool, name).and_then(|vm| {
                let to = find_host(pool, to)?;
                Ok(if self.under_way {
                    Change::BeginMigration { vm, to }
                } else {
                    Change::EndMigration { vm, to }
                })
            })
        } else if let Some(name) = &self.which.stop {
            find_vm(pool, name).map(|vm| Change::Stop { vm })
        } else if let Some(name) = &self.which.suspend {
            find_vm(pool, name).map(|vm| Change::Suspend { vm })
        } else if let Some(text) = &self.which.memory {
            pair("--memory", text).and_then(|(name, amount)| {
                Ok(Change::VmMemory { vm: find_vm(pool, name)?, memory_mib: mebibytes("--memory", amount)? })
            })
        } else {
            protection(pool, self.which.protect.as_deref()?)
        };
        Some(change)
    }

    fn to_a_host(&self, pool: &Pool) -> Option<Result<Change, Trouble>> {
        let states = [
            (&self.which.disable, HostState::Disabled),
            (&self.which.enable, HostState::Live),
            (&self.which.maintenance, HostState::Maintenance),
        ];
        for (name, state) in states {
            if let Some(name) = name {
                return Some(find_host(pool, name).map(|host| Change::HostState { host, state }));
            }
        }
        let change = if let Some(name) = &self.which.remove_host {
            let vms = if self.leave_pending { LeftBehind::Pending } else { LeftBehind::Refuse };
            find_host(pool, name).map(|host| Change::RemoveHost { host, vms })
        } else if let Some(path) = &self.which.add_host {
            part(path, read_host).map(|host| Change::AddHost { host: Box::new(host) })
        } else if let Some(text) = &self.which.host_memory {
            pair("--host-memory", text).and_then(|(name, amount)| {
                let memory_mib = mebibytes("--host-memory", amount)?;
                Ok(Change::HostMemory { host: find_host(pool, name)?, memory_mib })
            })
        } else if let Some(text) = &self.which.attach_storage {
            pair("--attach-storage", text).and_then(|(host, storage)| {
                let storage = find_storage(pool, storage)?;
                Ok(Change::AttachStorage { host: find_host(pool, host)?, storage })
            })
        } else if let Some(text) = &self.which.unplug_storage {
            pair("--unplug-storage", text).and_then(|(host, storage)| {
                let storage = find_storage(pool, storage)?;
                Ok(Change::UnplugStorage { host: find_host(pool, host)?, storage })
            })
        } else if let Some(text) = &self.which.plug_network {
            pair("--plug-network", text).and_then(|(host, network)| {
                let network = find_network(pool, network)?;
                Ok(Change::PlugNetwork { host: find_host(pool, host)?, network })
            })
        } else {
            pair("--unplug-network", self.which.unplug_network.as_deref()?).and_then(|(host, network)| {
                let network = find_network(pool, network)?;
                Ok(Change::UnplugNetwork { host: find_host(pool, host)?, network })
            })
        };
        Some(change)
    }
}

/// A VM or host in a file of its own.
pub(in crate::cli) fn part<T>(path: &Path, read: fn(&[u8]) -> Result<T, Vec<Fault>>) -> Result<T, Trouble> {
    let document = source::read(path, source::MOST_FILE_BYTES)?;
    read(&document).map_err(|faults| Trouble::Document { path: path.display().to_string(), faults })
}

/// `NAME=VALUE`; names may have `=` in them, values have not.
fn pair<'t>(option: &'static str, text: &'t str) -> Result<(&'t str, &'t str), Trouble> {
    text.rsplit_once('=').ok_or_else(|| Trouble::Misspelt {
        option,
        text: text.to_owned(),
        expected: "NAME=VALUE",
    })
}

fn mebibytes(option: &'static str, text: &str) -> Result<u64, Trouble> {
    let misspelt = || Trouble::Misspelt { option, text: text.to_owned(), expected: "a whole number of MiB" };
    text.parse().map_err(|_| misspelt())
}

fn protection(pool: &Pool, text: &str) -> Result<Change, Trouble> {
    if let Some(vm) = pool.find_vm(text) {
        return Ok(Change::Protect { vm, priority: RestartPriority::Restart });
    }
    let (name, word) = text.rsplit_once('=').unwrap_or((text, "restart"));
    let vm = find_vm(pool, name)?;
    let priority = match word {
        "restart" => RestartPriority::Restart,
        "best-effort" => RestartPriority::BestEffort,
        "none" | "" => RestartPriority::Unprotected,
        _ => {
            let expected = "restart, best-effort or none";
            return Err(Trouble::Misspelt { option: "--protect", text: word.to_owned(), expected });
        }
    };
    Ok(Change::Protect { vm, priority })
}
