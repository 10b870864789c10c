//! The statefile: a region of 4 MiB on a shared block device or file, with one record for each host.
//!
//! # What is assumed of the disk
//!
//! * **D1, durable.** A write that was answered is on the disk: every reading that begins later, by any host, shows it
//!   or what its host wrote later. (The shell opens with `O_DIRECT` and `O_DSYNC`; volatile caches are flushed.)
//! * **D2, torn and failed writes.** A write that is under way, that a crash cuts short, or that fails leaves in the
//!   blocks which it names, and nowhere else, any mixture of old and new bytes. No sector's atomicity is built on.
//! * **D3, order.** Once a write has been answered, even with failure, it takes no further effect; and a write of an earlier
//!   process or boot has taken its effect or never will when a later one of the host begins its first reading. (The kernel lets no
//!   process go while its writes are under way; a storage array executes or drops what a host had sent long before the host
//!   has booted again; paths are failed over only after the commands on the old one are aborted.)
//! * **D4, one writer.** One process at a time writes a host's copies.
//! * **D5, no silent change.** What is durable does not change by itself into something that carries a right CRC-32C.
//!
//! What is not so is noticed where that is possible: every complete cycle has found both of its own copies to be
//! exactly what was written ([`Fault::Stale`]: a lost, stray or late write, or a stale reading; [`Fault::Superseded`]: a
//! second writer), the global section in place ([`Fault::Foreign`]), and every other host's newest record known
//! beyond doubt ([`Fault::Unreadable`]). Copies that are found wrong are written anew from memory.
//!
//! # Why the promises of [`crate::medium`] hold
//!
//! 1. *A record is a register of its host.* A reading shows of each host the newest record that was durable when the
//!    reading began, or a later one. The two copies, and what is done when one is torn, give that: see
//!    `group.rs`. A process begins by reading its own record and goes on from it: sequence, decided
//!    configuration, Paxos block. So what a host has published is never taken back, except by a later record of its own.
//! 2. *Publish, then read.* A cycle reads only after its write was answered (D1).
//! 3. *One configuration a number.* By the argument in `paxos.rs` for proposers that read all others' blocks. Who
//!    proposes number k + 1 is a host of configuration k, and knows it; for the first number, a host that the global section counts.
//!    Each reads at least the records of all those. A host's block of number k + 1 disappears from its record only when
//!    that record tells that k + 1 or a later number is decided: whoever misses the block reads that, stops, and reports it.
//! 4. *The leader's ballot* is used for number k + 1 by a process of the host that leads by configuration k, if the host's record
//!    has no block of that number, and configuration k was not in any record when the process had first read them all. So no
//!    earlier process of the host has used it: it would have left the block in the record (D3), or, beyond what is assumed,
//!    would have known k from the network only, before anybody published it.
//! 5. *Decided is visible.* What a snapshot has shown is in the host's next record, is published by the host's next
//!    cycle, and by 1 stays or is followed by newer ones. Every reading that begins later takes the newest of all records.
//! 6. *A record that cannot be read* may hold a promise, an accepted value or a decided configuration. So a cycle that
//!    finds one is not complete: nothing is decided, and no lease is renewed by it. A host that is up heals its own copies
//!    with its next cycle. If it is not, and both copies are damaged (which no single torn write can do),
//!    the medium stays out of order until HA is enabled anew.
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::medium::{Answer, Fault, Medium, PoolId, Request, Snapshot, Step};
use crate::status::Status;
use crate::wire;
use alloc::{vec, vec::Vec};
use lifeboat_model::HostIndex;

mod group;
mod inspect;
mod layout;
mod own;
mod paxos;
mod proposer;
mod record;
#[cfg(test)]
mod tests;

pub use inspect::{CopySummary, Inspection, RecordSummary, inspect};
pub use layout::{BLOCK, COPIES, MAX_HOSTS, NoRoom, REGION, format};

use group::{Context, Group, Reading};
use layout::Global;
use own::Own;
use paxos::Owner;
use proposer::{Outcome, Proposer};

/// CRC-32C, as iSCSI has it.
fn checksum(bytes: &[u8]) -> u32 {
    static CRC: crc::Crc<u32, crc::Table<16>> = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISCSI);
    CRC.checksum(bytes)
}

