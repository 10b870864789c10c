//! Commits: each takes effect once, in its place, in its term, or not at all.
use super::wire::{Bytes, Demand, Number, Operation, Put, Transaction};
use super::{EtcdStore, Held, effects, keys};
use crate::{Batch, StoreError};

/// How often a commit makes way for a batch in the journal.
const ATTEMPTS: usize = 5;

/// Where the commits of the held term have come to.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The lease of the term.
    lease: Number,
    /// The last commit that is known to have taken effect.
    last: u64,
    /// The last number that was given to a commit.
    given: u64,
    /// Whether the fate of those between is unknown: one of them at most has taken effect, or will.
    open: bool,
}

impl Sequence {
    /// The commits of a term that begins with this lease.
    pub(super) fn begin(lease: Number) -> Self {
        Self { lease, ..Self::default() }
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{number}", self.lease.0)
    }

    /// What `commit` says when nothing was committed yet.
    pub(super) fn first_name(&self) -> String {
        self.name(0)
    }

    /// What the last commit is called.
    pub(super) fn last_name(&self) -> String {
        self.name(self.last)
    }

    fn give(&mut self) -> u64 {
        self.given += 1;
        self.open = true;
        self.given
    }

    fn took_effect(&mut self, number: u64) {
        (self.last, self.open) = (number, false);
    }
}

/// Who has the place after the last commit.
enum Place {
    Ours,
    /// One that was sent before, and whose answer was lost. Ours is void.
    Another,
    /// Nobody: a batch stands in the journal, and comes first.
    Blocked,
}

/// Why ours has no place.
enum NoPlace {
    /// The term is over; whether it had been sent before, and may have taken effect.
    Over {
        repeated: bool,
    },
    Fault(StoreError),
}

impl EtcdStore {
    pub(super) fn commit_in(&self, held: Held, batch: &Batch) -> Result<(), StoreError> {
        let mut sequence = self.sequence();
        if sequence.lease != held.lease {
            return Err(StoreError::Superseded);
        }
        self.settle_locked(held, &mut sequence)?;
        let mut parts = effects::parts(self.keys.records(), batch);
        if parts.len() > 1 {
            self.commit_by_journal(held, &mut sequence, &parts)
        } else {
            self.decide(held, &mut sequence, parts.pop().unwrap_or_default())
        }
    }

    /// Makes sure that the fate of every commit of this process is known, so that what is read now stays true.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let Some(held) = *self.held() else { return Ok(()) };
        // Whoever has it commits right now, and settles it before it says what came of it.
        let Ok(mut sequence) = self.sequence.try_lock() else { return Ok(()) };
        if sequence.lease != held.lease {
            return Ok(());
        }
        match self.settle_locked(held, &mut sequence) {
            // What belongs to a term that is over takes effect no more.
            Err(StoreError::Superseded) => Ok(()),
            settled => settled,
        }
    }

    fn settle_locked(&self, held: Held, sequence: &mut Sequence) -> Result<(), StoreError> {
        if !sequence.open {
            return Ok(());
        }
        // Takes the place of what is on its way, if that has not taken it yet.
        let number = sequence.give();
        let transaction = self.next_commit(held, sequence, number, Vec::new());
        match self.take_place(held, sequence, number, &transaction) {
            Ok(_) => Ok(()),
            Err(NoPlace::Over { .. }) => Err(StoreError::Superseded),
            Err(NoPlace::Fault(fault)) => Err(fault),
        }
    }

    /// Makes these operations the next commit.
    pub(super) fn decide(
        &self,
        held: Held,
        sequence: &mut Sequence,
        operations: Vec<Operation>,
    ) -> Result<(), StoreError> {
        let number = sequence.give();
        let mut transaction = self.next_commit(held, sequence, number, operations);
        transaction.compare.push(Demand::CreatedIn { key: self.keys.decided(), create_revision: Number(0) });
        for _ in 0..ATTEMPTS {
            match self.take_place(held, sequence, number, &transaction) {
                Ok(Place::Ours) => return Ok(()),
                // It is sent again as it was, so that it does no harm if the first one arrives late.
                Ok(Place::Blocked) => self.finish_journal()?,
                Ok(Place::Another) => {
                    return Err(StoreError::Damaged("somebody else writes in our term".to_owned()));
                }
                Err(NoPlace::Over { repeated: false }) => return Err(StoreError::Superseded),
                Err(NoPlace::Over { repeated: true }) => {
                    return Err(StoreError::Unavailable("the term ended before it answered".to_owned()));
                }
                Err(NoPlace::Fault(fault)) => return Err(fault),
            }
        }
        Err(StoreError::Unavailable("large batches follow one another without end".to_owned()))
    }

    fn next_commit(
        &self,
        held: Held,
        sequence: &Sequence,
        number: u64,
        operations: Vec<Operation>,
    ) -> Transaction {
        let says = |number| Bytes(sequence.name(number).into_bytes());
        let key = self.keys.commit();
        let place = Put { key: key.clone(), value: says(number), lease: None };
        let mut success = operations;
        success.push(Operation::Put(place));
        Transaction {
            compare: vec![self.leads(held), Demand::Says { key: key.clone(), value: says(sequence.last) }],
            success,
            failure: vec![keys::read(self.keys.leader()), keys::read(key)],
        }
    }

    /// That the term is not over.
    pub(super) fn leads(&self, held: Held) -> Demand {
        Demand::CreatedIn { key: self.keys.leader(), create_revision: held.revision }
    }

    fn take_place(
        &self,
        held: Held,
        sequence: &mut Sequence,
        number: u64,
        transaction: &Transaction,
    ) -> Result<Place, NoPlace> {
        let answer = self.transact(transaction).map_err(NoPlace::Fault)?;
        if answer.said.succeeded {
            sequence.took_effect(number);
            return Ok(Place::Ours);
        }
        let mut found = answer.said.found();
        let leader = found.next().and_then(|mut found| found.pop());
        let commit = found.next().and_then(|mut found| found.pop());
        if leader.is_none_or(|leader| leader.create_revision != held.revision) {
            sequence.open = false;
            self.let_go(held.term);
            return Err(NoPlace::Over { repeated: answer.repeated });
        }
        let says = commit.map(|commit| commit.value.0).unwrap_or_default();
        if says == sequence.name(sequence.last).as_bytes() {
            return Ok(Place::Blocked);
        }
        let taken = (sequence.last + 1..=number).find(|number| sequence.name(*number).as_bytes() == says);
        let Some(taken) = taken else {
            return Err(NoPlace::Fault(StoreError::Damaged("somebody else writes in our term".to_owned())));
        };
        sequence.took_effect(taken);
        Ok(if taken == number { Place::Ours } else { Place::Another })
    }
}
