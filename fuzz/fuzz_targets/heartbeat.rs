#![no_main]
//! The bytes are first a datagram from anybody, and then messages of a holder of the key, one behind another. Whatever
//! they are, there is an answer; what decodes has one spelling, and comes through sealing and opening as it was. Segments
//! go on into a channel, which must come to rest after each.
use lifeboat_model::HostIndex;
use lifeboat_protocol::bytes::{Reader, Writer};
use lifeboat_protocol::channel::{Channel, Payload, SEGMENT_BYTES, Segment};
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::message::{Envelope, Message};
use lifeboat_protocol::order::Report;
use lifeboat_protocol::replay::Replay;
use lifeboat_protocol::{Boot, HeartbeatNetwork, Instant, Keyring, Process, wire};

const POOL: PoolId = PoolId(*b"pool-of-examples");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Not the key of the golden datagram, which is a seed.
    let keys = Keyring::new(7, [9; 32]);
    assert!(wire::open(&keys, POOL, HostIndex(2), &mut bytes.to_vec()).is_err(), "nobody forges a tag");
    let mut reader = Reader::new(bytes);
    let mut channel = None;
    let mut replay = Replay::new();
    for sequence in 1.. {
        let read = reader.clone();
        let Ok(message) = wire::message::decode(&mut reader) else { return };
        check_spelling(&message, read, &reader);
        let envelope = envelope(sequence);
        let mut sealed = wire::seal(&keys, POOL, &envelope, &message);
        let opened = wire::open(&keys, POOL, envelope.to, &mut sealed).expect("what was sealed is opened");
        assert_eq!(opened, (envelope, message.clone()));
        assert!(replay.accept(&envelope).is_ok() && replay.accept(&envelope).is_err());
        if let Message::Segment(segment) = message {
            converse(channel.get_or_insert_with(|| Channel::new(segment.session)), segment, sequence);
        }
    }
});

fn envelope(sequence: u64) -> Envelope {
    Envelope {
        from: HostIndex(0),
        boot: Boot(3),
        process: Process(2),
        to: HostIndex(2),
        network: HeartbeatNetwork(1),
        sequence,
    }
}

/// Encoding a message gives the bytes that it was read from, in no more room than is reserved for it.
fn check_spelling(message: &Message, mut before: Reader<'_>, after: &Reader<'_>) {
    let mut writer = Writer::default();
    wire::message::encode(message, &mut writer);
    assert!(writer.len() <= wire::message::size(message));
    let read = before.take(before.left() - after.left()).expect("what was read was there");
    assert_eq!(writer.into_bytes(), read);
}

/// Takes a segment, says something now and then, and sends until there is nothing to be sent.
fn converse(channel: &mut Channel, segment: Segment, turn: u64) {
    let now = Instant::from_micros(turn * 150_000);
    if turn % 3 == 1 {
        let vms = segment.payloads.iter().filter_map(|payload| match payload {
            Payload::Report(Report::Inventory { vms }) => Some(vms.clone()),
            _ => None,
        });
        let inventory = Report::Inventory { vms: vms.flatten().collect() };
        channel.push(Payload::Report(inventory)).expect("few are queued");
    }
    for delivered in channel.receive(now, segment) {
        assert!(!matches!(delivered, Payload::InventoryPart { .. }), "parts are for the channel alone");
    }
    while let Some(segment) = channel.next_segment(now) {
        assert_eq!(segment.session, channel.session());
        assert!(wire::segment::size(&segment) <= wire::segment::OVERHEAD + SEGMENT_BYTES);
    }
    assert!(channel.deadline().is_none_or(|deadline| deadline > now), "nothing is due that is not sent");
}