/// How often a range is read again in which a copy is not whole, before the cycle fails.
const MOST_READINGS: u32 = 3;

/// A host's side of the statefile. One process of one boot uses one; see [`Medium`].
#[derive(Clone, Debug)]
pub struct StatefileMedium {
    pool: PoolId,
    host: HostIndex,
    groups: Vec<Group>,
    /// How many hosts the shell knows; records of all of them are read from the next cycle on.
    hosts: usize,
    /// The global section as the first reading found it, and how many hosts it counts.
    global: Option<([u8; layout::GLOBAL], usize)>,
    own: Own,
    proposer: Proposer,
    decided: Decided,
    /// The number of the newest decided configuration when this process had first read everything.
    at_start: Option<ConfigurationNumber>,
    /// The number of the last one that a snapshot has shown.
    shown: ConfigurationNumber,
    cycle: Option<Cycle>,
    superseded: bool,
}

/// The newest decided configuration, and how it is spelt.
#[derive(Clone, Debug, Default)]
struct Decided {
    configuration: Option<Configuration>,
    spelt: Vec<u8>,
}

/// A cycle under way.
#[derive(Clone, Debug)]
struct Cycle {
    at: At,
    owner: Owner,
    /// Kept while the record may have to be written again within the cycle.
    own: Option<Status>,
    proposal: Option<Configuration>,
    /// The number that is to be settled, 0 for none.
    wanted: ConfigurationNumber,
    /// How much was asked for in the reading under way.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Reading what earlier processes have left, before anything is written.
    Beginning,
    /// Writing the own record.
    Writing,
    /// Reading all, for this time.
    Reading(u32),
}

impl StatefileMedium {
    /// The side of `host`, of a pool that has `hosts` hosts.
    ///
    /// # Panics
    /// If a statefile has no room for so many, or `host` is not among them. Whoever enables HA checks that.
    pub fn new(pool: PoolId, host: HostIndex, hosts: usize) -> Self {
        assert!(hosts <= MAX_HOSTS && host.get() < hosts, "a statefile has room for {MAX_HOSTS} hosts");
        Self {
            pool,
            host,
            hosts,
            groups: vec![Group::default(); hosts],
            global: None,
            own: Own::default(),
            proposer: Proposer::default(),
            decided: Decided::default(),
            at_start: None,
            shown: ConfigurationNumber(0),
            cycle: None,
            superseded: false,
        }
    }

    /// The number of the newest configuration that is known to be decided.
    fn newest(&self) -> ConfigurationNumber {
        self.decided.configuration.as_ref().map(|decided| decided.number).unwrap_or_default()
    }

    fn is_decided(&mut self, configuration: Configuration) {
        if configuration.number <= self.newest() {
            return;
        }
        let hosts = configuration.hosts.len().min(MAX_HOSTS);
        if self.groups.len() < hosts {
            self.groups.resize_with(hosts, Group::default);
        }
        self.proposer.decided(configuration.number);
        let mut to = crate::bytes::Writer::with_capacity(wire::configuration::max_size(hosts));
        wire::configuration::encode(&configuration, &mut to);
        self.decided = Decided { configuration: Some(configuration), spelt: to.into_bytes() };
    }

    /// What is read in one piece: the global section and the records of all hosts that may publish.
    fn read_all(&self, cycle: &mut Cycle) -> Request {
        cycle.length = layout::reach(self.groups.len());
        Request::Read { offset: 0, length: cycle.length as u64 }
    }

    /// Whether this host is one of those that decide the number after the newest.
    fn has_a_say(&self) -> bool {
        let hosts = match &self.decided.configuration {
            Some(decided) => decided.hosts.len(),
            None => self.global.map_or(0, |(_, hosts)| hosts),
        };
        self.host.get() < hosts
    }

    /// Whether the leader's ballot of the number after the newest is this process's.
    fn leads(&self, owner: Owner) -> bool {
        let (Some(decided), Some(at_start)) = (&self.decided.configuration, self.at_start) else {
            return false;
        };
        decided.leader == self.host && decided.is_member(self.host, owner.boot) && decided.number > at_start
    }

