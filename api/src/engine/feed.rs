//! A pool's event log as its readers see it: the newest entries in memory, and a wake-up for each new one. Entries are numbered
//! without gaps; a reader says which was its last and goes on from there. Each entry is spelt once, however many read it.
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// What is to be logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What kind of event.
    pub kind: String,
    /// Who caused it; none: the service itself.
    pub by: Option<String>,
    /// What else there is to say.
    pub data: Map<String, Value>,
}

impl Entry {
    /// An entry of this kind; `data` must be an object, or nothing else is said.
    pub fn new(kind: impl Into<String>, by: Option<&str>, data: Value) -> Self {
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        Self { kind: kind.into(), by: by.map(str::to_owned), data }
    }
}

/// An entry that has its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub number: u64,
    /// What kind of event.
    pub kind: Arc<str>,
    /// The whole entry as JSON.
    pub json: Arc<str>,
}

/// The log.
#[derive(Debug)]
pub struct Feed {
    entries: VecDeque<Logged>,
    next: u64,
    most: usize,
    newest: watch::Sender<u64>,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, oldest first.
    pub entries: Vec<Logged>,
    /// Whether entries between the reader's last one and these are not kept any more.
    pub gap: bool,
}

impl Feed {
    /// A log that goes on after what was kept, with `next` as its next number.
    pub fn new(kept: impl IntoIterator<Item = Logged>, next: u64, most: usize) -> Self {
        Self { entries: kept.into_iter().collect(), next, most, newest: watch::Sender::new(next) }
    }

    /// The number of the next entry.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Wakes whenever there is a new entry.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Logs an entry and gives it as kept, with the number of the one that is kept no more.
    pub fn push(&mut self, at: Timestamp, entry: Entry) -> (Logged, Option<u64>) {
        let number = self.next;
        self.next += 1;
        let Entry { kind, by, data } = entry;
        let mut object = Map::new();
        object.insert("id".to_owned(), number.into());
        object.insert("at".to_owned(), at.to_string().into());
        object.insert("kind".to_owned(), kind.as_str().into());
        object.insert("by".to_owned(), by.map_or(Value::Null, Value::from));
        object.extend(data);
        let logged = Logged { number, kind: kind.into(), json: Value::Object(object).to_string().into() };
        self.entries.push_back(logged.clone());
        let dropped = if self.entries.len() > self.most {
            self.entries.pop_front().map(|old| old.number)
        } else {
            None
        };
        (logged, dropped)
    }

    /// Wakes the readers: to be called when what was pushed is in force.
    pub fn wake(&self) {
        self.newest.send_replace(self.next);
    }

    /// The first `most` entries beyond number `after`; none: from the oldest that is kept.
    pub fn after(&self, after: Option<u64>, most: usize) -> Page {
        self.after_where(after, most, |_| true)
    }

    /// The first `most` of the entries beyond number `after` that are wanted.
    pub fn after_where(&self, after: Option<u64>, most: usize, wanted: impl Fn(&Logged) -> bool) -> Page {
        let from = after.map_or(0, |last| last.saturating_add(1));
        let first = self.entries.front().map_or(self.next, |entry| entry.number);
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let entries =
            self.entries.iter().skip(skip).filter(|entry| wanted(entry)).take(most).cloned().collect();
        Page { entries, gap: after.is_some() && from < first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(entries: usize, most: usize) -> Feed {
        let mut feed = Feed::new([], 1, most);
        for _ in 0..entries {
            feed.push(
                Timestamp::UNIX_EPOCH,
                Entry::new("vm-started", Some("me"), serde_json::json!({"vm": "v"})),
            );
        }
        feed
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn a_reader_goes_on_after_its_last_entry() {
        let feed = feed(5, 10);
        assert_eq!(numbers(&feed.after(Some(3), 10)), [4, 5]);
        assert_eq!(numbers(&feed.after(None, 2)), [1, 2]);
        assert_eq!(numbers(&feed.after(Some(5), 10)), [] as [u64; 0]);
        assert_eq!(numbers(&feed.after(Some(99), 10)), [] as [u64; 0]);
    }

    #[test]
    fn what_is_kept_no_more_is_told_as_a_gap() {
        let feed = feed(5, 3);
        assert_eq!(feed.after(Some(1), 10), Page { gap: true, ..feed.after(None, 10) });
        assert!(!feed.after(Some(2), 10).gap);
        assert_eq!(numbers(&feed.after(None, 10)), [3, 4, 5]);
    }

    #[test]
    fn an_entry_says_what_when_and_who() {
        let mut feed = feed(0, 3);
        let (logged, dropped) =
            feed.push(Timestamp::UNIX_EPOCH, Entry::new("alert", None, serde_json::json!({"n": 1})));
        assert_eq!(&*logged.json, r#"{"at":"1970-01-01T00:00:00Z","by":null,"id":1,"kind":"alert","n":1}"#);
        assert_eq!(dropped, None);
    }

    #[test]
    fn readers_wake_when_told() {
        let mut feed = feed(0, 3);
        let mut reader = feed.subscribe();
        reader.mark_unchanged();
        feed.push(Timestamp::UNIX_EPOCH, Entry::new("alert", None, Value::Null));
        assert!(!reader.has_changed().expect("open"));
        feed.wake();
        assert!(reader.has_changed().expect("open"));
    }
}
