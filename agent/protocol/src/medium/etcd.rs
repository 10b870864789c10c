//! etcd: each record is a key, and the configuration is one key that is changed by comparing and swapping.
//! `record.rs` spells the keys and values.
//!
//! # What is assumed of etcd
//!
//! Transactions, also those that only read, are linearizable: there is one order of all of them in which each takes
//! effect at one moment between its sending and its answer (for a failed one: at one moment after its sending, or never);
//! and what was answered is not lost. A transaction compares, puts and gets in that moment; the get sees the puts.
//!
//! # Why the promises of [`crate::medium`] hold
//!
//! 1. *Publish, then read.* The cycle's reading is in the transaction that puts the host's own record, or in a later one. Of two
//!    hosts' transactions one comes later in the order, and sees the other's record.
//! 2. *One configuration a number.* The key `configuration` is only ever put under the guard that its modification revision is the one at which
//!    the proposer read number k (or that it does not exist, for k = 0), and what is put has number k + 1. By induction
//!    over the key's modifications the n-th puts number n, so each number is put once.
//! 3. *Decided is visible.* A configuration is decided by standing in the key. Numbers in the key only rise, and a cycle reads it
//!    after it began.
//! 4. *Nothing is taken back.* A host's record is put only under the guard that it is still the one that this process last saw. So
//!    a transaction of an earlier process, or one that failed and takes effect late, changes nothing after a
//!    later one did. A process that finds a later one's record publishes no more.
//! 5. *A proposal given up* may still be decided by a failed transaction that takes effect late; its guard then held, so nothing else was decided for
//!    its number, and every later cycle shows it.
//!
//! An etcd that was restored from a backup, or made anew, breaks what is assumed. A process that saw more before
//! notices ([`Fault::Stale`]), and so does every process if the key `pool` is gone ([`Fault::Foreign`]).
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::medium::{Answer, Fault, KeyValue, Medium, PoolId, Request, Snapshot, Step};
use crate::status::Status;
use alloc::{vec, vec::Vec};
use lifeboat_model::HostIndex;

mod record;
#[cfg(test)]
mod tests;

pub use record::format;

use record::{Key, Keys, Stamp};

/// How often a record is put again whose guard did not hold, because a failed transaction had taken effect late.
const MOST_PUTS: u32 = 3;

/// A host's side of etcd. One process of one boot uses one; see [`Medium`].
#[derive(Clone, Debug)]
pub struct EtcdMedium {
    keys: Keys,
    host: HostIndex,
    /// What was last seen of each host.
    stamps: Vec<Option<Stamp>>,
    /// Statuses that no snapshot has shown.
    fresh: Vec<Option<Status>>,
    /// The configuration that stands in etcd.
    decided: Option<Configuration>,
    /// The revision at which it was put; 0 if there is none.
    decided_at: i64,
    /// The revision at which the own record was put; 0 if there is none; none if nothing has been read.
    own_at: Option<i64>,
    sequence: u64,
    shown: ConfigurationNumber,
    cycle: Option<Cycle>,
    superseded: bool,
}

/// A cycle under way.
#[derive(Clone, Debug)]
struct Cycle {
    at: At,
    own: Status,
    proposal: Option<Configuration>,
    wanted: ConfigurationNumber,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Reading what earlier processes have left.
    Beginning,
    /// Putting the own record, for this time.
    Publishing(u32),
    /// Putting the proposal.
    Proposing,
}

impl EtcdMedium {
    /// The side of `host`, of a pool that has `hosts` hosts.
    ///
    /// # Panics
    /// If `host` is not among them.
    pub fn new(pool: PoolId, host: HostIndex, hosts: usize) -> Self {
        assert!(host.get() < hosts, "host {} is not of this pool", host.0);
        Self {
            keys: Keys::new(pool),
            host,
            stamps: vec![None; hosts],
            fresh: vec![None; hosts],
            decided: None,
            decided_at: 0,
            own_at: None,
            sequence: 0,
            shown: ConfigurationNumber(0),
            cycle: None,
            superseded: false,
        }
    }

    fn newest(&self) -> ConfigurationNumber {
        self.decided.as_ref().map(|decided| decided.number).unwrap_or_default()
    }

    /// Reads, and changes nothing.
    fn read(&self) -> Request {
        let get_prefix = self.keys.prefix().into();
        Request::Transaction { guard: None, put_if: Vec::new(), put: Vec::new(), get_prefix }
    }

    /// Puts the own record in the place of the one that was last seen.
    fn publish(&mut self, own: &Status, own_at: i64) -> Request {
        self.sequence = self.sequence.saturating_add(1);
        let key = self.keys.host(self.host);
        self.put_under(own_at, key, record::encode_record(self.sequence, own))
    }

    /// Puts the proposal in the place of the configuration that was last seen.
    fn propose(&self, proposal: &Configuration) -> Request {
        self.put_under(self.decided_at, self.keys.configuration(), record::encode_configuration(proposal))
    }

    fn put_under(&self, revision: i64, key: alloc::string::String, value: Vec<u8>) -> Request {
        Request::Transaction {
            guard: Some((key.clone(), revision)),
            put_if: vec![(key, value)],
            put: Vec::new(),
            get_prefix: self.keys.prefix().into(),
        }
    }

