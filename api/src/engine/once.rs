//! Requests that are made once however often they are sent. A client gives a request a key; the key is kept in the very batch of
//! what the request changes, so that either both are durable or neither is. The answer is kept right behind it, and given again
//! to whoever sends the same request with the same key.
//!
//! ```text
//!   begin ─► First(Ticket) ─► carry: handler ─► Place::hand_over(batch + key) ─► answer ─► keep
//!         ├► Known(answer)
//!         └► Reused: the key stands for another request
//! ```
//! The ticket goes with the task that answers the request, so that no handler has to know of it. A request that changed nothing,
//! because it was refused or only asked, keeps nothing: its key may be used again.
use super::pools::all_under;
use super::writer::Writer;
use crate::clock;
use jiff::{SignedDuration, Timestamp};
use lifeboat_store::{Batch, Key, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Where keys are kept: `once/<whose>/<key>`.
const ONCE: &str = "once";
/// How long a key stands for its request.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Keys that are kept; beyond that the oldest go early.
const MOST_KEPT: usize = 100_000;
/// How long a request waits until its answer is kept.
const ANSWER_KEPT_WITHIN: Duration = Duration::from_secs(2);
/// The largest answer that is kept whole.
pub const MOST_ANSWER_BYTES: usize = 512 << 10;

tokio::task_local! {
    static TICKET: Arc<Ticket>;
}

/// What is kept of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    at: String,
    request: String,
    answer: Option<KeptAnswer>,
}

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers that matter.
    pub headers: Vec<(String, String)>,
    /// Its body; none where it was too large.
    pub body: Option<String>,
}

/// The keys that are in use, and those that were.
#[derive(Clone, Debug)]
pub struct OnceBook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: BTreeMap<Key, watch::Receiver<()>>,
    /// Oldest first.
    kept: VecDeque<(Timestamp, Key)>,
}

/// How a request begins.
#[derive(Debug)]
pub enum Begun {
    /// Nobody has sent it before.
    First(Arc<Ticket>),
    /// It was answered before; none: what it changed is durable, but its answer was lost with the process that gave it.
    Known(Option<KeptAnswer>),
    /// The key stands for another request.
    Reused,
}

/// The right to answer a request for the first time. Others with its key wait until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    book: OnceBook,
    key: Key,
    request: String,
    used: AtomicBool,
    _done: watch::Sender<()>,
}

impl OnceBook {
    /// The keys that are kept in a store.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut kept: Vec<(Timestamp, Key)> = Vec::new();
        for record in all_under(&*store, &Key::of(&[ONCE]))? {
            let at = serde_json::from_slice::<Kept>(&record.value).ok().and_then(|kept| kept.at.parse().ok());
            kept.push((at.unwrap_or(Timestamp::UNIX_EPOCH), record.key));
        }
        kept.sort();
        let state = State { kept: kept.into(), ..State::default() };
        Ok(Self(Arc::new(Inner { store, state: Mutex::new(state) })))
    }

    /// Begins a request: `request` is what it asks for, `whose` and `name` are its key. While another one with that key is
    /// under way, it waits.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn begin(&self, whose: &str, name: &str, request: String) -> Result<Begun, StoreError> {
        let key = Key::of(&[ONCE, whose, name]);
        let ticket = loop {
            let mut other = match self.take(&key, &request) {
                Ok(ticket) => break ticket,
                Err(other) => other,
            };
            // It ends when the other's ticket is dropped: nothing is ever sent.
            let _ = other.changed().await;
        };
        let store = Arc::clone(&self.0.store);
        let read = spawn_blocking(move || store.get(&key)).await;
        let kept = read.map_err(|_| StoreError::Unavailable("the thread that reads has failed".into()))??;
        let Some(kept) = kept.and_then(|value| serde_json::from_slice::<Kept>(&value).ok()) else {
            return Ok(Begun::First(ticket));
        };
        let at: Timestamp = kept.at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        if clock::now().duration_since(at) > KEPT_FOR {
            return Ok(Begun::First(ticket));
        }
        Ok(if kept.request == ticket.request { Begun::Known(kept.answer) } else { Begun::Reused })
    }

    fn take(&self, key: &Key, request: &str) -> Result<Arc<Ticket>, watch::Receiver<()>> {
        let mut state = self.lock();
        if let Some(other) = state.under_way.get(key) {
            return Err(other.clone());
        }
        let (done, ended) = watch::channel(());
        state.under_way.insert(key.clone(), ended);
        Ok(Arc::new(Ticket {
            book: self.clone(),
            key: key.clone(),
            request: request.to_owned(),
            used: AtomicBool::new(false),
            _done: done,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a key, and forgets those that are too old or too many.
    fn keep(&self, batch: &mut Batch, key: &Key, kept: &Kept) {
        let now = clock::now();
        batch.put(key.clone(), serde_json::to_vec(kept).unwrap_or_default());
        let mut state = self.lock();
        if kept.answer.is_none() {
            state.kept.push_back((now, key.clone()));
        }
        while state.kept.front().is_some_and(|(at, _)| now.duration_since(*at) > KEPT_FOR)
            || state.kept.len() > MOST_KEPT
        {
            let Some((at, old)) = state.kept.pop_front() else { break };
            // A key that has run out may have been used again since.
            if !state.kept.iter().rev().any(|(newer, same)| *same == old && *newer > at) {
                batch.delete(old);
            }
        }
    }
}

impl Ticket {
    /// Answers the request: what `work` makes durable is kept together with its key.
    pub async fn carry<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        TICKET.scope(Arc::clone(self), work).await
    }

    /// Whether anything was changed on its behalf.
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Keeps its answer, if anything was changed. That it is not kept, because the store does not answer, harms nobody: the
    /// key is kept already.
    pub async fn keep(&self, writer: &Writer, answer: KeptAnswer) {
        let mut batch = Batch::default();
        self.book.keep(&mut batch, &self.key, &self.kept(Some(answer)));
        if let Ok(place) = writer.place().await {
            // Those who wait with the same key shall find it; whoever asked is not kept waiting for ever for what is done.
            let _ = timeout(ANSWER_KEPT_WITHIN, place.hand_over_unmarked(batch)).await;
        }
    }

    fn kept(&self, answer: Option<KeptAnswer>) -> Kept {
        Kept { at: clock::now().to_string(), request: self.request.clone(), answer }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.book.lock().under_way.remove(&self.key);
    }
}

/// Adds the key of the request that is being answered, if it has one, to what it makes durable. The ticket is to be held until
/// that is decided: nobody may think the key free before.
pub(super) fn mark(batch: &mut Batch) -> Option<Arc<Ticket>> {
    let ticket = TICKET.try_with(Arc::clone).ok()?;
    if !ticket.used.swap(true, Ordering::Relaxed) {
        ticket.book.keep(batch, &ticket.key, &ticket.kept(None));
    }
    Some(ticket)
}

/// Runs work to its end even if whoever waits for it goes away, under the ticket of the request that is being answered.
/// None: it has failed.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let task = match TICKET.try_with(Arc::clone) {
        Ok(ticket) => tokio::spawn(TICKET.scope(ticket, work)),
        Err(_) => tokio::spawn(work),
    };
    task.await.ok()
}
