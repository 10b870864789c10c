//! One pool in the service: its state, its log, its newest verdict, and the turns in which it is changed.
use super::audit::AuditLog;
use super::feed::{Entry, Feed, Logged, Page};
use super::outward::Outward;
use super::solver::Solver;
use super::writer::{Place, Writer, WriterError};
use crate::clock;
use crate::guard::AuditEntry;
use crate::served::alerts::Finding;
use crate::served::ledger::{Effects, Ledger, Note};
use crate::served::record::{self, Head};
use crate::served::state::{self, VmNames};
use crate::served::{Delta, Outlook, Resource, Served, Step};
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use lifeboat_model::Pool;
use lifeboat_store::{Batch, StoreError, limits};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot, watch};
use tokio::time::timeout;

/// How long a change waits for the store before its caller is told that it is not acknowledged.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);

/// A pool that the service keeps.
#[derive(Debug)]
pub struct PoolHandle {
    id: Arc<str>,
    state: RwLock<State>,
    outlook: ArcSwapOption<Outlook>,
    outlooks: watch::Sender<u64>,
    turn: Arc<Mutex<()>>,
    gone: AtomicBool,
    closed: AtomicBool,
    writer: Writer,
    solver: Solver,
    outward: Outward,
    audit: AuditLog,
}

/// What is held in memory.
#[derive(Debug)]
pub(super) struct State {
    served: Served,
    feed: Feed,
    ledger: Ledger,
    newest: Timestamp,
}

/// What all pools of a service share.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) writer: Writer,
    pub(super) solver: Solver,
    pub(super) outward: Outward,
    pub(super) audit: AuditLog,
}

/// A look at a pool at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// The pool.
    pub pool: Arc<Pool>,
    /// Its revision.
    pub revision: u64,
    /// When the newest event happened that is in it.
    pub newest: Timestamp,
}

impl PoolHandle {
    pub(super) fn new(served: Served, feed: Feed, ledger: Ledger, means: Means) -> Arc<Self> {
        let Means { writer, solver, outward, audit } = means;
        let handle = Arc::new(Self {
            id: served.pool().id().into(),
            outward,
            audit,
            state: RwLock::new(State { served, feed, ledger, newest: clock::now() }),
            outlook: ArcSwapOption::empty(),
            outlooks: watch::Sender::new(0),
            turn: Arc::new(Mutex::new(())),
            gone: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            writer,
            solver,
        });
        handle.solver.wake(&handle);
        handle
    }

    /// The pool's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The pool as it is now.
    pub fn view(&self) -> View {
        let state = self.read();
        View {
            pool: Arc::clone(state.served.pool()),
            revision: state.served.revision(),
            newest: state.newest,
        }
    }

    /// Looks something up. Whatever `look` does, others wait for it: it must be short.
    pub fn with<T>(&self, look: impl FnOnce(&Served) -> T) -> T {
        look(&self.read().served)
    }

