//! All pools: read from the store when a term begins, made and deleted while it lasts.
use super::audit::{AuditLog, AuditSettings};
use super::feed::{Feed, Logged};
use super::once::OnceBook;
use super::once::to_its_end;
use super::outward::Outward;
use super::pool::{ChangeError, Means, PoolHandle, Turn};
use super::solver::{OnVerdict, Solver, SolverSettings};
use super::writer::{Writer, WriterError};
use super::{Entry, Transition};
use crate::alarms::AlarmsError;
use crate::clock;
use crate::served::ledger::{self, Ledger};
use crate::served::record::{self, Head, RecordError};
use crate::served::{Served, Step};
use lifeboat_model::Pool;
use lifeboat_store::{Batch, Key, Record, Store, StoreError, Term, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// Changes that could have been seen, and lost before they were durable, when a term ended: the next one numbers its own beyond
/// them, so that no tag that somebody has is given out twice.
const SEEN_AND_LOST: u64 = 10_000;
/// Records read from the store at once.
const PAGE: usize = 4096;
/// The last heads of pools that were deleted: a pool of the same name goes on counting.
const DELETED: &str = "deleted";

/// What the engine takes on.
#[derive(Clone, Copy, Debug)]
pub struct EngineSettings {
    /// The searches.
    pub solver: SolverSettings,
    /// Entries kept of each pool's log.
    pub entries_kept: usize,
    /// Pools in one service.
    pub most_pools: usize,
    /// The audit log.
    pub audit: AuditSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            solver: SolverSettings::default(),
            entries_kept: 10_000,
            most_pools: 1_000,
            audit: AuditSettings::default(),
        }
    }
}

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept makes no pool.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// People cannot be told of alerts.
    #[error(transparent)]
    Alarms(#[from] AlarmsError),
    /// There can be no further thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// Why a pool cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one of that name.
    #[error("there is a pool {0:?} already")]
    Exists(String),
    /// There are too many.
    #[error("the service keeps {0} pools already, the most that it takes")]
    TooMany(usize),
    /// The store takes no changes.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl From<WriterError> for CreateError {
    fn from(error: WriterError) -> Self {
        Self::Change(error.into())
    }
}

/// All pools of a service, for the term in which it leads.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: EngineSettings,
    store: Arc<dyn Store>,
    means: Means,
    once: OnceBook,
    over: watch::Receiver<bool>,
    pools: RwLock<BTreeMap<Arc<str>, Arc<PoolHandle>>>,
    /// Pools are made and deleted one at a time.
    making: Mutex<()>,
}

