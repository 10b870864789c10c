//! What a domain needs of a host, read from its definition: memory, vCPUs, the storages of its disks, the networks of its interfaces,
//! and what keeps it where it is, in words. Of memory and vCPUs a domain that runs holds what it was started with, whatever its definition
//! has become since: the larger counts.
use super::domain::document;
use crate::hypervisor::Fault;
use crate::hypervisor::site::Site;
use lifeboat_link::note::VmFacts;
use roxmltree::Node;
use std::collections::{BTreeMap, BTreeSet};

/// What QEMU takes for itself, in MiB, before anything is asked of it.
const QEMU_MIB: u64 = 64;
/// What each vCPU adds.
const VCPU_MIB: u64 = 8;

/// What a domain needs, with `xml` as its definition and `live` as it is now.
///
/// # Errors
/// If one of them cannot be read.
pub fn facts(vm: &str, xml: String, live: &str, site: &Site) -> Result<VmFacts, Fault> {
    let size = Size::of(document(live)?.root_element());
    let document = document(&xml)?;
    let domain = document.root_element();
    let Size { memory_mib, vcpus, overhead_mib } = size.or_larger(&Size::of(domain));
    let mut needs =
        Needs { site, storages: BTreeSet::new(), networks: BTreeSet::new(), bound_by: Vec::new() };
    if let Some(os) = child(domain, "os") {
        for (name, what) in [("kernel", "kernel"), ("initrd", "initial file system")] {
            if let Some(path) = child(os, name).and_then(|node| node.text()) {
                needs.file(path.trim(), &format!("its {what}"));
            }
        }
    }
    for device in child(domain, "devices").into_iter().flat_map(|devices| devices.children()) {
        match device.tag_name().name() {
            "disk" => needs.disk(device),
            "interface" => needs.interface(device),
            "hostdev" => needs.host_device(device),
            "filesystem" => needs.shared_folder(device),
            "tpm" => needs.tpm(device),
            "serial" | "parallel" | "console" if device.attribute("type") == Some("dev") => {
                let path = child(device, "source").and_then(|node| node.attribute("path")).unwrap_or("?");
                needs.bound_by.push(format!("its {} is {path} of this host", device.tag_name().name()));
            }
            _ => {}
        }
    }
    let resources: BTreeMap<String, u64> =
        site.counts_vcpus().then(|| ("vcpus".to_owned(), vcpus)).into_iter().collect();
    needs.bound_by.dedup();
    let Needs { storages, networks, bound_by, .. } = needs;
    let (storages, networks) = (storages.into_iter().collect(), networks.into_iter().collect());
    drop(document);
    Ok(VmFacts {
        vm: vm.to_owned(),
        definition: xml,
        memory_mib,
        overhead_mib,
        storages,
        networks,
        resources,
        bound_by,
    })
}

/// How much of a host a domain takes.
struct Size {
    memory_mib: u64,
    vcpus: u64,
    overhead_mib: u64,
}

impl Size {
    fn of(domain: Node<'_, '_>) -> Self {
        let vcpus = child(domain, "vcpu").and_then(|node| node.text()?.trim().parse().ok()).unwrap_or(1);
        let memory_mib = child(domain, "memory").map_or(0, mib);
        let devices = child(domain, "devices").into_iter().flat_map(|devices| devices.children());
        let video_mib = devices.filter(|device| device.has_tag_name("video")).map(video).sum::<u64>();
        let overhead_mib = QEMU_MIB + memory_mib.div_ceil(256) + vcpus * VCPU_MIB + video_mib;
        Self { memory_mib, vcpus, overhead_mib }
    }

    fn or_larger(self, other: &Self) -> Self {
        Self {
            memory_mib: self.memory_mib.max(other.memory_mib),
            vcpus: self.vcpus.max(other.vcpus),
            overhead_mib: self.overhead_mib.max(other.overhead_mib),
        }
    }
}

struct Needs<'a> {
    site: &'a Site,
    storages: BTreeSet<String>,
    networks: BTreeSet<String>,
    bound_by: Vec<String>,
}

