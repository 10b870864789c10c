//! Computing answers for many at once without falling over: a bounded number of workers, a bounded queue before
//! them, and a deadline for each answer. Whoever finds the queue full is told at once to come again later,
//! rather than being kept waiting for an answer that comes too late.
use crate::clock::Stopwatch;
use crate::conductor::Conductor;
use crate::engine::{Engine, PoolHandle};
use crate::error::ApiError;
use crate::guard::Guard;
use crate::metrics::Metrics;
use arc_swap::ArcSwapOption;
use lifeboat_store::Candidate;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Judgements that may wait or be under way: a second's worth of them.
const MOST_JUDGEMENTS: usize = 1024;

/// What the service takes on.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Answers computed at a time.
    pub workers: usize,
    /// Requests that may wait for a worker.
    pub waiting: usize,
    /// Bodies received at a time.
    pub uploads: usize,
    /// The largest body, in bytes.
    pub most_packed: usize,
    /// The largest document once unpacked, in bytes.
    pub most_unpacked: u64,
    /// How long a request's head may take.
    pub head_time: Duration,
    /// How long a body may take.
    pub upload_time: Duration,
    /// How long a search may take that asks for no time.
    pub usual_time: Duration,
    /// How long any search may take.
    pub most_time: Duration,
}

impl Default for ServiceSettings {
    /// For two cores: the largest pool that is planned for has 10 MiB of JSON, 1 MiB packed.
    fn default() -> Self {
        Self {
            workers: 2,
            waiting: 16,
            uploads: 64,
            most_packed: 32 << 20,
            most_unpacked: 64 << 20,
            head_time: Duration::from_secs(10),
            upload_time: Duration::from_secs(30),
            usual_time: Duration::from_secs(10),
            most_time: Duration::from_mins(1),
        }
    }
}

/// The service: shared by all requests.
#[derive(Clone, Debug)]
pub struct Service {
    settings: Arc<ServiceSettings>,
    uploads: Arc<Semaphore>,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    metrics: Metrics,
    judgements: Arc<Semaphore>,
    judges: Arc<Semaphore>,
    guard: Guard,
    engine: Arc<ArcSwapOption<Engine>>,
    leader: Arc<ArcSwapOption<Candidate>>,
    conductor: Arc<ArcSwapOption<Conductor>>,
    beside_agent: Arc<AtomicBool>,
    tokens: Arc<Mutex<()>>,
}

impl Service {
    /// A service within these settings, which lets everybody on this machine in.
    pub fn new(settings: ServiceSettings) -> Self {
        Self {
            uploads: Arc::new(Semaphore::new(settings.uploads)),
            places: Arc::new(Semaphore::new(settings.workers + settings.waiting)),
            workers: Arc::new(Semaphore::new(settings.workers)),
            metrics: Metrics::new(),
            judgements: Arc::new(Semaphore::new(MOST_JUDGEMENTS)),
            judges: Arc::new(Semaphore::new(settings.workers)),
            settings: Arc::new(settings),
            guard: Guard::local(),
            engine: Arc::default(),
            leader: Arc::default(),
            conductor: Arc::default(),
            beside_agent: Arc::default(),
            tokens: Arc::default(),
        }
    }

    /// The same behind another guard than that for loopback.
    #[must_use]
    pub fn behind(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Who stands before every route.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// From now on this process leads and keeps these pools; none: it does not.
    pub fn set_engine(&self, engine: Option<Engine>) {
        if let Some(before) = self.engine.swap(engine.map(Arc::new)) {
            before.close();
        }
    }

    /// The turn to change the tokens.
    pub async fn changing_tokens(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.tokens).lock_owned().await
    }

    /// Who leads, where it is another process.
    pub fn set_leader(&self, leader: Option<Candidate>) {
        self.leader.store(leader.map(Arc::new));
    }

    /// An agent says who leads: until this process does, every request is sent there, whoever it is from. Without the store nobody
    /// here could tell.
    pub fn follow_agent(&self) {
        self.beside_agent.store(true, Ordering::Relaxed);
    }

    /// Whether this process only points to the one that leads.
    pub fn only_points(&self) -> bool {
        self.beside_agent.load(Ordering::Relaxed) && self.engine.load().is_none()
    }