impl Engine {
    /// Reads all pools and starts the threads. `on_verdict` says what to log with a new verdict, `observe` is told how long
    /// searches take.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn start(
        store: Arc<dyn Store>,
        term: Term,
        settings: EngineSettings,
        on_verdict: Box<OnVerdict>,
        observe: Box<dyn Fn(Duration) + Send + Sync>,
    ) -> Result<Self, EngineError> {
        let (ended, over) = watch::channel(false);
        let writer = Writer::start(Arc::clone(&store), term, ended).map_err(EngineError::Thread)?;
        let solver = Solver::start(settings.solver, on_verdict, observe).map_err(EngineError::Thread)?;
        let outward = Outward::default();
        let audit = AuditLog::open(&*store, settings.audit)?;
        let once = OnceBook::open(Arc::clone(&store))?;
        let means = Means { writer, solver, outward, audit };
        let mut pools = BTreeMap::new();
        for (id, records) in by_pool(all_under(&*store, &Key::of(&[record::POOLS]))?) {
            let (mut served, head) = record::read(&id, &records)?;
            served.skip_revisions(SEEN_AND_LOST);
            let feed = Feed::new(kept_log(&*store, &id)?, head.next_entry.max(1), settings.entries_kept);
            let alerts = all_under(&*store, &Key::of(&[ledger::ALERTS, &id]))?;
            let tasks = all_under(&*store, &Key::of(&[ledger::TASKS, &id]))?;
            let ledger = Ledger::read(&id, &records, &alerts, &tasks);
            let handle = PoolHandle::new(served, feed, ledger, means.clone());
            pools.insert(Arc::from(id), handle);
        }
        Ok(Self(Arc::new(Inner {
            settings,
            store,
            means,
            once,
            over,
            pools: RwLock::new(pools),
            making: Mutex::new(()),
        })))
    }

    /// A reference that does not keep it.
    pub fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.0))
    }

    /// All pools, by name.
    pub fn pools(&self) -> Vec<Arc<PoolHandle>> {
        self.0.pools.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The pool of that name.
    pub fn pool(&self, id: &str) -> Option<Arc<PoolHandle>> {
        self.0.pools.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Where everything is kept. Reading it blocks.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Requests that are made once.
    pub fn once(&self) -> &OnceBook {
        &self.0.once
    }

    /// The way to the store for changes.
    pub fn writer(&self) -> &Writer {
        &self.0.means.writer
    }

    /// The searches.
    pub fn solver(&self) -> &Solver {
        &self.0.means.solver
    }

    /// Where changes are written down.
    pub fn audit(&self) -> &AuditLog {
        &self.0.means.audit
    }

    /// What tells people, when somebody has set it.
    pub fn outward(&self) -> &Outward {
        &self.0.means.outward
    }

    /// Turns true when this process's term is over.
    pub fn over(&self) -> watch::Receiver<bool> {
        self.0.over.clone()
    }

    /// Makes a pool that there was not. `records` become durable with it.
    ///
    /// # Errors
    /// If there is one of that name, or the store takes no changes.
    pub async fn create(
        &self,
        pool: Pool,
        entries: Vec<Entry>,
        records: Batch,
    ) -> Result<Arc<PoolHandle>, CreateError> {
        let engine = self.clone();
        // What is durable must be served, whether its caller waits for it or not.
        let made = to_its_end(async move { engine.make(pool, entries, records).await }).await;
        made.unwrap_or(Err(CreateError::Change(WriterError::Superseded.into())))
    }

    async fn make(
        &self,
        pool: Pool,
        entries: Vec<Entry>,
        records: Batch,
    ) -> Result<Arc<PoolHandle>, CreateError> {
        let _making = self.0.making.lock().await;
        let id: Arc<str> = pool.id().into();
        if self.pool(&id).is_some() {
            return Err(CreateError::Exists(id.to_string()));
        }
        if self.pools().len() >= self.0.settings.most_pools {
            return Err(CreateError::TooMany(self.0.settings.most_pools));
        }
        let last = self.last_head(&id).await?;
        let place = self.0.means.writer.place().await?;
        let served = Served::new(pool, last.revision + 1);
        let mut batch = records;
        batch.delete_under(record::pool_key(&id));
        for beside in [record::LOG, ledger::ALERTS, ledger::TASKS] {
            batch.delete_under(Key::of(&[beside, &id]));
        }
        record::put(&mut batch, &served, &served.resources());
        let mut feed = Feed::new([], last.next_entry.max(1), self.0.settings.entries_kept);
        for entry in entries {
            let (logged, _) = feed.push(clock::now(), entry);
            batch.put(record::entry_key(&id, logged.number), logged.json.as_bytes().to_vec());
        }
        let head = Head { revision: served.revision(), next_entry: feed.next() };
        record::put_head(&mut batch, &id, head);
        limits::check(&batch).map_err(|error| ChangeError::TooLarge(error.to_string()))?;
        let durable = place.hand_over(batch);
        durable.await.map_err(|_| WriterError::Superseded)?;
        let handle = PoolHandle::new(served, feed, Ledger::default(), self.0.means.clone());
        self.0.pools.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&handle));
        Ok(handle)
    }

    /// Deletes the pool whose turn it is, with everything that is kept of it. `records` become durable with it.
    ///
    /// # Errors
    /// If the store does not acknowledge it.
    pub async fn delete(&self, turn: Turn, records: Batch) -> Result<(), ChangeError> {
        let engine = self.clone();
        let deleted = to_its_end(async move { engine.unmake(turn, records).await }).await;
        deleted.unwrap_or(Err(WriterError::Superseded.into()))
    }

    async fn unmake(&self, turn: Turn, records: Batch) -> Result<(), ChangeError> {
        let _making = self.0.making.lock().await;
        let handle = Arc::clone(turn.pool());
        handle.mark_gone();
        self.0.pools.write().unwrap_or_else(PoisonError::into_inner).remove(handle.id());
        let mut batch = records;
        batch.delete_under(record::pool_key(handle.id()));
        for beside in [record::LOG, ledger::ALERTS, ledger::TASKS] {
            batch.delete_under(Key::of(&[beside, handle.id()]));
        }
        let head = serde_json::to_vec(&handle.head()).unwrap_or_default();
        batch.put(Key::of(&[DELETED, handle.id()]), head);
        turn.commit(Transition { records: batch, ..Transition::default() }).acknowledged().await.map(drop)
    }

    /// Replaces a pool as a whole, in its turn.
    pub fn replace(turn: Turn, pool: Pool, transition: Transition) -> super::Committed {
        turn.commit(Transition { pool: Some((pool, Step::Rebuilt)), ..transition })
    }

    /// Ends all event streams: this process leads no more.
    pub fn close(&self) {
        self.pools().iter().for_each(|pool| pool.close());
    }

    /// Takes no further changes, makes durable what was taken, and stops the threads. When the engine is dropped after that, the
    /// store is free.
    pub async fn end(&self) {
        self.close();
        self.0.means.solver.end();
        self.0.means.writer.end().await;
    }

    /// Makes records durable that belong to no pool.
    ///
    /// # Errors
    /// If the store takes no changes.
    pub async fn keep(&self, records: Batch) -> Result<(), ChangeError> {
        let place = self.0.means.writer.place().await?;
        place.hand_over(records).await.map_err(|_| WriterError::Superseded.into())
    }

    async fn last_head(&self, id: &str) -> Result<Head, ChangeError> {
        let (store, key) = (Arc::clone(&self.0.store), Key::of(&[DELETED, id]));
        let read = tokio::task::spawn_blocking(move || store.get(&key)).await;
        let Ok(Ok(kept)) = read else { return Err(WriterError::Failing.into()) };
        Ok(kept.and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or_default())
    }
}

/// A reference to an engine that does not keep it.
#[derive(Clone, Debug)]
pub struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    /// The engine, if there still is one.
    pub fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(Engine)
    }
}

/// Everything under a key, page by page.
///
/// # Errors
/// If the store cannot be read.
pub fn all_under(store: &dyn Store, prefix: &Key) -> Result<Vec<Record>, StoreError> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let page = store.scan(prefix, all.last().map(|record| &record.key), PAGE)?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

fn by_pool(records: Vec<Record>) -> BTreeMap<String, Vec<Record>> {
    let mut pools: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let pool = record.key.names().nth(1).map(str::to_owned);
        if let Some(pool) = pool {
            pools.entry(pool).or_default().push(record);
        }
    }
    pools
}

fn kept_log(store: &dyn Store, pool: &str) -> Result<Vec<Logged>, StoreError> {
    let records = all_under(store, &Key::of(&[record::LOG, pool]))?;
    Ok(records
        .iter()
        .filter_map(|record| {
            let json = str::from_utf8(&record.value).ok()?;
            let value: Value = serde_json::from_str(json).ok()?;
            Some(Logged {
                number: value["id"].as_u64()?,
                kind: value["kind"].as_str()?.into(),
                json: json.into(),
            })
        })
        .collect())
}
