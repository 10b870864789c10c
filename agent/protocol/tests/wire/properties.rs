//! Sealing and opening: what goes in comes out, and nothing else does.
use crate::samples::{POOL, any_envelope, any_message, envelope, heartbeat, keys};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Keyring;
use lifeboat_protocol::bytes::{Reader, Writer};
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::message::{Envelope, Message};
use lifeboat_protocol::wire::{self, Rejected, open, seal};
use proptest::prelude::*;

fn spelled(message: &Message) -> Vec<u8> {
    let mut writer = Writer::default();
    wire::message::encode(message, &mut writer);
    writer.into_bytes()
}

/// Whatever decodes is what encoding gives again: there is one spelling only.
fn check_canonical(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut reader = Reader::new(bytes);
    if let Ok(message) = wire::message::decode(&mut reader) {
        let read = &bytes[..bytes.len() - reader.left()];
        prop_assert_eq!(spelled(&message), read);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened_by_its_addressee(envelope in any_envelope(), message in any_message()) {
        let sealed = seal(&keys(), POOL, &envelope, &message);
        let opened = open(&keys(), POOL, envelope.to, &mut sealed.clone());
        prop_assert_eq!(opened, Ok((envelope, message.clone())));
        prop_assert!(sealed.len() <= 64 + wire::message::size(&message));
        prop_assert!(sealed.len() <= wire::MAX_DATAGRAM);
    }

    #[test]
    fn a_changed_byte_is_refused(
        envelope in any_envelope(), message in any_message(), place: prop::sample::Index, change in 1_u8..,
    ) {
        let mut sealed = seal(&keys(), POOL, &envelope, &message);
        sealed[place.index(sealed.len())] ^= change;
        prop_assert!(open(&keys(), POOL, envelope.to, &mut sealed).is_err());
    }

    #[test]
    fn a_shorter_or_longer_datagram_is_refused(
        envelope in any_envelope(), message in any_message(), place: prop::sample::Index, more: Vec<u8>,
    ) {
        let sealed = seal(&keys(), POOL, &envelope, &message);
        let mut shorter = sealed[..place.index(sealed.len())].to_vec();
        prop_assert!(open(&keys(), POOL, envelope.to, &mut shorter).is_err());
        let mut longer = [&sealed[..], &more, &[0]].concat();
        prop_assert!(open(&keys(), POOL, envelope.to, &mut longer).is_err());
    }

    #[test]
    fn bytes_from_anywhere_have_an_answer(mut bytes: Vec<u8>, message in any_message(), place: prop::sample::Index) {
        prop_assert!(open(&keys(), POOL, HostIndex(2), &mut bytes).is_err());
        check_canonical(&bytes)?;
        // The same behind the beginning of a message: garbage alone does not get far.
        let mut spliced = spelled(&message);
        spliced.truncate(place.index(spliced.len()));
        spliced.extend(bytes);
        check_canonical(&spliced)?;
    }

    #[test]
    fn a_message_with_a_changed_byte_is_another_or_none(
        message in any_message(), place: prop::sample::Index, change in 1_u8..,
    ) {
        let mut bytes = spelled(&message);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        check_canonical(&bytes)?;
        let mut reader = Reader::new(&bytes);
        if let Ok(other) = wire::message::decode(&mut reader) {
            prop_assert!(other != message || reader.left() > 0);
        }
    }
}

#[test]
fn every_bit_of_a_heartbeat_counts() {
    let sealed = seal(&keys(), POOL, &envelope(), &heartbeat());
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            let opened = open(&keys(), POOL, HostIndex(2), &mut changed);
            assert!(opened.is_err(), "byte {place} bit {bit}");
        }
    }
}

#[test]
fn each_refusal_says_why() {
    let sealed = seal(&keys(), POOL, &envelope(), &heartbeat());
    let refused = |keys: &Keyring, pool, me, change: fn(&mut [u8])| {
        let mut bytes = sealed.clone();
        change(&mut bytes);
        open(keys, pool, HostIndex(me), &mut bytes).expect_err("refused")
    };
    let same = |_: &mut [u8]| {};
    assert_eq!(refused(&keys(), PoolId([0; 16]), 2, same), Rejected::OtherPool);
    assert_eq!(refused(&keys(), POOL, 1, same), Rejected::NotForMe);
    assert_eq!(refused(&Keyring::new(8, [8; 32]), POOL, 2, same), Rejected::UnknownKey { epoch: 7 });
    assert_eq!(refused(&Keyring::new(7, [8; 32]), POOL, 2, same), Rejected::NotAuthentic);
    assert_eq!(refused(&keys(), POOL, 2, |bytes| bytes[0] = b'l'), Rejected::NotOurs);
    assert_eq!(refused(&keys(), POOL, 2, |bytes| bytes[2] = 2), Rejected::Version { version: 2 });
    assert_eq!(refused(&keys(), POOL, 2, |bytes| bytes[70] ^= 1), Rejected::NotAuthentic);
    assert_eq!(open(&keys(), POOL, HostIndex(2), &mut []), Err(Rejected::Length { length: 0 }));
}

#[test]
fn a_datagram_that_comes_back_to_its_sender_is_refused() {
    let to_itself = Envelope { to: HostIndex(0), ..envelope() };
    let mut sealed = seal(&keys(), POOL, &to_itself, &heartbeat());
    assert_eq!(open(&keys(), POOL, HostIndex(0), &mut sealed), Err(Rejected::NotForMe));
}