    /// From now on this process conducts a pool.
    pub fn set_conductor(&self, conductor: Option<Conductor>) {
        if let Some(conductor) = &conductor {
            self.guard.follow(conductor.rosters().watch());
        }
        self.conductor.store(conductor.map(Arc::new));
    }

    /// The coordinator of the pool of that name, if this process runs it.
    pub fn conductor(&self, pool: &str) -> Option<Arc<Conductor>> {
        self.conductor.load_full().filter(|conductor| conductor.pool() == pool)
    }

    /// The pools, if this process keeps them.
    ///
    /// # Errors
    /// [`ApiError::NotLeader`] if another process leads, or none yet.
    pub fn engine(&self) -> Result<Arc<Engine>, ApiError> {
        let leader = || self.leader.load().as_ref().map(|leader| leader.address.clone());
        self.engine.load_full().ok_or_else(|| ApiError::NotLeader { leader: leader() })
    }

    /// The pool of that name.
    ///
    /// # Errors
    /// [`ApiError::NotLeader`]; [`ApiError::NoSuchPool`] if there is none.
    pub fn pool(&self, id: &str) -> Result<Arc<PoolHandle>, ApiError> {
        self.engine()?.pool(id).ok_or_else(|| ApiError::NoSuchPool(id.to_owned()))
    }

    /// What the service measures.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What the service takes on.
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// A place to receive a body in, if one is free.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] if none is.
    pub fn place_to_upload(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| self.overloaded())
    }

    /// Runs `job` on a worker; it may take `time` from when it starts. If the caller goes away, the job is told
    /// to stop.
    ///
    /// # Errors
    /// Those of the job; [`ApiError::Overloaded`] if there is no place in the queue, or no worker in time.
    pub async fn compute<T, J>(&self, time: Duration, job: J) -> Result<T, ApiError>
    where
        T: Send + 'static,
        J: FnOnce(&Stop) -> Result<T, ApiError> + Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.overloaded())?;
        let turn = timeout(self.settings.most_time, Arc::clone(&self.workers).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| self.overloaded())?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let guard = Abandon(Arc::clone(&abandoned));
        let work = spawn_blocking(move || {
            let _held = (place, turn);
            job(&Stop { clock: Stopwatch::start(), time, abandoned })
        });
        // A job that panics is a defect of ours; it costs its caller the answer and nobody else anything.
        let answer = work.await.map_err(|_| ApiError::Internal)?;
        drop(guard);
        answer
    }

    /// Judges a change on a worker of its own kind: judgements are short, and must not wait behind searches that are not.
    ///
    /// # Errors
    /// Those of the job; [`ApiError::Overloaded`] if too many wait.
    pub async fn judge<T, J>(&self, job: J) -> Result<T, ApiError>
    where
        T: Send + 'static,
        J: FnOnce(&(dyn Fn() -> bool + Sync)) -> Result<T, ApiError> + Send + 'static,
    {
        let place = Arc::clone(&self.judgements).try_acquire_owned().map_err(|_| self.overloaded())?;
        let turn = Arc::clone(&self.judges).acquire_owned().await.map_err(|_| self.overloaded())?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let guard = Abandon(Arc::clone(&abandoned));
        let work = spawn_blocking(move || {
            let _held = (place, turn);
            job(&|| abandoned.load(Ordering::Relaxed))
        });
        let answer = work.await.map_err(|_| ApiError::Internal)?;
        drop(guard);
        answer
    }

    fn overloaded(&self) -> ApiError {
        ApiError::Overloaded { retry_after: self.settings.usual_time }
    }
}

/// When a job has to stop.
#[derive(Debug)]
pub struct Stop {
    clock: Stopwatch,
    time: Duration,
    abandoned: Arc<AtomicBool>,
}

impl Stop {
    /// Whether `share` of the job's time is over, or nobody waits for the answer any more.
    pub fn reached(&self, share: f64) -> bool {
        self.abandoned.load(Ordering::Relaxed) || self.clock.has_reached(self.time.mul_f64(share))
    }
}

/// Tells the job when its caller goes away.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
