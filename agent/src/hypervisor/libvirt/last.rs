//! The last resort: every VM of this host is stopped, whether libvirt answers or not, and nothing counts but that no QEMU of it is left.
use super::Libvirt;
use super::virsh::is_not_running;
use crate::hypervisor::processes::{self, Process};
use crate::hypervisor::{Fault, Hypervisor};
use roxmltree::Document;
use rustix::process::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long libvirt may take to destroy one, before its process is killed.
const DESTROYS: Duration = Duration::from_secs(2);
/// How many are destroyed at once.
const AT_ONCE: usize = 16;
/// How long killed processes may take to be gone in one try.
const GONE_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn kill_all(libvirt: &Libvirt) -> Result<(), Fault> {
    let destroyed = libvirt.guests().and_then(|guests| {
        let running: Vec<String> = guests.into_iter().filter(|g| g.state.may_run()).map(|g| g.vm).collect();
        destroy(libvirt, &running)
    });
    if let Err(fault) = &destroyed {
        tracing::warn!(%fault, "libvirt does not stop its VMs; their processes are killed");
        // It may have a request in its socket to start a VM, which it would carry out when it comes to itself.
        let files = libvirt.section.daemon_pid_files.iter();
        let mut daemons: Vec<Process> = files.filter_map(|file| daemon(file)).collect();
        if daemons.is_empty() {
            // Its pid file may be elsewhere. Those of other namespaces are other hosts', in a laboratory.
            let ours = namespace(rustix::process::getpid());
            daemons = processes::such(|pid| is_daemon(pid) && namespace(pid) == ours);
        }
        if !processes::end_all(&daemons, GONE_WITHIN) {
            return Err(Fault::Silent("libvirt's daemon hangs and cannot be killed".into()));
        }
    }
    let mark = &libvirt.section.qemu_mark;
    loop {
        let left = processes::such(|pid| is_qemu(pid, mark));
        if left.is_empty() {
            break;
        }
        if !processes::end_all(&left, GONE_WITHIN) {
            return Err(Fault::Silent(format!("{} processes of VMs do not end", left.len())));
        }
    }
    match destroyed {
        Ok(()) => {
            let left = libvirt.guests()?.into_iter().filter(|guest| guest.state.may_run()).count();
            if left == 0 { Ok(()) } else { Err(Fault::Silent(format!("{left} VMs run still"))) }
        }
        // Only of QEMU it is certain without libvirt: its VMs are processes of this host.
        Err(_) if libvirt.section.uri.starts_with("qemu") => Ok(()),
        Err(fault) => Err(fault),
    }
}

fn destroy(libvirt: &Libvirt, vms: &[String]) -> Result<(), Fault> {
    let one = |vm: &String| {
        let Some(uuid) = libvirt.known().uuid(vm) else { return Ok(()) };
        match libvirt.virsh.call(&["destroy", "--domain", &uuid], b"", DESTROYS, &|| false) {
            Err(Fault::Refused(why)) if is_not_running(&why) => Ok(()),
            Err(Fault::Refused(why)) => Err(Fault::Silent(why)),
            other => other.map(drop),
        }
    };
    let mut result = Ok(());
    for some in vms.chunks(AT_ONCE) {
        let destroyed = std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|vm| scope.spawn(move || one(vm))).collect();
            let ended = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Fault::Silent("a thread that destroyed a VM broke".into())))
            });
            ended.fold(Ok(()), Result::and)
        });
        result = result.and(destroyed);
        if result.is_err() {
            break;
        }
    }
    result
}

/// Whether a process is a VM of this libvirt.
fn is_qemu(pid: Pid, mark: &str) -> bool {
    let arguments = processes::arguments(pid);
    let Some(program) = arguments.first() else { return false };
    let program = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = arguments.windows(2).any(|pair| pair[0] == "-name" && pair[1].starts_with("guest="));
    (program.starts_with("qemu-") || program == "kvm")
        && named
        && arguments.iter().any(|argument| argument.contains(mark))
}

fn daemon(file: &Path) -> Option<Process> {
    Process::of(processes::pid_in(file)?, is_daemon)
}

fn is_daemon(pid: Pid) -> bool {
    let name = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_pid())).unwrap_or_default();
    matches!(name.trim(), "libvirtd" | "virtqemud")
}

fn namespace(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/pid", pid.as_raw_pid())).ok()
}

/// Names and UUIDs of the domains that libvirt last wrote down as active.
pub(super) fn active(run_directory: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(run_directory.join("qemu")).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "xml"));
    files.filter_map(|path| named(&fs::read_to_string(path).ok()?)).collect()
}

fn named(status: &str) -> Option<(String, String)> {
    let document = Document::parse(status).ok()?;
    let domain = document.descendants().find(|node| node.has_tag_name("domain"))?;
    let text =
        |name| domain.children().find(|node| node.has_tag_name(name))?.text().map(|t| t.trim().to_owned());
    Some((text("name")?, text("uuid")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libvirt_wrote_down_as_active_is_read_without_it() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("qemu")).expect("a folder");
        let status = "<domstatus state='running' pid='51'><domain type='qemu' id='1'><name>vm 1</name><uuid>u-1</uuid></domain></domstatus>";
        fs::write(folder.path().join("qemu/vm 1.xml"), status).expect("a file");
        fs::write(folder.path().join("qemu/odd.xml"), "<domst").expect("a file");
        assert_eq!(active(folder.path()), [("vm 1".to_owned(), "u-1".to_owned())]);
        assert_eq!(active(Path::new("/nowhere")), []);
    }

    #[test]
    fn only_qemu_of_this_libvirt_is_taken_for_a_vm() {
        let ours = rustix::process::getpid();
        assert!(!is_qemu(ours, ""));
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), ours.as_raw_pid().to_string()).expect("it can be written");
        assert!(daemon(file.path()).is_none(), "a number that is another's by now is left alone");
    }
}
