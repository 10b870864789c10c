//! What a machine boots from: an initramfs with busybox and the drivers, which hands over to a small ext4 image of the host's own, so that what
//! the agent keeps survives a reset.
use crate::needs::{Needs, said};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// In the order in which they need one another.
const DRIVERS: &[&str] = &[
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "drivers/block/virtio_blk",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
    "drivers/watchdog/watchdog",
    "drivers/watchdog/softdog",
];
const APPLETS: &[&str] =
    &["sh", "sleep", "ip", "mount", "cat", "echo", "mkdir", "cp", "kill", "hostname", "sync", "tail"];

/// The first program of a machine.
const EARLY: &str = "#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs d /dev; $b mount -t proc p /proc; $b mount -t sysfs s /sys
for m in $($b cat /mod/order); do $b insmod /mod/$m.ko; done
$b mount -t ext4 /dev/vda /new
for m in dev proc sys; do $b mount --move /$m /new/$m; done
exec $b switch_root /new /init
";

/// A VM: it says where it runs, five times a second.
const VM: &str = "#!/bin/sh
while :; do echo \"RUNS $1 on $(hostname)\" > /dev/ttyS0; sleep 0.2; done
";

/// The init of a host: its only service is the agent. What comes in on the second serial port is done.
fn init(host: &str, number: usize) -> String {
    format!(
        "#!/bin/sh
export PATH=/bin
mount -t tmpfs t /run; mount -t tmpfs t /tmp
hostname {host}
ip link set lo up
ip addr add 10.77.0.{number}/24 dev eth0; ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth1; ip link set eth1 up
mkdir -p /run/lifeboat/vms; cp /seed/*.json /run/lifeboat/vms/
/bin/lifeboat-agent --config /etc/lifeboat/agent.toml run > /dev/ttyS2 2>&1 &
agent=$!
echo \"HOST UP {host}\"
while read -r word < /dev/ttyS1; do
  case $word in
    freeze) kill -STOP $agent; echo \"FROZEN {host}\" ;;
  esac
done
echo \"NO COMMANDS {host}\"; while :; do sleep 1000; done
"
    )
}

/// Makes the initramfs.
pub(crate) fn initramfs(needs: &Needs, folder: &Path) -> PathBuf {
    let root = folder.join("early");
    for name in ["bin", "mod", "dev", "proc", "sys", "new"] {
        fs::create_dir_all(root.join(name)).expect("it is ours");
    }
    program(&needs.busybox, &root.join("bin/busybox"));
    let mut order = String::new();
    for driver in DRIVERS {
        let name = driver.rsplit('/').next().unwrap_or(driver);
        let to = root.join("mod").join(format!("{name}.ko"));
        fs::copy(needs.modules.join(format!("{driver}.ko")), to).expect("the kernel has the driver");
        order += name;
        order.push('\n');
    }
    fs::write(root.join("mod/order"), order).expect("it is ours");
    script(&root.join("init"), EARLY);
    let file = folder.join("early.cpio");
    let names = said(Command::new("find").arg(".").current_dir(&root)).expect("find");
    let mut cpio = Command::new("cpio")
        .args(["-o", "-H", "newc", "--quiet"])
        .current_dir(&root)
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&file).expect("it is ours"))
        .spawn()
        .expect("cpio");
    std::io::Write::write_all(&mut cpio.stdin.take().expect("it was piped"), names.as_bytes())
        .expect("it reads");
    assert!(cpio.wait().expect("it ends").success());
    file
}

/// Makes a host's own image from what is in `root`, to which programs and init are added.
pub(crate) fn disk(needs: &Needs, root: &Path, host: &str, number: usize) -> PathBuf {
    for name in ["bin", "dev", "proc", "sys", "run", "tmp", "seed", "lib64"] {
        fs::create_dir_all(root.join(name)).expect("it is ours");
    }
    program(&needs.busybox, &root.join("bin/busybox"));
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("it is ours");
    }
    for (from, name) in [(&needs.agent, "lifeboat-agent"), (&needs.service, "lifeboat")] {
        let to = root.join("bin").join(name);
        program(from, &to);
        // Symbols are most of it, and nobody looks for them there.
        let _ = said(Command::new("strip").arg(&to));
        libraries(&to, root);
    }
    script(&root.join("bin/vm"), VM);
    script(&root.join("init"), &init(host, number));
    let image = root.with_extension("img");
    fs::File::create(&image).and_then(|file| file.set_len(512 << 20)).expect("it is ours");
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-F", "-t", "ext4", "-d"]).arg(root).arg(&image);
    said(&mut make).expect("mke2fs");
    image
}

/// Puts the libraries of a program where it finds them.
fn libraries(program: &Path, root: &Path) {
    let says = said(Command::new("ldd").arg(program)).expect("ldd");
    for word in says.split_ascii_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(word.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a folder")).expect("it is ours");
        fs::copy(word, to).expect("it is there");
    }
}

fn program(from: &Path, to: &Path) {
    fs::copy(from, to).expect("it is there");
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("it is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}