    fn others(&self) -> impl Iterator<Item = &paxos::Block> + Clone {
        let others = self.groups.iter().enumerate().filter(|(host, _)| *host != self.host.get());
        others.filter_map(|(_, group)| group.block.as_ref())
    }

    /// Takes a ballot if there is something to propose, and publishes.
    fn publish(&mut self, own: &Status, cycle: &mut Cycle) -> Request {
        let next = self.newest().next();
        if let Some(proposal) = cycle.proposal.as_ref().filter(|proposal| proposal.number == next)
            && self.has_a_say()
        {
            let of_number = self.others().filter(|block| block.number == next);
            let highest = of_number.map(|block| block.promised).max();
            let leads = self.leads(cycle.owner);
            self.proposer.prepare(proposal, cycle.owner, leads, highest);
        }
        self.write(own, cycle)
    }

    fn write(&mut self, own: &Status, cycle: &mut Cycle) -> Request {
        let bytes = record::encode(&record::Draft {
            pool: self.pool,
            sequence: self.own.next_sequence(),
            status: own,
            decided: self.newest(),
            spelt: &self.decided.spelt,
            block: self.proposer.block(),
        });
        let copy = self.own.writing(&bytes);
        cycle.at = At::Writing;
        Request::Write { offset: layout::offset(self.host, copy) as u64, bytes }
    }

    /// The first reading of a process: whose region it is, and what earlier processes have left.
    fn begin_from(&mut self, bytes: &[u8], mut cycle: Cycle) -> Result<Step, Fault> {
        let global = Global::decode(bytes)?;
        if global.pool != self.pool {
            return Err(Fault::Foreign);
        }
        let mine = &bytes[layout::offset(self.host, 0)..][..COPIES * BLOCK];
        let (own, body) = Own::adopt(mine, self.pool, cycle.owner)?;
        self.look_at_all(bytes, false)?;
        self.own = own;
        if let Some(body) = body {
            self.proposer = Proposer::resume(body.block);
            if let Some(decided) = body.decided {
                self.is_decided(decided);
            }
        }
        self.proposer.decided(self.newest());
        self.global = Some((global.encode(), global.hosts));
        if self.groups.len() < global.hosts {
            self.groups.resize_with(global.hosts, Group::default);
        }
        let own = cycle.own.take().ok_or(Fault::Input)?;
        let request = self.publish(&own, &mut cycle);
        cycle.own = Some(own);
        self.cycle = Some(cycle);
        Ok(Step::Next(request))
    }

    /// Takes in what the other hosts have published; says whether all of it is beyond doubt.
    fn look_at_all(&mut self, bytes: &[u8], again: bool) -> Result<bool, Fault> {
        let mut clear = true;
        for position in 0..self.groups.len() {
            let host = HostIndex::new(position);
            if host == self.host {
                continue;
            }
            let context = Context { pool: self.pool, host, known: self.newest(), again };
            let Some(blocks) = bytes.get(layout::offset(host, 0)..layout::offset(host, COPIES)) else {
                break;
            };
            match self.groups[position].read(blocks, context)? {
                Reading::Clear(None) => {}
                Reading::Clear(Some(decided)) => self.is_decided(decided),
                Reading::Doubtful => clear = false,
            }
        }
        Ok(clear)
    }

    /// A reading of all, after the own record was durable.
    fn learn_from(&mut self, bytes: &[u8], reading: u32, mut cycle: Cycle) -> Result<Step, Fault> {
        if let Some((expected, _)) = self.global
            && !bytes.starts_with(&expected)
        {
            return Err(Global::decode(bytes).err().unwrap_or(Fault::Foreign));
        }
        let mine = &bytes[layout::offset(self.host, 0)..][..COPIES * BLOCK];
        if reading == 1 {
            self.own.verify(mine, self.pool, cycle.owner)?;
        }
        if !self.look_at_all(bytes, reading > 1)? {
            if reading == MOST_READINGS {
                return Err(Fault::Unreadable);
            }
            cycle.at = At::Reading(reading + 1);
            let request = self.read_all(&mut cycle);
            self.cycle = Some(cycle);
            return Ok(Step::Next(request));
        }
        self.at_start
            .get_or_insert(self.decided.configuration.as_ref().map(|d| d.number).unwrap_or_default());
        if let Some(request) = self.propose(&mut cycle) {
            self.cycle = Some(cycle);
            return Ok(Step::Next(request));
        }
        Ok(Step::Done(self.snapshot(cycle.wanted)))
    }

