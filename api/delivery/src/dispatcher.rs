//! All channels together: each has an outbox and a thread of its own, so that a slow or dead one delays no other.
//!
//! [`Dispatcher::send`] only puts the alert into the outboxes, and never waits for a delivery. What is still to be told can be
//! taken out as plain data at any time ([`Dispatcher::pending`]) and given to the next dispatcher
//! ([`Dispatcher::start`]), so that nothing is lost over a restart of the service.
mod status;
mod worker;

pub use status::{ChannelStatus, LastError};

use crate::clock::Clock;
use crate::outbox::{Lost, Saved};
use crate::settings::ChannelSettings;
use crate::{Alert, Channel, Failure, Fault, Outbox, Receipt};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;

/// What is told when alerts are lost: the channel's name and what was lost. It is called on the channel's thread, or on the
/// sender's; it should only note the fact, and not send an alert for each loss through the same channels.
pub type OnLost = Arc<dyn Fn(&str, &Lost) + Send + Sync>;

/// All channels at work.
pub struct Dispatcher {
    workers: Vec<Arc<Worker>>,
}

impl Dispatcher {
    /// Opens the channels and starts them, each with what an earlier dispatcher had still to tell through the channel of the
    /// same name. The seed spreads the waits of channels that fail together; `credentials` is where systemd put the
    /// credentials of the service.
    ///
    /// # Errors
    /// Everything that is wrong with the settings; then nothing is started.
    pub fn start(
        settings: &[ChannelSettings],
        credentials: Option<&Path>,
        seed: u64,
        saved: BTreeMap<String, Saved>,
        on_lost: &OnLost,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = crate::settings::check(settings);
        let mut channels = Vec::new();
        if faults.is_empty() {
            for one in settings {
                match one.open(credentials) {
                    Ok(channel) => channels.push((channel, one)),
                    Err(more) => faults.extend(more),
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut saved = saved;
        let prepared = channels.into_iter().zip(0..).map(|((channel, settings), number)| {
            let outbox = Outbox::new(settings.limits(), seed.wrapping_add(number));
            (channel, settings.kind(), outbox, saved.remove(settings.name()).unwrap_or_default())
        });
        let prepared: Vec<_> = prepared.collect();
        for (name, lost) in saved {
            let messages = lost.messages.len();
            tracing::warn!(
                channel = name,
                messages,
                "the channel is not configured any more: its messages are dropped"
            );
        }
        Ok(Self::start_with(prepared, on_lost))
    }

    /// The same with channels that are made already.
    pub(crate) fn start_with(
        channels: Vec<(Arc<dyn Channel>, &'static str, Outbox, Saved)>,
        on_lost: &OnLost,
    ) -> Self {
        let clock = Clock::start();
        let start = |(channel, kind, outbox, saved)| {
            Worker::start(channel, kind, outbox, saved, clock, Arc::clone(on_lost))
        };
        Self { workers: channels.into_iter().map(start).collect() }
    }

    /// Has an alert told by every channel that it is for. Never waits for a delivery.
    pub fn send(&self, alert: &Alert) {
        for worker in &self.workers {
            worker.send(alert);
        }
    }

    /// How the channels are, in the order of the settings.
    pub fn status(&self) -> Vec<ChannelStatus> {
        self.workers.iter().map(|worker| worker.status()).collect()
    }

    /// Sends a test message through a channel, now, on this thread, past its queue. None: there is no such channel.
    pub fn test(&self, channel: &str) -> Option<Result<Receipt, Failure>> {
        self.workers.iter().find(|worker| worker.name() == channel).map(|worker| worker.test())
    }

    /// What has still to be told, by channel.
    pub fn pending(&self) -> BTreeMap<String, Saved> {
        self.workers.iter().map(|worker| (worker.name().to_owned(), worker.pending())).collect()
    }

    /// Rises whenever [`Self::pending`] would say something new: so that it is written down no more often than needed.
    pub fn changes(&self) -> u64 {
        self.workers.iter().map(|worker| worker.changes()).sum()
    }

    /// Ends all channels and says what has still to be told. What is under way is waited for, no longer than `patience`; what
    /// is under way after that counts as not told.
    pub fn stop(&self, patience: Duration) -> BTreeMap<String, Saved> {
        let clock = Clock::start();
        for worker in &self.workers {
            worker.tell_to_stop();
        }
        for worker in &self.workers {
            worker.wait_until_stopped(clock.left_of(patience));
        }
        self.pending()
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.tell_to_stop();
        }
    }
}

#[cfg(test)]
mod tests;
