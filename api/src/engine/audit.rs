//! The audit log's place in the store: each entry under a number, written in the same batch as what it tells of.
use crate::guard::AuditEntry;
use jiff::{SignedDuration, Timestamp};
use lifeboat_store::{Batch, Key, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where entries lie.
const AUDIT: &str = "audit";

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct AuditSettings {
    /// Entries kept; the oldest go first.
    pub entries: u64,
    /// How long entries are kept.
    pub time: SignedDuration,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { entries: 1_000_000, time: SignedDuration::from_hours(400 * 24) }
    }
}

/// The log of a term. Copies are one.
#[derive(Clone, Debug)]
pub struct AuditLog {
    settings: AuditSettings,
    next: Arc<AtomicU64>,
}

/// An entry with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub entry: AuditEntry,
}

impl AuditLog {
    /// Goes on where the log that is kept ends.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn open(store: &dyn Store, settings: AuditSettings) -> Result<Self, StoreError> {
        Ok(Self { settings, next: Arc::new(AtomicU64::new(last(store)? + 1)) })
    }

    /// Has an entry written with `batch`, and one that is too many removed.
    pub fn add(&self, batch: &mut Batch, entry: &AuditEntry) {
        entry.log();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        batch.put(key(number), entry.encode());
        if let Some(old) = number.checked_sub(self.settings.entries) {
            batch.delete(key(old));
        }
    }

    /// The `most` newest entries below number `before`, newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn newest(
        &self,
        store: &dyn Store,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<Numbered>, StoreError> {
        let end = before.unwrap_or(u64::MAX).min(self.next.load(Ordering::Relaxed));
        let first = end.saturating_sub(most as u64);
        let after = first.checked_sub(1).map(key);
        let records = store.scan(&Key::of(&[AUDIT]), after.as_ref(), most)?;
        let mut entries: Vec<Numbered> = records
            .iter()
            .filter_map(|record| {
                let number = number(&record.key).filter(|number| *number < end)?;
                Some(Numbered { number, entry: AuditEntry::decode(&record.value).ok()? })
            })
            .collect();
        entries.reverse();
        Ok(entries)
    }

    /// What removes the oldest entries that are kept long enough, so many at a time; empty if there are none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn outdated(&self, store: &dyn Store, now: Timestamp, most: usize) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        for record in store.scan(&Key::of(&[AUDIT]), None, most)? {
            let old = AuditEntry::decode(&record.value)
                .map_or(true, |entry| now.duration_since(entry.at) > self.settings.time);
            if !old {
                break;
            }
            batch.delete(record.key);
        }
        Ok(batch)
    }
}

/// The last number that is kept, or 0; found by halving, since there may be a million.
fn last(store: &dyn Store) -> Result<u64, StoreError> {
    let beyond = |number: u64| -> Result<bool, StoreError> {
        Ok(!store.scan(&Key::of(&[AUDIT]), Some(&key(number)), 1)?.is_empty())
    };
    // Something is kept beyond `low`, or `low` is 0; nothing is beyond `high`.
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if beyond(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn key(number: u64) -> Key {
    Key::numbered(&[AUDIT], number)
}

fn number(key: &Key) -> Option<u64> {
    key.names().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Principal;
    use crate::guard::audit::Author;
    use lifeboat_store::{Candidate, StoreAddress, Term};
    use std::time::Duration;

    fn entry(at: i64) -> AuditEntry {
        let author = Author::new(&Principal::local(), None, None);
        AuditEntry::new(Timestamp::from_second(at).expect("in range"), &author, "put", "pools/p")
    }

    fn log(entries: u64, hours: i64) -> (Box<dyn Store>, Term, AuditLog, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let address = StoreAddress::File(folder.path().join("store.redb"));
        let store = lifeboat_store::open(&address, &lifeboat_store::Options::default()).expect("new");
        let me = Candidate { name: "me".into(), address: String::new() };
        let term = store.campaign(&me, Duration::ZERO).expect("it answers").expect("nobody else is there");
        let settings = AuditSettings { entries, time: SignedDuration::from_hours(hours) };
        let log = AuditLog::open(&*store, settings).expect("it answers");
        (store, term, log, folder)
    }

    fn add(store: &dyn Store, term: Term, log: &AuditLog, at: i64) {
        let mut batch = Batch::default();
        log.add(&mut batch, &entry(at));
        store.commit(term, &batch).expect("it takes writes");
    }

    fn numbers(store: &dyn Store, log: &AuditLog, before: Option<u64>, most: usize) -> Vec<u64> {
        log.newest(store, before, most).expect("it answers").iter().map(|one| one.number).collect()
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest_that_is_kept() {
        let (store, term, log, _folder) = log(4, 1);
        (0..6).for_each(|at| add(&*store, term, &log, at));
        assert_eq!(numbers(&*store, &log, None, 3), [6, 5, 4]);
        assert_eq!(numbers(&*store, &log, Some(4), 3), [3]);
    }

    #[test]
    fn the_next_term_goes_on_counting() {
        let (store, term, log, _folder) = log(100, 1);
        (0..5).for_each(|at| add(&*store, term, &log, at));
        let next = AuditLog::open(&*store, log.settings).expect("it answers");
        add(&*store, term, &next, 5);
        assert_eq!(numbers(&*store, &next, None, 10), [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn what_was_kept_long_enough_goes_oldest_first() {
        let (store, term, log, _folder) = log(100, 1);
        for at in [0, 1, 7200] {
            add(&*store, term, &log, at);
        }
        let now = Timestamp::from_second(7201).expect("in range");
        let batch = log.outdated(&*store, now, 10).expect("it answers");
        store.commit(term, &batch).expect("it takes writes");
        assert_eq!(numbers(&*store, &log, None, 10), [3]);
        assert!(log.outdated(&*store, now, 10).expect("it answers").is_empty());
    }
}
