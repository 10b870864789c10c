//! The shared disk: one file, and for every host a block device of its own on it, so that one host's way to the disk can be stalled or lost
//! while the others' ways are whole. Reads and writes go around the page cache of either device, so all hosts see one disk.
//!
//! A stall is blkio's throttle: requests wait until it is lifted, as behind a path that queues. A loss is a device that has shrunk to one
//! sector: reads come back empty and writes are refused, at once.
use crate::command::{Failed, line, run, tool};
use crate::ledger::{Ledger, Thing};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Room for the statefile's region, at the beginning of the disk.
pub const STATEFILE: u64 = 4 << 20;
/// Room for the metadata volume, behind it.
pub const METADATA: u64 = 256 << 20;
/// What every host calls the shared disk.
pub const SHARED_DISK: &str = "/run/shared-disk";
/// Where the kernel keeps the limits on block devices.
const BLKIO: &str = "/sys/fs/cgroup/blkio";

/// Why a disk cannot be made or hurt.
#[derive(Debug, thiserror::Error)]
pub enum DeviceFault {
    /// A tool failed.
    #[error("a loop device cannot be changed")]
    Tool(#[from] Failed),
    /// A file cannot be written.
    #[error("the lab's files cannot be written")]
    File(#[from] io::Error),
}

/// Makes the shared file.
///
/// # Errors
/// If there is no room.
pub fn make_disk(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join("disk.img");
    File::create(&path)?.set_len(STATEFILE + METADATA)?;
    Ok(path)
}

/// Makes a host's own device on the shared file.
///
/// # Errors
/// If the machine has no loop device for us.
pub fn attach(ledger: &Ledger, disk: &Path) -> Result<String, DeviceFault> {
    let device = run(tool("losetup").args(["--direct-io=on", "--show", "-f"]).arg(disk))?.trim().to_owned();
    ledger.note(&Thing::Loop(device.clone()))?;
    Ok(device)
}

/// Makes the group of processes whose disk requests can be throttled; its folder.
///
/// # Errors
/// If the machine has no such groups.
pub fn make_group(ledger: &Ledger, host: &str) -> io::Result<PathBuf> {
    let path = Path::new(BLKIO).join(format!("{}-{host}", ledger.name()));
    ledger.note(&Thing::Cgroup(path.to_string_lossy().into_owned()))?;
    fs::create_dir_all(&path)?;
    Ok(path)
}

/// Stalls the disk requests of a group's processes to a device, or lets them go on.
///
/// # Errors
/// If the group or the device is gone.
pub fn stall(group: &Path, device: &str, stalled: bool) -> io::Result<()> {
    let number = fs::metadata(device)?.rdev();
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    // One byte in a second: a sector takes longer than any test. Nothing lifts the limit.
    let limit = u8::from(stalled);
    for way in ["read", "write"] {
        fs::write(
            group.join(format!("blkio.throttle.{way}_bps_device")),
            format!("{major}:{minor} {limit}"),
        )?;
    }
    Ok(())
}

/// Shrinks a device to one sector, or gives it its size back.
///
/// # Errors
/// If the device is gone.
pub fn lose(device: &str, lost: bool) -> Result<(), DeviceFault> {
    // LOOP_GET_STATUS64, the limit in it, LOOP_SET_STATUS64; losetup has no word for a device that is in use.
    let script = "import fcntl,os,struct,sys\n\
        device=os.open(sys.argv[1],os.O_RDWR)\n\
        status=bytearray(232)\n\
        fcntl.ioctl(device,0x4C05,status)\n\
        struct.pack_into('<Q',status,32,int(sys.argv[2]))\n\
        fcntl.ioctl(device,0x4C04,status)\n";
    run(tool("python3").args(["-c", script, device, if lost { "512" } else { "0" }]))?;
    Ok(())
}

/// Gives a device up.
///
/// # Errors
/// If it is gone.
pub fn detach(device: &str) -> Result<(), DeviceFault> {
    line(&format!("losetup -d {device}"))?;
    Ok(())
}
