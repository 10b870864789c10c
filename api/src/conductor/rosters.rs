//! Who belongs to the pool, as it is changed: one change at a time, from reading the roster until the next one is durable and everybody
//! here sees it. So no two newcomers get one place, no invitation is used twice, and no change is made on a roster that another has
//! replaced.
use super::shell::{Event, Events};
use crate::engine::Engine;
use crate::engine::pool::ChangeError;
use crate::engine::writer::WriterError;
use lifeboat_link::Roster;
use lifeboat_store::Batch;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

/// How long to wait before asking a store again that takes nothing.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The roster of a term. Copies are one.
#[derive(Clone, Debug)]
pub struct Rosters {
    turn: Arc<Mutex<()>>,
    newest: watch::Sender<Roster>,
    events: Events,
}

impl Rosters {
    /// The term begins with this one.
    pub(super) fn new(first: Roster, events: Events) -> Self {
        Self { turn: Arc::default(), newest: watch::Sender::new(first), events }
    }

    /// The newest that is durable.
    pub fn newest(&self) -> Roster {
        self.newest.borrow().clone()
    }

    /// The newest, as it changes.
    pub fn watch(&self) -> watch::Receiver<Roster> {
        self.newest.subscribe()
    }

    /// The turn to change it. Taken before a turn of the pool, never within one: whoever holds it waits for the pool's.
    pub async fn change(&self) -> Changing {
        Changing { _turn: Arc::clone(&self.turn).lock_owned().await, rosters: self.clone() }
    }
}

/// The turn to change the roster: nobody else does meanwhile.
#[derive(Debug)]
pub struct Changing {
    _turn: OwnedMutexGuard<()>,
    rosters: Rosters,
}

impl Changing {
    /// The roster to start from.
    pub fn roster(&self) -> Roster {
        self.rosters.newest()
    }

    /// It is this one now, durably: everybody is told, and the turn ends.
    pub fn done(self, roster: Roster) {
        self.rosters.newest.send_replace(roster.clone());
        self.rosters.events.tell(Event::Enrol(roster));
    }

    /// What came of handing it to the store: it is this one now, will be, or is not.
    ///
    /// # Errors
    /// Those of the store, handed on.
    pub fn settle<T>(
        self,
        roster: Roster,
        engine: &Engine,
        committed: Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        match &committed {
            Ok(_) => self.done(roster),
            Err(ChangeError::NotAcknowledged) => self.done_when_durable(roster, Arc::new(engine.clone())),
            Err(_) => {}
        }
        committed
    }

    /// It was handed to the store, which has not answered in time: the turn lasts until it has.
    pub fn done_when_durable(self, roster: Roster, engine: Arc<Engine>) {
        tokio::spawn(async move {
            loop {
                match engine.keep(Batch::default()).await {
                    Ok(()) => return self.done(roster),
                    // The process ends with its term.
                    Err(ChangeError::Writer(WriterError::Superseded)) => return,
                    Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::super::shell::events;
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_change_starts_from_the_one_before_it_and_is_seen_before_the_next() {
        let (told, told_of) = events();
        let rosters = Rosters::new(roster(&["h1"]), told);
        let first = rosters.change().await;
        assert!(rosters.change().now_or_never().is_none(), "one at a time");
        let after = Roster { version: 2, ..roster(&["h1", "h2"]) };
        first.done(after.clone());
        let second = rosters.change().now_or_never().expect("the turn is free");
        assert_eq!(second.roster(), after);
        assert!(matches!(told_of.try_recv(), Ok(Event::Enrol(told)) if told == after));
    }
}
