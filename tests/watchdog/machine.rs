//! One machine: a QEMU process that ends with the test.
use crate::console::Record;
use crate::needs::Needs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A machine that runs.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    child: Child,
    control: PathBuf,
    log: PathBuf,
}

/// What a machine is made of.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) number: usize,
    pub(crate) folder: &'a Path,
    pub(crate) initramfs: &'a Path,
    pub(crate) disk: &'a Path,
    pub(crate) shared: &'a Path,
    /// The heartbeat network's port on this machine.
    pub(crate) network: u16,
    /// Where its service is reached from here.
    pub(crate) api: u16,
}

impl Machine {
    pub(crate) fn start(needs: &Needs, parts: &Parts<'_>, record: &Record) -> Self {
        let at = |what: &str| parts.folder.join(format!("{}.{what}", parts.name));
        let (control, log) = (at("control"), at("log"));
        let drive = |id: &str, file: &Path, more: &str| {
            format!("file={},if=none,id={id},format=raw,{more}", file.display())
        };
        // Whoever kills the test ends the machines too.
        let mut qemu = Command::new("setpriv");
        qemu.args([
            "--pdeathsig",
            "KILL",
            "qemu-system-x86_64",
            "-M",
            "q35",
            "-accel",
            "tcg",
            "-m",
            "320",
            "-smp",
            "1",
            "-nodefaults",
            "-display",
            "none",
        ]);
        qemu.arg("-kernel").arg(&needs.kernel).arg("-initrd").arg(parts.initramfs);
        // The kernel's check of the timer takes an emulated processor that has to wait for its turn for a broken one.
        qemu.args(["-append", "console=ttyS0 loglevel=4 panic=1 no_timer_check"]);
        qemu.arg("-drive").arg(drive("own", parts.disk, "cache=unsafe"));
        qemu.args(["-device", "virtio-blk-pci,drive=own"]);
        qemu.arg("-drive").arg(drive("shared", parts.shared, "cache=none,file.locking=off"));
        qemu.args(["-device", "virtio-blk-pci,drive=shared,share-rw=on"]);
        qemu.arg("-netdev")
            .arg(format!("socket,id=hb,mcast=239.77.7.1:{},localaddr=127.0.0.1", parts.network));
        qemu.arg("-device").arg(format!("virtio-net-pci,netdev=hb,mac=52:54:00:77:00:{:02x}", parts.number));
        qemu.arg("-netdev")
            .arg(format!("user,id=op,restrict=on,hostfwd=tcp:127.0.0.1:{}-10.0.2.15:7878", parts.api));
        qemu.arg("-device").arg(format!("virtio-net-pci,netdev=op,mac=52:54:00:77:01:{:02x}", parts.number));
        qemu.args(["-serial", "stdio", "-serial"])
            .arg(format!("unix:{},server=on,wait=off", control.display()));
        qemu.arg("-serial").arg(format!("file:{}", log.display()));
        let mut child = qemu
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("QEMU runs");
        record.listen(parts.name, child.stdout.take().expect("it was piped"));
        Self { name: parts.name.to_owned(), child, control, log }
    }

    /// Tells its init to do something.
    pub(crate) fn tell(&self, word: &str) {
        let mut control = UnixStream::connect(&self.control).expect("QEMU listens");
        writeln!(control, "{word}").expect("it reads");
    }

    /// The end of what its agent said.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
