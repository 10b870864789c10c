//! What hosts are made of: the machine's programs. Where one is missing and there is apt, its package is installed; nothing is started
//! by that but what the lab starts.
use std::path::Path;
use std::process::{Command, Stdio};

/// Programs, and Debian's packages that have them.
const NEEDS: [(&str, &str); 14] = [
    ("as", "binutils"),
    ("chrt", "util-linux"),
    ("fence_ipmilan", "fence-agents"),
    ("ip", "iproute2"),
    ("ipmi_sim", "openipmi"),
    ("ipmitool", "ipmitool"),
    ("libvirtd", "libvirt-daemon-system"),
    ("losetup", "mount"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("ping", "iputils-ping"),
    ("python3", "python3"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("virsh", "libvirt-clients"),
];
/// Where programs are.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What keeps this machine from having labs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// Namespaces, bridges and loop devices are root's.
    #[error(
        "hosts as namespaces need root: run the tests as root, or leave these out: `cargo test --workspace --exclude lifeboat-lab`"
    )]
    Root,
    /// Programs are missing.
    #[error("missing: {}; on Debian: apt-get install {}", programs.join(", "), packages.join(" "))]
    Programs {
        /// Which.
        programs: Vec<&'static str>,
        /// Where they are in.
        packages: Vec<&'static str>,
    },
}

/// Makes sure that all is there.
///
/// # Errors
/// What is lacking, and what to do about it.
pub fn meet() -> Result<(), Lack> {
    if !rustix::process::geteuid().is_root() {
        return Err(Lack::Root);
    }
    if missing().is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing().iter().map(|(_, package)| *package).collect();
    packages.dedup();
    for words in
        [vec!["update", "-qq"], [vec!["install", "-y", "-qq", "--no-install-recommends"], packages].concat()]
    {
        // What did not help is told below.
        let _ = Command::new("apt-get")
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status();
    }
    let (programs, packages): (Vec<_>, Vec<_>) = missing().into_iter().unzip();
    if programs.is_empty() { Ok(()) } else { Err(Lack::Programs { programs, packages }) }
}

fn missing() -> Vec<(&'static str, &'static str)> {
    let there = |program: &str| FOLDERS.iter().any(|folder| Path::new(folder).join(program).exists());
    NEEDS.iter().copied().filter(|(program, _)| !there(program)).collect()
}
