//! A host of the lab, as its folder describes it: so that the lab, the host's own pid 1, its BMC and whoever cleans up later all find
//! the same things.
//!
//! | in the folder | what |
//! | --- | --- |
//! | `host.json` | [`Spec`] |
//! | `power` | the process that holds the host's namespaces; while it lives the host is on |
//! | `boot_id` | made anew at every start |
//! | `run`, `etc`, `lib`, `log`, `cache` | what the host sees as `/run/libvirt`, `/etc/libvirt`, ... |
//! | `lifeboat/{etc,state,run}` | its agent's and service's files |
//! | `UNIT.off` | while it is there, pid 1 leaves that unit (`libvirtd`, `agent`) alone when it has ended |
//! | `reboot` | it has ended by itself in good order, to be switched on again |
//! | `UNIT.log`, `console` | what they wrote |
use crate::clock::{first, until};
use crate::command::{Failed, line};
use crate::device;
use crate::process::{Process, stat};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a host is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Its name in the pool: h1, h2, ...
    pub name: String,
    /// Its number, from 1.
    pub number: usize,
    /// The path of its network namespace.
    pub namespace: String,
    /// The group of its processes, for blkio.
    pub group: PathBuf,
    /// Its way to the shared disk.
    pub device: String,
    /// The program `lab-host`.
    pub pid_1: PathBuf,
}

/// A host of the lab, on or off.
#[derive(Clone, Debug)]
pub struct Host {
    folder: PathBuf,
    /// What it is made of.
    pub spec: Spec,
}

/// A program that the host's pid 1 keeps running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The hypervisor's daemon.
    Libvirtd,
    /// Lifeboat's agent, which minds the service.
    Agent,
}

impl Unit {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libvirtd => "libvirtd",
            Self::Agent => "agent",
        }
    }
}

