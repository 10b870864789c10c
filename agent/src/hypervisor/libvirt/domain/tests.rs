//! What virsh 9.0 printed, read.
use super::*;

const LISTED: &str = "c1cbed41-f1fc-49e6-adef-c6644905893b vm1
a13fe804-d3d6-4d31-8782-7c33d5f9fa71 it's
2281b184-2cdf-4980-9bcf-019c8be58dcb vm 2

Domain: 'it's'
  state.state=3
  state.reason=5

Domain: 'vm1'
  state.state=1
  state.reason=1

";

#[test]
fn names_may_have_blanks_and_quotes() {
    let mut known = Known::new(VmId::Name);
    let guests = known.read(LISTED).expect("it is a list");
    let states: BTreeMap<_, _> = guests.iter().map(|guest| (guest.vm.as_str(), guest.state)).collect();
    assert_eq!(states["it's"], GuestState::DiskFailed);
    assert_eq!(states["vm1"], GuestState::Running);
    assert_eq!(states["vm 2"], GuestState::Unknown, "without a state nothing is known");
    assert_eq!(known.uuid("vm 2").as_deref(), Some("2281b184-2cdf-4980-9bcf-019c8be58dcb"));
}

#[test]
fn vms_can_be_called_by_their_uuid() {
    let mut known = Known::new(VmId::Uuid);
    known.read(LISTED).expect("it is a list");
    let vm1 = "c1cbed41-f1fc-49e6-adef-c6644905893b";
    assert_eq!(known.vm_named("vm1").as_deref(), Some(vm1));
    assert_eq!((known.uuid(vm1).as_deref(), known.uuid("vm1")), (Some(vm1), None));
}

#[test]
fn what_is_no_list_means_that_nothing_is_known() {
    let mut known = Known::new(VmId::Name);
    assert!(matches!(known.read("error: something new\n"), Err(Fault::Silent(_))));
    assert_eq!(known.read("\n\n"), Ok(vec![]));
}

#[test]
fn how_a_run_ended_is_remembered_by_libvirt() {
    let cause = |cause| GuestState::Stopped(Some(Ending::Here(cause)));
    assert_eq!(state(5, 1), cause(StopCause::ShutDownInside));
    assert_eq!(state(5, 2), cause(StopCause::Stopped));
    assert_eq!(state(5, 6), cause(StopCause::Crashed));
    assert_eq!(state(5, 4), GuestState::Stopped(Some(Ending::Left)));
    assert_eq!(state(5, 0), GuestState::Stopped(None));
    assert!(state(99, 0).may_run(), "a state that is not known is none that is certain");
}

#[test]
fn only_requests_and_packets_count_as_activity() {
    let text = "Domain: 'a'\n  block.0.rd.reqs=3\n  block.0.wr.reqs=4\n  block.0.rd.times=99\n  net.0.rx.pkts=10\n\nDomain: 'b'\n  net.count=0\n";
    let activity = Known::new(VmId::Name).activity(text);
    assert_eq!(activity, [("a".to_owned(), 17), ("b".to_owned(), 0)].into());
}

#[test]
fn a_guest_is_reached_where_its_definition_or_a_table_says() {
    let xml = r#"<domain><metadata><g:guest xmlns:g="https://lifeboat.example/guest" address="10.0.0.5"/></metadata></domain>"#;
    assert_eq!(address_in(xml), Some(IpAddr::from([10, 0, 0, 5])));
    let table = " lo         00:00:00:00:00:00    ipv4         127.0.0.1/8\n eth0       52:54:00:be:ad:01    ipv4         192.168.122.9/24\n";
    assert_eq!(address_listed(table), Some(IpAddr::from([192, 168, 122, 9])));
    assert_eq!(address_listed(""), None);
}

#[test]
fn a_definition_without_a_uuid_is_refused() {
    assert!(matches!(uuid_in("<domain><name>a</name></domain>"), Err(Fault::Refused(_))));
    assert!(matches!(uuid_in("{}"), Err(Fault::Refused(_))));
}
