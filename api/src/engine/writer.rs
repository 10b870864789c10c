//! One thread that makes changes durable. It takes all that waits and writes it as one batch, so that a thousand changes cost
//! hardly more than one; their order is kept. A batch whose fate is not known is written again until it is: batches say what
//! is, not what to add, so writing one twice is writing it once, and nobody else writes in this term.
use lifeboat_store::{Batch, Store, StoreError, Term};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Changes that may wait to be written.
const MOST_WAITING: usize = 4096;
/// Writes and bytes in one batch, beyond which the next change waits for the next batch.
const MOST_WRITES: usize = 4096;
const MOST_BYTES: usize = 16 << 20;
/// How long to wait before writing again what the store did not take.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A change on its way to the store.
struct Waiting {
    batch: Batch,
    done: oneshot::Sender<()>,
    /// Whether nothing is to be written after it.
    last: bool,
}

/// The way to the writing thread.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Waiting>,
    health: Arc<Health>,
}

/// How the store does.
#[derive(Debug, Default)]
pub struct Health {
    failing: AtomicBool,
    over: AtomicBool,
}

impl Health {
    /// Whether the newest write was not taken.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
    /// Whether this process's term is over: nothing will be written any more.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// A place in the writer's queue, so that what is done in memory can always be handed over.
#[derive(Debug)]
pub struct Place(mpsc::OwnedPermit<Waiting>);

/// Why there is no place: the store takes no changes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriterError {
    /// It does not answer.
    #[error("the store does not answer: nothing can be acknowledged")]
    Failing,
    /// Another coordinator leads.
    #[error("another coordinator leads now")]
    Superseded,
}

impl Writer {
    /// Starts the thread. `over` is told when the term is.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn start(store: Arc<dyn Store>, term: Term, over: watch::Sender<bool>) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let health = Arc::new(Health::default());
        let told = Arc::clone(&health);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let last = write_all(&*store, term, waiting, &told, &over);
            // Whoever waits for the end may want to open the store again.
            drop(store);
            drop(last);
        })?;
        Ok(Self { queue, health })
    }

    /// How the store does.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Changes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    fn check(&self) -> Result<(), WriterError> {
        if self.health.is_over() {
            Err(WriterError::Superseded)
        } else if self.health.is_failing() {
            Err(WriterError::Failing)
        } else {
            Ok(())
        }
    }

    /// Waits for a place in the queue.
    ///
    /// # Errors
    /// If the store takes nothing now.
    pub async fn place(&self) -> Result<Place, WriterError> {
        self.check()?;
        self.queue.clone().reserve_owned().await.map(Place).map_err(|_| WriterError::Superseded)
    }

    /// Hands over what nobody waits for, if the queue has room: a verdict can be computed again.
    pub fn hand_over(&self, batch: Batch) -> bool {
        let (done, _) = oneshot::channel();
        self.queue.try_send(Waiting { batch, done, last: false }).is_ok()
    }

    /// Takes no further changes, writes those that wait, and lets go of the store.
    pub async fn end(&self) {
        self.health.over.store(true, Ordering::Relaxed);
        let (done, ended) = oneshot::channel();
        let last = Waiting { batch: Batch::default(), done, last: true };
        if self.queue.send(last).await.is_ok() {
            // It is not answered: the thread drops it when it has ended.
            let _ = ended.await;
        }
    }
}

impl Place {
    /// Hands the change over; what is given back resolves when it is durable, and fails if it never will be.
    pub fn hand_over(self, mut batch: Batch) -> oneshot::Receiver<()> {
        super::once::mark(&mut batch);
        self.hand_over_unmarked(batch)
    }

    /// Hands over what does not carry out the request that is being answered, such as that it was refused: its key may be
    /// used again.
    pub fn hand_over_unmarked(self, batch: Batch) -> oneshot::Receiver<()> {
        let (done, durable) = oneshot::channel();
        self.0.send(Waiting { batch, done, last: false });
        durable
    }
}

fn write_all(
    store: &dyn Store,
    term: Term,
    mut waiting: mpsc::Receiver<Waiting>,
    health: &Health,
    over: &watch::Sender<bool>,
) -> Option<oneshot::Sender<()>> {
    while let Some(first) = waiting.blocking_recv() {
        let mut last = first.last;
        let mut batch = first.batch;
        let mut done = vec![first.done];
        let mut bytes = batch.bytes();
        while batch.writes.len() < MOST_WRITES && bytes < MOST_BYTES && !last {
            let Ok(next) = waiting.try_recv() else { break };
            last = next.last;
            bytes += next.batch.bytes();
            batch.append(next.batch);
            done.push(next.done);
        }
        let ended = if last { done.pop() } else { None };
        if !write(store, term, &batch, health) {
            health.over.store(true, Ordering::Relaxed);
            over.send_replace(true);
            return ended;
        }
        for done in done {
            // Whoever does not wait any more need not be told.
            let _ = done.send(());
        }
        if last {
            return ended;
        }
    }
    None
}

/// Writes a batch, however often it takes. Whether this process may still write.
fn write(store: &dyn Store, term: Term, batch: &Batch, health: &Health) -> bool {
    loop {
        match store.commit(term, batch) {
            Ok(()) => {
                if health.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the store takes writes again");
                }
                return true;
            }
            Err(StoreError::Superseded) => {
                tracing::error!("another coordinator leads now: nothing more is written");
                return false;
            }
            Err(error) => {
                if !health.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the store does not take a write; trying again");
                }
                thread::park_timeout(AGAIN_AFTER);
            }
        }
    }
}
