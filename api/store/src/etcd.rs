//! The store of several coordinators: an [etcd](https://etcd.io), spoken to through its HTTP gateway.
//!
//! **Terms.** Who leads holds the key `leader`, bound to a lease that must be renewed. The key is made by a transaction that
//! demands that it is not there; its create revision is the term, so terms only rise. (Restored stores add a number, so
//! that terms go on beyond those of the backup.)
//!
//! **Fenced.** Every commit is one transaction that demands that `leader` still has the create revision of its term. etcd
//! decides transactions one after another, so nothing of an older term takes effect after a newer one has begun.
//!
//! **Once, in order.** A transaction whose answer was lost may still be on its way. Each demands that `commit` says what the
//! one before it made it say, and changes it. So it can be sent again and again, on any member, and takes effect once; and
//! when a later one has taken effect, it cannot any more. A commit whose fate is still unknown when time is over is
//! settled before this process reads or writes anything again.
//!
//! **Whole.** A batch that is too large for one transaction goes through a journal: see [`journal`].
mod campaign;
mod client;
mod commit;
mod effects;
mod journal;
mod keys;
mod read;
mod refusal;
mod tls;
pub mod transactions;
mod watch;
mod wire;

use crate::backup::Writer;
use crate::{Batch, Candidate, Key, Leadership, Options, Record, Store, StoreError, Term, own};
use client::Client;
use commit::Sequence;
use keys::Keys;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::{Number, Transaction};

/// A store in an etcd.
#[derive(Debug)]
pub struct EtcdStore {
    client: Client,
    keys: Keys,
    timeout: Duration,
    lease: Duration,
    /// The term that this process leads in.
    held: Mutex<Option<Held>>,
    /// A lease that may keep us in the seat without our knowing: of a campaign or a resignation whose answer was lost.
    doubtful: Mutex<Option<Number>>,
    /// Where its commits have come to; held by whoever commits.
    sequence: Mutex<Sequence>,
}

/// A term that this process leads in, as far as it knows.
#[derive(Clone, Copy, Debug)]
struct Held {
    term: Term,
    /// The create revision of the leader's key.
    revision: Number,
    lease: Number,
}

impl EtcdStore {
    /// The store below `prefix` in the etcd with these endpoints. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`] if a certificate, key or password cannot be read.
    pub fn new(endpoints: &[String], tls: bool, prefix: &str, options: &Options) -> Result<Self, StoreError> {
        if options.user.is_some() && !tls {
            tracing::warn!(
                "the password goes to etcd in the clear: give it TLS, and us etcds:// instead of etcd://"
            );
        }
        Ok(Self {
            client: Client::new(endpoints, tls, options)?,
            keys: Keys::new(prefix),
            timeout: options.timeout,
            lease: options.lease.max(SHORTEST_LEASE),
            held: Mutex::new(None),
            doubtful: Mutex::new(None),
            sequence: Mutex::new(Sequence::default()),
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        // All locks here protect what is replaced in one step, so a panic elsewhere leaves it whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sequence(&self) -> MutexGuard<'_, Sequence> {
        self.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubtful(&self) -> MutexGuard<'_, Option<Number>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held, if it is this term.
    fn holding(&self, term: Term) -> Result<Held, StoreError> {
        self.held().filter(|held| held.term == term).ok_or(StoreError::Superseded)
    }

    /// Forgets a term that is over.
    fn let_go(&self, term: Term) {
        let mut held = self.held();
        if held.is_some_and(|held| held.term == term) {
            *held = None;
        }
    }

    fn transact(&self, transaction: &Transaction) -> Result<client::Answer<wire::Decision>, StoreError> {
        self.client.call_within(self.timeout, "kv/txn", transaction)
    }
}

/// etcd grants none that is shorter than one and a half of its own election timeouts, 1 s by default.
const SHORTEST_LEASE: Duration = Duration::from_secs(2);

impl Store for EtcdStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.settle()?;
        let (mut found, _) = self.read_clean(vec![keys::read(self.keys.record(key))])?;
        Ok(found.pop().and_then(|mut found| found.pop()).map(|kept| kept.value.0))
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        self.settle()?;
        self.scan_at_one_moment(prefix, after, most)
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        self.commit_in(self.holding(term)?, batch)
    }

    fn campaign(&self, candidate: &Candidate, wait: Duration) -> Result<Option<Term>, StoreError> {
        self.run(candidate, wait)
    }

    fn renew(&self, term: Term) -> Result<(), StoreError> {
        self.keep_alive(self.holding(term)?)
    }

    fn resign(&self, term: Term) -> Result<(), StoreError> {
        match self.holding(term) {
            Ok(held) => self.step_down(held),
            Err(_) => Ok(()),
        }
    }

    fn leader(&self) -> Result<Option<Leadership>, StoreError> {
        self.who_leads()
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.lease)
    }

    fn backup(&self, out: &mut dyn std::io::Write) -> Result<(), StoreError> {
        self.settle()?;
        let questions =
            [self.keys.record(&own::schema()), self.keys.record(&own::terms()), self.keys.began()];
        let (found, revision) = self.read_clean(questions.map(keys::read).into())?;
        let first = |at: usize| found.get(at).and_then(|kept| kept.first());
        let schema = own::read_schema(first(0).map(|kept| kept.value.0.as_slice()))?;
        let beyond = own::read_terms(first(1).map(|kept| kept.value.0.as_slice()))?;
        let last = term(beyond, first(2).map_or(Number(0), |kept| kept.mod_revision));
        let mut backup = Writer::begin(out, schema, last)?;
        self.each_at(revision, &Key::of(&[]), None, &mut |record| backup.record(record).map(|()| true))?;
        backup.end()
    }
}

/// The term whose leader's key was created in this revision, where terms begin beyond `beyond`.
fn term(beyond: Term, revision: Number) -> Term {
    Term(beyond.0 + revision.0.unsigned_abs())
}
