//! The thread of one channel: asks the outbox what to do, does it, tells how it went.
use super::{ChannelStatus, LastError, OnLost};
use crate::clock::{self, Clock};
use crate::outbox::{Command, Delivery, Input, Lost, Saved};
use crate::{Alert, Channel, Failure, Moment, Outbox, Receipt};
use jiff::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A channel at work.
pub(super) struct Worker {
    channel: Arc<dyn Channel>,
    kind: &'static str,
    clock: Clock,
    on_lost: OnLost,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    outbox: Outbox,
    next: Option<Delivery>,
    under_way_since: Option<Timestamp>,
    last_success: Option<Timestamp>,
    last_error: Option<LastError>,
    stopping: bool,
    stopped: bool,
}

impl Worker {
    pub(super) fn start(
        channel: Arc<dyn Channel>,
        kind: &'static str,
        mut outbox: Outbox,
        saved: Saved,
        clock: Clock,
        on_lost: OnLost,
    ) -> Arc<Self> {
        outbox.restore(clock.now(), saved);
        let state = State {
            outbox,
            next: None,
            under_way_since: None,
            last_success: None,
            last_error: None,
            stopping: false,
            stopped: false,
        };
        let worker = Arc::new(Self {
            kind,
            clock,
            on_lost,
            state: Mutex::new(state),
            changed: Condvar::new(),
            channel,
        });
        let at_work = Arc::clone(&worker);
        let thread = std::thread::Builder::new().name(format!("alerts-{}", worker.name()));
        if let Err(error) = thread.spawn(move || at_work.work()) {
            tracing::error!(channel = worker.name(), %error, "no thread for this channel: nothing is told through it");
            worker.lock().stopped = true;
        }
        worker
    }

    pub(super) fn name(&self) -> &str {
        self.channel.name()
    }

    pub(super) fn send(&self, alert: &Alert) {
        self.tell(Input::Alert(Box::new(alert.clone())));
        self.changed.notify_all();
    }

    pub(super) fn test(&self) -> Result<Receipt, Failure> {
        let outcome = self.channel.test();
        self.note(outcome.as_ref().err());
        outcome
    }

    pub(super) fn pending(&self) -> Saved {
        self.lock().outbox.pending()
    }

    pub(super) fn changes(&self) -> u64 {
        self.lock().outbox.changes()
    }

    pub(super) fn status(&self) -> ChannelStatus {
        let state = self.lock();
        let totals = state.outbox.totals();
        ChannelStatus {
            name: self.name().to_owned(),
            kind: self.kind,
            target: self.channel.target(),
            queued: state.outbox.queued(),
            gathered: state.outbox.gathered(),
            taken: totals.taken,
            told: totals.told,
            lost: totals.lost,
            delivered: totals.delivered,
            attempts: totals.attempts,
            under_way_since: state.under_way_since,
            failures_in_a_row: state.outbox.failures_in_a_row(),
            last_success: state.last_success,
            last_error: state.last_error.clone(),
        }
    }

    pub(super) fn tell_to_stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(super) fn wait_until_stopped(&self, patience: Duration) {
        let state = self.lock();
        drop(self.changed.wait_timeout_while(state, patience, |state| !state.stopped));
    }

    fn work(&self) {
        while let Some(delivery) = self.next_delivery() {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.channel.deliver(&delivery.message)))
                .unwrap_or_else(|_| Err(Failure::passing("a defect of Lifeboat: the channel panicked")));
            let (name, attempt) = (self.name(), delivery.attempt);
            let input = match &outcome {
                Ok(receipt) => {
                    tracing::debug!(
                        channel = name,
                        message = delivery.message.id(),
                        receipt = receipt.0,
                        "told"
                    );
                    Input::Delivered(delivery.number)
                }
                Err(failure) => {
                    tracing::warn!(channel = name, attempt, reason = failure.reason, "an alert was not told");
                    Input::Failed(delivery.number, failure.clone())
                }
            };
            self.note(outcome.as_ref().err());
            self.lock().under_way_since = None;
            self.tell(input);
        }
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until there is something to deliver; none: the channel ends.
    fn next_delivery(&self) -> Option<Delivery> {
        loop {
            self.tell(Input::Wake);
            let mut state = self.lock();
            if state.stopping {
                return None;
            }
            if let Some(delivery) = state.next.take() {
                state.under_way_since = Some(clock::date());
                return Some(delivery);
            }
            match state.outbox.deadline().map(|deadline| deadline.since(self.now())) {
                Some(wait) if wait.is_zero() => {}
                // An alert that came since the wake-up above has put its delivery there, and was seen.
                Some(wait) => drop(self.changed.wait_timeout(state, wait)),
                None => drop(self.changed.wait(state)),
            }
        }
    }

    /// Tells the outbox what happened, and carries out what it says, deliveries aside.
    fn tell(&self, input: Input) {
        let mut lost: Vec<Lost> = Vec::new();
        {
            let mut state = self.lock();
            // Read under the lock, so that the outbox never sees time go back.
            let now = self.now();
            state.outbox.handle(now, input);
            while let Some(command) = state.outbox.next_command() {
                match command {
                    Command::Deliver(delivery) => state.next = Some(delivery),
                    Command::Lost(one) => lost.push(one),
                }
            }
        }
        for one in lost {
            tracing::error!(
                channel = self.name(),
                what = one.message.headline(),
                why = one.why,
                "alerts were lost"
            );
            (self.on_lost)(self.name(), &one);
        }
    }

    fn note(&self, failure: Option<&Failure>) {
        let at = clock::date();
        let mut state = self.lock();
        match failure {
            None => state.last_success = Some(at),
            Some(failure) => state.last_error = Some(LastError { at, reason: failure.reason.clone() }),
        }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic left behind is still what has to be told.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
