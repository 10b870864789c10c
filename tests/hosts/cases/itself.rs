//! The lab itself: hosts that lose their power, guests that run twice, disks that stall or are lost, cables that are cut. Whoever believes
//! the other cases must believe these first.
use super::{lab, turn};
use lifeboat_lab::bmc;
use lifeboat_lab::clock::{first, until};
use lifeboat_lab::command::line;
use lifeboat_lab::device;
use lifeboat_lab::lab::Lab;
use lifeboat_lab::network::address;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Guests vm1, vm2, ..., with disks everywhere.
fn guests(lab: &Lab, number: usize) -> Vec<String> {
    let vms: Vec<String> = (1..=number).map(|vm| format!("vm{vm}")).collect();
    lab.give_disks(&vms).expect("disks");
    vms
}

#[test]
fn a_guest_ends_with_its_host_and_the_recorder_sees_one_that_runs_twice() {
    let _turn = turn();
    let lab = lab(2);
    let vms = guests(&lab, 2);
    for (number, vm) in vms.iter().enumerate() {
        lab.define(lab.host(1), vm, number).expect("a definition");
        lab.host(1).virsh(&format!("start {vm}")).expect("a start");
    }
    let up = lab.recorder.until(SOON, |seen| vms.iter().all(|vm| seen.is_up(vm) == Some("h1")));
    assert!(up, "both run on h1:\n{}", lab.recorder.record().timeline());
    lab.switch_off(lab.host(1));
    let gone = lab.recorder.until(SOON, |seen| seen.on("h1").is_empty());
    assert!(gone, "nothing runs where there is no power:\n{}", lab.recorder.record().timeline());

    lab.switch_on(lab.host(1)).expect("power");
    lab.wait_for(&lab.hosts).expect("hypervisors");
    for host in &lab.hosts {
        lab.define(host, "vm1", 0).expect("a definition");
        host.virsh("start vm1").expect("no lock keeps it from running twice");
    }
    let seen = lab.recorder.until(SOON, |seen| !seen.violations.is_empty());
    assert!(seen, "a guest that runs twice is seen:\n{}", lab.recorder.record().timeline());
    lab.recorder.record().violations.clear();
    let seen = lab.recorder.until(SOON, |seen| seen.violations.iter().any(|what| what.contains("goes on")));
    assert!(seen, "and so are its consoles:\n{}", lab.recorder.record().timeline());
}

/// A read of the shared disk's second page from within a host, around its page cache.
fn read(lab: &Lab, host: usize) -> Child {
    let host = lab.host(host);
    let group = host.spec.group.display();
    let inside = format!(
        "echo $$ > {group}/cgroup.procs; exec dd if={} bs=4096 skip=1 count=1 iflag=direct",
        host.spec.device
    );
    let mut dd = Command::new("sh");
    dd.args(["-c", &inside]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell")
}

/// Whether a read brings its page.
fn reads(lab: &Lab, host: usize) -> bool {
    read(lab, host).wait_with_output().expect("it ends").stdout.len() == 4096
}

#[test]
fn a_host_can_lose_its_disk_alone_and_its_requests_can_hang() {
    let _turn = turn();
    let lab = lab(2);
    let device = &lab.host(1).spec.device;
    assert!(reads(&lab, 1) && reads(&lab, 2), "both read");
    device::lose(device, true).expect("a loss");
    assert!(!reads(&lab, 1) && reads(&lab, 2), "one reads no more");
    lab.host(1).heal_storage();
    assert!(reads(&lab, 1), "it reads again");
    device::stall(&lab.host(1).spec.group, device, true).expect("a stall");
    // What is left of the second that was begun may let one request through.
    let mut hung = first(SOON, || {
        let mut request = read(&lab, 1);
        (!until(Duration::from_secs(1), || matches!(request.try_wait(), Ok(Some(_))))).then_some(request)
    })
    .expect("a request hangs");
    assert!(reads(&lab, 2), "the other one reads meanwhile");
    lab.host(1).heal_storage();
    assert!(
        until(SOON, || matches!(hung.try_wait(), Ok(Some(_)))),
        "the request goes on once the stall is over"
    );
}

#[test]
fn cables_are_cut_one_way_and_both_and_by_carrier() {
    let _turn = turn();
    let mut lab = lab(2);
    let hears = |lab: &Lab, from: usize, network: &str| {
        let to = address(3 - from, network);
        line(&format!("nsenter --net={} ping -q -c 1 -W 1 {to}", lab.network.path(&format!("h{from}"))))
            .is_ok()
    };
    assert!(until(SOON, || hears(&lab, 1, "hb0")), "they hear one another");
    lab.network.cut(1, 2).expect("a cut");
    assert!(!hears(&lab, 1, "hb0") && !hears(&lab, 1, "hb1"), "no way there, no answer");
    assert!(until(SOON, || hears(&lab, 1, "mgmt")), "the third network is whole");
    lab.network.heal().expect("whole");
    lab.network.partition(&[&[1], &[2]]).expect("a cut");
    assert!(!hears(&lab, 1, "mgmt"), "nothing between the groups");
    lab.network.heal().expect("whole");
    lab.network.link(1, "hb1", false).expect("a cable");
    let link = line(&format!("ip netns exec {}-h1 ip -o link show hb1", lab.ledger.name())).expect("a link");
    assert!(link.contains("NO-CARRIER"), "the host sees that its cable is pulled: {link}");
    assert!(!hears(&lab, 2, "hb1") && until(SOON, || hears(&lab, 2, "hb0")), "that cable, not the other one");
    lab.network.heal().expect("whole");
    assert!(until(SOON, || hears(&lab, 1, "hb1")), "all is well again");
}

#[test]
fn a_bmc_switches_its_host_off_and_on() {
    let _turn = turn();
    let lab = lab(1);
    let host = lab.host(1);
    bmc::start(&lab, host).expect("a BMC");
    let says = |words: &str| bmc::ask(&lab, host, words).unwrap_or_default();
    assert!(until(SOON, || says("power status").contains("is on")), "it is on: {}", says("power status"));
    says("power off");
    assert!(until(SOON, || !host.is_on() && says("power status").contains("is off")), "it is off");
    says("power on");
    assert!(until(SOON, || host.is_on()), "it is on again");
}

#[test]
fn a_guest_migrates_live_from_host_to_host() {
    let _turn = turn();
    let lab = lab(2);
    let vms = guests(&lab, 1);
    lab.define(lab.host(1), "vm1", 0).expect("a definition");
    lab.host(1).virsh("start vm1").expect("a start");
    let up = lab.recorder.until(SOON, |seen| seen.is_up("vm1") == Some("h1"));
    assert!(up, "it runs on h1:\n{}", lab.recorder.record().timeline());
    lab.recorder.migrates(&vms[0]);
    let to = "migrate --live --p2p --undefinesource --persistent --domain vm1 --desturi qemu+tcp://h2/system";
    lab.host(1).virsh(to).expect("a migration");
    lab.recorder.migrated(&vms[0]);
    let up = lab.recorder.until(SOON, |seen| seen.is_up("vm1") == Some("h2"));
    assert!(up, "it runs on h2:\n{}", lab.recorder.record().timeline());
}
