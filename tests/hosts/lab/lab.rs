//! A lab: so many hosts with their hypervisors, wires, disks and BMCs, and the recorder that watches them.
use crate::command::{Failed, fed};
use crate::device::{self, DeviceFault};
use crate::guest::{self, GuestFault};
use crate::host::{Host, HostFault, Spec};
use crate::ledger::{LABS, Ledger};
use crate::needs::{self, Lack};
use crate::network::{Network, NetworkFault, address};
use crate::process::Process;
use crate::recorder::Recorder;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A lab has no more hosts.
const MOST_HOSTS: usize = 64;
/// How long hosts may take until their hypervisors answer.
const BOOT: Duration = Duration::from_secs(30);

/// Hosts, wires, disks, and who watches them.
#[derive(Debug)]
pub struct Lab {
    /// What was made.
    pub ledger: Ledger,
    /// Wires.
    pub network: Network,
    /// Hosts; the first one is number 1.
    pub hosts: Vec<Host>,
    /// Sees what runs where.
    pub recorder: Recorder,
    disk: PathBuf,
    image: PathBuf,
    pid_1: PathBuf,
    minder: Child,
}

/// Why there is no lab.
#[derive(Debug, thiserror::Error)]
pub enum LabFault {
    /// The machine.
    #[error(transparent)]
    Lack(#[from] Lack),
    /// A file.
    #[error("the lab's files cannot be written")]
    File(#[from] io::Error),
    /// A tool.
    #[error("a tool of the machine failed")]
    Tool(#[from] Failed),
    /// A wire.
    #[error("the lab's network cannot be built")]
    Network(#[from] NetworkFault),
    /// A disk.
    #[error("the lab's disk cannot be built")]
    Device(#[from] DeviceFault),
    /// A host.
    #[error("a host cannot be built")]
    Host(#[from] HostFault),
    /// A guest.
    #[error("the guests cannot be built")]
    Guest(#[from] GuestFault),
    /// A hypervisor.
    #[error("the hypervisor of {0} does not answer")]
    Silent(String),
}

impl Lab {
    /// So many hosts, on, with their hypervisors up. `pid_1` is the program `lab-host`.
    ///
    /// # Errors
    /// If the machine does not allow it, or lacks something that cannot be installed.
    pub fn build(hosts: usize, pid_1: &Path) -> Result<Self, LabFault> {
        needs::meet()?;
        let ledger = Ledger::open()?;
        let minder = mind(&ledger, pid_1)?;
        let disk = device::make_disk(ledger.folder())?;
        let image = guest::image(ledger.folder())?;
        fs::write(ledger.folder().join("hosts"), names())?;
        let network = Network::build(&ledger)?;
        let recorder = Recorder::watch(ledger.folder());
        let pid_1 = pid_1.to_path_buf();
        let mut lab = Self { ledger, network, hosts: Vec::new(), recorder, disk, image, pid_1, minder };
        for _ in 0..hosts {
            lab.add_host()?;
        }
        prime(&lab.hosts)?;
        for host in &lab.hosts {
            lab.switch_on(host)?;
        }
        lab.wait_for(&lab.hosts)?;
        Ok(lab)
    }

    /// One host more, off.
    ///
    /// # Errors
    /// As for [`Lab::build`].
    pub fn add_host(&mut self) -> Result<(), LabFault> {
        let number = self.hosts.len() + 1;
        let name = format!("h{number}");
        self.network.add_host(number)?;
        let spec = Spec {
            number,
            namespace: self.network.path(&name),
            group: device::make_group(&self.ledger, &name)?,
            device: device::attach(&self.ledger, &self.disk)?,
            pid_1: self.pid_1.clone(),
            name,
        };
        let host = Host::make(self.ledger.folder(), spec)?;
        if primed().exists() {
            copy(&primed(), &host.folder().join("cache"))?;
        }
        self.hosts.push(host);
        Ok(())
    }

    /// The lab's folder.
    pub fn folder(&self) -> &Path {
        self.ledger.folder()
    }

    /// A host by its number.
    pub fn host(&self, number: usize) -> &Host {
        &self.hosts[number - 1]
    }

    /// The host of that name.
    pub fn named(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name() == name)
    }

    /// Switches a host on.
    ///
    /// # Errors
    /// If it is on.
    pub fn switch_on(&self, host: &Host) -> Result<(), LabFault> {
        self.recorder.note(&format!("{} is switched on", host.name()));
        Ok(host.power_on()?)
    }

    /// Takes a host's power away; the moment of it.
    pub fn switch_off(&self, host: &Host) -> f64 {
        let moment = self.recorder.time();
        self.recorder.switches_off(host.name());
        host.power_off();
        moment
    }

    /// Waits until hypervisors answer.
    ///
    /// # Errors
    /// [`LabFault::Silent`].
    pub fn wait_for(&self, hosts: &[Host]) -> Result<(), LabFault> {
        let silent = hosts.iter().find(|host| !host.is_ready(BOOT));
        silent.map_or(Ok(()), |host| Err(LabFault::Silent(host.name().into())))
    }

    /// Gives every host the disks of guests of these names.
    ///
    /// # Errors
    /// If there is no room.
    pub fn give_disks(&self, vms: &[String]) -> Result<(), LabFault> {
        for host in &self.hosts {
            for vm in vms {
                let path = host.folder().join(format!("lib/images/{vm}.img"));
                if !path.exists() {
                    fs::copy(&self.image, path)?;
                }
            }
        }
        Ok(())
    }

    /// Defines a guest on a host, as an operator would.
    ///
    /// # Errors
    /// If its hypervisor refuses.
    pub fn define(&self, host: &Host, vm: &str, number: usize) -> Result<(), LabFault> {
        let definition = self.folder().join(format!("{vm}.xml"));
        fs::write(&definition, guest::definition(vm, number))?;
        host.virsh(&format!("define {}", definition.display()))?;
        Ok(())
    }

    /// Runs a program in the operator's namespace and gives it this to read.
    ///
    /// # Errors
    /// If it fails.
    pub fn as_operator(&self, words: &str, input: &str) -> Result<String, Failed> {
        fed(&format!("nsenter --net={} {words}", self.network.path("op")), input)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The minder reads the end of its standard input, and removes the lab.
        drop(self.minder.stdin.take());
        let _ = self.minder.wait();
    }
}

/// The hosts' `/etc/hosts`: they call one another by their names.
fn names() -> String {
    let hosts = (1..=MOST_HOSTS).map(|number| format!("{} h{number}\n", address(number, "mgmt")));
    std::iter::once("127.0.0.1 localhost\n".to_owned()).chain(hosts).collect()
}

/// Starts the process that removes the lab when this one is gone.
fn mind(ledger: &Ledger, pid_1: &Path) -> io::Result<Child> {
    let mut command = Command::new("setsid");
    let minder = command.arg(pid_1).arg("mind").arg(ledger.folder()).stdin(Stdio::piped()).spawn()?;
    if let Some(process) = Process::of(minder.id()) {
        fs::write(ledger.folder().join("minder"), process.record())?;
    }
    Ok(minder)
}

/// What libvirt found out about QEMU, which takes it four seconds, is kept for all hosts of all labs.
fn primed() -> PathBuf {
    Path::new(LABS).join("primed/cache")
}

/// Has the first host find it out, where nobody has yet.
fn prime(hosts: &[Host]) -> Result<(), LabFault> {
    let Some(first) = hosts.first().filter(|_| !primed().exists()) else { return Ok(()) };
    first.power_on()?;
    if !first.is_ready(BOOT) {
        return Err(LabFault::Silent(first.name().into()));
    }
    first.virsh("domcapabilities --virttype qemu --arch x86_64")?;
    first.power_off();
    let half = Path::new(LABS).join("primed/half");
    copy(&first.folder().join("cache"), &half)?;
    fs::rename(half, primed())?;
    hosts.iter().try_for_each(|host| copy(&primed(), &host.folder().join("cache")))
}

fn copy(from: &Path, to: &Path) -> Result<(), LabFault> {
    fs::create_dir_all(to)?;
    crate::command::line(&format!("cp -a {}/. {}", from.display(), to.display()))?;
    Ok(())
}
