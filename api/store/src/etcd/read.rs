//! Reading: always of one moment, and never of a batch half applied.
use super::keys;
use super::refusal::COMPACTED;
use super::wire::{Found, Kept, Number, Operation, Range, Transaction};
use super::{EtcdStore, effects::beyond, wire::Bytes};
use crate::{Key, Record, StoreError};

/// How many records are asked for at once.
const PAGE: usize = 500;
/// How often a read begins anew because of what happened meanwhile.
const ATTEMPTS: usize = 20;

/// Takes a record; says whether it wants more.
pub(super) type Visitor<'a> = dyn FnMut(Record) -> Result<bool, StoreError> + 'a;

impl EtcdStore {
    /// Answers these questions as of one moment at which no batch was half applied; and that moment.
    pub(super) fn read_clean(
        &self,
        questions: Vec<Operation>,
    ) -> Result<(Vec<Vec<Kept>>, Number), StoreError> {
        let mut success = vec![keys::read(self.keys.decided())];
        success.extend(questions);
        let transaction = Transaction { success, ..Transaction::default() };
        for _ in 0..ATTEMPTS {
            let decision = self.transact(&transaction)?.said;
            let revision = decision.header.revision;
            let mut found = decision.found();
            if found.next().is_none_or(|decided| decided.is_empty()) {
                return Ok((found.collect(), revision));
            }
            self.finish_journal()?;
        }
        Err(StoreError::Unavailable("large batches follow one another without end".to_owned()))
    }

    /// The first `most` records under `prefix` beyond `after`, all as of one moment.
    pub(super) fn scan_at_one_moment(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut attempts = 0;
        loop {
            let mut records = Vec::new();
            if most == 0 {
                return Ok(records);
            }
            let Some(mut range) = self.range(prefix, after, most.min(PAGE)) else { return Ok(records) };
            let (mut found, revision) = self.read_clean(vec![Operation::Range(range.clone())])?;
            let page = found.pop().unwrap_or_default();
            let more = page.len() == most.min(PAGE) && page.len() < most;
            for kept in page {
                range.key = Bytes([&kept.key.0[..], &[0]].concat());
                records.push(self.record(kept)?);
            }
            if !more {
                return Ok(records);
            }
            let rest = self.each_from(revision, range, &mut |record| {
                records.push(record);
                Ok(records.len() < most)
            });
            attempts += 1;
            match rest {
                Ok(()) => return Ok(records),
                Err(StoreError::Unavailable(why)) if why == COMPACTED && attempts < ATTEMPTS => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Visits the records under `prefix` beyond `after`, as of a moment at which none was half applied.
    pub(super) fn each_at(
        &self,
        revision: Number,
        prefix: &Key,
        after: Option<&Key>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), StoreError> {
        match self.range(prefix, after, PAGE) {
            Some(range) => self.each_from(revision, range, visit),
            None => Ok(()),
        }
    }

    fn each_from(
        &self,
        revision: Number,
        mut range: Range,
        visit: &mut Visitor<'_>,
    ) -> Result<(), StoreError> {
        range.revision = Some(revision);
        range.limit = Some(Number(PAGE as i64));
        loop {
            let page = self.client.call::<Found>("kv/range", &range)?.kvs;
            let full = page.len() == PAGE;
            for kept in page {
                range.key = Bytes([&kept.key.0[..], &[0]].concat());
                if !visit(self.record(kept)?)? {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    fn range(&self, prefix: &Key, after: Option<&Key>, limit: usize) -> Option<Range> {
        let end =
            prefix.end().map_or_else(|| Bytes(beyond(self.keys.records())), |end| self.keys.record(&end));
        let mut key = self.keys.record(prefix);
        if let Some(after) = after.filter(|after| *after >= prefix) {
            key = self.keys.record(after);
            key.0.push(0);
        }
        let range = Range { key, end: Some(end), limit: Some(Number(limit as i64)), revision: None };
        // etcd takes a range whose end is not beyond its beginning for a fault.
        (range.end.as_ref() > Some(&range.key)).then_some(range)
    }

    fn record(&self, kept: Kept) -> Result<Record, StoreError> {
        let key = self.keys.key(&kept.key);
        let key = key.ok_or_else(|| {
            StoreError::Unavailable("it answers with other keys than were asked for".to_owned())
        })?;
        Ok(Record { key, value: kept.value.0 })
    }
}