/// Why a host cannot be switched on.
#[derive(Debug, thiserror::Error)]
pub enum HostFault {
    /// A file of the host's folder.
    #[error("the host's folder cannot be read or written")]
    File(#[from] io::Error),
    /// What describes it is damaged.
    #[error("host.json is damaged")]
    Spec(#[from] serde_json::Error),
    /// A tool failed.
    #[error("the host cannot be prepared")]
    Tool(#[from] Failed),
    /// It is on.
    #[error("{0} is on already")]
    IsOn(String),
}

impl Host {
    /// A new host, off.
    ///
    /// # Errors
    /// If its folder cannot be made.
    pub fn make(lab: &Path, spec: Spec) -> Result<Self, HostFault> {
        let folder = lab.join(&spec.name);
        for part in [
            "run",
            "etc",
            "lib/images",
            "log/consoles",
            "cache",
            "lifeboat/etc",
            "lifeboat/state",
            "lifeboat/run",
        ] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(
            folder.join("etc/qemu.conf"),
            "user = \"root\"\ngroup = \"root\"\ndynamic_ownership = 0\nremember_owner = 0\nsecurity_driver = \"none\"\ncgroup_controllers = [ ]\nnamespaces = [ ]\nstdio_handler = \"file\"\n",
        )?;
        let uuid = format!("11feb0a7-0000-4000-9000-{:012x}", spec.number);
        fs::write(
            folder.join("etc/libvirtd.conf"),
            format!(
                "unix_sock_rw_perms = \"0700\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\nlisten_tls = 0\nlisten_tcp = 1\nauth_tcp = \"none\"\nhost_uuid = \"{uuid}\"\nlog_outputs = \"3:file:/var/log/libvirt/libvirtd.log\"\n"
            ),
        )?;
        fs::write(folder.join("host.json"), serde_json::to_string_pretty(&spec)?)?;
        Ok(Self { folder, spec })
    }

    /// The host that a folder describes.
    ///
    /// # Errors
    /// If it describes none.
    pub fn of(folder: &Path) -> Result<Self, HostFault> {
        let spec = serde_json::from_str(&fs::read_to_string(folder.join("host.json"))?)?;
        Ok(Self { folder: folder.to_path_buf(), spec })
    }

    /// All hosts of a lab.
    pub fn all(lab: &Path) -> Vec<Self> {
        let entries = fs::read_dir(lab).into_iter().flatten().flatten();
        let mut hosts: Vec<Self> = entries.filter_map(|entry| Self::of(&entry.path()).ok()).collect();
        hosts.sort_by_key(|host| host.spec.number);
        hosts
    }

    /// The host's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// How to reach its hypervisor from outside.
    pub fn uri(&self) -> String {
        format!("qemu:///system?socket={}", self.folder.join("run/libvirt-sock").display())
    }

    /// Asks its hypervisor.
    ///
    /// # Errors
    /// If virsh fails.
    pub fn virsh(&self, words: &str) -> Result<String, Failed> {
        line(&format!("virsh -q -c {} {words}", self.uri()))
    }

    /// The process that holds its namespaces, while it is on.
    fn holder(&self) -> Option<Process> {
        Process::recorded(&self.folder.join("power"))
    }

    /// Its pid 1, as the machine counts, while it is on.
    pub fn pid_1(&self) -> Option<Process> {
        self.holder()?.children().first().copied()
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.holder().is_some()
    }

    /// Switches it on.
    ///
    /// # Errors
    /// If it is on, or the machine refuses the namespaces.
    pub fn power_on(&self) -> Result<(), HostFault> {
        if self.is_on() {
            return Err(HostFault::IsOn(self.spec.name.clone()));
        }
        for volatile in ["run", "lifeboat/run"] {
            let path = self.folder.join(volatile);
            fs::remove_dir_all(&path)?;
            fs::create_dir_all(&path)?;
        }
        fs::copy("/proc/sys/kernel/random/uuid", self.folder.join("boot_id"))?;
        let console = File::options().create(true).append(true).open(self.folder.join("console"))?;
        let holder = Command::new("nsenter")
            .arg(format!("--net={}", self.spec.namespace))
            .args([
                "unshare",
                "--mount",
                "--pid",
                "--uts",
                "--fork",
                "--kill-child=KILL",
                "--mount-proc",
                "--propagation",
                "private",
            ])
            // A watchdog is no program that waits for its turn; what it starts is.
            .args(["chrt", "--fifo", "--reset-on-fork", "50"])
            .arg(&self.spec.pid_1)
            .arg("init")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()?;
        if let Some(process) = Process::of(holder.id()) {
            fs::write(self.folder.join("power"), process.record())?;
        }
        reap(holder);
        Ok(())
    }

    /// Takes its power away: everything in it ends at once. Says whether it is off then.
    pub fn power_off(&self) -> bool {
        let Some(holder) = self.holder() else { return true };
        if let Some(pid_1) = self.pid_1() {
            pid_1.signal(Signal::KILL);
        }
        if !until(Duration::from_millis(500), || !holder.lives()) {
            // A request that waits for a stalled disk keeps its process, as no power cut would.
            self.heal_storage();
            holder.signal(Signal::KILL);
        }
        until(Duration::from_secs(10), || !holder.lives())
    }

    /// Switches it on again if it has ended by itself in good order, as a machine's firmware does after a reboot; whether it has.
    ///
    /// # Errors
    /// As for [`Self::power_on`].
    pub fn begin_again(&self) -> Result<bool, HostFault> {
        let mark = self.folder.join("reboot");
        if !mark.exists() || self.is_on() {
            return Ok(false);
        }
        fs::remove_file(mark)?;
        self.power_on()?;
        Ok(true)
    }

    /// Waits until its hypervisor answers; says whether it does in time.
    pub fn is_ready(&self, within: Duration) -> bool {
        until(within, || self.folder.join("run/libvirt-sock").exists() && self.virsh("list --name").is_ok())
    }

    /// Its way to the shared disk is whole.
    pub fn heal_storage(&self) {
        // A device or a group that is gone is not in anybody's way.
        let _ = device::stall(&self.spec.group, &self.spec.device, false);
        let _ = device::lose(&self.spec.device, false);
    }

    /// A unit's process, as the machine counts.
    pub fn unit(&self, unit: Unit) -> Option<Process> {
        let name = match unit {
            Unit::Libvirtd => "libvirtd",
            Unit::Agent => "lifeboat-agent",
        };
        self.pid_1()?
            .children()
            .into_iter()
            .find(|child| stat(child.pid).is_some_and(|stat| stat.name == name))
    }

    /// The service's process: a child of the agent.
    pub fn service(&self) -> Option<Process> {
        let children = self.unit(Unit::Agent)?.children();
        children.into_iter().find(|child| stat(child.pid).is_some_and(|stat| stat.name == "lifeboat"))
    }

    /// Sends a unit's process a signal; says whether there was one.
    pub fn signal(&self, unit: Unit, signal: Signal) -> bool {
        // It may just be starting.
        let found = self.is_on().then(|| first(Duration::from_secs(5), || self.unit(unit))).flatten();
        found.is_some_and(|process| process.signal(signal))
    }

    /// Whether pid 1 starts a unit again when it has ended.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep(&self, unit: Unit, kept: bool) -> io::Result<()> {
        let mark = self.folder.join(format!("{}.off", unit.name()));
        match kept {
            true if mark.exists() => fs::remove_file(mark),
            true => Ok(()),
            false => fs::write(mark, ""),
        }
    }
}

/// Takes the exit status of a process whenever it ends, so that its number becomes free.
pub(crate) fn reap(mut child: std::process::Child) {
    std::thread::spawn(move || child.wait());
}
