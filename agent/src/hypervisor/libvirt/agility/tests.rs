//! Definitions, and where their VMs can run.
use super::*;

fn site() -> Site {
    let text = r#"
        vcpus = 16
        [[storage]]
        id = "san1"
        paths = ["/srv/san1/", "rbd:vms/"]
        pools = ["san1-pool"]
        [[network]]
        id = "lan"
        names = ["br0", "default"]
    "#;
    Site::new(&toml::from_str(text).expect("it is well-formed"))
}

/// What a domain needs that does not run.
fn halted(xml: &str) -> Result<VmFacts, Fault> {
    facts("db1", xml.to_owned(), xml, &site())
}

fn of(devices: &str) -> VmFacts {
    let xml = format!(
        "<domain type='kvm'><name>db1</name><memory unit='GiB'>4</memory><vcpu placement='static'>2</vcpu>\
         <devices>{devices}</devices></domain>"
    );
    halted(&xml).expect("it is XML")
}

#[test]
fn a_vm_on_shared_disks_and_networks_can_run_anywhere() {
    let facts =
        of("<disk type='file' device='disk'><source file='/srv/san1/db1.img'/><target dev='vda'/></disk>
         <disk type='volume' device='disk'><source pool='san1-pool' volume='db1'/><target dev='vdb'/></disk>
         <disk type='network' device='disk'><source protocol='rbd' name='vms/db1'/><target dev='vdc'/></disk>
         <disk type='file' device='cdrom'><target dev='sda'/></disk>
         <interface type='network'><source network='default'/></interface>
         <interface type='bridge'><source bridge='br0'/></interface>
         <interface type='user'/>
         <video><model type='qxl' ram='65536' vram='65536' vgamem='16384'/></video>");
    assert_eq!(facts.bound_by, Vec::<String>::new());
    assert_eq!((facts.storages, facts.networks), (vec!["san1".to_owned()], vec!["lan".to_owned()]));
    assert_eq!((facts.memory_mib, facts.resources["vcpus"]), (4096, 2));
    assert_eq!(facts.overhead_mib, 64 + 16 + 16 + 144);
}

#[test]
fn each_thing_that_keeps_a_vm_where_it_is_is_named() {
    let cases = [
        (
            "<disk type='file'><source file='/var/lib/libvirt/images/a.img'/><target dev='vda'/></disk>",
            "its disk vda is /var/lib/libvirt/images/a.img",
        ),
        ("<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/></disk>", "/dev/sdb"),
        (
            "<disk type='file' device='cdrom'><source file='/home/a/debian.iso'/><target dev='sda'/></disk>",
            "the CD in its drive sda is /home/a/debian.iso",
        ),
        ("<disk type='volume'><source pool='default' volume='a'/><target dev='vda'/></disk>", "pool default"),
        ("<disk type='nvme'><source type='pci' namespace='1'/><target dev='vda'/></disk>", "NVMe"),
        (
            "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev>",
            "PCI device 0000:06:02.0",
        ),
        (
            "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883'/></source></hostdev>",
            "vGPU c2177883",
        ),
        ("<hostdev mode='subsystem' type='usb'><source/></hostdev>", "USB"),
        ("<interface type='hostdev'><source/></interface>", "network card"),
        ("<interface type='bridge'><source bridge='br7'/></interface>", "on br7, which leads to no network"),
        ("<interface type='direct'><source dev='eth3'/></interface>", "on eth3"),
        ("<filesystem type='mount'><source dir='/home/a'/></filesystem>", "/home/a"),
        ("<tpm model='tpm-crb'><backend type='emulator'/></tpm>", "TPM"),
        ("<serial type='dev'><source path='/dev/ttyS3'/></serial>", "/dev/ttyS3"),
    ];
    for (device, reason) in cases {
        let bound_by = of(device).bound_by;
        assert!(matches!(&bound_by[..], [why] if why.contains(reason)), "{device}: {bound_by:?}");
    }
}

#[test]
fn what_it_is_booted_from_counts_too() {
    let xml = "<domain><memory>2048</memory><os><kernel>/boot/vmlinuz</kernel><initrd>/srv/san1/initrd</initrd></os></domain>";
    let facts = halted(xml).expect("it is XML");
    assert_eq!((facts.memory_mib, facts.storages), (2, vec!["san1".to_owned()]));
    assert!(facts.bound_by[0].contains("its kernel is /boot/vmlinuz"), "{:?}", facts.bound_by);
}

#[test]
fn memory_is_read_in_every_unit() {
    for (text, expected) in [
        ("<memory unit='b'>1048577</memory>", 2),
        ("<memory>4096</memory>", 4),
        ("<memory unit='MiB'>2</memory>", 2),
        ("<memory unit='GB'>1</memory>", 954),
        ("<memory unit='TiB'>1</memory>", 1 << 20),
        ("<memory>much</memory>", 0),
        ("<memory unit='TiB'>18446744073709551615</memory>", u64::MAX >> 20),
    ] {
        let read = halted(&format!("<domain>{text}</domain>")).expect("it is XML");
        assert!(read.memory_mib.abs_diff(expected) <= 1, "{text}: {} MiB", read.memory_mib);
    }
}

#[test]
fn what_is_no_definition_is_refused() {
    assert!(matches!(halted("{\"command\": []}"), Err(Fault::Refused(_))));
}

#[test]
fn a_vm_that_runs_counts_with_what_it_was_started_with_if_its_definition_is_smaller_now() {
    let domain = |memory_gib: u64, vcpus: u64, disk: &str| {
        format!(
            "<domain><memory unit='GiB'>{memory_gib}</memory><vcpu>{vcpus}</vcpu><devices>\
             <disk type='file'><source file='{disk}'/><target dev='vda'/></disk></devices></domain>"
        )
    };
    let (live, edited) = (domain(64, 4, "/srv/san1/old.img"), domain(8, 16, "/srv/san1/new.img"));
    let told = facts("db1", edited.clone(), &live, &site()).expect("it is XML");
    assert_eq!((told.memory_mib, told.resources["vcpus"]), (64 << 10, 16), "the larger of each");
    assert_eq!(told.overhead_mib, 64 + 256 + 32, "as it runs");
    assert_eq!(told.definition, edited, "it is started again as it is defined");
    let halted = halted(&edited).expect("it is XML");
    assert_eq!((halted.memory_mib, halted.resources["vcpus"]), (8 << 10, 16));
}
