//! Which alerts came before, so that the same one is not told twice.
use std::collections::{BTreeSet, VecDeque};

/// So many are remembered; the service sends an alert twice only around a restart.
const MOST: usize = 1024;

/// The keys of the last alerts.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    keys: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Whether it did not come before; from now on it did.
    pub(crate) fn is_new(&mut self, key: String) -> bool {
        if !self.keys.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
        true
    }

    /// The keys, the oldest first.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.order.iter().cloned().collect()
    }
}
