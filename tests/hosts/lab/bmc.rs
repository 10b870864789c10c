//! A BMC for every host: `ipmi_sim` in the operator's namespace, whose power switch is the host's. `fence_ipmilan` and `ipmitool` speak to
//! it over the management network as to any other one.
use crate::command::{Failed, line};
use crate::host::Host;
use crate::lab::Lab;
use crate::ledger::Thing;
use crate::network::operator;
use crate::process::Process;
use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};

/// Who may switch hosts.
pub const USER: &str = "admin";
/// The user's password.
pub const PASSWORD: &str = "secret";

/// Why there is no BMC.
#[derive(Debug, thiserror::Error)]
pub enum BmcFault {
    /// A file.
    #[error("the BMC's files cannot be written")]
    File(#[from] io::Error),
    /// A tool.
    #[error("a tool of the machine failed")]
    Tool(#[from] Failed),
}

/// Where a host's BMC listens.
pub fn port(host: &Host) -> u16 {
    9000 + host.spec.number as u16
}

/// Starts a host's BMC.
///
/// # Errors
/// If there is no `ipmi_sim`.
pub fn start(lab: &Lab, host: &Host) -> Result<(), BmcFault> {
    let folder = lab.folder().join(format!("bmc-{}", host.name()));
    fs::create_dir_all(folder.join("state"))?;
    let auth = "none md2 md5 straight";
    let chassis = format!("{} chassis {} {}", host.spec.pid_1.display(), lab.folder().display(), host.name());
    let configuration = format!(
        "name \"{name}\"\nset_working_mc 0x20\n startlan 1\n  addr {address} {port}\n  priv_limit admin\n  allowed_auths_callback {auth}\n  \
         allowed_auths_user {auth}\n  allowed_auths_operator {auth}\n  allowed_auths_admin {auth}\n  \
         guid a123456789abcdefa123456789abcd{number:02x}\n endlan\n chassis_control \"{chassis}\"\n \
         user 1 true \"\" \"test\" user 10 {auth}\n user 2 true \"{USER}\" \"{PASSWORD}\" admin 10 {auth}\n",
        name = host.name(),
        address = operator(),
        port = port(host),
        number = host.spec.number,
    );
    fs::write(folder.join("lan.conf"), configuration)?;
    let parts = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n";
    fs::write(folder.join("parts.emu"), parts)?;
    let log = File::create(folder.join("log"))?;
    let child = Command::new("nsenter")
        .arg(format!("--net={}", lab.network.path("op")))
        .args(["ipmi_sim", "-n", "-c"])
        .arg(folder.join("lan.conf"))
        .arg("-f")
        .arg(folder.join("parts.emu"))
        .arg("-s")
        .arg(folder.join("state"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    if let Some(process) = Process::of(child.id()) {
        lab.ledger.note(&Thing::Process(process))?;
    }
    crate::host::reap(child);
    Ok(())
}

/// What a BMC answers to `ipmitool`.
///
/// # Errors
/// If it does not answer.
pub fn ask(lab: &Lab, host: &Host, words: &str) -> Result<String, Failed> {
    let namespace = lab.network.path("op");
    let (address, port) = (operator(), port(host));
    line(&format!(
        "nsenter --net={namespace} ipmitool -I lanplus -C 3 -H {address} -p {port} -U {USER} -P {PASSWORD} {words}"
    ))
}
