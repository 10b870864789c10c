//! `lifeboat libvirt-hook`: what libvirt runs on a host. See [`crate::libvirt_hook`].
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::config::Secrets;
use crate::libvirt_hook::attend::{CallError, Host};
use crate::libvirt_hook::service::Remote;
use crate::libvirt_hook::{Decision, Domain, HookSettings, Occasion, attend, domain, settings, syslog};
use crate::source;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The largest configuration file.
const MOST_BYTES: u64 = 1 << 20;

const EXAMPLES: &str = "Examples:
  Install it (contrib/libvirt/qemu is a script that runs it):
    install -m 755 contrib/libvirt/qemu /etc/libvirt/hooks/qemu
  See what it makes of a VM, without libvirt:
    virsh dumpxml web1 | lifeboat libvirt-hook -- web1 prepare begin -";

/// What libvirt runs on a host when something happens to a VM
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The VM, as libvirt names it; one that is named like an option goes behind --
    #[arg(allow_hyphen_values = true)]
    domain: Option<String>,
    /// What happens: prepare, start, started, stopped, release, migrate, restore, reconnect, attach
    #[arg(requires = "sub_operation", allow_hyphen_values = true)]
    operation: Option<String>,
    /// Whether it begins or ends
    #[arg(allow_hyphen_values = true)]
    sub_operation: Option<String>,
    /// What else libvirt says
    #[arg(allow_hyphen_values = true)]
    extra: Vec<String>,
    /// The hook's configuration
    #[arg(long, value_name = "FILE", default_value = settings::USUAL_PATH)]
    config: PathBuf,
    /// Print a configuration with every key, and do nothing else
    #[arg(long, exclusive = true)]
    example: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let since = Stopwatch::start();
    if arguments.example {
        output.text(&HookSettings::example()).map_err(Trouble::Output)?;
        return Ok(Status::Answered);
    }
    let words = (arguments.operation.as_deref(), arguments.sub_operation.as_deref());
    let (Some(operation), Some(sub_operation)) = words else {
        output.note("libvirt runs this: lifeboat libvirt-hook DOMAIN OPERATION SUB_OPERATION EXTRA, with XML on standard input\n");
        return Ok(Status::Unusable);
    };
    let Some(occasion) = Occasion::of(operation, sub_operation, arguments.extra.first().map(String::as_str))
    else {
        return Ok(Status::Answered);
    };
    let decision = decide(occasion, &arguments.config, since);
    let name = arguments.domain.as_deref().unwrap_or_default();
    Ok(match decision {
        Decision::Pass => Status::Answered,
        Decision::Warn(reason) => {
            syslog::warn(&format!("{name}: {operation} let pass: {reason}"));
            output.note(&format!("lifeboat: {reason}\n"));
            Status::Answered
        }
        Decision::Deny(reason) => {
            syslog::warn(&format!("{name}: {operation} denied: {reason}"));
            output.note(&format!("lifeboat: {reason}\n"));
            Status::Unusable
        }
    })
}

/// Decides in good time. The work is done on a thread of its own, so that nothing (a name server that does not answer, a pipe
/// that is not written) can keep libvirt waiting; the thread ends with the process.
fn decide(occasion: Occasion, config: &Path, since: Stopwatch) -> Decision {
    let settings = match read(config) {
        Ok(settings) => settings,
        Err(fault) => return Decision::Warn(fault),
    };
    let limit = Duration::from_millis(settings.time_limit_ms);
    let (sender, decided) = mpsc::channel();
    let asked = settings.clone();
    let worker = thread::Builder::new().name("ask".to_owned());
    if let Err(error) = worker.spawn(move || sender.send(ask(occasion, &asked, since))) {
        let none = CallError::Unreachable(format!("this host has no thread left to ask by: {error}"));
        return Host { name: "", settings: &settings }.no_answer(occasion, &none);
    }
    decided.recv_timeout(limit.saturating_sub(since.elapsed())).unwrap_or_else(|_| {
        let late = CallError::Unreachable(format!("no answer within {} ms", limit.as_millis()));
        Host { name: "", settings: &settings }.no_answer(occasion, &late)
    })
}

fn ask(occasion: Occasion, settings: &HookSettings, since: Stopwatch) -> Decision {
    let host = |name| Host { name, settings };
    let unusable = |reason: String| host("").no_answer(occasion, &CallError::Unreachable(reason));
    if settings.pool.is_none() {
        return Decision::Pass;
    }
    let mut xml = String::new();
    if let Err(error) = io::stdin().lock().take(domain::MOST_BYTES).read_to_string(&mut xml) {
        return unusable(format!("libvirt's XML cannot be read: {error}"));
    }
    let domain = match Domain::read(&xml) {
        Ok(domain) => domain,
        Err(error) => return unusable(error.to_string()),
    };
    let remote = match Remote::new(settings, &Secrets::default(), since) {
        Ok(remote) => remote,
        Err(error) => return unusable(error.to_string()),
    };
    let name = settings.host.clone().unwrap_or_else(machine);
    attend(occasion, &domain, &host(&name), &remote)
}

fn read(config: &Path) -> Result<HookSettings, String> {
    let bytes = source::read(config, MOST_BYTES).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", config.display()))?;
    HookSettings::of(&text).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(|fault| format!("{}:{fault}", config.display())).collect();
        told.join("; ")
    })
}

/// The name of this machine, up to its first dot.
fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().split('.').next().unwrap_or_default().to_owned()
}
