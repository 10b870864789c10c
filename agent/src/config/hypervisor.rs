//! The section `[hypervisor]` of `agent.toml`: what runs VMs here, and what of the pool's storages and networks this host has.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What runs VMs here. What each field means for which kind is told in docs/hypervisors.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hypervisor {
    /// Which it is.
    pub kind: Kind,
    /// libvirt: where it is.
    pub uri: String,
    /// libvirt: its command line.
    pub virsh: PathBuf,
    /// libvirt: what VMs are called in the pool.
    pub vm_id: VmId,
    /// libvirt: where other hosts' are reached, with `{host}` for the host's name.
    pub migrate_to: String,
    /// libvirt: over what the memory goes, with `{host}` and `{vm}`; empty: as libvirt does it by itself.
    pub migrate_over: String,
    /// libvirt: its run directory, with pid files of VMs in `qemu/`.
    pub run_directory: PathBuf,
    /// libvirt: what stands in the command line of each QEMU process of this libvirt, and of no other.
    pub qemu_mark: String,
    /// libvirt: pid files of its daemons, which may still have an unheard request when all VMs are to be stopped.
    pub daemon_pid_files: Vec<PathBuf>,
    /// Restarts the hypervisor's service; empty: nobody does.
    pub revive: Vec<String>,
    /// exec: the program and its first arguments.
    pub command: Vec<String>,
    /// How long the hypervisor may take to answer a question.
    pub answer_within_ms: u64,
    /// How long it may take to start a VM.
    pub start_within_s: u64,
    /// How long a migration may take.
    pub migrate_within_s: u64,
    /// How many VMs are started at once.
    pub starts_at_once: usize,
    /// Memory in all; none: what the kernel says.
    pub memory_mib: Option<u64>,
    /// Memory that is kept back for the host itself.
    pub reserved_mib: u64,
    /// Countable resources beside memory and vCPUs.
    pub resources: BTreeMap<String, u64>,
    /// How many vCPUs there are for VMs; none: they are not counted.
    pub vcpus: Option<u64>,
    /// The pool's storages that this host has.
    #[serde(rename = "storage")]
    pub storages: Vec<Storage>,
    /// The pool's networks for VMs that this host has.
    #[serde(rename = "network")]
    pub networks: Vec<Network>,
}

/// What runs VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// libvirt, through its command line.
    #[default]
    Libvirt,
    /// A command per VM.
    Process,
    /// A program that is called with verbs.
    Exec,
    /// Nothing: the host takes part in what the pool decides, and runs no VM.
    None,
}

/// What VMs are called in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VmId {
    /// Their names.
    #[default]
    Name,
    /// Their UUIDs.
    Uuid,
}

/// A storage of the pool that this host has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Its id in the pool.
    pub id: String,
    /// Disks whose path begins so are on it.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Disks of these libvirt pools are on it.
    #[serde(default)]
    pub pools: Vec<String>,
    /// A file, directory or device that can be read while the storage works; none: it is taken to work.
    #[serde(default)]
    pub probe: Option<PathBuf>,
    /// What is done with VMs whose disks are on it when all its paths from here are down.
    #[serde(default)]
    pub on_loss: OnLoss,
    /// After how long.
    #[serde(default = "loss_after")]
    pub after_s: u64,
}

/// A network of the pool for VMs that this host has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its id in the pool.
    pub id: String,
    /// libvirt networks, bridges and interfaces that lead to it.
    #[serde(default)]
    pub names: Vec<String>,
    /// The interface by which it leaves the host; the network is up while that has carrier. None: it is taken to be.
    #[serde(default)]
    pub uplink: Option<String>,
    /// What is done with VMs on it when the uplink is down.
    #[serde(default)]
    pub on_loss: OnLoss,
    /// After how long.
    #[serde(default = "loss_after")]
    pub after_s: u64,
}

const fn loss_after() -> u64 {
    60
}

/// What is done with a VM that lost a storage or a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// Nothing.
    Ignore,
    /// People are told.
    #[default]
    Alert,
    /// It is stopped here, so that it is started where the storage or network is.
    Restart,
}

