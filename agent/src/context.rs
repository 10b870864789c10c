//! What every thread of the agent knows of its host.
use crate::config::Config;
use crate::wiring::{Inbox, Outlets};
use lifeboat_link::Roster;
use lifeboat_model::HostIndex;
use lifeboat_protocol::{Boot, Process};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What every thread of the agent knows of its host; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the agent was told.
    pub config: Arc<Config>,
    /// This host, by its position in the roster.
    pub me: HostIndex,
    /// This start of its operating system.
    pub boot: Boot,
    /// This start of the agent.
    pub process: Process,
    /// Who belongs to the pool.
    pub roster: RosterBook,
    /// The way to the protocol.
    pub inbox: Inbox,
    /// The ways to the other threads.
    pub outlets: Outlets,
    /// Where each thread says how it is.
    pub board: Board,
}

/// The newest roster.
#[derive(Clone, Debug)]
pub struct RosterBook(Arc<Mutex<Arc<Roster>>>);

impl RosterBook {
    /// Begins with what was kept.
    pub fn new(roster: Roster) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(roster))))
    }

    /// The roster as it is now.
    pub fn now(&self) -> Arc<Roster> {
        Arc::clone(&self.lock())
    }

    /// A host's position in it, if it belongs to the pool.
    pub fn find(&self, host: &str) -> Option<HostIndex> {
        self.now().find(host).map(HostIndex::new)
    }

    /// A host's name; its number, if the roster has none of it.
    pub fn name(&self, host: HostIndex) -> String {
        let roster = self.now();
        roster.hosts.get(host.get()).map_or_else(|| format!("host {}", host.0), |member| member.id.clone())
    }

    pub(crate) fn replace(&self, roster: Arc<Roster>) {
        *self.lock() = roster;
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Roster>> {
        // It is replaced in one step, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where each thread says how it is, for the status: under a name of its own, whatever it likes. The protocol's thread does not
/// read or write here: it would wait for whoever holds the lock.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<&'static str, Value>>>);

impl Board {
    /// Says how `thread` is, in place of what it said before.
    pub fn post(&self, thread: &'static str, what: &impl Serialize) {
        // What has no JSON form is a number that is none, or a map without names: it is left out.
        let what = serde_json::to_value(what).unwrap_or_default();
        self.lock().insert(thread, what);
    }

    /// What all have said.
    pub fn read(&self) -> BTreeMap<&'static str, Value> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
