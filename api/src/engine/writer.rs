//! One thread that makes changes durable. It takes all that waits and writes it as one batch, so that a thousand changes cost
//! hardly more than one; their order is kept. A batch whose fate is not known is written again until it is: batches say what
//! is, not what to add, so writing one twice is writing it once, and nobody else writes in this term.
use super::once::Ticket;
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
    done: Done,
    /// Whether nothing is to be written after it.
    last: bool,
    /// The ticket of the request that it carries out: held until it is decided.
    ticket: Option<Arc<Ticket>>,
}

/// Who is told when a change is durable.
enum Done {
    /// Whoever waits for it; sees that the sender is gone if it never will be.
    Waits(oneshot::Sender<()>),
    /// Called from the writing thread.
    Calls(Call),
}

/// Called once, whatever becomes of the change: with false where it is dropped.
struct Call(Option<Box<dyn FnOnce(bool) + Send>>);

impl Done {
    fn durable(self) {
        match self {
            // Whoever does not wait any more need not be told.
            Self::Waits(sender) => drop(sender.send(())),
            Self::Calls(mut call) => call.call(true),
        }
    }
}

impl Call {
    fn call(&mut self, durable: bool) {
        if let Some(call) = self.0.take() {
            call(durable);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.call(false);
    }
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
        let done = Done::Calls(Call(None));
        self.queue.try_send(Waiting { batch, done, last: false, ticket: None }).is_ok()
    }

    /// Hands over a change from a thread that does not wait: `then` is called when it is durable, or never will be. While the store
    /// takes nothing it is not handed over at all.
    pub fn write_then(&self, batch: Batch, then: impl FnOnce(bool) + Send + 'static) {
        let done = Done::Calls(Call(Some(Box::new(then))));
        if self.check().is_ok() {
            // What finds no place is dropped, and its call with it.
            let _ = self.queue.try_send(Waiting { batch, done, last: false, ticket: None });
        }
    }

    /// Takes no further changes, writes those that wait, and lets go of the store.
    pub async fn end(&self) {
        self.health.over.store(true, Ordering::Relaxed);
        let (done, ended) = oneshot::channel();
        let last = Waiting { batch: Batch::default(), done: Done::Waits(done), last: true, ticket: None };
        if self.queue.send(last).await.is_ok() {
            // It is not answered: the thread drops it when it has ended.
            let _ = ended.await;
        }
    }
}

impl Place {
    /// Hands the change over; what is given back resolves when it is durable, and fails if it never will be.
    pub fn hand_over(self, mut batch: Batch) -> oneshot::Receiver<()> {
        let ticket = super::once::mark(&mut batch);
        self.send(batch, ticket)
    }

    /// Hands over what does not carry out the request that is being answered, such as that it was refused: its key may be
    /// used again.
    pub fn hand_over_unmarked(self, batch: Batch) -> oneshot::Receiver<()> {
        self.send(batch, None)
    }

    fn send(self, batch: Batch, ticket: Option<Arc<Ticket>>) -> oneshot::Receiver<()> {
        let (done, durable) = oneshot::channel();
        self.0.send(Waiting { batch, done: Done::Waits(done), last: false, ticket });
        durable
    }
}

fn write_all(
    store: &dyn Store,
    term: Term,
    mut waiting: mpsc::Receiver<Waiting>,
    health: &Health,
    over: &watch::Sender<bool>,
) -> Option<Done> {
    let mut held_back = None;
    while let Some(first) = held_back.take().or_else(|| waiting.blocking_recv()) {
        let mut last = first.last;
        let mut batch = first.batch;
        let mut asked = vec![(first.done, first.ticket)];
        let mut bytes = batch.bytes();
        while !last {
            let Ok(next) = waiting.try_recv() else { break };
            if batch.writes.len() + next.batch.writes.len() > MOST_WRITES
                || bytes + next.batch.bytes() > MOST_BYTES
            {
                held_back = Some(next);
                break;
            }
            last = next.last;
            bytes += next.batch.bytes();
            batch.append(next.batch);
            asked.push((next.done, next.ticket));
        }
        let ended = if last { asked.pop().map(|(done, _)| done) } else { None };
        match write(store, term, &batch, health) {
            Written::Durable => asked.into_iter().for_each(|(done, _)| done.durable()),
            // Those who wait see that their sender is gone.
            Written::Never => drop(asked),
            Written::Over => {
                health.over.store(true, Ordering::Relaxed);
                over.send_replace(true);
                return ended;
            }
        }
        if last {
            return ended;
        }
    }
    None
}

/// What became of a batch.
enum Written {
    /// It is durable.
    Durable,
    /// No store takes it.
    Never,
    /// This process may not write any more.
    Over,
}

/// Writes a batch, however often it takes.
fn write(store: &dyn Store, term: Term, batch: &Batch, health: &Health) -> Written {
    loop {
        match store.commit(term, batch) {
            Ok(()) => {
                if health.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the store takes writes again");
                }
                return Written::Durable;
            }
            Err(StoreError::Superseded) => {
                tracing::error!("another coordinator leads now: nothing more is written");
                return Written::Over;
            }
            Err(error @ (StoreError::TooLarge(_) | StoreError::Reserved(_))) => {
                // What is large by itself is refused before it is handed over. This must not hold up everybody for ever.
                tracing::error!(%error, "a batch that no store takes was given up: this is a defect of the service");
                return Written::Never;
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