impl Default for Hypervisor {
    fn default() -> Self {
        Self {
            kind: Kind::Libvirt,
            uri: "qemu:///system".into(),
            virsh: "virsh".into(),
            vm_id: VmId::Name,
            migrate_to: "qemu+tls://{host}/system".into(),
            migrate_over: String::new(),
            run_directory: "/run/libvirt".into(),
            qemu_mark: "/var/lib/libvirt/qemu/".into(),
            daemon_pid_files: vec!["/run/libvirtd.pid".into(), "/run/virtqemud.pid".into()],
            revive: Vec::new(),
            command: Vec::new(),
            answer_within_ms: 2000,
            start_within_s: 60,
            migrate_within_s: 3600,
            starts_at_once: 4,
            memory_mib: None,
            reserved_mib: 0,
            resources: BTreeMap::new(),
            vcpus: None,
            storages: Vec::new(),
            networks: Vec::new(),
        }
    }
}

/// What is wrong with the section.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HypervisorFault {
    /// A number out of its range.
    #[error("hypervisor.{field} = {value}: it is {least} to {most}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What it is.
        value: u64,
        /// The least it can be.
        least: u64,
        /// The most it can be.
        most: u64,
    },
    /// No program to call.
    #[error(
        "hypervisor.command is needed when hypervisor.kind is \"exec\": the program that starts and stops VMs"
    )]
    NoCommand,
    /// Two of one id.
    #[error("hypervisor.{what}: there are two {id:?}")]
    Twice {
        /// What.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// Hosts would all be looked for in one place.
    #[error("hypervisor.migrate_to = {0:?} has no {{host}} in it: all hosts would be one")]
    NoHost(String),
}

impl Hypervisor {
    /// Whether it can be acted by.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), HypervisorFault> {
        let ranges = [
            ("answer_within_ms", self.answer_within_ms, 100, 60_000),
            ("start_within_s", self.start_within_s, 1, 3600),
            ("migrate_within_s", self.migrate_within_s, 1, 86_400),
            ("starts_at_once", self.starts_at_once as u64, 1, 64),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(HypervisorFault::OutOfRange { field, value, least, most });
            }
        }
        if self.kind == Kind::Exec && self.command.is_empty() {
            return Err(HypervisorFault::NoCommand);
        }
        if !self.migrate_to.is_empty() && !self.migrate_to.contains("{host}") {
            return Err(HypervisorFault::NoHost(self.migrate_to.clone()));
        }
        once("storage", self.storages.iter().map(|storage| &storage.id))?;
        once("network", self.networks.iter().map(|network| &network.id))
    }
}

fn once<'a>(what: &'static str, ids: impl Iterator<Item = &'a String>) -> Result<(), HypervisorFault> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(HypervisorFault::Twice { what, id: id.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_can_be_left_out_and_written_in_full() {
        assert_eq!(toml::from_str::<Hypervisor>("").expect("all has a default"), Hypervisor::default());
        let text = r#"
            kind = "exec"
            command = ["/usr/local/bin/vms"]
            [[storage]]
            id = "san1"
            paths = ["/srv/san1/"]
            probe = "/srv/san1"
            on_loss = "restart"
            [[network]]
            id = "lan"
            names = ["br0"]
            uplink = "eth1"
        "#;
        let section: Hypervisor = toml::from_str(text).expect("it is well-formed");
        assert_eq!(section.check(), Ok(()));
        assert_eq!((section.storages[0].on_loss, section.storages[0].after_s), (OnLoss::Restart, 60));
        assert!(toml::from_str::<Hypervisor>("knid = \"exec\"").is_err(), "what is misspelt is refused");
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_mend() {
        let none = Hypervisor { kind: Kind::Exec, ..Hypervisor::default() };
        assert_eq!(none.check(), Err(HypervisorFault::NoCommand));
        let one = Hypervisor { migrate_to: "qemu+tls://h1/system".into(), ..Hypervisor::default() };
        assert!(matches!(one.check(), Err(HypervisorFault::NoHost(_))));
        let never = Hypervisor { starts_at_once: 0, ..Hypervisor::default() };
        assert!(matches!(never.check(), Err(HypervisorFault::OutOfRange { field: "starts_at_once", .. })));
        let storage = Storage { id: "san1".into(), ..Storage::default() };
        let twice = Hypervisor { storages: vec![storage.clone(), storage], ..Hypervisor::default() };
        assert!(matches!(twice.check(), Err(HypervisorFault::Twice { what: "storage", .. })));
    }
}
