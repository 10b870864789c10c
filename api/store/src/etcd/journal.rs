//! Batches that are too large for one transaction of etcd, made whole all the same.
//!
//! 1. What earlier attempts left under `journal/part/` is **cleared**. That is a commit like any other: it takes effect once,
//!    in its place. Were it not, it could arrive a second time, late, and clear what was put in the meantime.
//! 2. The parts of the batch are put under `journal/part/<name>/`, where nobody looks for records. The name is that of the
//!    commit that cleared, so no two attempts share one, and a put that arrives late overwrites nothing of another. Each
//!    demands that the term is not over.
//! 3. One transaction **decides**: it puts `journal/decided`, with the name and the number of parts. It is a commit like any
//!    other (fenced, once, in its place), and like any other it demands that nothing stands there yet. Before it, nothing of
//!    the batch has taken effect; from it on, all of it has.
//! 4. The parts are **applied** in their order. Each is a transaction that demands that `journal/decided` has not changed
//!    since it was read, and makes it say which part is next; the last takes it away, with the parts.
//!
//! Anybody may apply: the leader that decided, the one after it, or a reader. Of several that apply the same part, the
//! first changes `journal/decided`, and the transactions of the others fail: so each part is applied once, in order, and a
//! transaction that was long on its way does nothing. It needs no term: what it writes was decided in one.
//!
//! Nobody sees half a batch. Every read asks for `journal/decided` at the same moment, and if it is there, finishes the
//! batch and reads again; every commit demands that it is not there, and finishes it first. A leader that dies between
//! deciding and applying leaves a batch that the next read or commit finishes. One that dies before deciding leaves
//! parts, which are cleared before those of the next batch are put.
use super::commit::Sequence;
use super::effects::Part;
use super::keys;
use super::wire::{Bytes, Demand, Found, Kept, Number, Operation, Put, Range, Transaction};
use super::{EtcdStore, Held};
use crate::StoreError;
use serde::{Deserialize, Serialize};

/// How many parts are put between two renewals of the lease: they take some hundred milliseconds.
const KEEP_ALIVE_EVERY: usize = 32;
/// How often one who applies begins anew because another was faster.
const MOST_RIVALS: usize = 1_000;

/// What `journal/decided` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Journal {
    batch: String,
    parts: usize,
    /// The part to be applied next.
    next: usize,
}

impl EtcdStore {
    pub(super) fn commit_by_journal(
        &self,
        held: Held,
        sequence: &mut Sequence,
        parts: &[Part],
    ) -> Result<(), StoreError> {
        self.finish_journal()?;
        self.decide(held, sequence, vec![keys::delete_all(self.keys.all_parts())])?;
        let batch = sequence.last_name();
        for (number, part) in parts.iter().enumerate() {
            // A very large batch takes longer than a lease, and whoever migrates or restores has nobody who renews it.
            if number % KEEP_ALIVE_EVERY == KEEP_ALIVE_EVERY - 1 {
                self.keep_alive(held)?;
            }
            let put = Put { key: self.keys.part(&batch, number), value: json(part), lease: None };
            self.prepare(held, Operation::Put(put))?;
        }
        let journal = Journal { batch, parts: parts.len(), next: 0 };
        self.decide(held, sequence, vec![self.says(&journal)])?;
        self.finish_journal()
    }

    fn prepare(&self, held: Held, operation: Operation) -> Result<(), StoreError> {
        let (compare, success) = (vec![self.leads(held)], vec![operation]);
        let transaction = Transaction { compare, success, failure: Vec::new() };
        if self.transact(&transaction)?.said.succeeded {
            return Ok(());
        }
        self.let_go(held.term);
        Err(StoreError::Superseded)
    }

    fn says(&self, journal: &Journal) -> Operation {
        Operation::Put(Put { key: self.keys.decided(), value: json(journal), lease: None })
    }

    /// Applies what is decided and not yet applied, whoever decided it.
    pub(super) fn finish_journal(&self) -> Result<(), StoreError> {
        for _ in 0..MOST_RIVALS {
            let Some(decided) = self.one(self.keys.decided())? else { return Ok(()) };
            if self.apply(&decided)? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the journal does not come to an end".to_owned()))
    }

    /// Applies the parts from the next on. False: somebody else was first, or we were and did not hear of it.
    fn apply(&self, decided: &Kept) -> Result<bool, StoreError> {
        let mut journal: Journal = read(decided)?;
        let mut since = decided.mod_revision;
        let mut part = self.one(self.keys.part(&journal.batch, journal.next))?;
        while let Some(kept) = &part {
            journal.next += 1;
            let decision = self.transact(&self.step(&journal, since, kept)?)?.said;
            if !decision.succeeded {
                return Ok(false);
            }
            if journal.next >= journal.parts {
                return Ok(true);
            }
            since = decision.header.revision;
            part = decision.found().next().and_then(|mut found| found.pop());
        }
        // Parts go when the batch has been applied, and only then.
        match self.one(self.keys.decided())? {
            Some(now) if now.mod_revision == since => {
                Err(StoreError::Damaged(format!("part {} of a decided batch is gone", journal.next)))
            }
            _ => Ok(false),
        }
    }

    /// Applies a part, says which is next now, and reads that.
    fn step(&self, journal: &Journal, since: Number, part: &Kept) -> Result<Transaction, StoreError> {
        let mut success: Part = read(part)?;
        if journal.next < journal.parts {
            success.push(self.says(journal));
            success.push(keys::read(self.keys.part(&journal.batch, journal.next)));
        } else {
            success.push(keys::delete(self.keys.decided()));
            success.push(keys::delete_all(self.keys.parts(&journal.batch)));
        }
        let unchanged = Demand::ChangedIn { key: self.keys.decided(), mod_revision: since };
        Ok(Transaction { compare: vec![unchanged], success, failure: Vec::new() })
    }

    fn one(&self, key: Bytes) -> Result<Option<Kept>, StoreError> {
        let found: Found = self.client.call("kv/range", &Range { key, ..Range::default() })?;
        Ok(found.kvs.into_iter().next())
    }
}

fn json(value: &impl Serialize) -> Bytes {
    Bytes(serde_json::to_vec(value).expect("texts and numbers have a JSON form"))
}

fn read<T: for<'de> Deserialize<'de>>(kept: &Kept) -> Result<T, StoreError> {
    serde_json::from_slice(&kept.value.0)
        .map_err(|fault| StoreError::Damaged(format!("its journal: {fault}")))
}
