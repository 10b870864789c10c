//! The promises of an outbox, under random alerts, failures and restarts.
use super::{Told, alert, seconds};
use crate::limits::{Filter, Limits, Retry, Storm};
use crate::outbox::{Input, Outbox};
use crate::{Failure, Message, Severity};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Alert(usize),
    SameAgain,
    Wait(u64),
    Succeed,
    Fail,
    Refuse,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize).prop_map(Step::Alert),
        1 => Just(Step::SameAgain),
        3 => (1..90_u64).prop_map(Step::Wait),
        3 => Just(Step::Succeed),
        3 => Just(Step::Fail),
        1 => Just(Step::Refuse),
        1 => Just(Step::Restart),
    ]
}

fn some_limits() -> impl Strategy<Value = Limits> {
    (1..6_usize, 1..4_u32, prop::option::of((0..4_u32, 1..100_u64))).prop_map(|(queue, attempts, storm)| {
        Limits {
            filter: Filter::default(),
            storm: storm.map(|(after, window)| Storm {
                after,
                window: Duration::from_secs(window),
                lines: 1000,
            }),
            retry: Retry { attempts, first: Duration::from_secs(1), longest: Duration::from_secs(30) },
            queue,
        }
    })
}

/// What became of the alerts.
#[derive(Default)]
struct Fates {
    told: BTreeSet<u64>,
    lost: BTreeSet<u64>,
    losses_told: u64,
    last: Option<u64>,
}

impl Fates {
    fn numbers(message: &Message) -> Vec<u64> {
        let number = |id: &str| id.parse().expect("ids are numbers");
        match message {
            Message::Alert { alert } => vec![number(&alert.id)],
            Message::Digest { digest } => {
                assert_eq!(digest.total, digest.lines.len() as u64, "every alert has a line here");
                digest.lines.iter().map(|line| number(&line.id)).collect()
            }
            Message::Losses { .. } | Message::Test { .. } => Vec::new(),
        }
    }

    fn tell(&mut self, message: &Message) {
        if let Message::Losses { losses } = message {
            self.losses_told += losses.total;
        }
        let numbers = Self::numbers(message);
        let (first, last) = (numbers.iter().min().copied(), numbers.iter().max().copied());
        assert!(first.is_none() || first > self.last, "{first:?} is told after {:?}", self.last);
        self.last = last.or(self.last);
        for number in numbers {
            assert!(self.told.insert(number), "{number} is told twice");
        }
    }

    fn lose(&mut self, told: &mut Told) {
        for lost in told.lost.drain(..) {
            for number in Self::numbers(&lost.message) {
                assert!(self.lost.insert(number), "{number} is lost twice");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_alert_is_told_once_or_reported_lost(limits in some_limits(), steps in prop::collection::vec(step(), 1..120)) {
        let mut told = Told::new(limits.clone());
        let mut fates = Fates::default();
        let (mut now, mut sent) = (0, 0_u64);
        for step in steps {
            match step {
                Step::Alert(severity) => {
                    told.send(now, alert(sent, Severity::ALL[severity]));
                    sent += 1;
                }
                Step::SameAgain => told.send(now, alert(sent.saturating_sub(1), Severity::Info)),
                Step::Wait(wait) => {
                    now += wait;
                    told.wake(now);
                }
                Step::Succeed => {
                    if let Some(message) = told.succeed(now) {
                        fates.tell(&message);
                    }
                }
                Step::Fail | Step::Refuse => {
                    if told.under_way.is_some() {
                        let failure = if matches!(step, Step::Fail) { Failure::passing("x") } else { Failure::lasting("x") };
                        // Word of losses that is refused for good is gone for good: it is never refused here.
                        let of_losses = matches!(&told.under_way, Some(delivery) if matches!(delivery.message, Message::Losses { .. }));
                        let failure = if of_losses { Failure::passing("x") } else { failure };
                        let attempt = told.fail(now, failure);
                        prop_assert!(attempt <= limits.retry.attempts);
                    }
                }
                Step::Restart => {
                    let saved = told.outbox.pending();
                    let mut outbox = Outbox::new(limits.clone(), now);
                    outbox.restore(seconds(now), saved);
                    told.outbox = outbox;
                    told.under_way = None;
                    told.wake(now);
                }
            }
            // A step of the same alert before the first is an alert like any other.
            if sent == 0 && told.outbox.totals().taken > 0 {
                sent = 1;
            }
            fates.lose(&mut told);
            prop_assert!(told.outbox.queued() <= limits.queue + 1, "{} wait", told.outbox.queued());
            prop_assert!(told.under_way.is_some() || told.outbox.queued() == 0 || told.outbox.deadline().is_some());
        }
        // The channel heals: all comes out by the deadlines alone.
        for _ in 0..1000 {
            if let Some(message) = told.succeed(now) {
                fates.tell(&message);
            } else if let Some(deadline) = told.outbox.deadline() {
                told.handle(deadline, Input::Wake);
                now = now.max(deadline.since(seconds(0)).as_millis().div_ceil(1000).try_into().expect("small"));
            }
            fates.lose(&mut told);
        }
        prop_assert_eq!(told.outbox.queued(), 0);
        prop_assert_eq!(told.outbox.gathered(), 0);
        prop_assert_eq!(fates.told.len() + fates.lost.len(), usize::try_from(sent).expect("small"));
        prop_assert!(fates.told.is_disjoint(&fates.lost));
        prop_assert_eq!(fates.losses_told, fates.lost.len() as u64);
    }
}
