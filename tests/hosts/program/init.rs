//! Pid 1 of a host: gives the host its own `/run`, `/etc/libvirt` and the like, keeps libvirtd and the agent running as systemd would,
//! reaps, and plays the watchdog ([`super::watchdog`]). When it ends the kernel ends all that runs in the host.
use super::Fault;
use super::watchdog::Watchdog;
use lifeboat_lab::clock::{now, pause};
use lifeboat_lab::command::line;
use lifeboat_lab::device::SHARED_DISK;
use lifeboat_lab::host::{Host, Unit};
use rustix::process::{Pid, WaitOptions, wait};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Between two starts of a unit that ends.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);
/// How late the watchdog bites at most.
const TICK: Duration = Duration::from_millis(5);

/// A unit that is to run.
struct Kept {
    unit: Unit,
    runs: Option<Pid>,
    not_before: Instant,
}

/// Is the host's pid 1 until the watchdog's time has run out.
pub(super) fn run(folder: &Path) -> Result<(), Fault> {
    let host = Host::of(folder)?;
    // "0" is whoever writes it.
    fs::write(host.spec.group.join("cgroup.procs"), "0")?;
    rustix::system::sethostname(host.name().as_bytes())?;
    mount(folder)?;
    // One path on every host, another device behind it.
    std::os::unix::fs::symlink(&host.spec.device, SHARED_DISK)?;
    let watchdog = Watchdog::listen(&folder.join("lifeboat/run/watchdog.sock"))?;
    let mut units = [Unit::Libvirtd, Unit::Agent].map(|unit| Kept { unit, runs: None, not_before: now() });
    while !watchdog.has_run_out() {
        if folder.join("reboot").exists() {
            return Ok(());
        }
        while let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG) {
            for kept in &mut units {
                if kept.runs == Some(pid) {
                    kept.runs = None;
                    kept.not_before = now() + BETWEEN_STARTS;
                }
            }
        }
        for kept in &mut units {
            let off = folder.join(format!("{}.off", kept.unit.name())).exists();
            if kept.runs.is_none() && !off && now() >= kept.not_before {
                kept.runs = start(folder, kept.unit)?;
                kept.not_before = now() + BETWEEN_STARTS;
            }
        }
        pause(TICK);
    }
    Err("the watchdog was not fed: reset".into())
}

/// What the host sees of its own.
fn mount(folder: &Path) -> Result<(), Fault> {
    line("mount -t tmpfs run /run")?;
    fs::create_dir_all("/run/lock")?;
    fs::create_dir_all("/run/libvirt")?;
    for (part, place) in
        [("run", "/run"), ("etc", "/etc"), ("lib", "/var/lib"), ("log", "/var/log"), ("cache", "/var/cache")]
    {
        fs::create_dir_all(format!("{place}/libvirt"))?;
        line(&format!("mount --bind {}/{part} {place}/libvirt", folder.display()))?;
    }
    if let Some(lab) = folder.parent() {
        line(&format!("mount --bind {}/hosts /etc/hosts", lab.display()))?;
    }
    Ok(())
}

/// Starts a unit; none if it is not there, which is looked at again.
fn start(folder: &Path, unit: Unit) -> Result<Option<Pid>, Fault> {
    let agent = folder.join("lifeboat/lifeboat-agent");
    let mut command = match unit {
        Unit::Libvirtd => Command::new("libvirtd"),
        Unit::Agent if agent.exists() && folder.join("lifeboat/etc/agent.toml").exists() => {
            let mut command = Command::new(&agent);
            command.arg("run").arg("--config").arg(folder.join("lifeboat/etc/agent.toml"));
            command
        }
        Unit::Agent => return Ok(None),
    };
    if unit == Unit::Libvirtd {
        command.args(["--listen", "--pid-file", "/run/libvirt/libvirtd.pid"]);
    }
    let log = File::options().create(true).append(true).open(folder.join(format!("{}.log", unit.name())))?;
    let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    // It is reaped with all others, by waiting for whoever ends.
    Ok(i32::try_from(child.id()).ok().and_then(Pid::from_raw))
}
