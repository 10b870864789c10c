//! The outbox told as stories, and held to its promises under random ones.
mod promises;
mod stories;

use super::{Command, Delivery, Input, Outbox};
use crate::limits::{Filter, Limits, Retry, Storm};
use crate::{Alert, Failure, Message, Moment, Severity, Subject};
use std::time::Duration;

fn seconds(seconds: u64) -> Moment {
    Moment::after_origin(Duration::from_secs(seconds))
}

fn alert(number: u64, severity: Severity) -> Alert {
    Alert {
        id: number.to_string(),
        at: jiff::Timestamp::from_second(1_790_000_000 + i64::try_from(number).expect("small"))
            .expect("in range"),
        since: None,
        pool: "prod-a".to_owned(),
        kind: "host-failed".to_owned(),
        ends: None,
        severity,
        subject: Subject::Host(format!("h{number}")),
        recovered: false,
        summary: format!("host h{number} failed"),
        detail: String::new(),
        next_step: String::new(),
        data: serde_json::Value::Null,
    }
}

fn limits() -> Limits {
    Limits {
        filter: Filter::default(),
        storm: None,
        retry: Retry { attempts: 3, first: Duration::from_secs(2), longest: Duration::from_mins(1) },
        queue: 8,
    }
}

fn with_digests() -> Limits {
    let storm = Storm { after: 2, window: Duration::from_mins(1), lines: 3 };
    Limits { storm: Some(storm), ..limits() }
}

/// An outbox under test, with what it said.
struct Told {
    outbox: Outbox,
    lost: Vec<super::Lost>,
    under_way: Option<Delivery>,
}

impl Told {
    fn new(limits: Limits) -> Self {
        Self { outbox: Outbox::new(limits, 1), lost: Vec::new(), under_way: None }
    }

    fn handle(&mut self, now: Moment, input: Input) {
        self.outbox.handle(now, input);
        while let Some(command) = self.outbox.next_command() {
            match command {
                Command::Lost(lost) => self.lost.push(lost),
                Command::Deliver(delivery) => {
                    assert!(self.under_way.is_none(), "two under way: {:?}, {delivery:?}", self.under_way);
                    self.under_way = Some(delivery);
                }
            }
        }
    }

    fn send(&mut self, at_s: u64, alert: Alert) {
        self.handle(seconds(at_s), Input::Alert(Box::new(alert)));
    }

    fn wake(&mut self, at_s: u64) {
        self.handle(seconds(at_s), Input::Wake);
    }

    /// Lets the delivery under way succeed, and says what it was.
    fn succeed(&mut self, at_s: u64) -> Option<Message> {
        let delivery = self.under_way.take()?;
        self.handle(seconds(at_s), Input::Delivered(delivery.number));
        Some(delivery.message)
    }

    fn fail(&mut self, at_s: u64, failure: Failure) -> u32 {
        let delivery = self.under_way.take().expect("a delivery is under way");
        self.handle(seconds(at_s), Input::Failed(delivery.number, failure));
        delivery.attempt
    }

    /// The ids of the alerts that get through when everything succeeds at this moment.
    fn drain(&mut self, at_s: u64) -> Vec<String> {
        let mut ids = Vec::new();
        self.wake(at_s);
        while let Some(message) = self.succeed(at_s) {
            ids.push(match message {
                Message::Alert { alert } => alert.id,
                Message::Digest { digest } => format!("digest of {}", digest.total),
                Message::Losses { losses } => format!("losses of {}", losses.total),
                Message::Test { .. } => "test".to_owned(),
            });
        }
        ids
    }
}
