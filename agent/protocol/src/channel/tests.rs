//! The channel against a network that loses, doubles and reorders, through the codec; and its limits one by one.
use super::*;
use crate::bytes::{Reader, Writer};
use crate::order::OrderId;
use crate::wire::segment;
use alloc::collections::BTreeMap;
use alloc::format;
use lifeboat_model::HostIndex;
use proptest::prelude::*;

const SESSION: Session = Session { epoch: Epoch(4), boot: Boot(2), process: Process(1) };

fn order(number: u64) -> Payload {
    let id = OrderId { epoch: SESSION.epoch, number };
    Payload::Order(Order::Migrate { id, vm: format!("vm{number}"), to: HostIndex(1) })
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn inventory(vms: usize, prefix: &str) -> Payload {
    let vms = (0..vms).map(|number| (format!("{prefix}{number}"), VmState::Running)).collect();
    Payload::Report(Report::Inventory { vms })
}

/// What the network does to a segment.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Lost,
    After(u64),
    Twice(u64, u64),
}

/// Two ends and a network between them, in virtual milliseconds.
struct World {
    ends: [Channel; 2],
    /// By time of arrival, and then by when it was sent: to which end, and its bytes.
    under_way: BTreeMap<(u64, usize), (usize, Vec<u8>)>,
    fates: Vec<Fate>,
    sent: usize,
    delivered: [Vec<Payload>; 2],
    now: u64,
}

impl World {
    /// The fates befall the first segments; those after them arrive after a millisecond.
    fn new(fates: Vec<Fate>) -> Self {
        Self {
            ends: [Channel::new(SESSION), Channel::new(SESSION)],
            under_way: BTreeMap::new(),
            fates,
            sent: 0,
            delivered: [Vec::new(), Vec::new()],
            now: 0,
        }
    }

    /// Lets everything happen up to `until`, or until nothing can happen any more; then tells when that was.
    fn run(&mut self, until: u64) {
        loop {
            for end in 0..2 {
                self.transmit(end);
            }
            let deadline = |end: &Channel| end.deadline().map(|at| at.as_micros().div_ceil(1000));
            let arrival = self.under_way.first_key_value().map(|(&(time, _), _)| time);
            let next = self.ends.iter().filter_map(deadline).chain(arrival).min();
            match next {
                Some(next) if next <= until => self.now = next.max(self.now),
                _ => return,
            }
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to, bytes) = entry.remove();
                let segment = segment::decode(&mut Reader::new(&bytes)).unwrap();
                let delivered = self.ends[to].receive(at(self.now), segment);
                self.delivered[to].extend(delivered);
            }
        }
    }

    fn transmit(&mut self, from: usize) {
        while let Some(segment) = self.ends[from].next_segment(at(self.now)) {
            let mut writer = Writer::default();
            segment::encode(&segment, &mut writer);
            let bytes = writer.into_bytes();
            assert!(bytes.len() <= segment::OVERHEAD + SEGMENT_BYTES, "{} bytes", bytes.len());
            assert!(bytes.len() <= segment::size(&segment), "size() reserves enough");
            let fate = self.fates.get(self.sent).copied().unwrap_or(Fate::After(1));
            self.sent += 1;
            assert!(self.sent < 10_000, "they never come to rest");
            let arrivals = match fate {
                Fate::Lost => [None, None],
                Fate::After(delay) => [Some(delay), None],
                Fate::Twice(one, other) => [Some(one), Some(other)],
            };
            for (copy, delay) in arrivals.into_iter().flatten().enumerate() {
                let key = (self.now + delay.max(1), 2 * self.sent + copy);
                self.under_way.insert(key, (1 - from, bytes.clone()));
            }
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Lost),
        3 => (1_u64..20).prop_map(Fate::After),
        1 => (1_u64..1500).prop_map(Fate::After),
        1 => (1_u64..50, 1_u64..3000).prop_map(|(one, other)| Fate::Twice(one, other)),
    ]
}

