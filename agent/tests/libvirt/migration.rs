//! Live migration between two hosts.
use crate::driver::{permit, state};
use crate::host::{Guest, Host, SOON, wait_until};
use lifeboat_agent::hypervisor::libvirt::Libvirt;
use lifeboat_agent::hypervisor::site::Site;
use lifeboat_agent::hypervisor::{Fault, GuestState, Hypervisor};
use std::sync::Arc;

fn with_destinations(host: &Host) -> Libvirt {
    let mut section = host.section();
    // Hosts are called by their folders here.
    section.migrate_to = "qemu+unix:///system?socket={host}/run/libvirt-sock".into();
    section.migrate_over = "unix://{host}/migration.sock".into();
    Libvirt::new(&section, Arc::new(Site::new(&host.section())))
}

#[test]
fn a_vm_goes_over_live_and_is_defined_where_it_arrives_and_no_longer_where_it_was() {
    let (from, to) = (Host::up(), Host::up());
    let (source, target) = (with_destinations(&from), to.libvirt());
    source.start("m", &from.definition("m", Guest::Beats), &permit()).expect("it starts");
    from.hears("m", "HB", 1);
    source.migrate("m", &to.path().to_string_lossy()).expect("it moves");
    assert_eq!((from.guests().len(), to.guests().len()), (0, 1), "it runs once");
    assert_eq!(state(&source, "m"), None);
    assert_eq!(state(&target, "m"), Some(GuestState::Running));
    assert!(to.virsh(&["dominfo", "m"]).expect("it is there").contains("Persistent:     yes"));

    let nowhere = target.migrate("m", "nowhere");
    assert!(matches!(nowhere, Err(Fault::Refused(_))), "{nowhere:?}");
    assert_eq!(state(&target, "m"), Some(GuestState::Running), "it stays");
}

#[test]
fn a_migration_to_a_host_that_is_away_leaves_the_vm_where_it_is() {
    let from = Host::up();
    let source = with_destinations(&from);
    source.start("m", &from.definition("m", Guest::Beats), &permit()).expect("it starts");
    let refused = source.migrate("m", "/nowhere");
    assert!(matches!(&refused, Err(Fault::Refused(_))), "{refused:?}");
    let running = || (state(&source, "m") == Some(GuestState::Running)).then_some(());
    wait_until("it runs on", SOON, running);
    assert_eq!(from.guests().len(), 1);
}
