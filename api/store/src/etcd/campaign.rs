//! Terms: beginning one, keeping it alive, ending it.
use super::commit::Sequence;
use super::refusal::NO_LEASE;
use super::wire::{
    Bytes, Decision, Demand, Done, Found, Grant, Kept, Lease, LeaseId, Number, Operation, Put, Range,
    Streamed, Transaction,
};
use super::{EtcdStore, Held, keys, term};
use crate::clock::{Backoff, Deadline};
use crate::{Candidate, Leadership, StoreError, own};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What `leader` says.
#[derive(Debug, Serialize, Deserialize)]
struct Leader {
    name: String,
    address: String,
}

impl EtcdStore {
    /// Tries to lead, and waits for it.
    pub(super) fn run(
        &self,
        candidate: &Candidate,
        wait: Duration,
    ) -> Result<Option<crate::Term>, StoreError> {
        // Who leads already and wants another term ends its own.
        let held = *self.held();
        if let Some(held) = held {
            self.step_down(held)?;
        }
        // So does who may have come to lead without hearing of it.
        let doubtful = *self.doubtful();
        if let Some(lease) = doubtful {
            self.give_up(lease)?;
        }
        let (deadline, mut backoff) = (Deadline::within(wait), Backoff::new());
        loop {
            let question = Range { key: self.keys.leader(), ..Range::default() };
            let found: Found = self.client.call("kv/range", &question)?;
            if found.kvs.is_empty()
                && let Some(held) = self.try_to_lead(candidate)?
            {
                return self.begin(held).map(Some);
            }
            let Some(left) = deadline.left() else { return Ok(None) };
            let since = Number(found.header.revision.0 + 1);
            if !self.watch(self.keys.leader(), since, left.min(self.lease)) {
                backoff.wait(deadline);
            }
        }
    }

    fn try_to_lead(&self, candidate: &Candidate) -> Result<Option<Held>, StoreError> {
        let ttl = Number(self.lease.as_secs_f64().ceil() as i64);
        let lease = self.client.call::<Lease>("lease/grant", &Grant { ttl })?.id;
        let Candidate { name, address } = candidate.clone();
        let leader = serde_json::to_vec(&Leader { name, address }).expect("texts have a JSON form");
        let put = |key, value, lease| Operation::Put(Put { key, value: Bytes(value), lease });
        let questions = [keys::read(self.keys.leader()), keys::read(self.keys.record(&own::terms()))];
        let mut success = vec![
            put(self.keys.leader(), leader, Some(lease)),
            put(self.keys.began(), Vec::new(), None),
            put(self.keys.commit(), Sequence::begin(lease).first_name().into_bytes(), None),
        ];
        success.extend(questions.clone());
        let vacant = Demand::CreatedIn { key: self.keys.leader(), create_revision: Number(0) };
        let transaction = Transaction { compare: vec![vacant], success, failure: questions.into() };
        *self.doubtful() = Some(lease);
        let decision = self.transact(&transaction)?.said;
        *self.doubtful() = None;
        let (leader, beyond) = leader_and_terms(decision);
        // It may have been made by an attempt whose answer was lost: the lease tells.
        let ours = leader.filter(|leader| leader.lease == lease);
        let Some(ours) = ours else {
            // Nobody needs it. If this fails, it runs out.
            let _ = self.revoke(lease);
            return Ok(None);
        };
        let revision = ours.create_revision;
        let term = term(own::read_terms(beyond.as_ref().map(|kept| kept.value.0.as_slice()))?, revision);
        Ok(Some(Held { term, revision, lease }))
    }

    fn begin(&self, held: Held) -> Result<crate::Term, StoreError> {
        *self.sequence() = Sequence::begin(held.lease);
        *self.held() = Some(held);
        if let Err(fault) = self.finish_journal() {
            let _ = self.step_down(held);
            return Err(fault);
        }
        Ok(held.term)
    }

    pub(super) fn keep_alive(&self, held: Held) -> Result<(), StoreError> {
        // Soon enough that another attempt fits into the lease.
        let timeout = self.timeout.min(self.lease / 3);
        let question = LeaseId { id: held.lease };
        let answer = self.client.call_within::<Streamed<Lease>>(timeout, "lease/keepalive", &question)?;
        let question = Range { key: self.keys.leader(), ..Range::default() };
        let alive = answer.said.result.ttl > Number(0)
            && self
                .client
                .call_within::<Found>(timeout, "kv/range", &question)?
                .said
                .kvs
                .iter()
                .any(|leader| leader.create_revision == held.revision);
        if alive {
            return Ok(());
        }
        self.let_go(held.term);
        Err(StoreError::Superseded)
    }

    pub(super) fn step_down(&self, held: Held) -> Result<(), StoreError> {
        self.let_go(held.term);
        self.give_up(held.lease)
    }

    /// Revokes a lease; if that fails, again before the next campaign.
    fn give_up(&self, lease: Number) -> Result<(), StoreError> {
        *self.doubtful() = Some(lease);
        self.revoke(lease)?;
        *self.doubtful() = None;
        Ok(())
    }

    fn revoke(&self, lease: Number) -> Result<(), StoreError> {
        match self.client.call::<Done>("lease/revoke", &LeaseId { id: lease }) {
            Err(StoreError::Unavailable(why)) if why == NO_LEASE => Ok(()),
            revoked => revoked.map(|_| ()),
        }
    }

    pub(super) fn who_leads(&self) -> Result<Option<Leadership>, StoreError> {
        let success = vec![keys::read(self.keys.leader()), keys::read(self.keys.record(&own::terms()))];
        let decision = self.transact(&Transaction { success, ..Transaction::default() })?.said;
        let (Some(kept), beyond) = leader_and_terms(decision) else { return Ok(None) };
        let beyond = own::read_terms(beyond.as_ref().map(|kept| kept.value.0.as_slice()))?;
        let Leader { name, address } = serde_json::from_slice(&kept.value.0)
            .map_err(|_| StoreError::Damaged("its leader has no name".to_owned()))?;
        let leader = Candidate { name, address };
        Ok(Some(Leadership { term: term(beyond, kept.create_revision), leader }))
    }
}

fn leader_and_terms(decision: Decision) -> (Option<Kept>, Option<Kept>) {
    let mut found = decision.found().map(|mut found| found.pop());
    (found.next().flatten(), found.next().flatten())
}
