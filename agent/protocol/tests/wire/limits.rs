//! The largest of everything fits into a datagram.
use crate::samples::{POOL, envelope, keys};
use core::time::Duration;
use lifeboat_model::HostIndex;
use lifeboat_protocol::bytes::{MAX_HOSTS, Malformed, Reader, Writer};
use lifeboat_protocol::channel::{Channel, Payload, Session};
use lifeboat_protocol::configuration::{Disarm, HostEntry};
use lifeboat_protocol::message::Message;
use lifeboat_protocol::order::{OrderId, Outcome, Report, VmState};
use lifeboat_protocol::wire::configuration::MAX_NUMBER;
use lifeboat_protocol::wire::{self, MAX_DATAGRAM, open, seal};
use lifeboat_protocol::{Boot, Configuration, ConfigurationNumber, Epoch, Instant, Standing};

fn datagram(message: &Message) -> usize {
    let mut sealed = seal(&keys(), POOL, &envelope(), message);
    let length = sealed.len();
    assert_eq!(
        open(&keys(), POOL, HostIndex(2), &mut sealed).as_ref().map(|(_, message)| message),
        Ok(message)
    );
    length
}

#[test]
fn the_largest_configuration_fits_with_room_to_spare() {
    let number = ConfigurationNumber(MAX_NUMBER);
    let standing = Standing::Fencing { boot: Boot(u64::MAX), joined: number, led: Some(Epoch(MAX_NUMBER)) };
    let entry = HostEntry { standing, failures: 255, quarantined: true };
    let message = Message::Configuration(Box::new(Configuration {
        number,
        leader: HostIndex::new(MAX_HOSTS - 1),
        epoch: Epoch(MAX_NUMBER),
        timeout: Duration::from_mins(5),
        key_epoch: u32::MAX,
        disarm: Some(Disarm { lasts: Duration::from_hours(24) }),
        braked: true,
        hosts: vec![entry; MAX_HOSTS],
    }));
    assert_eq!(datagram(&message), 6762);
    assert!(datagram(&message) < MAX_DATAGRAM / 8);
}

#[test]
fn what_no_pool_can_agree_on_is_refused() {
    let refused = |change: fn(&mut Configuration)| {
        let mut configuration = Configuration {
            number: ConfigurationNumber(1),
            leader: HostIndex(0),
            epoch: Epoch(1),
            timeout: Duration::from_secs(15),
            key_epoch: 1,
            disarm: None,
            braked: false,
            hosts: vec![HostEntry::default()],
        };
        change(&mut configuration);
        let mut writer = Writer::default();
        wire::configuration::encode(&configuration, &mut writer);
        wire::configuration::decode(&mut Reader::new(&writer.into_bytes())).err()
    };
    let out_of_range = |what| Some(Malformed::OutOfRange { what });
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(|known| known.number.0 = MAX_NUMBER + 1), out_of_range("a number"));
    assert_eq!(refused(|known| known.epoch.0 = u64::MAX), out_of_range("a number"));
    assert_eq!(refused(|known| known.timeout = Duration::from_millis(2999)), out_of_range("T"));
    assert_eq!(refused(|known| known.timeout = Duration::from_secs(301)), out_of_range("T"));
    assert_eq!(refused(|known| known.leader = HostIndex::new(MAX_HOSTS)), out_of_range("a host"));
    assert_eq!(refused(|known| known.leader = HostIndex(1)), out_of_range("the leader"));
}

#[test]
fn the_longest_segments_of_a_channel_fit() {
    let mut channel = Channel::new(Session::default());
    let long = "𝄞".repeat(255);
    let vms = (0..2000).map(|number| (format!("{}{number:03}", &long[..1008]), VmState::Unknown)).collect();
    channel.push(Payload::Report(Report::Inventory { vms })).unwrap();
    for number in 0..2000 {
        let id = OrderId { epoch: Epoch(1), number };
        let failed = Outcome::Failed { reason: "x".repeat(5000) };
        channel.push(Payload::Report(Report::Finished { id, outcome: failed })).unwrap();
        channel.push(Payload::Report(Report::Ready { vm: number.to_string() })).unwrap();
    }
    let mut other = Channel::new(Session::default());
    let (mut longest, mut delivered) = (0, Vec::new());
    while channel.unacknowledged() > 0 {
        let now = Instant::default();
        while let Some(segment) = channel.next_segment(now) {
            let mut sealed = seal(&keys(), POOL, &envelope(), &Message::Segment(segment));
            longest = longest.max(sealed.len());
            let Ok((_, Message::Segment(segment))) = open(&keys(), POOL, HostIndex(2), &mut sealed) else {
                panic!("a segment goes in, a segment comes out")
            };
            delivered.extend(other.receive(now, segment));
        }
        while let Some(segment) = other.next_segment(now) {
            channel.receive(now, segment);
        }
    }
    assert_eq!(delivered.len(), 4001);
    assert!(longest > 8000 && longest < MAX_DATAGRAM / 6, "{longest} bytes");
    let Payload::Report(Report::Finished { outcome: Outcome::Failed { reason }, .. }) = &delivered[1] else {
        panic!("the first failure follows the inventory")
    };
    assert_eq!(reason.len(), 1024, "a long reason is cut");
}
