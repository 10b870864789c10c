//! What is due, and when: a heap in which what was put in first comes first among what is due at once, so that
//! the order of a run is a function of its seed.
use crate::At;
use core::cmp::Ordering;
use std::collections::BinaryHeap;

/// A schedule.
#[derive(Debug)]
pub struct Schedule<D> {
    heap: BinaryHeap<Entry<D>>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry<D> {
    at: At,
    inserted: u64,
    due: D,
}

impl<D> Default for Schedule<D> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), inserted: 0 }
    }
}

impl<D> Schedule<D> {
    /// Puts something in.
    pub fn put(&mut self, at: At, due: D) {
        self.heap.push(Entry { at, inserted: self.inserted, due });
        self.inserted += 1;
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<At> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes the next thing out.
    pub fn take(&mut self) -> Option<(At, D)> {
        self.heap.pop().map(|entry| (entry.at, entry.due))
    }
}

impl<D> PartialEq for Entry<D> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<D> Eq for Entry<D> {}

impl<D> PartialOrd for Entry<D> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<D> Ord for Entry<D> {
    /// The heap gives out its greatest first: the earliest, and of those the one put in first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.inserted).cmp(&(self.at, self.inserted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_once_comes_in_the_order_in_which_it_was_put_in() {
        let mut schedule = Schedule::default();
        for (at, due) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (5, 'e')] {
            schedule.put(At(at), due);
        }
        let order: String = core::iter::from_fn(|| schedule.take()).map(|(_, due)| due).collect();
        assert_eq!(order, "abcde");
    }
}
