//! The coordinator of one term.
use crate::{Command, Input, Instant, Planner, Record, Settings};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use lifeboat_model::{HostIndex, Pool};

/// A coordinator's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its epoch; it only rises.
    pub epoch: u64,
    /// Where it is held.
    pub host: HostIndex,
}

/// The coordinator of one term; it is given up with its term.
#[derive(Debug)]
pub struct Coordinator<P> {
    term: Term,
    pool: Pool,
    records: Vec<Record>,
    settings: Settings,
    planner: P,
    commands: VecDeque<Command>,
}

impl<P: Planner> Coordinator<P> {
    /// Begins a term. `pool` is the pool document; `stored` is all that the store holds of earlier terms, read when nobody
    /// else could write to it any more.
    pub fn new(
        now: Instant,
        term: Term,
        pool: Pool,
        stored: Vec<Record>,
        settings: Settings,
        planner: P,
    ) -> Self {
        let _ = now;
        Self { term, pool, records: stored, settings, planner, commands: VecDeque::new() }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let _ = (now, input, &self.term, &self.records, &self.settings, &mut self.planner);
    }

    /// The next thing to do, oldest first.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call again at the latest; none: not before something happens.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Whether [`Self::assess`] has something to do. Ask when all commands are drained.
    pub fn assessment_due(&self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// What may take its time, so that no start waits for it: tolerance and its alerts.
    pub fn assess(&mut self, now: Instant) {
        let _ = now;
    }

    /// The pool as the coordinator sees it now: hosts in the states that they are in, VMs where they are.
    pub fn picture(&self) -> Pool {
        self.pool.clone()
    }
}
