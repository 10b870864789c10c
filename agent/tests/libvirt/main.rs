//! The agent's hypervisor side against real libvirt daemons and real QEMU guests: each host is a libvirt of its own in namespaces of its own,
//! each guest a boot sector in 2 MiB of memory, emulated, so that no machine needs KVM. Wants root.
mod driver;
mod host;
mod migration;
mod wardens;

use std::path::Path;

/// Fails with what to install, where something is missing.
fn needs() {
    let programs = [
        ("libvirtd", "libvirt-daemon-system"),
        ("virsh", "libvirt-clients"),
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("bash", "bash"),
        ("as", "binutils"),
        ("ld", "binutils"),
    ];
    let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin", "/usr/local/sbin"];
    let missing = programs
        .iter()
        .filter(|(program, _)| !places.iter().any(|place| Path::new(place).join(program).exists()));
    let packages: std::collections::BTreeSet<&str> = missing.map(|(_, package)| *package).collect();
    assert!(
        packages.is_empty(),
        "these tests run real hosts; on Debian: apt-get install --no-install-recommends {}",
        packages.into_iter().collect::<Vec<_>>().join(" ")
    );
    assert!(
        rustix::process::geteuid().is_root(),
        "these tests make namespaces and hosts in them: run them as root"
    );
}
