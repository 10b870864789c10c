//! The files by which a host of the lab knows who it is and what it has.
use super::{PoolFault, Wishes};
use crate::bmc;
use crate::device::{METADATA, SHARED_DISK, STATEFILE};
use crate::guest::IMAGES;
use crate::host::Host;
use crate::lab::Lab;
use crate::network::{HEARTBEATS, address, operator};
use crate::programs::Programs;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

/// Where agents listen on every heartbeat network.
pub const HEARTBEAT_PORT: u16 = 7946;
/// Where services listen.
pub const API_PORT: u16 = 7878;
/// The storage on which guests have their disks, as the pool calls it.
pub const STORAGE: &str = "san1";

/// Where a host's service is reached.
pub fn api(host: usize) -> String {
    format!("https://{}:{API_PORT}", address(host, "mgmt"))
}

/// Where the pool's database is.
pub fn metadata() -> String {
    format!("volume:{SHARED_DISK}?offset={STATEFILE}&length={METADATA}")
}

/// A host's `agent.toml`.
pub fn agent(host: &Host, all: &[Host], programs: &Programs, wishes: Wishes) -> String {
    let at = host.folder().join("lifeboat");
    let at = at.display();
    let mut text = format!(
        "[host]\nname = \"{name}\"\nstate_directory = \"{at}/state\"\nrun_directory = \"{at}/run\"\nboot_id_file = \"{folder}/boot_id\"\nreboot = [\"touch\", \"{folder}/reboot\"]\n\n",
        name = host.name(),
        folder = host.folder().display(),
    );
    for network in HEARTBEATS {
        let listen = address(host.spec.number, network);
        let _ = writeln!(
            text,
            "[[network]]\nname = \"{network}\"\ninterface = \"{network}\"\nlisten = \"{listen}:{HEARTBEAT_PORT}\"\n"
        );
    }
    let _ = writeln!(
        text,
        "[medium]\nkind = \"statefile\"\npath = \"{SHARED_DISK}\"\n\n[watchdog]\nkind = \"supervisor\"\npath = \"{at}/run/watchdog.sock\"\n\n\
         [fence]\nreset = \"watchdog\"\n"
    );
    for other in all.iter().filter(|other| wishes.bmc && other.spec.number != host.spec.number) {
        let _ = writeln!(
            text,
            "[[fence.agent]]\nhost = \"{}\"\nagent = \"fence_ipmilan\"\nparameters = {{ ip = \"{}\", ipport = \"{}\", username = \"{}\", lanplus = \"1\", cipher = \"3\", power_wait = \"0\" }}\n\
             parameter_files = {{ password = \"{}\" }}\npower_on = true\n",
            other.name(),
            operator(),
            bmc::port(other),
            bmc::USER,
            host.folder().join("lifeboat/etc/bmc-password").display(),
        );
    }
    let _ = writeln!(
        text,
        "[hypervisor]\nkind = \"libvirt\"\nuri = \"qemu:///system\"\nmigrate_to = \"qemu+tcp://{{host}}/system\"\nmemory_mib = 8192\nreserved_mib = 512\n\n\
         [[hypervisor.storage]]\nid = \"{STORAGE}\"\npaths = [\"{IMAGES}/\"]\n\n\
         [service]\ncommand = [\"{service}\", \"serve\", \"--config\", \"{at}/etc/lifeboat.toml\", \"--under-agent\"]\nvolume = \"{SHARED_DISK}\"\n\n\
         [log]\nlevel = \"debug\"\n",
        service = programs.service.display(),
    );
    text
}

/// Replaces what `init` or `join` wrote by what a lab has besides, and puts the agent's program where pid 1 looks for it.
///
/// # Errors
/// If the host's folder cannot be written.
pub fn write(host: &Host, lab: &Lab, programs: &Programs, wishes: Wishes) -> Result<(), PoolFault> {
    let at = host.folder().join("lifeboat");
    fs::write(at.join("etc/agent.toml"), agent(host, &lab.hosts, programs, wishes))?;
    let token = at.join("etc/admin-token");
    fs::copy(lab.folder().join("admin-token"), &token)?;
    fs::write(at.join("etc/bmc-password"), bmc::PASSWORD)?;
    for secret in ["admin-token", "bmc-password"] {
        fs::set_permissions(
            at.join("etc").join(secret),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )?;
    }
    let mut service = fs::OpenOptions::new().append(true).open(at.join("etc/lifeboat.toml"))?;
    writeln!(service, "\n[tokens]\nbootstrap = {{ file = \"{}\" }}", token.display())?;
    let program = at.join("lifeboat-agent");
    if !program.exists() {
        std::os::unix::fs::symlink(&programs.agent, program)?;
    }
    Ok(())
}