impl Needs<'_> {
    /// A file or device on this host's path.
    fn file(&mut self, path: &str, what: &str) {
        match self.site.storage_of_path(path) {
            Some(storage) => drop(self.storages.insert(storage.to_owned())),
            None => self.bound_by.push(format!("{what} is {path}, which is on no storage of the pool")),
        }
    }

    /// A pool of libvirt's.
    fn pool(&mut self, pool: &str, what: &str) {
        match self.site.storage_of_pool(pool) {
            Some(storage) => drop(self.storages.insert(storage.to_owned())),
            None => {
                self.bound_by
                    .push(format!("{what} is in libvirt's pool {pool}, which is no storage of ours"));
            }
        }
    }

    fn disk(&mut self, disk: Node<'_, '_>) {
        let kind = disk.attribute("device").unwrap_or("disk");
        let target = child(disk, "target").and_then(|node| node.attribute("dev")).unwrap_or("?");
        let what = match kind {
            "cdrom" => format!("the CD in its drive {target}"),
            "floppy" => format!("the floppy in its drive {target}"),
            _ => format!("its disk {target}"),
        };
        // An empty drive has no source.
        let Some(source) = child(disk, "source") else { return };
        let of = |name| source.attribute(name);
        match disk.attribute("type").unwrap_or_default() {
            "volume" => self.pool(of("pool").unwrap_or("?"), &what),
            "network" => {
                let path = format!("{}:{}", of("protocol").unwrap_or("?"), of("name").unwrap_or("?"));
                self.file(&path, &what);
            }
            "nvme" => self.bound_by.push(format!("{what} is an NVMe device of this host")),
            "vhostuser" | "vhostvdpa" => {
                self.bound_by.push(format!("{what} is served by another process of this host"));
            }
            _ => {
                if let Some(path) = of("file").or(of("dev")).or(of("dir")) {
                    self.file(path, &what);
                }
            }
        }
    }

    fn interface(&mut self, interface: Node<'_, '_>) {
        let kind = interface.attribute("type").unwrap_or_default();
        let source = child(interface, "source");
        let of = |name| source.and_then(|source| source.attribute(name));
        let name = match kind {
            // Goes out by whatever the host has.
            "user" | "ethernet" | "null" => return,
            "hostdev" => {
                return self.bound_by.push("a network card of this host is passed through to it".into());
            }
            "vdpa" | "vhostuser" => {
                return self.bound_by.push(format!("its interface is served by this host ({kind})"));
            }
            "network" => of("network"),
            "bridge" => of("bridge"),
            _ => of("dev"),
        };
        let Some(name) = name else { return };
        match self.site.network_of(name) {
            Some(network) => drop(self.networks.insert(network.to_owned())),
            None => self
                .bound_by
                .push(format!("its interface is on {name}, which leads to no network of the pool")),
        }
    }

    fn host_device(&mut self, device: Node<'_, '_>) {
        let address = device.descendants().find(|node| node.has_tag_name("address"));
        let of = |name: &str| {
            address.and_then(|node| node.attribute(name)).unwrap_or("?").trim_start_matches("0x")
        };
        let what = match device.attribute("type").unwrap_or_default() {
            "mdev" => format!("the vGPU {} of this host", of("uuid")),
            "pci" => {
                format!(
                    "the PCI device {}:{}:{}.{} of this host",
                    of("domain"),
                    of("bus"),
                    of("slot"),
                    of("function")
                )
            }
            "usb" => "a USB device of this host".to_owned(),
            other => format!("a device of this host ({other})"),
        };
        self.bound_by.push(format!("{what} is passed through to it"));
    }

    fn shared_folder(&mut self, folder: Node<'_, '_>) {
        let source = child(folder, "source");
        if let Some(path) = source.and_then(|source| source.attribute("dir").or(source.attribute("file"))) {
            self.file(path, "a folder that it shares");
        }
    }

    fn tpm(&mut self, tpm: Node<'_, '_>) {
        let kind = child(tpm, "backend").and_then(|node| node.attribute("type"));
        match kind {
            Some("emulator") => self.bound_by.push("what its TPM knows is kept on this host".into()),
            Some("passthrough") => self.bound_by.push("this host's TPM is passed through to it".into()),
            _ => {}
        }
    }
}

fn child<'a, 'input>(of: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    of.children().find(|node| node.has_tag_name(name))
}

/// Memory in MiB, up to a whole one.
fn mib(node: Node<'_, '_>) -> u64 {
    let amount: u64 = node.text().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    let unit: u64 = match node.attribute("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1000,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        _ => 1 << 10,
    };
    amount.saturating_mul(unit).div_ceil(1 << 20)
}

/// Memory of a screen, in MiB.
fn video(device: Node<'_, '_>) -> u64 {
    let Some(model) = child(device, "model") else { return 0 };
    let kib = ["ram", "vram", "vgamem"].iter().filter_map(|name| model.attribute(*name)?.parse::<u64>().ok());
    kib.fold(0, u64::saturating_add).div_ceil(1024)
}

#[cfg(test)]
mod tests;
