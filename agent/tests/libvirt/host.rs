//! A host: a libvirt daemon in namespaces of its own, and what can be done to it from outside.
use lifeboat_agent::clock;
use lifeboat_agent::config::hypervisor::{Hypervisor as Section, Kind};
use lifeboat_agent::hypervisor::libvirt::Libvirt;
use lifeboat_agent::hypervisor::processes::{self, Process};
use lifeboat_agent::hypervisor::site::Site;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The first process of a host: mounts what is its own, starts libvirt, and reaps.
const INIT: &str = r#"
R=$1
mkdir -p /run/libvirt /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
for p in run:/run etc:/etc lib:/var/lib log:/var/log cache:/var/cache; do mount --bind "$R/${p%%:*}" "${p##*:}/libvirt" || exit 1; done
mount -t tmpfs locks /run/lock
ip link set lo up 2>/dev/null
libvirtd --pid-file /run/libvirt/libvirtd.pid &
while :; do wait -n 2>/dev/null || sleep 0.05; done
"#;
const QEMU_CONF: &str = "user=\"root\"\ngroup=\"root\"\ndynamic_ownership=0\nremember_owner=0\nsecurity_driver=\"none\"\ncgroup_controllers=[ ]\nnamespaces=[ ]\nstdio_handler=\"file\"\n";
const LIBVIRTD_CONF: &str = "unix_sock_rw_perms=\"0700\"\nauth_unix_rw=\"none\"\nauth_unix_ro=\"none\"\nlog_outputs=\"3:file:/var/log/libvirt/libvirtd.log\"\n";

/// What a guest does after it is up.
#[derive(Clone, Copy)]
pub(crate) enum Guest {
    Beats = 0,
    PowersOff = 1,
    Hangs = 2,
    Writes = 3,
}

/// A host with libvirt.
pub(crate) struct Host {
    folder: tempfile::TempDir,
    unshare: Child,
    init: Pid,
}

/// Waits for something with a deadline.
pub(crate) fn wait_until<T>(what: &str, longest: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let end = clock::now() + longest;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(clock::now() < end, "not within {longest:?}: {what}");
        clock::wait(Duration::from_millis(5));
    }
}

pub(crate) const SOON: Duration = Duration::from_secs(30);

