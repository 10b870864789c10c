//! Frames come out as they went in, whatever their length, and nonsense is refused.
use super::*;
use lifeboat_protocol::order::{Gate, OrderId, VmState};
use proptest::prelude::*;

fn there_and_back<F: Frame + PartialEq + std::fmt::Debug>(frame: &F) {
    let mut bytes = Vec::new();
    write(&mut bytes, frame).expect("a vector takes everything");
    assert_eq!(&read::<F>(&mut bytes.as_slice()).expect("a frame"), frame);
}

#[test]
fn frames_are_what_they_were_after_being_written_and_read() {
    there_and_back(&ToService::Begin { epoch: Epoch(7) });
    there_and_back(&ToService::Probe);
    there_and_back(&ToService::Safe { host: HostIndex(3), boot: Boot(9), kind: EvidenceKind::PowerOff });
    there_and_back(&ToService::Medium { host: HostIndex(1), works: true });
    there_and_back(&ToService::Silence { host: HostIndex(1), silent_for: Duration::from_secs(8) });
    there_and_back(&ToService::Keys(vec![PoolKey::new(3, &[9; 32])]));
    there_and_back(&ToService::Leader { host: None });
    there_and_back(&ToService::Leader { host: Some(HostIndex(0)) });
    there_and_back(&FromService::Answered);
    there_and_back(&FromService::Fence { host: HostIndex(2) });
    there_and_back(&FromService::Operator(OperatorWish::ConfirmDead { host: 2, forced: false }));
    let id = OrderId { epoch: Epoch(7), number: 1 };
    let order = Order::Start { id, vm: "db1".into(), gate: Gate::Tcp { port: 5432 } };
    there_and_back(&FromService::Order { host: HostIndex(2), order });
    there_and_back(&FromService::Order {
        host: HostIndex(2),
        order: Order::Note { id, bytes: (*b"x").into() },
    });
}

#[test]
fn an_inventory_of_any_length_comes_out_whole() {
    for count in [0, 1, INVENTORY_PART, INVENTORY_PART + 1, 3 * INVENTORY_PART] {
        let vms = (0..count).map(|number| (format!("vm{number}"), VmState::Running)).collect();
        there_and_back(&ToService::Report { host: HostIndex(5), report: Report::Inventory { vms } });
    }
}

#[test]
fn an_end_between_frames_is_told_from_one_inside() {
    assert!(matches!(read::<ToService>(&mut [].as_slice()), Err(FrameError::Closed)));
    assert!(matches!(read::<ToService>(&mut [9, 0, 0, 0, 2].as_slice()), Err(FrameError::Io(_))));
    assert!(matches!(
        read::<ToService>(&mut [0xff, 0xff, 0xff, 0xff].as_slice()),
        Err(FrameError::TooLong(_))
    ));
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let _ = ToService::decode(&bytes);
        let _ = FromService::decode(&bytes);
    }
}
