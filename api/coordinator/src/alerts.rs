//! Which alerts go on, so that each is raised once per episode and ended once, across terms too: what is open is kept in
//! the store.
use crate::alert::{Alert, AlertId, AlertKind, Phase, Subject};
use crate::record::{Key, Record};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The alerts of a pool.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    epoch: u64,
    last: u64,
    open: BTreeMap<(AlertKind, Subject), AlertId>,
    /// Told, and not taken by the coordinator yet.
    told: Vec<(Alert, Option<Key>)>,
    records: Vec<Record>,
}

impl Alerts {
    /// The alerts of a new term; [`Self::restore`] adds what goes on from earlier ones.
    pub(crate) fn of_term(epoch: u64) -> Self {
        Self { epoch, ..Self::default() }
    }

    pub(crate) fn restore(&mut self, kind: AlertKind, subject: Subject, id: AlertId) {
        self.open.insert((kind, subject), id);
    }

    /// The open alert of this kind about this subject.
    pub(crate) fn open(&self, kind: AlertKind, subject: Subject) -> Option<AlertId> {
        self.open.get(&(kind, subject)).copied()
    }

    /// The subjects of open alerts of a kind.
    pub(crate) fn subjects(&self, kind: AlertKind) -> Vec<Subject> {
        self.open.keys().filter(|(open, _)| *open == kind).map(|&(_, subject)| subject).collect()
    }

    /// Begins an alert, unless it goes on already.
    pub(crate) fn raise(
        &mut self,
        kind: AlertKind,
        subject: Subject,
        reason: String,
        cause: Option<AlertId>,
    ) {
        if self.open(kind, subject).is_some() {
            return;
        }
        let id = self.tell(kind, subject, reason, cause);
        self.open.insert((kind, subject), id);
        self.keep(Record::Alert { id, kind, subject, open: true });
    }

    /// Tells something that has no end.
    pub(crate) fn tell(
        &mut self,
        kind: AlertKind,
        subject: Subject,
        reason: String,
        cause: Option<AlertId>,
    ) -> AlertId {
        self.last += 1;
        let id = AlertId { epoch: self.epoch, number: self.last };
        self.told.push((Alert { id, kind, subject, phase: Phase::Raised, reason, cause }, None));
        id
    }

    /// Ends an alert, if it goes on.
    pub(crate) fn clear(&mut self, kind: AlertKind, subject: Subject, reason: &str) {
        if let Some(id) = self.open.remove(&(kind, subject)) {
            let reason = String::from(reason);
            self.told.push((Alert { id, kind, subject, phase: Phase::Cleared, reason, cause: None }, None));
            self.keep(Record::Alert { id, kind, subject, open: false });
        }
    }

    /// Ends an alert, if it goes on, by one of its partner kind.
    pub(crate) fn end_with(&mut self, kind: AlertKind, end: AlertKind, subject: Subject, reason: String) {
        if let Some(id) = self.open.remove(&(kind, subject)) {
            self.tell(end, subject, reason, Some(id));
            self.keep(Record::Alert { id, kind, subject, open: false });
        }
    }

    /// Ends an alert without a word of its own: another alert tells the end.
    pub(crate) fn close(&mut self, kind: AlertKind, subject: Subject) -> Option<AlertId> {
        let id = self.open.remove(&(kind, subject))?;
        self.records.push(Record::Alert { id, kind, subject, open: false });
        Some(id)
    }

    /// What was just told is to be kept.
    fn keep(&mut self, record: Record) {
        if let Some((_, key)) = self.told.last_mut() {
            *key = Some(record.key());
        }
        self.records.push(record);
    }

    /// What was told since the last time, each with the record that keeps it; and what is to be kept.
    pub(crate) fn take(&mut self) -> (Vec<(Alert, Option<Key>)>, Vec<Record>) {
        (core::mem::take(&mut self.told), core::mem::take(&mut self.records))
    }
}