    /// Works on the proposal after a complete reading; a request if that goes on within the cycle.
    fn propose(&mut self, cycle: &mut Cycle) -> Option<Request> {
        let next = self.newest().next();
        let proposal = cycle.proposal.take().filter(|proposal| proposal.number == next)?;
        let others = self.groups.iter().enumerate().filter(|(host, _)| *host != self.host.get());
        let blocks = others.filter_map(|(_, group)| group.block.as_ref());
        match self.proposer.judge(blocks, &proposal, cycle.owner)? {
            Outcome::Decided(configuration) => {
                self.is_decided(configuration);
                None
            }
            Outcome::Accepted => {
                let own = cycle.own.take()?;
                let request = self.write(&own, cycle);
                (cycle.own, cycle.proposal) = (Some(own), Some(proposal));
                Some(request)
            }
        }
    }

    fn snapshot(&mut self, wanted: ConfigurationNumber) -> Snapshot {
        let mut renewed = Vec::new();
        for (position, group) in self.groups.iter_mut().enumerate() {
            if let Some(status) = group.fresh.take() {
                renewed.push((HostIndex::new(position), status));
            }
        }
        let newest = self.decided.configuration.as_ref().filter(|newest| newest.number > self.shown).cloned();
        self.shown = self.newest();
        Snapshot { renewed, newest, settled: wanted.0 > 0 && wanted <= self.shown }
    }
}

impl Medium for StatefileMedium {
    fn idle(&self) -> bool {
        self.cycle.is_none()
    }

    fn begin(&mut self, own: &Status, proposal: Option<&Configuration>) -> Request {
        if self.groups.len() < self.hosts {
            self.groups.resize_with(self.hosts, Group::default);
        }
        debug_assert!(self.idle(), "one request is under way at a time");
        let owner = Owner { host: self.host, boot: own.boot, process: own.process };
        let fits = |proposal: &&Configuration| proposal.hosts.len() <= MAX_HOSTS;
        let mut cycle = Cycle {
            at: At::Beginning,
            owner,
            own: None,
            proposal: proposal.filter(fits).cloned(),
            wanted: proposal.map(|proposal| proposal.number).unwrap_or_default(),
            length: 0,
        };
        let begun = self.global.is_some();
        if !begun || cycle.proposal.is_some() {
            cycle.own = Some(own.clone());
        }
        let publishes = begun && !self.superseded;
        let request = if publishes { self.publish(own, &mut cycle) } else { self.read_all(&mut cycle) };
        self.cycle = Some(cycle);
        request
    }

    fn answered(&mut self, answer: Answer) -> Step {
        let Some(mut cycle) = self.cycle.take() else { return Step::Failed(Fault::Input) };
        if self.superseded {
            return Step::Failed(Fault::Superseded);
        }
        let length = cycle.length;
        let step = match (cycle.at, answer) {
            (At::Writing, Answer::Written) => {
                self.own.is_durable();
                cycle.at = At::Reading(1);
                let request = self.read_all(&mut cycle);
                self.cycle = Some(cycle);
                Ok(Step::Next(request))
            }
            (At::Writing, _) => {
                self.own.is_uncertain();
                Err(Fault::Input)
            }
            (At::Beginning, Answer::Read(bytes)) if bytes.len() == length => self.begin_from(&bytes, cycle),
            (At::Reading(reading), Answer::Read(bytes)) if bytes.len() == length => {
                self.learn_from(&bytes, reading, cycle)
            }
            (At::Beginning | At::Reading(_), _) => Err(Fault::Input),
        };
        step.unwrap_or_else(|fault| {
            self.superseded = fault == Fault::Superseded;
            Step::Failed(fault)
        })
    }

    fn learned(&mut self, decided: &Configuration) {
        // A configuration that a statefile cannot hold was not decided on one.
        if decided.hosts.len() <= MAX_HOSTS {
            self.is_decided(decided.clone());
        }
    }

    fn grown(&mut self, hosts: usize) {
        self.hosts = self.hosts.max(hosts.min(MAX_HOSTS));
    }
}
