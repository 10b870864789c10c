//! What one channel has still to tell, and when it tries: the pure part. It does no I/O, reads no clock and draws no chance.
//!
//! ```text
//!                 not for this channel, or told before
//!                ┌──────────────────────────────────────► (nothing)
//!   Input::Alert ┤                first N in a window
//!                └─► storm ─┬─────────────────────────────► queue ─► Command::Deliver ─► in flight
//!                           └─ the rest: gathered ─ window's end ─► digest ─┘   ▲              │
//!                                                                               │   Failed     │ Delivered
//!   queue full, given up, refused ─► Command::Lost, and word of it in the       └── wait ◄─────┤
//!   channel itself as soon as it works                                                         ▼ (gone)
//! ```
//!
//! What holds, whatever happens: an alert that was taken is told once, or counted in a digest that is told, or reported as lost;
//! what was told is never told again while its id is remembered; messages leave in the order in which their alerts came; one
//! message at a time is in flight; everything is bounded. After a restart a message whose fate was not known is sent
//! again, with the same id.
mod queue;
mod saved;
mod seen;
mod storm;
#[cfg(test)]
mod tests;

pub use saved::Saved;

use crate::channel::{Again, Failure};
use crate::digest::{Digest, Losses};
use crate::limits::Limits;
use crate::{Alert, Message, Moment};
use queue::{Entry, Queue};
use seen::Seen;
use std::collections::VecDeque;
use storm::Gathering;

/// What an outbox is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// An alert is to be told.
    Alert(Box<Alert>),
    /// The delivery with this number got through.
    Delivered(u64),
    /// The delivery with this number did not.
    Failed(u64, Failure),
    /// Time has passed.
    Wake,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Deliver this, and say how it went.
    Deliver(Delivery),
    /// Nobody will be told this here: say so elsewhere.
    Lost(Lost),
}

/// One attempt to deliver a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// By this number its outcome is told.
    pub number: u64,
    /// The how-manieth attempt with this message, from 1.
    pub attempt: u32,
    /// What to deliver.
    pub message: Message,
}

/// A message that is dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// What it was.
    pub message: Message,
    /// Why, for people.
    pub why: String,
}

/// How much went which way, since the outbox was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Alerts that were taken: for this channel, and new to it.
    pub taken: u64,
    /// Alerts that were told, alone or in a digest.
    pub told: u64,
    /// Alerts that were lost.
    pub lost: u64,
    /// Messages that got through.
    pub delivered: u64,
    /// Attempts to deliver.
    pub attempts: u64,
}

/// What one channel has still to tell.
#[derive(Debug)]
pub struct Outbox {
    limits: Limits,
    seed: u64,
    seen: Seen,
    gathering: Gathering,
    queue: Queue,
    losses: Option<Losses>,
    in_flight: bool,
    failures: u32,
    not_before: Moment,
    commands: VecDeque<Command>,
    totals: Totals,
    changes: u64,
}

