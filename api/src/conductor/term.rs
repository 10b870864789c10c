//! The beginning of a term: the store is opened, the pool is read from it or made, and the coordinator gets what is kept. All of it
//! blocks, so it has a thread of its own; the agent's health check is answered meanwhile.
use super::authority::Kept;
use super::document;
use super::keeper::Keeper;
use super::link;
use super::machine::Begin;
use super::records;
use super::shell::{Event, Events};
use crate::clock::Stopwatch;
use crate::engine::pool::ChangeError;
use crate::engine::pools::{CreateError, all_under};
use crate::engine::{Engine, EngineError, PoolHandle};
use crate::startup::StartupError;
use lifeboat_link::Roster;
use lifeboat_link::frame::{Hello, OperatorWish};
use lifeboat_link::join::{FOUNDING, Founding};
use lifeboat_model::{Defect, HostIndex, Pool};
use lifeboat_protocol::Epoch;
use lifeboat_store::{Batch, Key, Store, StoreError, Term};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long to wait before asking a store again that did not answer.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Opens the store of a term, and makes the pools of it.
pub type OpenStore = dyn Fn(&Hello, Epoch) -> Result<(Arc<dyn Store>, Term), TermError> + Send;
/// Makes the pools of a term.
pub type MakeEngine = dyn Fn(Arc<dyn Store>, Term) -> Result<Engine, EngineError> + Send;

/// Why a term cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TermError {
    /// The store cannot be opened or read.
    #[error("the pool's store cannot be used")]
    Store(#[from] StoreError),
    /// A secret for it cannot be had.
    #[error(transparent)]
    Startup(Box<StartupError>),
    /// Another process holds a lease there still.
    #[error("another process leads in the pool's store still")]
    Held,
    /// What is kept makes no pools.
    #[error("the pools cannot be read from the store")]
    Engine(#[from] EngineError),
    /// The pool cannot be made.
    #[error("the pool cannot be made")]
    Create(#[from] CreateError),
    /// The pool would not be right.
    #[error("the pool cannot be made: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Defects(Vec<Defect>),
    /// The roster in the store is a newer version's, or damaged.
    #[error(
        "the roster in the pool's store cannot be read: run the newest lifeboat on every host, or restore a backup"
    )]
    Roster(#[source] serde_json::Error),
    /// So is the change of the authority.
    #[error(
        "the change of the authority in the pool's store cannot be read: run the newest lifeboat on every host, or restore a backup"
    )]
    Rotation(#[source] serde_json::Error),
    /// The store is another pool's, or an earlier life's of this one.
    #[error(
        "the store holds the roster of another life of the pool ({kept}): give this pool a store or a prefix of its own, or empty that one"
    )]
    OtherLife {
        /// The pool id in the store.
        kept: String,
    },
    /// The store takes no changes.
    #[error("the store takes no changes")]
    Change(#[from] ChangeError),
}

impl TermError {
    /// Whether waiting does not help here, while another host may be able to.
    fn is_of_this_host(&self) -> bool {
        matches!(
            self,
            Self::Startup(_)
                | Self::Roster(_)
                | Self::Rotation(_)
                | Self::Store(
                    StoreError::CannotOpen { .. } | StoreError::TooNew { .. } | StoreError::Damaged(_)
                )
        )
    }

    /// What kept the store from being opened.
    pub fn of_startup(error: StartupError) -> Self {
        match error {
            StartupError::Store { source, .. } => Self::Store(source),
            other => Self::Startup(Box::new(other)),
        }
    }
}

/// A term whose store is open.
#[derive(Debug)]
pub struct Opened {
    /// What the coordinator begins with.
    pub begin: Begin,
    /// The pools.
    pub engine: Engine,
    /// The one that is conducted.
    pub pool: Arc<PoolHandle>,
    /// What keeps its document.
    pub keeper: Keeper,
    /// What the first host left, and the change of the authority; none: it left nothing, and nobody can be let in.
    pub authorities: Option<Kept>,
}

/// How terms are begun.
pub struct Opening {
    open: Box<OpenStore>,
    make: Box<MakeEngine>,
    runtime: Handle,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

impl Opening {
    /// Terms are begun like this.
    pub fn new(open: Box<OpenStore>, make: Box<MakeEngine>, runtime: Handle) -> Self {
        Self { open, make, runtime }
    }

    /// Begins a term in a thread of its own.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn begin(self, epoch: Epoch, hello: Hello, events: Events) -> io::Result<()> {
        thread::Builder::new().name("term".to_owned()).spawn(move || self.run(epoch, &hello, &events))?;
        Ok(())
    }

