//! The two copies of this host's own record: which one is written next, and whether both are what was written.
//!
//! A record is written over the copy that is not the newest durable one, so a torn write leaves that one standing. A
//! write that failed is followed by another to the same copy.
use super::layout::{BLOCK, COPIES};
use super::paxos::Owner;
use super::record::{self, Body, Copy, Header, RawHeader};
use crate::configuration::ConfigurationNumber;
use crate::medium::{Fault, PoolId};

/// The host's own copies.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// What each copy must show; none if that is uncertain.
    expected: [Option<RawHeader>; COPIES],
    /// The copy that is written next, or is being written.
    target: usize,
    /// The copy that was written in this cycle, until a reading has shown it.
    written: Option<usize>,
    /// The sequence of the newest record.
    sequence: u64,
}

impl Own {
    /// Takes in what earlier processes have left.
    ///
    /// # Errors
    /// `Unreadable` if both copies are damaged: what this host has agreed to is lost. `Superseded` if they are of a
    /// later process, or of this very one, which has not written yet.
    pub(super) fn adopt(blocks: &[u8], pool: PoolId, owner: Owner) -> Result<(Self, Option<Body>), Fault> {
        let mut copies = [Copy::Blank; COPIES];
        let mut expected = [None; COPIES];
        for (position, block) in blocks.chunks(BLOCK).enumerate().take(COPIES) {
            copies[position] = record::examine(block, pool, owner.host)?;
            expected[position] = (copies[position] != Copy::Torn).then(|| *record::raw_header(block));
        }
        let newest = match copies {
            [Copy::Torn, Copy::Torn] => return Err(Fault::Unreadable),
            [Copy::Whole(first), Copy::Whole(second)] => Some(usize::from(second.stamp > first.stamp)),
            [Copy::Whole(_), _] => Some(0),
            [_, Copy::Whole(_)] => Some(1),
            [Copy::Blank | Copy::Torn, Copy::Blank | Copy::Torn] => None,
        };
        let Some(newest) = newest else {
            // With one copy torn and the other blank, no record was ever durable.
            let target = usize::from(copies[1] == Copy::Torn);
            return Ok((Self { expected, target, ..Self::default() }, None));
        };
        let Copy::Whole(header) = copies[newest] else { return Err(Fault::Unreadable) };
        if (header.stamp.boot, header.stamp.process) >= (owner.boot, owner.process) {
            return Err(Fault::Superseded);
        }
        let block = &blocks[newest * BLOCK..][..BLOCK];
        let body = record::decode(block, &header, ConfigurationNumber(0)).map_err(|_| Fault::Unreadable)?;
        let sequence = header.stamp.sequence;
        Ok((Self { expected, target: 1 - newest, written: None, sequence }, Some(body)))
    }

    /// The sequence of the record that is to be written now.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }

    /// The copy that `record` is to be written to, now.
    pub(super) fn writing(&mut self, record: &[u8]) -> usize {
        self.written = None;
        self.expected[self.target] = Some(*record::raw_header(record));
        self.target
    }

    /// The write is durable.
    pub(super) fn is_durable(&mut self) {
        self.written = Some(self.target);
        self.target = 1 - self.target;
    }

    /// The write may or may not have taken effect, or in part.
    pub(super) fn is_uncertain(&mut self) {
        self.expected[self.target] = None;
    }

    /// Whether both copies are what was written, as they were read after a durable write.
    ///
    /// # Errors
    /// `Stale` if not, `Superseded` if one is of a later process.
    pub(super) fn verify(&mut self, blocks: &[u8], pool: PoolId, owner: Owner) -> Result<(), Fault> {
        let mut fault = None;
        for (position, block) in blocks.chunks(BLOCK).enumerate().take(COPIES) {
            let Some(expected) = self.expected[position] else { continue };
            let just_written = self.written == Some(position);
            let same = *record::raw_header(block) == expected;
            // The copy that was shown whole before needs no second look at more than its header.
            if same && !just_written {
                continue;
            }
            let copy = record::examine(block, pool, owner.host)?;
            if same && matches!(copy, Copy::Whole(_)) {
                continue;
            }
            if matches!(copy, Copy::Whole(header) if is_later(&header, owner)) {
                return Err(Fault::Superseded);
            }
            self.expected[position] = None;
            if just_written {
                // The other copy is the newest that is known to be durable: it is not to be touched.
                self.target = position;
            }
            fault = Some(Fault::Stale);
        }
        self.written = None;
        fault.map_or(Ok(()), Err)
    }
}

fn is_later(header: &Header, owner: Owner) -> bool {
    (header.stamp.boot, header.stamp.process) > (owner.boot, owner.process)
}