proptest! {
    #[test]
    fn everything_is_delivered_once_and_in_order_and_soon_after_the_faults(
        fates in prop::collection::vec(fate(), 0..60),
        pushes in prop::collection::vec((0_u64..4000, 0_usize..2, 1_u64..60), 1..30),
        vms in prop_oneof![3 => 0_usize..5, 1 => 0_usize..4000],
    ) {
        let mut world = World::new(fates);
        let mut pushed = [Vec::new(), Vec::new()];
        pushed[0].push(inventory(vms, "a-vm-with-a-name-"));
        world.ends[0].push(pushed[0][0].clone()).unwrap();
        let (mut pushes, mut number) = (pushes, 0);
        pushes.sort_unstable();
        for &(time, end, count) in &pushes {
            world.run(time);
            world.now = time;
            for _ in 0..count {
                number += 1;
                world.ends[end].push(order(number)).unwrap();
                pushed[end].push(order(number));
            }
            for (delivered, pushed) in world.delivered.iter().rev().zip(&pushed) {
                prop_assert_eq!(delivered.as_slice(), &pushed[..delivered.len()]);
            }
        }
        // Only so many segments meet a fault. Each fault costs a pause at most, and then nothing is missing.
        let faults = world.fates.len() as u64;
        world.run(u64::MAX);
        prop_assert_eq!(&world.delivered[1], &pushed[0]);
        prop_assert_eq!(&world.delivered[0], &pushed[1]);
        prop_assert_eq!((world.ends[0].unacknowledged(), world.ends[1].unacknowledged()), (0, 0));
        prop_assert!(world.now <= 4000 + 3000 + faults * 1000 + 1000, "at rest only at {} ms", world.now);
    }
}

#[test]
fn without_faults_nothing_is_sent_twice_and_nothing_waits() {
    let mut world = World::new(Vec::new());
    for number in 1..=3 {
        world.ends[0].push(order(number)).unwrap();
    }
    world.run(u64::MAX);
    assert_eq!(world.delivered[1], [order(1), order(2), order(3)]);
    assert_eq!(world.sent, 2, "one segment with all three, and its acknowledgement");
    assert_eq!(world.now, 2);
    assert_eq!(world.ends[0].deadline(), None);
    assert_eq!(world.ends[1].deadline(), None);
}

#[test]
fn a_silent_peer_is_tried_again_after_200_ms_then_less_often_but_each_second() {
    let mut world = World::new(alloc::vec![Fate::Lost; 1000]);
    let mut end = Channel::new(SESSION);
    end.push(order(1)).unwrap();
    let mut times = Vec::new();
    while times.len() < 7 {
        let now = end.deadline().unwrap();
        assert!(end.next_segment(now).is_some());
        assert_eq!(end.next_segment(now), None);
        times.push(now.as_micros() / 1000);
    }
    assert_eq!(times, [0, 200, 600, 1400, 2400, 3400, 4400]);
    world.ends[0].push(order(1)).unwrap();
    world.run(60_000);
    assert!(world.sent < 65, "{} segments in a minute", world.sent);
}

#[test]
fn one_lost_segment_does_not_hold_up_what_follows_for_longer_than_a_repetition() {
    let mut world = World::new([Fate::Lost].into());
    world.ends[0].push(inventory(4000, "vm")).unwrap();
    world.run(u64::MAX);
    assert_eq!(world.delivered[1], [inventory(4000, "vm")]);
    assert!(world.now <= 210, "at rest at {} ms", world.now);
}

#[test]
fn after_a_whole_window_is_lost_the_rest_follows_at_once() {
    let mut world = World::new([Fate::Lost; 8].into());
    world.ends[0].push(inventory(6000, "vm")).unwrap();
    world.run(u64::MAX);
    assert_eq!(world.delivered[1], [inventory(6000, "vm")]);
    assert!(world.now <= 240, "at rest at {} ms", world.now);
}

#[test]
fn an_inventory_of_the_largest_host_goes_through_in_parts_and_comes_out_whole() {
    let prefix = "ä".repeat(250);
    let fates = [Fate::After(1), Fate::Lost, Fate::After(30), Fate::Lost].repeat(40);
    let mut world = World::new(fates);
    world.ends[0].push(order(1)).unwrap();
    world.ends[0].push(inventory(1500, &prefix)).unwrap();
    world.ends[0].push(order(2)).unwrap();
    world.run(u64::MAX);
    assert_eq!(world.delivered[1], [order(1), inventory(1500, &prefix), order(2)]);
}

