//! A key is changed while datagrams go on: none is refused, in whatever order the hosts take the steps.
use crate::samples::{POOL, heartbeat};
use lifeboat_model::HostIndex;
use lifeboat_protocol::message::Envelope;
use lifeboat_protocol::wire::{Rejected, open, seal};
use lifeboat_protocol::{Boot, HeartbeatNetwork, Keyring, Process};
use proptest::prelude::*;

const HOSTS: usize = 4;

/// Whether everybody understands everybody.
fn check(rings: &[Keyring], sequence: &mut u64) -> Result<(), TestCaseError> {
    for (from, sender) in rings.iter().enumerate() {
        for (to, receiver) in rings.iter().enumerate().filter(|(to, _)| *to != from) {
            *sequence += 1;
            let envelope = Envelope {
                from: HostIndex::new(from),
                boot: Boot(1),
                process: Process(1),
                to: HostIndex::new(to),
                network: HeartbeatNetwork(0),
                sequence: *sequence,
            };
            let mut sealed = seal(sender, POOL, &envelope, &heartbeat());
            let opened = open(receiver, POOL, envelope.to, &mut sealed);
            prop_assert_eq!(opened, Ok((envelope, heartbeat())));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_datagram_is_lost_by_a_rotation(
        orders in prop::collection::vec(Just((0..HOSTS).collect::<Vec<_>>()).prop_shuffle(), 9),
    ) {
        let mut rings = vec![Keyring::new(1, [1; 32]); HOSTS];
        let mut sequence = 0;
        // Three rotations; in each, everybody adds, then everybody switches, then everybody drops.
        for (step, hosts) in orders.iter().enumerate() {
            let epoch = 2 + step as u32 / 3;
            for &host in hosts {
                match step % 3 {
                    0 => rings[host].add_next(epoch, [epoch as u8; 32]).unwrap(),
                    1 => rings[host].switch_to(epoch).unwrap(),
                    _ => rings[host].drop_older(),
                }
                check(&rings, &mut sequence)?;
            }
        }
        prop_assert!(rings.iter().all(|ring| ring.sending() == 4 && !ring.holds(3)));
    }
}

#[test]
fn after_a_rotation_the_old_key_opens_nothing() {
    let old = Keyring::new(1, [1; 32]);
    let mut ring = old.clone();
    ring.add_next(2, [2; 32]).unwrap();
    ring.switch_to(2).unwrap();
    ring.drop_older();
    let envelope = crate::samples::envelope();
    let mut sealed = seal(&old, POOL, &envelope, &heartbeat());
    assert_eq!(open(&ring, POOL, envelope.to, &mut sealed), Err(Rejected::UnknownKey { epoch: 1 }));
}