    fn run(&self, epoch: Epoch, hello: &Hello, events: &Events) {
        let clock = Stopwatch::start();
        let mut patience = Patience::new(Duration::from_millis(hello.roster.settings.timeout_ms));
        loop {
            match self.opened(epoch, hello) {
                Ok((opened, store, term)) => {
                    tracing::info!(
                        epoch = epoch.0,
                        term = term.0,
                        elapsed_us = clock.elapsed_us(),
                        "leading"
                    );
                    let engine = opened.engine.clone();
                    if events.tell(Event::Opened(Box::new(opened))) {
                        hold(&*store, term, Watched { engine, events, patience });
                    }
                    return;
                }
                // This term will never be able to: its agent has to begin another.
                Err(TermError::Store(StoreError::Superseded)) => {
                    link::end("the pool's store knows a later term than this one")
                }
                Err(error) => {
                    let why = causes(&error);
                    tracing::warn!(why, "the term cannot begin yet; trying again");
                    if patience.is_over(true, error.is_of_this_host()) {
                        hand_over(events, "the term cannot begin here");
                    }
                    thread::park_timeout(AGAIN_AFTER);
                }
            }
        }
    }

    fn opened(&self, epoch: Epoch, hello: &Hello) -> Result<(Opened, Arc<dyn Store>, Term), TermError> {
        let (store, term) = (self.open)(hello, epoch)?;
        let opened = while_renewing(&store, term, || self.read(epoch, hello, &store, term))?;
        Ok((opened, store, term))
    }

    fn read(
        &self,
        epoch: Epoch,
        hello: &Hello,
        store: &Arc<dyn Store>,
        term: Term,
    ) -> Result<Opened, TermError> {
        let kept_roster = store.get(&records::roster_key(&hello.roster.pool))?;
        let kept_roster = kept_roster.map(|kept| readable(&kept, &hello.roster)).transpose()?;
        let roster = newer(kept_roster.as_ref(), &hello.roster);
        let authorities = authorities(&**store, &hello.roster.pool)?;
        let engine = (self.make)(Arc::clone(store), term)?;
        let mut first = Batch::default();
        if kept_roster.as_ref() != Some(roster) {
            records::put_roster(&mut first, roster);
        }
        let pool = self.runtime.block_on(made(&engine, roster, first))?;
        let kept = all_under(&**store, &records::prefix(pool.id()))?;
        let begin = Begin {
            me: HostIndex::new(hello.me),
            epoch,
            roster: roster.clone(),
            pool: pool.view().pool,
            kept,
        };
        let keeper = Keeper::new(self.runtime.clone());
        Ok(Opened { begin, engine, pool, keeper, authorities })
    }
}

/// Does this without losing the lease meanwhile, where the store has one: reading a large pool may take longer than it lasts.
fn while_renewing<T>(store: &Arc<dyn Store>, term: Term, work: impl FnOnce() -> T) -> T {
    let Some(lease) = store.lease() else { return work() };
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while matches!(wait.recv_timeout(lease / 4), Err(RecvTimeoutError::Timeout)) {
                if let Err(error) = store.renew(term) {
                    tracing::warn!(%error, "the lease was not renewed");
                }
            }
        });
        // Ends the other's wait, also where the work panics.
        let _done = done;
        work()
    })
}

fn authorities(store: &dyn Store, pool: &str) -> Result<Option<Kept>, TermError> {
    let Some(kept) = store.get(&Key::of(&[FOUNDING]))? else { return Ok(None) };
    let founding = match serde_json::from_slice::<Founding>(&kept) {
        Ok(founding) if founding.roster.pool == pool => founding,
        Ok(_) => return Ok(None),
        Err(error) => {
            tracing::error!(%error, "what the first host left in the store cannot be read: no host can join");
            return Ok(None);
        }
    };
    let rotation = store.get(&records::rotation_key(pool))?;
    // One that cannot be read is not taken for none: hosts may have certificates of the next authority.
    let rotation =
        rotation.map(|kept| serde_json::from_slice(&kept)).transpose().map_err(TermError::Rotation)?;
    Ok(Some(Kept { founding, rotation }))
}

/// The roster of the store, which must be this pool's. One that cannot be read is not taken for none: an older one would undo joins
/// that were acknowledged.
fn readable(kept: &[u8], mine: &Roster) -> Result<Roster, TermError> {
    let kept: Roster = serde_json::from_slice(kept).map_err(TermError::Roster)?;
    if kept.pool_id == mine.pool_id { Ok(kept) } else { Err(TermError::OtherLife { kept: kept.pool_id }) }
}

