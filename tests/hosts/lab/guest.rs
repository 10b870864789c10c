//! The guests: machines of 2 MiB whose whole program is a boot sector that counts on its serial console, four times a second. They start in
//! a fraction of a second without KVM, and whoever looks at their consoles sees which of them execute.
use crate::command::{Failed, line};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a host keeps its guests' disks. Every host has other files at these paths: QEMU locks what it opens, and would else hide from us
/// that one guest runs twice.
pub const IMAGES: &str = "/var/lib/libvirt/images";
/// Where a host's guests write what their consoles say.
pub const CONSOLES: &str = "/var/log/libvirt/consoles";

/// Prints `GUEST UP`, and then `HB` for ever: the guest of the agent's own tests.
const PROGRAM: &str = include_str!("../../../agent/tests/libvirt/guest.S");
/// Every fourth tick of the clock of 18.2 Hz.
const BEAT: &str = "--defsym BEAT=4 --defsym MODE=0";

/// Why guests cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GuestFault {
    /// The assembler failed.
    #[error("the guests' program cannot be assembled")]
    Tool(#[from] Failed),
    /// A file cannot be written.
    #[error("the lab's files cannot be written")]
    File(#[from] io::Error),
}

/// Assembles the guests' program into a disk image.
///
/// # Errors
/// If there is no assembler.
pub fn image(folder: &Path) -> Result<PathBuf, GuestFault> {
    let (source, object, image) = (folder.join("boot.S"), folder.join("boot.o"), folder.join("boot.img"));
    fs::write(&source, PROGRAM)?;
    line(&format!("as --32 {BEAT} -o {} {}", object.display(), source.display()))?;
    line(&format!(
        "ld -m elf_i386 -Ttext 0x7c00 --oformat binary -e _start -o {} {}",
        image.display(),
        object.display()
    ))?;
    fs::OpenOptions::new().write(true).open(&image)?.set_len(1 << 20)?;
    Ok(image)
}

/// A guest as libvirt defines it. Its disk is read-only, which its program does not mind: one that can be written to libvirt migrates only
/// where it knows the file system as a shared one, and the hosts' folders are on none.
pub fn definition(name: &str, number: usize) -> String {
    format!(
        "<domain type='qemu'>
  <name>{name}</name>
  <uuid>11feb0a7-0000-4000-8000-{number:012x}</uuid>
  <memory unit='MiB'>2</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='{IMAGES}/{name}.img'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
    </disk>
    <serial type='file'><source path='{CONSOLES}/{name}' append='on'/><target port='0'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"
    )
}
