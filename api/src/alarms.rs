//! Alerts out: what pools raise goes to the channels of the configuration, and what the channels have still to tell lies in the
//! store, so that nothing is lost when the service ends. How each channel tells it is `lifeboat-delivery`'s.
//!
//! ```text
//!   Outward (under the pool's lock) ─► Alarms::tell ─► Dispatcher ─► mail, webhook, command, syslog
//!                                                          └─► what is still to be told ─► alarms/<channel>
//! ```
//! An alert is told at least once: what was under way when the service was killed is told again, under the same id.
use crate::engine::Engine;
use crate::engine::pools::all_under;
use crate::served::alerts::{Alert, Severity, Subject};
use jiff::{SignedDuration, Timestamp};
use lifeboat_delivery::dispatcher::OnLost;
use lifeboat_delivery::{ChannelSettings, ChannelStatus, Dispatcher, Failure, Fault, Receipt, Saved};
use lifeboat_store::{Batch, Key, StoreError};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// Where lies what the channels have still to tell.
const ALARMS: &str = "alarms";
/// How often it is looked whether the channels have something new to keep.
const KEPT_EVERY: Duration = Duration::from_millis(250);
/// How long what is under way may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// Alerts that were over no longer ago than this are told when the service starts, unless they were told.
const TOLD_STILL: SignedDuration = SignedDuration::from_hours(1);

/// Why alerts cannot be sent out.
#[derive(Debug, thiserror::Error)]
pub enum AlarmsError {
    /// The channels are configured wrongly.
    #[error("the alert channels cannot be used: {}", faults(.0))]
    Channels(Vec<Fault>),
    /// What they had still to tell cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There can be no further thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

fn faults(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The channels at work. Copies are one.
#[derive(Clone)]
pub struct Alarms(Arc<Dispatcher>);

impl std::fmt::Debug for Alarms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarms").finish_non_exhaustive()
    }
}

impl Alarms {
    /// Opens the channels for a term, with what they had still to tell, and has all pools tell theirs. `credentials` is where
    /// systemd put the credentials of the service; the seed spreads retries.
    ///
    /// # Errors
    /// Everything that is wrong with the channels; or if the store cannot be read.
    pub fn start(
        engine: &Engine,
        channels: &[ChannelSettings],
        credentials: Option<&Path>,
        seed: u64,
    ) -> Result<Self, AlarmsError> {
        let mut saved = BTreeMap::new();
        for record in all_under(&**engine.store(), &Key::of(&[ALARMS]))? {
            let name = record.key.names().nth(1).map(str::to_owned);
            if let (Some(name), Ok(kept)) = (name, serde_json::from_slice::<Saved>(&record.value)) {
                saved.insert(name, kept);
            }
        }
        let on_lost: OnLost = Arc::new(|channel, lost| {
            tracing::error!(channel, why = lost.why, "alerts were lost: this channel will not tell them");
        });
        let dispatcher =
            Dispatcher::start(channels, credentials, seed, saved, &on_lost).map_err(AlarmsError::Channels)?;
        let alarms = Self(Arc::new(dispatcher));
        alarms.keep(engine)?;
        engine.outward().set(alarms.clone());
        alarms.tell_again(engine);
        Ok(alarms)
    }

    /// Has an alert told. Never waits for a delivery.
    pub fn tell(&self, pool: &str, alert: &Alert) {
        self.0.send(&outgoing(pool, alert));
    }

    /// How the channels are.
    pub fn status(&self) -> Vec<ChannelStatus> {
        self.0.status()
    }

    /// Sends a test message through a channel, now. None: there is no such channel. Blocks for as long as it takes.
    pub fn test(&self, channel: &str) -> Option<Result<Receipt, Failure>> {
        self.0.test(channel)
    }

    /// Ends the channels and keeps what they have still to tell; to be called before the engine is ended.
    pub fn end(&self, engine: &Engine) {
        keep(engine, &self.0.stop(PATIENCE));
    }