    /// Looks something up in what is kept beside the pool: its high availability, alerts and tasks. Must be short.
    pub fn ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.read().ledger)
    }

    /// The newest verdict; none until the first search has ended.
    pub fn outlook(&self) -> Option<Arc<Outlook>> {
        self.outlook.load_full()
    }

    /// Wakes with each new verdict.
    pub fn outlooks(&self) -> watch::Receiver<u64> {
        self.outlooks.subscribe()
    }

    /// Entries of the log beyond number `after`.
    pub fn entries(&self, after: Option<u64>, most: usize) -> Page {
        self.read().feed.after(after, most)
    }

    /// Those that are wanted of them.
    pub fn entries_of(&self, after: Option<u64>, most: usize, wanted: impl Fn(&Logged) -> bool) -> Page {
        self.read().feed.after_where(after, most, wanted)
    }

    /// Whether nothing more will be told of the pool by this process: it was deleted, or the process leads no more.
    pub fn is_closed(&self) -> bool {
        self.is_gone() || self.closed.load(Ordering::Relaxed)
    }

    /// Nothing more will be told of the pool: ends the event streams.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.read().feed.wake();
    }

    /// Wakes with each new entry of the log, and ends when the pool is deleted.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.read().feed.subscribe()
    }

    /// Whether the pool was deleted.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Waits for the turn to change the pool. While it is held nobody else changes it; readers go on reading.
    ///
    /// # Errors
    /// If the store takes no changes now, or the pool was deleted meanwhile.
    pub async fn turn(self: &Arc<Self>) -> Result<Turn, ChangeError> {
        // The place last: those who wait for this pool must not keep the others' changes from the writer.
        let held = Arc::clone(&self.turn).lock_owned().await;
        if self.is_gone() {
            return Err(ChangeError::Gone);
        }
        let place = self.writer.place().await?;
        Ok(Turn { pool: Arc::clone(self), place, _held: held })
    }

    pub(super) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
        self.read().feed.wake();
    }

    pub(super) fn head(&self) -> Head {
        let state = self.read();
        Head { revision: state.served.revision(), next_entry: state.feed.next() }
    }

    /// Publishes a verdict and logs `entries`, unless a newer one was published meanwhile.
    pub(super) fn publish(&self, outlook: Outlook, mut entries: Vec<Entry>) {
        let mut batch = Batch::default();
        {
            // Under the lock of the state, so that verdicts come out in the order of the states that they speak of.
            let mut held = self.write();
            let state = &mut *held;
            let before = self.outlook.load_full();
            let newer = before.as_ref().is_some_and(|known| known.revision > outlook.revision);
            if newer || self.is_gone() {
                return;
            }
            let now = clock::now();
            let news = outlook.news(before.as_deref()).map(|data| Entry::new("verdict", None, data));
            entries.extend(news);
            state.log(&self.id, now, entries, &mut batch);
            let effects = state.ledger.judge(&outlook, now);
            state.carry(&self.id, now, effects, &mut batch, &self.outward);
            self.outlook.store(Some(Arc::new(outlook)));
            if !batch.is_empty() {
                self.writer.hand_over(batch);
                state.feed.wake();
            }
        }
        self.outlooks.send_modify(|count| *count += 1);
    }

    /// Takes note of what is found. There is no turn while the store takes nothing, and people are told all the same: it is booked when the
    /// store is back.
    pub fn note(&self, found: &[Finding]) {
        let mut batch = Batch::default();
        let mut held = self.write();
        let state = &mut *held;
        let now = clock::now();
        let mut effects = Effects::default();
        for finding in found {
            effects.append(state.ledger.take(&self.id, Note::Found(Box::new(finding.clone())), now));
        }
        state.carry(&self.id, now, effects, &mut batch, &self.outward);
        if batch.is_empty() || self.is_gone() {
            return;
        }
        if !self.writer.hand_over(batch) {
            tracing::error!("the store is away for so long that alerts are told and not kept");
        }
        state.feed.wake();
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A panic under this lock leaves a whole state: each change is one assignment.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Logs, keeps and tells what follows from what the ledger was shown.
    fn carry(&mut self, pool: &str, now: Timestamp, effects: Effects, batch: &mut Batch, outward: &Outward) {
        let Effects { entries, batch: records, told } = effects;
        let entries = entries.into_iter().map(|(kind, data)| Entry::new(kind, None, data)).collect();
        self.log(pool, now, entries, batch);
        batch.append(records);
        for alert in &told {
            outward.tell(pool, alert);
        }
    }

    fn log(&mut self, pool: &str, at: Timestamp, entries: Vec<Entry>, batch: &mut Batch) {
        let logs = !entries.is_empty();
        for entry in entries {
            let (logged, dropped) = self.feed.push(at, entry);
            batch.put(record::entry_key(pool, logged.number), logged.json.as_bytes().to_vec());
            if let Some(dropped) = dropped {
                batch.delete(record::entry_key(pool, dropped));
            }
        }
        if logs {
            let head = Head { revision: self.served.revision(), next_entry: self.feed.next() };
            record::put_head(batch, pool, head);
        }
    }
}

/// Why a pool cannot be changed now.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The store takes no changes.
    #[error(transparent)]
    Writer(#[from] WriterError),
    /// The pool was deleted.
    #[error("the pool was deleted")]
    Gone,
    /// No store takes a record of that size.
    #[error("{0}: name fewer things in one document")]
    TooLarge(String),
    /// The store has not acknowledged the change in time: it may be in force after all.
    #[error(
        "the store has not acknowledged the change in time: it may take effect yet; look before doing it again"
    )]
    NotAcknowledged,
}

/// The right to change a pool: one at a time.
#[derive(Debug)]
pub struct Turn {
    pool: Arc<PoolHandle>,
    place: Place,
    _held: OwnedMutexGuard<()>,
}

/// What a turn does to a pool.
#[derive(Debug, Default)]
pub struct Transition {
    /// The pool after it; none: the pool stays as it is.
    pub pool: Option<(Pool, Step)>,
    /// What is logged, whatever has changed.
    pub entries: Vec<Entry>,
    /// What is written into the ledger beside the pool.
    pub notes: Vec<Note>,
    /// What is logged if anything has changed.
    pub entries_if_changed: Vec<Entry>,
    /// Other records that are made durable with it, altogether or not at all.
    pub records: Batch,
    /// What the audit log says of it.
    pub audit: Vec<AuditEntry>,
    /// When what is told happened; none: now.
    pub at: Option<Timestamp>,
}

/// A change that is in force, and will be durable.
#[derive(Debug)]
pub struct Committed {
    /// What has changed.
    pub delta: Delta,
    /// Resolves when the change is durable.
    durable: oneshot::Receiver<()>,
    /// Why it was taken back, if it was.
    too_large: Option<String>,
}

impl Turn {
    /// The pool whose turn it is.
    pub fn pool(&self) -> &Arc<PoolHandle> {
        &self.pool
    }