#[test]
fn the_window_is_bounded_in_bytes_and_in_number() {
    let under_way = |mut end: Channel| {
        let segments: Vec<Segment> = core::iter::from_fn(|| end.next_segment(at(0))).collect();
        assert!(end.deadline() > Some(Instant::default()), "no busy waiting for room in the window");
        let payloads = segments.iter().map(|segment| segment.payloads.len()).sum::<usize>();
        (payloads, segments.iter().map(segment::size).sum::<usize>() - segments.len() * segment::OVERHEAD)
    };
    let (mut many, mut large) = (Channel::new(SESSION), Channel::new(SESSION));
    for number in 0..5000 {
        many.push(Payload::Report(Report::Ready { vm: format!("{number}") })).unwrap();
    }
    large.push(inventory(20_000, "a-vm-with-a-name-")).unwrap();
    assert_eq!(under_way(many).0 as u64, WINDOW);
    let bytes = under_way(large).1;
    assert!(bytes <= WINDOW_BYTES && bytes > WINDOW_BYTES - SEGMENT_BYTES, "{bytes} bytes");
}

#[test]
fn a_full_queue_refuses_and_stays_as_it_is() {
    let mut end = Channel::new(SESSION);
    for number in 1..=MAX_QUEUED as u64 {
        end.push(order(number)).unwrap();
    }
    assert_eq!(end.push(order(0)), Err(Full));
    assert_eq!(end.push(inventory(10, "vm")), Err(Full));
    assert_eq!(end.unacknowledged(), MAX_QUEUED);
    assert_eq!(Channel::new(SESSION).push(inventory(MAX_INVENTORY + 1, "")), Err(Full));
}

#[test]
fn a_segment_of_another_session_has_no_effect() {
    let mut end = Channel::new(SESSION);
    for other in [
        Session { epoch: Epoch(5), ..SESSION },
        Session { boot: Boot(1), ..SESSION },
        Session { process: Process(2), ..SESSION },
    ] {
        let segment = Segment { session: other, acknowledged: 0, first: 1, payloads: [order(1)].into() };
        assert_eq!(end.receive(at(0), segment), []);
        assert_eq!(end.deadline(), None, "not even an acknowledgement is owed");
    }
}

#[test]
fn numbers_that_cannot_be_are_not_believed() {
    let mut end = Channel::new(SESSION);
    end.push(order(1)).unwrap();
    end.next_segment(at(0)).unwrap();
    end.push(order(2)).unwrap();
    let segment = |acknowledged, first, payloads| Segment { session: SESSION, acknowledged, first, payloads };
    end.receive(at(1), segment(2, 0, Vec::new()));
    end.receive(at(1), segment(u64::MAX, u64::MAX, Vec::new()));
    assert_eq!(end.unacknowledged(), 2, "what waits has not been received");
    assert_eq!(end.receive(at(1), segment(0, u64::MAX, [order(1), order(2)].into())), []);
    assert_eq!(end.receive(at(1), segment(0, 0, [order(9), order(1)].into())), [order(1)]);
    assert_eq!(end.receive(at(1), segment(0, 2 + WINDOW, [order(7)].into())), []);
    assert_eq!(end.receive(at(1), segment(0, 2, [order(2)].into())), [order(2)]);
}

#[test]
fn an_inventory_beyond_all_bounds_halts_the_channel_and_is_never_told_in_part() {
    let mut end = Channel::new(SESSION);
    let part = |count: usize| {
        let vms = (0..count).map(|number| (format!("{number}"), VmState::Running)).collect();
        Payload::InventoryPart { vms }
    };
    for first in 1..=20 {
        let segment =
            Segment { session: SESSION, acknowledged: 0, first, payloads: [part(MAX_INVENTORY / 10)].into() };
        assert_eq!(end.receive(at(0), segment), []);
    }
    let segment =
        Segment { session: SESSION, acknowledged: 0, first: 21, payloads: [inventory(1, "vm")].into() };
    assert_eq!(end.receive(at(0), segment), []);
    assert!(
        end.next_segment(at(0)).unwrap().acknowledged < 20,
        "the sender will find that it gets no further"
    );
}
