//! What is on its way to the store. Two kinds: what must be durable before something is done (*ahead*), and what must
//! only not be forgotten (*behind*), which rides along or goes when there is time, and is written again if it fails.
//! All that one input caused is one write.
use crate::input::{Call, CallId};
use crate::record::{Key, Record, Ticket};
use crate::{Instant, OrderNumber};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What is done when a write is durable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Hand an order over, and answer the call that it is for.
    Send(OrderNumber, Option<CallId>),
    /// Do what a call asked, and answer it.
    Do(CallId, Call),
}

#[derive(Debug, Default)]
struct Write {
    effects: Vec<Effect>,
    keys: Vec<Key>,
    behind: BTreeMap<Key, Record>,
}

/// Everything on its way to the store.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    last: u64,
    under_way: BTreeMap<Ticket, Write>,
    /// What was last asked to be kept, as far as no write of it has failed: it need not be asked for again.
    kept: BTreeMap<Key, Record>,
    /// The newest write of each record: an older one that fails is not written again over it.
    newest: BTreeMap<Key, Ticket>,
    ahead: Vec<Record>,
    effects: Vec<Effect>,
    behind: BTreeMap<Key, Record>,
    not_before: Instant,
}

impl Writes {
    /// To be durable before `effect`.
    pub(crate) fn ahead(&mut self, record: Record, effect: Effect) {
        self.behind.remove(&record.key());
        self.kept.insert(record.key(), record);
        self.ahead.push(record);
        self.effects.push(effect);
    }

    /// Not to be forgotten.
    pub(crate) fn behind(&mut self, record: Record) {
        if self.kept.get(&record.key()) != Some(&record) {
            self.kept.insert(record.key(), record);
            self.behind.insert(record.key(), record);
        }
    }

    /// The store has this already.
    pub(crate) fn is_kept(&mut self, record: Record) {
        self.kept.insert(record.key(), record);
    }

    /// Whether the record of `key` is still on its way to the store.
    pub(crate) fn is_pending(&self, key: &Key) -> bool {
        self.behind.contains_key(key)
            || self.ahead.iter().any(|record| record.key() == *key)
            || self.under_way.values().any(|write| write.keys.contains(key))
    }

    /// The next write, if there is one.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(Ticket, Vec<Record>)> {
        let idle = self.under_way.is_empty() && now >= self.not_before && !self.behind.is_empty();
        if self.ahead.is_empty() && !idle {
            return None;
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        let behind = core::mem::take(&mut self.behind);
        let mut records: Vec<Record> = behind.values().copied().collect();
        records.append(&mut self.ahead);
        let effects = core::mem::take(&mut self.effects);
        self.newest.extend(records.iter().map(|record| (record.key(), ticket)));
        let keys = records.iter().map(Record::key).collect();
        self.under_way.insert(ticket, Write { effects, keys, behind });
        Some((ticket, records))
    }

    /// A write is durable: what to do now.
    pub(crate) fn stored(&mut self, ticket: Ticket) -> Vec<Effect> {
        self.under_way.remove(&ticket).map(|write| write.effects).unwrap_or_default()
    }

    /// A write failed: what cannot be done. What must not be forgotten is written again after `not_before`.
    pub(crate) fn failed(&mut self, ticket: Ticket, not_before: Instant) -> Vec<Effect> {
        let Some(write) = self.under_way.remove(&ticket) else { return Vec::new() };
        for key in &write.keys {
            self.kept.remove(key);
        }
        for (key, record) in write.behind {
            let rewritten = self.newest.get(&key).is_some_and(|&newest| newest > ticket);
            if !rewritten && self.ahead.iter().all(|later| later.key() != key) {
                self.behind.entry(key).or_insert(record);
            }
        }
        self.not_before = not_before;
        write.effects
    }

    /// When to write again what failed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.behind.is_empty() && self.under_way.is_empty()).then_some(self.not_before)
    }
}

#[cfg(test)]
mod tests;