    /// Alerts that go on, or were over lately: the channels know which of them they have told.
    fn tell_again(&self, engine: &Engine) {
        let now = crate::clock::now();
        for pool in engine.pools() {
            let recent =
                |alert: &&Alert| alert.closed_at.is_none_or(|closed| now.duration_since(closed) < TOLD_STILL);
            let mut alerts: Vec<Alert> =
                pool.ledger(|ledger| ledger.alerts.newest_first().filter(recent).cloned().collect());
            alerts.reverse();
            for alert in &alerts {
                self.tell(pool.id(), alert);
            }
        }
    }

    /// Keeps what is still to be told whenever that changes, until the last copy is gone.
    fn keep(&self, engine: &Engine) -> Result<(), AlarmsError> {
        let (dispatcher, engine) = (Arc::downgrade(&self.0), engine.downgrade());
        let mut seen = 0;
        let look = move |dispatcher: &Weak<Dispatcher>| -> Option<()> {
            let (dispatcher, engine) = (dispatcher.upgrade()?, engine.upgrade()?);
            if *engine.over().borrow() {
                return None;
            }
            let changes = dispatcher.changes();
            // If the writer has no room now, it is tried again.
            if changes != seen && keep(&engine, &dispatcher.pending()) {
                seen = changes;
            }
            Some(())
        };
        let mut look = look;
        thread::Builder::new()
            .name("alarms-keeper".to_owned())
            .spawn(move || {
                while look(&dispatcher).is_some() {
                    thread::park_timeout(KEPT_EVERY);
                }
            })
            .map_err(AlarmsError::Thread)?;
        Ok(())
    }
}

/// Hands over what is still to be told; false: there was no room.
fn keep(engine: &Engine, pending: &BTreeMap<String, Saved>) -> bool {
    let mut batch = Batch::default();
    for (channel, saved) in pending {
        if let Ok(value) = serde_json::to_vec(saved) {
            batch.put(Key::of(&[ALARMS, channel]), value);
        }
    }
    batch.is_empty() || engine.writer().hand_over(batch)
}

/// The alert as channels know it. Its end has the id of its beginning.
fn outgoing(pool: &str, alert: &Alert) -> lifeboat_delivery::Alert {
    let over: Option<Timestamp> = alert.closed_at;
    let kind = if over.is_some() { alert.kind.end_word() } else { alert.kind.word() };
    let because = alert.closed_because.clone().unwrap_or_default();
    lifeboat_delivery::Alert {
        // A pool that was deleted and made again counts its alerts anew.
        id: format!("{}-{}", alert.id, alert.raised_at.as_microsecond()),
        at: over.unwrap_or(alert.raised_at),
        since: over.map(|_| alert.raised_at),
        pool: pool.to_owned(),
        kind: kind.to_owned(),
        ends: over.map(|_| alert.kind.word().to_owned()),
        severity: match alert.severity {
            Severity::Info => lifeboat_delivery::Severity::Info,
            Severity::Warning => lifeboat_delivery::Severity::Warning,
            Severity::Major => lifeboat_delivery::Severity::Major,
            Severity::Critical => lifeboat_delivery::Severity::Critical,
        },
        subject: match alert.subject.clone() {
            Subject::Pool => lifeboat_delivery::Subject::Pool,
            Subject::Host(id) => lifeboat_delivery::Subject::Host(id),
            Subject::Vm(id) => lifeboat_delivery::Subject::Vm(id),
            Subject::Group(id) => lifeboat_delivery::Subject::Group(id),
        },
        recovered: over.is_some(),
        summary: if over.is_some() {
            format!("over: {}; {because}", alert.summary)
        } else {
            alert.summary.clone()
        },
        detail: if over.is_some() { String::new() } else { alert.detail.clone() },
        next_step: if over.is_some() { String::new() } else { alert.next_step.clone() },
        data: json!({"alert_kind": alert.kind.word(), "known": alert.data}),
    }
}

#[cfg(test)]
mod tests;
