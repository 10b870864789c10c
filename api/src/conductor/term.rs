//! The beginning of a term: the store is opened, the pool is read from it or made, and the coordinator gets what is kept. All of it
//! blocks, so it has a thread of its own; the agent's health check is answered meanwhile.
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
use lifeboat_link::frame::Hello;
use lifeboat_link::join::{FOUNDING, Founding};
use lifeboat_model::{Defect, HostIndex, Pool};
use lifeboat_protocol::Epoch;
use lifeboat_store::{Batch, Key, Store, StoreError, Term};
use std::fmt;
use std::io;
use std::sync::Arc;
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
    /// The store takes no changes.
    #[error("the store takes no changes")]
    Change(#[from] ChangeError),
}

impl TermError {
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
    /// What the first host left; none: it left nothing, and nobody can be let in.
    pub founding: Option<Founding>,
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
        loop {
            match self.opened(epoch, hello) {
                Ok((opened, store, term)) => {
                    tracing::info!(
                        epoch = epoch.0,
                        term = term.0,
                        elapsed_us = clock.elapsed_us(),
                        "leading"
                    );
                    let over = opened.engine.over();
                    if events.tell(Event::Opened(Box::new(opened))) {
                        hold(&*store, term, &over);
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
                    thread::park_timeout(AGAIN_AFTER);
                }
            }
        }
    }

    fn opened(&self, epoch: Epoch, hello: &Hello) -> Result<(Opened, Arc<dyn Store>, Term), TermError> {
        let (store, term) = (self.open)(hello, epoch)?;
        let kept_roster = store.get(&records::roster_key(&hello.roster.pool))?;
        let kept_roster = kept_roster.and_then(|kept| serde_json::from_slice::<Roster>(&kept).ok());
        let roster = newer(kept_roster.as_ref(), &hello.roster);
        let founding = founding(&*store, &hello.roster.pool)?;
        let engine = (self.make)(Arc::clone(&store), term)?;
        let mut first = Batch::default();
        if kept_roster.as_ref() != Some(roster) {
            records::put_roster(&mut first, roster);
        }
        let pool = self.runtime.block_on(made(&engine, roster, first))?;
        let kept = all_under(&*store, &records::prefix(pool.id()))?;
        let begin = Begin {
            me: HostIndex::new(hello.me),
            epoch,
            roster: roster.clone(),
            pool: pool.view().pool,
            kept,
        };
        let keeper = Keeper::new(self.runtime.clone());
        Ok((Opened { begin, engine, pool, keeper, founding }, store, term))
    }
}

fn founding(store: &dyn Store, pool: &str) -> Result<Option<Founding>, StoreError> {
    let Some(kept) = store.get(&Key::of(&[FOUNDING]))? else { return Ok(None) };
    match serde_json::from_slice::<Founding>(&kept) {
        Ok(founding) if founding.roster.pool == pool => Ok(Some(founding)),
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::error!(%error, "what the first host left in the store cannot be read: no host can join");
            Ok(None)
        }
    }
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

/// Keeps the lease, where the store has one, until the process ends. A store that says that the term is over ends it.
fn hold(store: &dyn Store, term: Term, over: &tokio::sync::watch::Receiver<bool>) {
    let Some(lease) = store.lease() else {
        return watch(over);
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
        if *over.borrow() {
            link::end("the pool's store takes nothing more from this term");
        }
    }
}

fn watch(over: &tokio::sync::watch::Receiver<bool>) {
    loop {
        thread::park_timeout(AGAIN_AFTER);
        if *over.borrow() {
            link::end("the pool's store takes nothing more from this term");
        }
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