impl Host {
    pub(crate) fn up() -> Self {
        crate::needs();
        let folder = tempfile::Builder::new().prefix("hyper-").tempdir().expect("a folder");
        for part in ["run", "etc", "lib", "log", "cache"] {
            fs::create_dir(folder.path().join(part)).expect("a folder");
        }
        fs::write(folder.path().join("etc/qemu.conf"), QEMU_CONF).expect("it can be written");
        fs::write(folder.path().join("etc/libvirtd.conf"), LIBVIRTD_CONF).expect("it can be written");
        fs::write(folder.path().join("init"), INIT).expect("it can be written");
        let log = fs::File::create(folder.path().join("init.log")).expect("a file");
        let unshare = Command::new("unshare")
            .args([
                "-n",
                "-m",
                "-p",
                "-u",
                "-f",
                "--kill-child=KILL",
                "--mount-proc",
                "--propagation",
                "private",
                "bash",
            ])
            .arg(folder.path().join("init"))
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("unshare is there");
        let parent = Pid::from_child(&unshare);
        let init = wait_until("the host's first process", SOON, || {
            processes::such(|pid| parent_of(pid) == Some(parent)).first().map(|process| process.pid)
        });
        let host = Self { folder, unshare, init };
        host.answers();
        host
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until libvirt answers, and keeps its number where the agent finds it.
    pub(crate) fn answers(&self) {
        wait_until("libvirt answers", SOON, || self.virsh(&["list"]).is_ok().then_some(()));
        fs::write(self.path().join("daemon.pid"), self.daemon().pid.as_raw_pid().to_string())
            .expect("it can be written");
    }

    pub(crate) fn uri(&self) -> String {
        format!("qemu:///system?socket={}/run/libvirt-sock", self.path().display())
    }

    /// Somebody else at this host's libvirt.
    pub(crate) fn virsh(&self, arguments: &[&str]) -> Result<String, String> {
        let said =
            Command::new("virsh").args(["-q", "-c", &self.uri()]).args(arguments).env("LC_ALL", "C").output();
        let said = said.expect("virsh is there");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if said.status.success() { Ok(text(&said.stdout)) } else { Err(text(&said.stderr)) }
    }

    fn all(&self, is: impl Fn(&str) -> bool) -> Vec<Process> {
        let namespace = |pid: Pid| fs::read_link(format!("/proc/{}/ns/pid", pid.as_raw_pid())).ok();
        let ours = namespace(self.init);
        let named = |pid: Pid| {
            let arguments = processes::arguments(pid);
            let program =
                arguments.first().and_then(|first| Path::new(first).file_name()?.to_str().map(str::to_owned));
            program.is_some_and(|program| is(&program))
        };
        processes::such(|pid| named(pid) && namespace(pid) == ours)
    }

    pub(crate) fn daemon(&self) -> Process {
        wait_until("a libvirt daemon", SOON, || self.all(|name| name == "libvirtd").into_iter().next())
    }

    /// The processes of VMs: the truth.
    pub(crate) fn guests(&self) -> Vec<Process> {
        self.all(|name| name.starts_with("qemu-system"))
    }

    pub(crate) fn signal_daemon(&self, signal: Signal) {
        kill_process(self.daemon().pid, signal).expect("it lives");
    }

    /// Starts libvirt anew, after it was killed.
    pub(crate) fn start_daemon(&self) {
        let init = self.init.as_raw_pid().to_string();
        let started = Command::new("nsenter")
            .args([
                "-t",
                &init,
                "-m",
                "-p",
                "-n",
                "-u",
                "libvirtd",
                "--daemon",
                "--pid-file",
                "/run/libvirt/libvirtd.pid",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(started.expect("nsenter is there").success(), "libvirtd does not start");
        self.answers();
    }

    /// The definition of a guest.
    pub(crate) fn definition(&self, name: &str, guest: Guest) -> String {
        let image = self.image(guest);
        let uuid = format!(
            "00000000-0000-4000-8000-{:012x}",
            name.bytes().fold(7_u64, |sum, byte| sum * 31 + u64::from(byte)) & 0xffff_ffff_ffff
        );
        format!(
            "<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>2</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='fd'/></os><features><acpi/></features>\
             <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>\
             <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>\
             <disk type='file' device='floppy'><driver name='qemu' type='raw'/><source file='{}'/>\
             <target dev='fda' bus='fdc'/><readonly/></disk>\
             <controller type='usb' model='none'/><memballoon model='none'/>\
             <video><model type='vga'/></video>\
             <serial type='file'><source path='{}'/></serial></devices></domain>",
            image.display(),
            self.console(name).display()
        )
    }

    pub(crate) fn console(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.console"))
    }

    /// Waits until a guest says so often that it lives.
    pub(crate) fn hears(&self, name: &str, word: &str, times: usize) {
        wait_until(&format!("{name} says {word} {times} times"), SOON, || {
            let said = fs::read_to_string(self.console(name)).unwrap_or_default();
            (said.matches(word).count() >= times).then_some(())
        });
    }

    fn image(&self, guest: Guest) -> PathBuf {
        let mode = guest as u8;
        let at = |ending: &str| self.path().join(format!("guest{mode}.{ending}"));
        if at("img").exists() {
            return at("img");
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libvirt/guest.S");
        let run = |program: &str, arguments: &[&str], from: &Path, to: &Path| {
            let status = Command::new(program).args(arguments).arg("-o").arg(to).arg(from).status();
            assert!(status.expect("binutils are there").success(), "{program} fails");
        };
        run("as", &["--32", "--defsym", "BEAT=9", "--defsym", &format!("MODE={mode}")], &source, &at("o"));
        run(
            "ld",
            &["-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-e", "_start"],
            &at("o"),
            &at("raw"),
        );
        let file = fs::OpenOptions::new().write(true).open(at("raw")).expect("it was made");
        file.set_len(1 << 20).expect("there is room");
        fs::rename(at("raw"), at("img")).expect("it was made");
        at("img")
    }

    /// A file system of its own, with room for so many bytes, which the host alone sees.
    pub(crate) fn mount(&self, folder: &Path, bytes: u32) {
        fs::create_dir(folder).expect("a folder");
        let init = self.init.as_raw_pid().to_string();
        let mounted = Command::new("nsenter")
            .args(["-t", &init, "-m", "mount", "-t", "tmpfs", "-o", &format!("size={bytes}"), "small"])
            .arg(folder)
            .status();
        assert!(mounted.expect("nsenter is there").success(), "it is not mounted");
        let made = Command::new("nsenter")
            .args(["-t", &init, "-m", "truncate", "-s", "1M"])
            .arg(folder.join("disk"))
            .status();
        assert!(made.expect("nsenter is there").success(), "no disk on it");
    }

    /// What the agent of this host is told of its hypervisor.
    pub(crate) fn section(&self) -> Section {
        Section {
            kind: Kind::Libvirt,
            uri: self.uri(),
            run_directory: self.path().join("run"),
            qemu_mark: self.path().display().to_string(),
            daemon_pid_files: vec![self.path().join("daemon.pid")],
            answer_within_ms: 20_000,
            vcpus: Some(4),
            ..Section::default()
        }
    }

    /// The same for tests in which the daemon hangs: so long they wait for it.
    pub(crate) fn hasty_section(&self) -> Section {
        Section { answer_within_ms: 2000, ..self.section() }
    }

    pub(crate) fn libvirt(&self) -> Arc<Libvirt> {
        Self::of(&self.section())
    }

    pub(crate) fn hasty_libvirt(&self) -> Arc<Libvirt> {
        Self::of(&self.hasty_section())
    }

    fn of(section: &Section) -> Arc<Libvirt> {
        Arc::new(Libvirt::new(section, Arc::new(Site::new(section))))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path().join("log/libvirtd.log")).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(20).collect();
            let _ = writeln!(std::io::stderr(), "libvirt of the host said last:\n{}", end.join("\n"));
        }
        let _ = kill_process(self.init, Signal::KILL);
        let _ = self.unshare.wait();
    }
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    Pid::from_raw(stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()?)
}
