//! Threads that keep every pool's verdict current. A pool that has changed waits in a queue, once, however often it changes
//! meanwhile; whoever takes it takes its newest state. The first search is short, so that bounds are never old; if it leaves
//! something open, a deeper one follows when no other pool waits, and gives way to the next change.
use super::feed::Entry;
use super::pool::PoolHandle;
use crate::clock::{self, Stopwatch};
use crate::served::Outlook;
use lifeboat_planner::{Assessment, Limits, assess};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How long searches take.
#[derive(Clone, Copy, Debug)]
pub struct SolverSettings {
    /// Threads that search.
    pub threads: NonZeroUsize,
    /// The longest first search of a state.
    pub quick: Duration,
    /// The longest search in all, where the first one left something open.
    pub deep: Duration,
}

impl Default for SolverSettings {
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, quick: Duration::from_millis(40), deep: Duration::from_secs(10) }
    }
}

/// What happens when a verdict is new: entries to log, alerts to raise. Called by the solving thread before it is published.
pub type OnVerdict = dyn Fn(&PoolHandle, Option<&Outlook>, &Outlook) -> Vec<Entry> + Send + Sync;

/// The way to the solving threads.
#[derive(Clone)]
pub struct Solver(Arc<Shared>);

struct Shared {
    settings: SolverSettings,
    queue: Mutex<Queue>,
    waiting: Condvar,
    on_verdict: Box<OnVerdict>,
    observe: Box<dyn Fn(Duration) + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    /// Pools whose newest state has no verdict.
    changed: VecDeque<Weak<PoolHandle>>,
    /// Pools whose verdict leaves something open.
    open: VecDeque<Weak<PoolHandle>>,
    ended: bool,
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Solver").field(&self.0.settings).finish()
    }
}

impl Solver {
    /// Starts the threads. `observe` is told how long each search took.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn start(
        settings: SolverSettings,
        on_verdict: Box<OnVerdict>,
        observe: Box<dyn Fn(Duration) + Send + Sync>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            settings,
            queue: Mutex::new(Queue::default()),
            waiting: Condvar::new(),
            on_verdict,
            observe,
        });
        for number in 0..settings.threads.get() {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("solver-{number}")).spawn(move || shared.solve_all())?;
        }
        Ok(Self(shared))
    }

    /// Has a pool's newest state searched.
    pub fn wake(&self, pool: &Arc<PoolHandle>) {
        let mut queue = self.0.lock();
        if !queue.changed.iter().any(|known| known.as_ptr() == Arc::as_ptr(pool)) {
            queue.changed.push_back(Arc::downgrade(pool));
            self.0.waiting.notify_one();
        }
    }

    /// Pools that wait for a search.
    pub fn waiting(&self) -> usize {
        self.0.lock().changed.len()
    }

    /// Ends the threads when their present searches have ended.
    pub fn end(&self) {
        self.0.lock().ended = true;
        self.0.waiting.notify_all();
    }
}

/// A search to be done.
enum Task {
    Quick(Arc<PoolHandle>),
    Deep(Arc<PoolHandle>),
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn solve_all(&self) {
        while let Some(task) = self.next() {
            let (pool, time) = match task {
                Task::Quick(pool) => (pool, self.settings.quick),
                Task::Deep(pool) => (pool, self.settings.deep),
            };
            // A search that panics is a defect of ours; it costs its pool this verdict, and the other pools nothing.
            if catch_unwind(AssertUnwindSafe(|| self.solve(&pool, time))).is_err() {
                tracing::error!(pool = pool.id(), "a search has failed: this is a defect of the service");
            }
        }
    }

    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if queue.ended {
                return None;
            }
            if let Some(pool) = queue.changed.pop_front() {
                let Some(pool) = pool.upgrade() else { continue };
                return Some(Task::Quick(pool));
            }
            if let Some(pool) = queue.open.pop_front() {
                let Some(pool) = pool.upgrade() else { continue };
                return Some(Task::Deep(pool));
            }
            queue = self.waiting.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a changed pool waits: a deep search then gives way.
    fn somebody_waits(&self) -> bool {
        let queue = self.lock();
        queue.ended || !queue.changed.is_empty()
    }

    fn solve(&self, pool: &Arc<PoolHandle>, time: Duration) {
        let deep = time > self.settings.quick;
        let view = pool.view();
        let clock = Stopwatch::start();
        let stop = || clock.has_reached(time) || deep && self.somebody_waits();
        let limits = Limits { stop: Some(&stop), ..Limits::default() };
        let assessment = assess(&view.pool, &limits);
        let took = clock.elapsed();
        (self.observe)(took);
        let open = is_open(&assessment);
        let gave_way = deep && open && !clock.has_reached(time);
        let outlook = Outlook {
            pool: view.pool,
            revision: view.revision,
            reflects: view.newest.min(clock::now()),
            assessment: Arc::new(assessment),
            took,
            provisional: open && (!deep || gave_way),
        };
        let again = outlook.provisional;
        let before = pool.outlook();
        let worse = deep && before.as_deref().is_some_and(|before| knows_more(before, &outlook));
        if !worse {
            let entries = (self.on_verdict)(pool, before.as_deref(), &outlook);
            pool.publish(outlook, entries);
        }
        if again {
            let mut queue = self.lock();
            if !queue.open.iter().any(|known| known.as_ptr() == Arc::as_ptr(pool)) {
                queue.open.push_back(Arc::downgrade(pool));
            }
            self.waiting.notify_one();
        }
    }
}

/// Whether some question within the bounds has no answer.
fn is_open(assessment: &Assessment) -> bool {
    let tolerance = &assessment.tolerance;
    tolerance.simultaneous.stopped_by.is_some() || tolerance.sequential.stopped_by.is_some()
}

/// Whether what was published of the same state says more than a search that was cut short.
fn knows_more(before: &Outlook, after: &Outlook) -> bool {
    let proven = |outlook: &Outlook| {
        let tolerance = &outlook.assessment.tolerance;
        (tolerance.sequential.proven, tolerance.simultaneous.proven)
    };
    before.revision == after.revision && after.provisional && proven(before) >= proven(after)
}