    /// Takes in what stands under the prefix.
    fn look(&mut self, values: &[KeyValue], own: &Status) -> Result<(), Fault> {
        let mut foreign = true;
        let (mut own_at, mut decided_at) = (0, 0);
        for KeyValue { key, value, mod_revision } in values {
            match self.keys.parse(key) {
                Some(Key::Pool) => {
                    record::check_pool(value)?;
                    foreign = false;
                }
                Some(Key::Configuration) => {
                    decided_at = *mod_revision;
                    if decided_at != self.decided_at {
                        self.look_at_configuration(value)?;
                    }
                }
                Some(Key::Host(host)) if host == self.host => {
                    own_at = *mod_revision;
                    self.look_at_own(value, own)?;
                }
                Some(Key::Host(host)) => self.look_at_host(host, value)?,
                // A later version's key that this one does not need to know.
                None => {}
            }
        }
        if foreign {
            return Err(Fault::Foreign);
        }
        if decided_at < self.decided_at || own_at < self.own_at.unwrap_or_default() {
            return Err(Fault::Stale);
        }
        (self.decided_at, self.own_at) = (decided_at, Some(own_at));
        Ok(())
    }

    fn look_at_configuration(&mut self, value: &[u8]) -> Result<(), Fault> {
        let decided = record::decode_configuration(value)?;
        // The same one again: it was seen in a transaction that was given up for another reason.
        let follows =
            self.decided.as_ref().is_none_or(|seen| decided.number > seen.number || decided == *seen);
        if !follows {
            return Err(Fault::Stale);
        }
        self.decided = Some(decided);
        Ok(())
    }

    fn look_at_own(&mut self, value: &[u8], own: &Status) -> Result<(), Fault> {
        let stamp = record::decode_stamp(value)?;
        let published = self.own_at.is_some();
        let mine = (own.boot, own.process);
        let theirs = (stamp.boot, stamp.process);
        // Before it has put anything, a process cannot have left anything either.
        if theirs > mine || theirs == mine && (!published || stamp.sequence > self.sequence) {
            return Err(Fault::Superseded);
        }
        Ok(())
    }

    fn look_at_host(&mut self, host: HostIndex, value: &[u8]) -> Result<(), Fault> {
        let stamp = record::decode_stamp(value)?;
        if self.stamps.len() <= host.get() {
            self.stamps.resize(host.get() + 1, None);
            self.fresh.resize(host.get() + 1, None);
        }
        let seen = self.stamps[host.get()];
        if Some(stamp) < seen {
            return Err(Fault::Stale);
        }
        if Some(stamp) > seen {
            self.fresh[host.get()] = Some(record::decode_status(value, host)?);
            self.stamps[host.get()] = Some(stamp);
        }
        Ok(())
    }

    /// What follows a transaction that has been looked at.
    fn go_on(&mut self, mut cycle: Cycle, guard_held: bool) -> Result<Step, Fault> {
        let at = match cycle.at {
            At::Beginning => At::Publishing(1),
            At::Publishing(MOST_PUTS) if !guard_held => return Err(Fault::Stale),
            At::Publishing(times) if !guard_held => At::Publishing(times + 1),
            At::Publishing(_) if self.can_propose(&cycle) => At::Proposing,
            At::Publishing(_) | At::Proposing => return Ok(Step::Done(self.snapshot(cycle.wanted))),
        };
        cycle.at = at;
        let request = match (at, &cycle.proposal) {
            (At::Proposing, Some(proposal)) => self.propose(proposal),
            _ => self.publish(&cycle.own, self.own_at.unwrap_or_default()),
        };
        self.cycle = Some(cycle);
        Ok(Step::Next(request))
    }

    fn can_propose(&self, cycle: &Cycle) -> bool {
        cycle.proposal.as_ref().is_some_and(|proposal| proposal.number == self.newest().next())
    }

    fn snapshot(&mut self, wanted: ConfigurationNumber) -> Snapshot {
        let fresh = self.fresh.iter_mut().enumerate();
        let renewed =
            fresh.filter_map(|(host, status)| Some((HostIndex::new(host), status.take()?))).collect();
        let newest = self.decided.as_ref().filter(|newest| newest.number > self.shown).cloned();
        self.shown = self.newest();
        Snapshot { renewed, newest, settled: wanted.0 > 0 && wanted <= self.shown }
    }
}

impl Medium for EtcdMedium {
    fn idle(&self) -> bool {
        self.cycle.is_none()
    }

    fn begin(&mut self, own: &Status, proposal: Option<&Configuration>) -> Request {
        debug_assert!(self.idle(), "one request is under way at a time");
        let (request, at) = match self.own_at {
            Some(own_at) if !self.superseded => (self.publish(own, own_at), At::Publishing(1)),
            _ => (self.read(), At::Beginning),
        };
        let wanted = proposal.map(|proposal| proposal.number).unwrap_or_default();
        self.cycle = Some(Cycle { at, own: own.clone(), proposal: proposal.cloned(), wanted });
        request
    }

    fn answered(&mut self, answer: Answer) -> Step {
        let Some(cycle) = self.cycle.take() else { return Step::Failed(Fault::Input) };
        if self.superseded {
            return Step::Failed(Fault::Superseded);
        }
        let Answer::Transaction { guard_held, values } = answer else { return Step::Failed(Fault::Input) };
        let step = self.look(&values, &cycle.own).and_then(|()| self.go_on(cycle, guard_held));
        step.unwrap_or_else(|fault| {
            self.superseded = fault == Fault::Superseded;
            Step::Failed(fault)
        })
    }

    /// What is decided stands in etcd already.
    fn learned(&mut self, _decided: &Configuration) {}

    /// Whoever puts a record is read.
    fn grown(&mut self, _hosts: usize) {}
}
