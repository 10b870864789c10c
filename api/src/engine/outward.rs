//! From the pools to people: what is raised or over goes to whoever tells them. Until somebody is set, nobody is told; the
//! alerts are kept all the same.
use crate::served::alerts::Alert;
use std::sync::{Arc, OnceLock};

/// What is done with an alert of a pool. It must not wait: it is called while the pool is held.
pub type Tell = dyn Fn(&str, Alert) + Send + Sync;

/// The way to whoever tells people.
#[derive(Clone, Default)]
pub struct Outward(Arc<OnceLock<Box<Tell>>>);

impl std::fmt::Debug for Outward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Outward").field(&self.0.get().is_some()).finish()
    }
}

impl Outward {
    /// Has alerts told by `tell` from now on. Only the first one counts.
    pub fn set(&self, tell: Box<Tell>) {
        // Whoever comes second is not heard: there is one set of channels in a process.
        let _ = self.0.set(tell);
    }

    pub(super) fn tell(&self, pool: &str, alert: Alert) {
        if let Some(tell) = self.0.get() {
            tell(pool, alert);
        }
    }
}