    /// The pool as it is; nobody changes it during the turn.
    pub fn view(&self) -> View {
        self.pool.view()
    }

    /// The names of its VMs.
    pub fn vm_names(&self) -> Arc<VmNames> {
        self.pool.with(|served| Arc::clone(served.vm_names()))
    }

    /// The newest verdict, if it speaks of the pool as it is.
    pub fn outlook(&self) -> Option<Arc<Outlook>> {
        let revision = self.view().revision;
        self.pool.outlook().filter(|outlook| outlook.revision == revision)
    }

    /// Carries it out and ends the turn: in memory at once, durable when [`Committed::acknowledged`] resolves.
    pub fn commit(self, transition: Transition) -> Committed {
        self.commit_with(transition, |_| Batch::default())
    }

    /// The same with records that depend on what has changed.
    pub fn commit_with(self, transition: Transition, also: impl FnOnce(&Delta) -> Batch) -> Committed {
        let Transition { pool, mut entries, mut entries_if_changed, notes, records, audit, at } = transition;
        let mut batch = Batch::default();
        let now = clock::now();
        // Before the lock: it takes milliseconds, seldom.
        let compacted = pool.as_ref().and_then(|(pool, _)| state::compacted(pool));
        let (delta, durable) = {
            let handle = Arc::clone(&self.pool);
            let mut held = handle.write();
            let state = &mut *held;
            let before = Arc::clone(state.served.pool());
            let delta = match pool {
                Some((pool, step)) => state.served.adopt_as(pool, compacted, step),
                None => Delta { revision: state.served.revision(), ..Delta::default() },
            };
            // What is gone may have come again under its name.
            for resource in &delta.gone {
                batch.delete(record::key(&self.pool.id, resource));
            }
            record::put(&mut batch, &state.served, &delta.changed);
            if let Err(error) = limits::check(&batch) {
                return self.take_back(held, &before, &error);
            }
            if !delta.is_empty() {
                entries.append(&mut entries_if_changed);
                state.newest = at.unwrap_or(now).min(now);
                let head = Head { revision: delta.revision, next_entry: state.feed.next() };
                record::put_head(&mut batch, &self.pool.id, head);
            }
            state.log(&self.pool.id, at.unwrap_or(now), entries, &mut batch);
            let mut effects = Effects::default();
            for note in notes {
                effects.append(state.ledger.take(&self.pool.id, note, now));
            }
            effects.append(state.ledger.follow(&before, state.served.pool(), &delta, now));
            state.carry(&self.pool.id, now, effects, &mut batch, &self.pool.outward);
            batch.append(records);
            for entry in audit {
                self.pool.audit.add(&mut batch, &entry);
            }
            batch.append(also(&delta));
            // Under the lock, so that records of one key reach the store in the order in which they were made.
            (delta, self.place.hand_over(batch))
        };
        if !delta.is_empty() {
            self.pool.solver.wake(&self.pool);
        }
        self.pool.read().feed.wake();
        Committed { delta, durable, too_large: None }
    }

    /// Ends the turn with a remark in the audit log: the pool stays as it is, and nobody waits until the remark is durable.
    pub fn remark(self, entry: &AuditEntry) {
        let mut batch = Batch::default();
        self.pool.audit.add(&mut batch, entry);
        drop(self.place.hand_over_unmarked(batch));
    }

    /// What no store takes is not in force either: the pool is as before, under a revision of its own.
    fn take_back(
        self,
        mut held: RwLockWriteGuard<'_, State>,
        before: &Arc<Pool>,
        error: &StoreError,
    ) -> Committed {
        let delta = held.served.adopt(Pool::clone(before), Step::Rebuilt);
        let mut batch = Batch::default();
        record::put(&mut batch, &held.served, &delta.changed);
        let head = Head { revision: delta.revision, next_entry: held.feed.next() };
        record::put_head(&mut batch, &self.pool.id, head);
        let durable = self.place.hand_over_unmarked(batch);
        drop(held);
        self.pool.solver.wake(&self.pool);
        Committed { delta, durable, too_large: Some(error.to_string()) }
    }
}

impl Committed {
    /// Waits until the change is durable.
    ///
    /// # Errors
    /// If it will not be, or it is not known in time.
    pub async fn acknowledged(self) -> Result<Delta, ChangeError> {
        if let Some(why) = self.too_large {
            return Err(ChangeError::TooLarge(why));
        }
        match timeout(ACKNOWLEDGED_WITHIN, self.durable).await {
            Ok(Ok(())) => Ok(self.delta),
            Ok(Err(_)) => Err(ChangeError::Writer(WriterError::Superseded)),
            Err(_) => Err(ChangeError::NotAcknowledged),
        }
    }

    /// The things that have changed or are gone.
    pub fn touched(&self) -> impl Iterator<Item = &Resource> {
        self.delta.changed.iter().chain(&self.delta.gone)
    }
}
