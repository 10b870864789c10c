//! From the pools to people: what is raised or over goes to the channels of the term. Until they are set, nobody is told; the
//! alerts are kept all the same.
use crate::alarms::Alarms;
use crate::served::alerts::Alert;
use std::sync::{Arc, OnceLock};

/// The way to whoever tells people.
#[derive(Clone, Debug, Default)]
pub struct Outward(Arc<OnceLock<Alarms>>);

impl Outward {
    /// Has alerts told by these channels from now on. Only the first ones count: a term has one set of channels.
    pub fn set(&self, alarms: Alarms) {
        let _ = self.0.set(alarms);
    }

    /// The channels, if they are set.
    pub fn alarms(&self) -> Option<&Alarms> {
        self.0.get()
    }

    pub(super) fn tell(&self, pool: &str, alert: &Alert) {
        if let Some(alarms) = self.alarms() {
            alarms.tell(pool, alert);
        }
    }
}