impl Outbox {
    /// An empty one. The seed spreads the waits of channels that fail together.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            gathering: Gathering::new(limits.storm),
            limits,
            seed,
            seen: Seen::default(),
            queue: Queue::default(),
            losses: None,
            in_flight: false,
            failures: 0,
            not_before: Moment::default(),
            commands: VecDeque::new(),
            totals: Totals::default(),
            changes: 0,
        }
    }

    /// Takes note of what happened at `now`. `now` never goes back.
    pub fn handle(&mut self, now: Moment, input: Input) {
        match input {
            Input::Alert(alert) => self.take(now, *alert),
            Input::Delivered(number) => self.delivered(now, number),
            Input::Failed(number, failure) => self.failed(now, number, &failure),
            Input::Wake => {}
        }
        if let Some(message) = self.gathering.roll(now) {
            self.enqueue(message);
        }
        self.deliver_next(now);
    }

    /// What to do next; none: nothing until [`Self::deadline`] or the next input.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to come again with [`Input::Wake`], if nothing else happens before.
    pub fn deadline(&self) -> Option<Moment> {
        let retry = (!self.in_flight && self.has_something_to_tell()).then_some(self.not_before);
        [retry, self.gathering.deadline()].into_iter().flatten().min()
    }

    /// How many messages wait, the one in flight among them.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many alerts are being gathered.
    pub fn gathered(&self) -> u64 {
        self.gathering.total()
    }

    /// How many deliveries failed in a row.
    pub fn failures_in_a_row(&self) -> u32 {
        self.failures
    }

    /// What went which way.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Rises whenever [`Self::pending`] would say something new.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    fn has_something_to_tell(&self) -> bool {
        self.losses.is_some() || self.queue.len() > 0
    }

    fn take(&mut self, now: Moment, alert: Alert) {
        let alert = alert.bounded();
        if !self.limits.filter.passes(&alert) || !self.seen.is_new(&alert.key()) {
            return;
        }
        self.totals.taken += 1;
        self.changes += 1;
        if let Some(message) = self.gathering.roll(now) {
            self.enqueue(message);
        }
        if let Some(alert) = self.gathering.take(now, alert) {
            self.enqueue(Message::Alert { alert });
        }
    }

    fn enqueue(&mut self, message: Message) {
        self.changes += 1;
        self.queue.push(message);
        while self.queue.len() > self.limits.queue.max(1) {
            let Some(dropped) = self.queue.drop_mildest(self.in_flight) else { break };
            self.lose(dropped, "too many messages wait for this channel");
        }
    }

    /// Hands out the next message, if none is under way and the wait is over.
    fn deliver_next(&mut self, now: Moment) {
        if self.in_flight || now < self.not_before {
            return;
        }
        // Word of losses goes first where the channel works, and last where it does not: alerts matter more.
        if (self.failures == 0 || self.queue.len() == 0)
            && let Some(losses) = self.losses.take()
        {
            self.queue.push_front(Message::Losses { losses });
        }
        let Some(head) = self.queue.head() else { return };
        head.attempts += 1;
        let (number, attempt, message) = (head.number, head.attempts, head.message.clone());
        self.in_flight = true;
        self.totals.attempts += 1;
        self.commands.push_back(Command::Deliver(Delivery { number, attempt, message }));
    }

    /// The message in flight, if it is the one with this number; it is under way no more.
    fn landed(&mut self, number: u64) -> Option<Entry> {
        if !self.in_flight || self.queue.head()?.number != number {
            return None;
        }
        self.in_flight = false;
        self.changes += 1;
        self.queue.pop()
    }

    fn delivered(&mut self, now: Moment, number: u64) {
        let Some(entry) = self.landed(number) else { return };
        self.totals.delivered += 1;
        self.totals.told += entry.message.alerts();
        self.failures = 0;
        self.not_before = now;
    }

    fn failed(&mut self, now: Moment, number: u64, failure: &Failure) {
        let Some(entry) = self.landed(number) else { return };
        self.failures = self.failures.saturating_add(1);
        let wait = self.limits.retry.wait(self.failures, self.seed, number);
        let asked = match failure.again {
            Again::After(asked) => asked.min(self.limits.retry.longest),
            Again::Later | Again::Never => wait,
        };
        self.not_before = now + wait.max(asked);
        if failure.again == Again::Never {
            self.lose(entry.message, &format!("refused for good: {}", failure.reason));
        } else if entry.attempts >= self.limits.retry.attempts {
            let why = format!("given up after {} attempts: {}", entry.attempts, failure.reason);
            self.give_up(entry.message, &why);
        } else {
            self.queue.put_back(entry);
        }
    }

    /// Gives a message up; word of losses itself is kept, and tried again when something else got through.
    fn give_up(&mut self, message: Message, why: &str) {
        match message {
            Message::Losses { losses } => {
                self.losses = Some(match self.losses.take() {
                    None => losses,
                    Some(since) => losses.and(&since),
                });
            }
            message => self.lose(message, why),
        }
    }

    fn lose(&mut self, message: Message, why: &str) {
        self.changes += 1;
        self.totals.lost += message.alerts();
        let digest = match &message {
            Message::Alert { alert } => {
                let mut digest = Digest::of(alert);
                digest.add(alert, 1);
                Some(digest)
            }
            Message::Digest { digest } => Some(digest.clone()),
            Message::Losses { .. } | Message::Test { .. } => None,
        };
        if let Some(digest) = digest {
            self.losses = Some(Losses::with(self.losses.take(), &digest, why));
        }
        self.commands.push_back(Command::Lost(Lost { message, why: why.to_owned() }));
    }
}
