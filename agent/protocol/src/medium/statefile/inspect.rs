//! What stands in a statefile, for people and tools. Reads any bytes and never panics.
use super::layout::{self, BLOCK, COPIES, Global, REGION};
use super::paxos::{Ballot, Block};
use super::record::{self, Copy};
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::medium::{Fault, PoolId};
use crate::status::Status;
use alloc::vec::Vec;
use core::fmt;
use lifeboat_model::HostIndex;

/// What stands in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Whose it is.
    pub pool: PoolId,
    /// How many hosts the pool had when HA was enabled.
    pub hosts: usize,
    /// The newest decided configuration in any record.
    pub newest: Option<Configuration>,
    /// What each host has left, of those that have left anything.
    pub records: Vec<RecordSummary>,
}

/// What one host has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSummary {
    /// The host.
    pub host: HostIndex,
    /// What each of its copies is.
    pub copies: [CopySummary; COPIES],
    /// What it last said of itself.
    pub status: Option<Status>,
    /// The number of the newest configuration that it knows to be decided; 0 for none.
    pub decided: ConfigurationNumber,
    block: Option<Block>,
}

/// What a copy of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySummary {
    /// Never written.
    Blank,
    /// Torn or damaged.
    Torn,
    /// Of another pool or version.
    Foreign,
    /// Whole, with this sequence.
    Whole(u64),
}

/// Reads a whole region, or the beginning of one as far as it was read.
///
/// # Errors
/// If there is no global section of this version at the beginning, nor, in a whole region, at the end.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Fault> {
    let last = bytes.get(REGION - BLOCK..REGION).unwrap_or_default();
    let global = Global::decode(bytes).or_else(|fault| Global::decode(last).map_err(|_| fault))?;
    let mut inspection =
        Inspection { pool: global.pool, hosts: global.hosts, newest: None, records: Vec::new() };
    for host in (0..layout::MAX_HOSTS).map(HostIndex::new) {
        let Some(blocks) = bytes.get(layout::offset(host, 0)..layout::offset(host, COPIES)) else { break };
        if let Some(record) = inspection.summarize(blocks, host) {
            inspection.records.push(record);
        }
    }
    Ok(inspection)
}

impl Inspection {
    fn summarize(&mut self, blocks: &[u8], host: HostIndex) -> Option<RecordSummary> {
        let mut summary = RecordSummary {
            host,
            copies: [CopySummary::Blank; COPIES],
            status: None,
            decided: ConfigurationNumber(0),
            block: None,
        };
        let mut newest = None;
        for (place, block) in summary.copies.iter_mut().zip(blocks.chunks(BLOCK)) {
            let copy = record::examine(block, self.pool, host);
            *place = match copy {
                Ok(Copy::Blank) => CopySummary::Blank,
                Ok(Copy::Torn) => CopySummary::Torn,
                Err(_) => CopySummary::Foreign,
                Ok(Copy::Whole(header)) => {
                    if newest.is_none_or(|(other, _): (record::Header, &[u8])| other.stamp < header.stamp) {
                        newest = Some((header, block));
                    }
                    CopySummary::Whole(header.stamp.sequence)
                }
            };
        }
        let known = self.newest.as_ref().map(|newest| newest.number).unwrap_or_default();
        if let Some((header, block)) = newest
            && let Ok(body) = record::decode(block, &header, known)
        {
            summary.status = Some(body.status);
            summary.decided = header.decided;
            summary.block = body.block;
            self.newest = body.decided.or_else(|| self.newest.take());
        }
        let blank = summary.copies.iter().all(|copy| *copy == CopySummary::Blank);
        (!blank).then_some(summary)
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool ")?;
        for byte in self.pool.0 {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ", enabled with {} hosts, ", self.hosts)?;
        match &self.newest {
            None => writeln!(f, "no configuration decided")?,
            Some(newest) => writeln!(
                f,
                "configuration {} decided: host {} leads term {}",
                newest.number.0, newest.leader.0, newest.epoch.0
            )?,
        }
        self.records.iter().try_for_each(|record| writeln!(f, "{record}"))
    }
}

impl fmt::Display for RecordSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {}: copies {}, {}", self.host.0, self.copies[0], self.copies[1])?;
        if let Some(status) = &self.status {
            let Status { boot, process, phase, adopted, .. } = status;
            write!(f, "; boot {} process {}, {phase:?}, adopted {}", boot.0, process.0, adopted.0)?;
            write!(f, ", knows {} decided", self.decided.0)?;
        }
        if let Some(block) = &self.block {
            write!(f, "; for {} promised {}", block.number.0, block.promised)?;
            match &block.accepted {
                None => write!(f, ", accepted nothing")?,
                Some((ballot, value)) => write!(f, ", accepted at {ballot}: host {} leads", value.leader.0)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for CopySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("blank"),
            Self::Torn => f.write_str("torn"),
            Self::Foreign => f.write_str("foreign"),
            Self::Whole(sequence) => write!(f, "{sequence}"),
        }
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counter, by } = self;
        write!(f, "ballot {counter} of host {} boot {} process {}", by.host.0, by.boot.0, by.process.0)
    }
}