/// The roster that counts: the store's, unless this agent's is one that the store has not seen, as in the first term of a pool.
fn newer<'r>(kept: Option<&'r Roster>, mine: &'r Roster) -> &'r Roster {
    kept.filter(|kept| kept.version >= mine.version).unwrap_or(mine)
}

/// The pool that is conducted; made where this is its first term.
async fn made(engine: &Engine, roster: &Roster, first: Batch) -> Result<Arc<PoolHandle>, TermError> {
    if let Some(pool) = engine.pool(&roster.pool) {
        if !first.is_empty() {
            engine.keep(first).await?;
        }
        return Ok(pool);
    }
    let spec = document::first(&roster.pool, roster.settings.timeout_ms.div_ceil(1000));
    let pool = Pool::new(&spec).map_err(TermError::Defects)?;
    Ok(engine.create(pool, Vec::new(), first).await?)
}

/// For how long a store has not served.
#[derive(Debug)]
struct Patience {
    lasts: Duration,
    failing: Option<Stopwatch>,
}

impl Patience {
    fn new(lasts: Duration) -> Self {
        Self { lasts, failing: None }
    }

    /// Whether it is over; then it begins anew. At once, where it is of no use; then too it is asked for once in its time.
    fn is_over(&mut self, is_failing: bool, is_of_no_use: bool) -> bool {
        if !is_failing {
            self.failing = None;
            return false;
        }
        let over = self.failing.as_ref().map_or(is_of_no_use, |failing| failing.has_reached(self.lasts));
        if over || self.failing.is_none() {
            self.failing = Some(Stopwatch::start());
        }
        over
    }
}

/// Has another host lead; where there is none that could, this one goes on trying.
fn hand_over(events: &Events, why: &str) {
    tracing::error!(why, "another host is asked to lead");
    events.tell(Event::Wish(OperatorWish::HandOver));
}

/// A term that goes on while its store serves.
struct Watched<'a> {
    engine: Engine,
    events: &'a Events,
    patience: Patience,
}

impl Watched<'_> {
    fn look(&mut self) {
        if *self.engine.over().borrow() {
            link::end("the pool's store takes nothing more from this term");
        }
        if self.patience.is_over(self.engine.writer().health().is_failing(), false) {
            hand_over(self.events, "the pool's store takes no writes");
        }
    }
}

/// Keeps the lease, where the store has one, until the process ends. A store that says that the term is over ends it.
fn hold(store: &dyn Store, term: Term, mut watched: Watched<'_>) {
    let Some(lease) = store.lease() else {
        loop {
            thread::park_timeout(AGAIN_AFTER);
            watched.look();
        }
    };
    let mut renewed = Stopwatch::start();
    loop {
        thread::park_timeout(lease / 4);
        let asked = Stopwatch::start();
        match store.renew(term) {
            Ok(()) => renewed = asked,
            Err(StoreError::Superseded) => link::end("another process leads in the pool's store"),
            Err(error) if renewed.has_reached(lease) => {
                link::end(&format!("the lease in the pool's store has run out: {error}"))
            }
            Err(error) => tracing::warn!(%error, "the lease was not renewed"),
        }
        watched.look();
    }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        words = format!("{words}: {one}");
        cause = one.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;

    #[test]
    fn a_roster_that_cannot_be_read_or_is_another_lifes_is_not_taken_for_none() {
        let mine = roster(&["h1"]);
        let newer = br#"{"version": 9, "what": "no version knows yet"}"#;
        assert!(matches!(readable(newer, &mine), Err(TermError::Roster(_))));
        let other = Roster { pool_id: "ff".repeat(16), version: 9, ..roster(&["h1", "h2"]) };
        let other = serde_json::to_vec(&other).expect("JSON");
        assert!(matches!(readable(&other, &mine), Err(TermError::OtherLife { .. })));
        let kept = serde_json::to_vec(&mine).expect("JSON");
        assert_eq!(readable(&kept, &mine).expect("it is ours"), mine);
    }

    #[test]
    fn another_host_is_asked_for_after_a_while_or_at_once_where_waiting_is_of_no_use() {
        let mut long = Patience::new(Duration::MAX);
        assert!(!long.is_over(true, false), "it may come back");
        assert!(!long.is_over(false, false));
        assert!(long.is_over(true, true), "at once");
        assert!(!long.is_over(true, true), "and not again before its time");
        let mut none = Patience::new(Duration::ZERO);
        assert!(!none.is_over(true, false), "its time begins");
        assert!(none.is_over(true, false));
    }
}
