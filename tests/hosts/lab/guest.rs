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

/// Prints `GUEST UP`, then `HB` every fourth tick of the clock of 18.2 Hz.
const PROGRAM: &str = r#"
.code16
.globl _start
_start: xor %ax,%ax; mov %ax,%ds; mov %ax,%ss; mov $0x7c00,%sp
  mov $0x3f8+3,%dx; mov $0x03,%al; out %al,%dx
  mov $msg,%si; call puts
  sti
loop: mov $4,%cx
1: hlt
  loop 1b
  mov $hb,%si; call puts
  jmp loop
puts: lodsb; test %al,%al; jz 2f
  push %ax
3: mov $0x3fd,%dx; in %dx,%al; test $0x20,%al; jz 3b
  pop %ax
  mov $0x3f8,%dx; out %al,%dx
  jmp puts
2: ret
msg: .asciz "GUEST UP\r\n"
hb: .asciz "HB\r\n"
.org 510
.word 0xaa55
"#;

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
    line(&format!("as --32 -o {} {}", object.display(), source.display()))?;
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
