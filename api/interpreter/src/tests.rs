//! Each word of one in the other.
use super::*;
use alloc::boxed::Box;
use alloc::vec;
use core::time::Duration;
use lifeboat_protocol::Epoch;
use lifeboat_protocol::order as told;

struct Two;

impl Names for Two {
    fn vm(&self, name: &str) -> Option<VmIndex> {
        ["db", "web"].iter().position(|known| *known == name).map(VmIndex::new)
    }
    fn order(&self, id: OrderId) -> Option<OrderNumber> {
        (id.epoch == Epoch(7)).then_some(OrderNumber(id.number))
    }
}

#[test]
fn an_inventory_names_what_may_run_of_the_pools_vms() {
    let vms = vec![
        ("web".to_owned(), told::VmState::Running),
        ("db".to_owned(), told::VmState::Unknown),
        ("stranger".to_owned(), told::VmState::Running),
    ];
    let vms_by_index = vec![(VmIndex::new(1), Seen::Running), (VmIndex::new(0), Seen::Unknown)];
    let heard = report(&Two, told::Report::Inventory { vms });
    assert_eq!(heard, Some(Report::Inventory { vms: vms_by_index }));
    let stopped = vec![("db".to_owned(), told::VmState::Stopped)];
    assert_eq!(
        report(&Two, told::Report::Inventory { vms: stopped }),
        Some(Report::Inventory { vms: vec![] })
    );
}

#[test]
fn the_outcome_of_another_terms_order_comes_to_nothing() {
    let finished = |epoch| told::Report::Finished {
        id: OrderId { epoch: Epoch(epoch), number: 3 },
        outcome: told::Outcome::Done,
    };
    let heard = report(&Two, finished(7));
    assert_eq!(heard, Some(Report::Finished { order: OrderNumber(3), outcome: Outcome::Done }));
    assert_eq!(report(&Two, finished(6)), None);
    assert_eq!(report(&Two, told::Report::Note { bytes: Box::new([]) }), None);
    assert_eq!(report(&Two, told::Report::Ready { vm: "stranger".to_owned() }), None);
}

#[test]
fn a_start_goes_out_under_its_name_with_its_gate() {
    let command = Command::Start {
        host: HostIndex(2),
        vm: VmIndex::new(1),
        order: OrderNumber(9),
        gate: Gate::Tcp { port: 5432 },
    };
    let id = OrderId { epoch: Epoch(7), number: 12 };
    let gate = told::Gate::Tcp { port: 5432 };
    let order_by_name = Order::Start { id, vm: "web".to_owned(), gate };
    let names = ["db", "web"];
    assert_eq!(order(&command, id, |vm| names[vm.get()]), Some((HostIndex(2), order_by_name)));
    assert_eq!(order(&Command::HostMayLeave { host: HostIndex(0), reboots: false }, id, |_| ""), None);
}

#[test]
fn a_medium_is_told_of_when_it_changes_and_again_to_the_next_coordinator() {
    let (mut media, host) = (Media::default(), HostIndex(3));
    assert_eq!(media.told(host, true), None);
    assert_eq!(media.told(host, false), Some(Notice::MediumLost { host }));
    assert_eq!(media.told(host, false), None);
    assert_eq!(media.lost().collect::<alloc::vec::Vec<_>>(), [Notice::MediumLost { host }]);
    assert_eq!(media.told(host, true), Some(Notice::MediumBack { host }));
    assert_eq!(media.lost().count(), 0);
}

#[test]
fn what_concerns_the_agent_alone_is_kept_from_the_coordinator() {
    let silent_for = Duration::from_secs(8);
    let me = HostIndex(1);
    assert_eq!(notice(me, &Notification::MediumLost), Some(Notice::MediumLost { host: me }));
    assert_eq!(
        notice(me, &Notification::PeerApproachingTimeout { host: HostIndex(0), silent_for }),
        Some(Notice::HostApproachingTimeout { host: HostIndex(0), silent_for })
    );
    assert_eq!(notice(me, &Notification::CoordinatorHangs), None);
}
