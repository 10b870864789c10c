//! Who leads, where several processes share a store: one thread that campaigns, keeps the lease while it leads, and takes the
//! pools away from the service when its term is over. With an embedded store the first attempt succeeds and the term lasts as
//! long as the process.
//!
//! That a leader which does not know yet that it leads no more changes nothing is not the work of this thread: the store refuses
//! every write of an older term. This thread sees to it that such a leader does not go on *answering* either: it stops when its
//! lease has run out by its own clock, which began before the store's.
use crate::clock::Stopwatch;
use crate::engine::{Engine, EngineError};
use crate::service::Service;
use lifeboat_store::{Candidate, Store, StoreError, Term};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime;

/// How long one campaign waits for the other's end.
const CAMPAIGN: Duration = Duration::from_secs(5);
/// How long to wait before asking a store again that did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long the store may take for the last changes of a term.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// How often a leader looks whether its term is over.
const TICK: Duration = Duration::from_millis(500);

/// Makes the pools of a term.
pub type MakeEngine = dyn Fn(Arc<dyn Store>, Term) -> Result<Engine, EngineError> + Send;

/// Looks at what the store holds while another process leads.
pub type Watch = dyn Fn(&dyn Store) -> Result<(), StoreError> + Send;

/// The thread that campaigns and leads.
#[derive(Debug)]
pub struct Leading {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

/// What the thread works with.
struct Campaigner {
    store: Arc<dyn Store>,
    candidate: Candidate,
    service: Service,
    make: Box<MakeEngine>,
    watch: Box<Watch>,
    ended: Receiver<()>,
}

impl Leading {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn start(
        store: Arc<dyn Store>,
        candidate: Candidate,
        service: Service,
        make: Box<MakeEngine>,
        watch: Box<Watch>,
    ) -> io::Result<Self> {
        let (end, ended) = mpsc::channel();
        let campaigner = Campaigner { store, candidate, service, make, watch, ended };
        let thread = thread::Builder::new().name("leadership".to_owned()).spawn(move || campaigner.run())?;
        Ok(Self { end, thread })
    }

    /// Ends the term, if there is one, so that another process can lead at once, and waits for it.
    pub fn end(self) {
        drop(self.end);
        if self.thread.join().is_err() {
            tracing::error!("the thread that leads has failed");
        }
    }
}

impl Campaigner {
    fn run(self) {
        // Whoever does not lead can say at once who does, to those whom it knows.
        self.follow();
        while !self.is_ended(Duration::ZERO) {
            // The lease counts from before it was asked for.
            let asked = Stopwatch::start();
            match self.store.campaign(&self.candidate, CAMPAIGN) {
                Ok(Some(term)) => self.lead(term, asked),
                Ok(None) => self.follow(),
                Err(error) => {
                    tracing::warn!(%error, "cannot campaign; trying again");
                    self.is_ended(AGAIN_AFTER);
                }
            }
        }
    }

    fn follow(&self) {
        let looked = (self.watch)(&*self.store).and_then(|()| self.store.leader());
        match looked {
            Ok(leadership) => self.service.set_leader(leadership.map(|leadership| leadership.leader)),
            Err(error) => tracing::warn!(%error, "cannot tell who leads"),
        }
    }

    fn lead(&self, term: Term, asked: Stopwatch) {
        let clock = Stopwatch::start();
        let (made, renewed) = self.make_while_renewing(term, asked);
        match made {
            Ok(engine) => {
                let pools = engine.pools().len();
                tracing::info!(term = term.0, pools, elapsed_us = clock.elapsed_us(), "leading");
                self.service.set_leader(None);
                self.service.set_engine(Some(engine.clone()));
                self.hold(term, &engine, renewed);
                self.service.set_engine(None);
                end(&engine);
                tracing::info!(term = term.0, "leading no more");
            }
            Err(error) => {
                tracing::error!(%error, "the pools cannot be read from the store");
                self.is_ended(AGAIN_AFTER);
            }
        }
        if let Err(error) = self.store.resign(term) {
            tracing::debug!(%error, "the term ends with its lease");
        }
    }

    /// Reads the pools, however long that takes, without losing the lease meanwhile. When it was last renewed.
    fn make_while_renewing(&self, term: Term, asked: Stopwatch) -> (Result<Engine, EngineError>, Stopwatch) {
        let Some(lease) = self.store.lease() else {
            return ((self.make)(Arc::clone(&self.store), term), asked);
        };
        let (made, wait) = mpsc::channel::<()>();
        let store = Arc::clone(&self.store);
        let renewing = thread::spawn(move || {
            let mut renewed = asked;
            while matches!(wait.recv_timeout(lease / 4), Err(RecvTimeoutError::Timeout)) {
                let asked = Stopwatch::start();
                if store.renew(term).is_ok() {
                    renewed = asked;
                }
            }
            renewed
        });
        let engine = (self.make)(Arc::clone(&self.store), term);
        drop(made);
        (engine, renewing.join().unwrap_or(asked))
    }

    /// Keeps the lease until the term is over or the process ends.
    fn hold(&self, term: Term, engine: &Engine, mut renewed: Stopwatch) {
        let lease = self.store.lease();
        let over = engine.over();
        loop {
            let tick = lease.map_or(TICK, |lease| (lease / 4).min(TICK));
            if self.is_ended(tick) || *over.borrow() || over.has_changed().is_err() {
                return;
            }
            let Some(lease) = lease else { continue };
            // The lease counts from before it was asked for.
            let asked = Stopwatch::start();
            match self.store.renew(term) {
                Ok(()) => renewed = asked,
                Err(StoreError::Superseded) => return,
                Err(error) => {
                    tracing::warn!(%error, "the lease was not renewed");
                    if renewed.has_reached(lease) {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for the end, no longer than `wait`.
    fn is_ended(&self, wait: Duration) -> bool {
        !matches!(self.ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }
}

/// Ends what a term began: alerts under way are told or kept, what was taken is made durable.
fn end(engine: &Engine) {
    if let Some(alarms) = engine.outward().alarms() {
        alarms.end(engine);
    }
    match runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(async {
            // A store that does not answer must not keep the process from ending: what it has not taken was not acknowledged.
            if tokio::time::timeout(LAST_WRITES, engine.end()).await.is_err() {
                tracing::error!("the store does not take the last changes; they were not acknowledged");
            }
        }),
        Err(error) => tracing::error!(%error, "the term ends without waiting for the store"),
    }
}
