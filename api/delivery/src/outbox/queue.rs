//! The messages that wait, in the order in which they will leave.
use crate::Message;
use std::collections::VecDeque;

/// A message that waits.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its number; later ones have higher ones.
    pub(crate) number: u64,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// What it says.
    pub(crate) message: Message,
}

/// The messages that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
    numbers: u64,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn push(&mut self, message: Message) {
        let entry = self.numbered(message);
        self.entries.push_back(entry);
    }

    /// To be told before all others; only while none is in flight.
    pub(crate) fn push_front(&mut self, message: Message) {
        let entry = self.numbered(message);
        self.entries.push_front(entry);
    }

    fn numbered(&mut self, message: Message) -> Entry {
        self.numbers += 1;
        Entry { number: self.numbers, attempts: 0, message }
    }

    /// The next to leave, or the one in flight.
    pub(crate) fn head(&mut self) -> Option<&mut Entry> {
        self.entries.front_mut()
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// One that left and came back undelivered.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.entries.push_front(entry);
    }

    /// Drops the oldest of the mildest. The one in flight stays, for it may have arrived, and so does word of losses, which is
    /// at most one.
    pub(crate) fn drop_mildest(&mut self, head_is_in_flight: bool) -> Option<Message> {
        let droppable = |entry: &Entry| !matches!(entry.message, Message::Losses { .. });
        let place = (usize::from(head_is_in_flight)..self.entries.len())
            .filter(|&place| droppable(&self.entries[place]))
            .min_by_key(|&place| self.entries[place].message.severity())?;
        self.entries.remove(place).map(|entry| entry.message)
    }
}
